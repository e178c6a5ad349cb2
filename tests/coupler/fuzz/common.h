// What the fuzzers share: zip files in memory, files that can be opened, and a host that tries whatever an artefact offers.
#pragma once

#include <ecostep.h>
#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

// Anything that a fuzzer finds wrong ends it here.
inline void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "FOUND: %s (last error: %s)\n", what, ecostep_last_error());
  std::abort();
}

// A file in memory, opened under the path that `path()` gives.
class MemoryFile {
 public:
  MemoryFile();
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  void set(const char* bytes, std::size_t size);
  const char* path() const { return path_.c_str(); }

 private:
  int file_;
  std::string path_;
};

// A zip file of stored entries.
std::string make_zip(const std::vector<std::pair<std::string, std::string>>& entries);

// The entries of an artefact from one text: "%%NAME\n" and the content, for ecostep.json, native.json, native.bin, reference.f32.
std::vector<std::pair<std::string, std::string>> split_entries(const std::string& text);

// Write the right checksums into the directory of a zip file, as far as it can be read: without that no change of an entry would
// get beyond the test of its checksum.
void repair_checksums(std::string& zip);

// Open `path` with each backend and run what opens: verify, first state, days at the ends of a month and a year, half days.
void exercise(const char* path);
