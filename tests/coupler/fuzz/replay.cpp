// replay FILE-OR-FOLDER...: runs a fuzzer on files, where there is no libFuzzer: the corpus as a test with any compiler.
#include <dirent.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

int n_inputs = 0;

bool replay(const std::string& path) {
  if (DIR* folder = opendir(path.c_str())) {
    bool good = true;
    while (const dirent* entry = readdir(folder))
      if (entry->d_name[0] != '.') good = replay(path + "/" + entry->d_name) && good;
    closedir(folder);
    return good;
  }
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return std::perror(path.c_str()), false;
  std::vector<std::uint8_t> bytes;
  for (int c; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<std::uint8_t>(c));
  std::fclose(file);
  std::fprintf(stderr, "%s\n", path.c_str());  // the last one is the one that failed
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  ++n_inputs;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  bool good = true;
  for (int i = 1; i < argc; ++i) good = replay(argv[i]) && good;
  std::printf("%d inputs replayed\n", n_inputs);
  return good && n_inputs > 0 ? 0 : 1;
}
