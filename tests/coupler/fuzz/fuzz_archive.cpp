// Bytes as a zip file: the reader of archives, and of artefacts behind it. Checksums are put right for seven of eight inputs.
#include "common.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFile file;
  std::string zip(reinterpret_cast<const char*>(data), size);
  if (size == 0 || data[size / 2] % 8 != 0) repair_checksums(zip);
  file.set(zip.data(), zip.size());
  exercise(file.path());
  return 0;
}
