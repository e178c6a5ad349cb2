// The entries of an artefact, one after the other ("%%NAME\n" and the content), put into a sound zip file: metadata, native
// program, its constants, reference run.
#include <algorithm>

#include "common.h"
#include "json_mutator.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size) __attribute__((weak));

namespace {

std::string join(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string text;
  for (const auto& [name, content] : entries) text += "%%" + name.substr(name.rfind('/') + 1) + "\n" + content;
  return text;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  auto entries = split_entries(std::string(reinterpret_cast<const char*>(data), size));
  if (entries.empty()) return LLVMFuzzerMutate(data, size, max_size);
  auto& [name, content] = entries[seed / 4 % entries.size()];
  if (name.find(".json") != std::string::npos) {
    content = JsonMutator(seed).mutate(content);
  } else {
    content.resize(std::min(content.size(), max_size / 2));
    std::vector<std::uint8_t> bytes(content.begin(), content.end());
    bytes.resize(content.size() + 64);
    bytes.resize(LLVMFuzzerMutate(bytes.data(), content.size(), bytes.size()));
    content.assign(bytes.begin(), bytes.end());
  }
  const std::string text = join(entries);
  if (text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile file;
  const auto entries = split_entries(std::string(reinterpret_cast<const char*>(data), size));
  const std::string zip = make_zip(entries);
  file.set(zip.data(), zip.size());
  exercise(file.path());
  return 0;
}
