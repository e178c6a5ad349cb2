// small_stack ARTEFACT...: artefacts are opened, described and verified on the smallest stacks that hosts give to threads, and
// files that are not are refused there, also those written to use a stack up.
#include <pthread.h>

#include <fstream>
#include <iterator>

#include "../fuzz/common.h"
#include "host.h"

namespace {

constexpr std::size_t stack_bytes = 32 << 10;

struct Attempt {
  const char* path;
  bool sound;
  const char* expected;  // in the message, where the file is refused
};

void* open_on_this_stack(void* argument) {
  const Attempt& attempt = *static_cast<const Attempt*>(argument);
  for (const char* backend : {"none", ""}) {
    ecostep_model* model = nullptr;
    const ecostep_status status = ecostep_open(attempt.path, backend, &model);
    if (attempt.sound) {
      check(status == ECOSTEP_OK, "opens");
      ecostep_variable variable;
      check(ecostep_variable_info(model, ECOSTEP_INPUT, 0, &variable) == ECOSTEP_OK, "tells its first input");
      const ecostep_status verified = ecostep_verify(model, nullptr);
      check(verified == (*backend != '\0' ? ECOSTEP_NO_BACKEND : ECOSTEP_OK) || verified == ECOSTEP_NOT_AVAILABLE,
            "replays its run");
    } else if (*backend == '\0') {
      check(status == ECOSTEP_CORRUPT || status == ECOSTEP_FILE_ERROR || status == ECOSTEP_NOT_AN_ARTEFACT, "is refused");
      check(std::strstr(ecostep_last_error(), attempt.expected) != nullptr, std::string("says '") + attempt.expected + "'");
    }
    ecostep_close(model);
  }
  return nullptr;
}

void try_to_open(const char* path, bool sound, const char* expected = "") {
  Attempt attempt{path, sound, expected};
  pthread_attr_t attributes;
  pthread_t thread;
  if (pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, stack_bytes) != 0 ||
      pthread_create(&thread, &attributes, open_on_this_stack, &attempt) != 0) {
    std::fprintf(stderr, "no thread with a stack of %zu bytes\n", stack_bytes);
    std::exit(1);
  }
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

std::string repeated(const char* text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

void try_entries(const std::vector<std::pair<std::string, std::string>>& entries, const char* expected) {
  MemoryFile file;
  const std::string zip = make_zip(entries);
  file.set(zip.data(), zip.size());
  try_to_open(file.path(), false, expected);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) try_to_open(argv[i], true);
  try_to_open("/nowhere.pt", false, "cannot be opened");
  try_to_open("/", false, "a folder");
  try_to_open("/dev/zero", false, "a device");

  const std::string lists = repeated("[", 200000), objects = repeated("{\"a\":", 200000);
  for (const std::string& deep : {lists, objects}) {
    try_entries({{"a/extra/ecostep.json", deep}}, "levels");
    try_entries({{"a/extra/ecostep.json", R"({"format":"ecostep-artefact","deep":)" + deep}}, "levels");
  }
  try_entries({{"a/extra/ecostep.json", repeated(" ", 9 << 20)}}, "more than any artefact");
  std::ifstream seed(ECOSTEP_CORPUS "/artefact/native.txt", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(seed)), std::istreambuf_iterator<char>());
  auto entries = split_entries(text);
  for (const std::string& deep : {lists, objects, "[" + repeated("1,", 5 << 20) + "1]"}) {
    for (auto& [name, content] : entries)
      if (name == "artefact/extra/native.json") content = deep;
    try_entries(entries, "native.json: no JSON");
  }
  return failures == 0 ? 0 : 1;
}
