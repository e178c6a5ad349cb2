// corruption ARTEFACT STRIDE [BACKEND]: the artefact with single bytes changed, and cut off, at every STRIDE-th place (1: at every
// place and with every single bit). Each must be refused with a status and a message that names the file, or give the same results
// to the last bit.
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"

namespace {

constexpr std::size_t n_cells = 3;
constexpr int n_days = 2;

// A file in memory under a name that can be opened.
class MemoryFile {
 public:
  MemoryFile() : file_(memfd_create("artefact", 0)), path_("/proc/self/fd/" + std::to_string(file_)) {
    if (file_ < 0) std::perror("memfd_create"), std::exit(1);
  }
  ~MemoryFile() { close(file_); }
  void set(const std::string& bytes, std::size_t size) {
    if (ftruncate(file_, static_cast<off_t>(size)) != 0 || pwrite(file_, bytes.data(), size, 0) != static_cast<ssize_t>(size))
      std::perror("write"), std::exit(1);
  }
  const char* path() const { return path_.c_str(); }

 private:
  int file_;
  std::string path_;
};

std::string read_bytes(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) std::perror(path), std::exit(1);
  std::string bytes;
  char buffer[65536];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) bytes.append(buffer, n);
  std::fclose(file);
  return bytes;
}

struct Results {
  std::string metadata, backend;
  std::vector<float> state;
  Host::Arrays outputs;
  bool operator==(const Results& other) const {
    return metadata == other.metadata && backend == other.backend && Host::same(state, other.state) &&
           Host::same(outputs, other.outputs);
  }
};

Results run(const ecostep_model* model) {
  Host host(model, n_cells);
  for (int day = 0; day < n_days; ++day) must(host.step(), "step");
  return {ecostep_model_metadata(model), ecostep_model_backend(model), host.state, host.outputs};
}

class Trial {
 public:
  Trial(const std::string& good, const char* backend) : backend_(backend) {
    file_.set(good, good.size());
    ecostep_model* model = open_or_exit(file_.path(), backend_);
    expected_ = run(model);
    ecostep_close(model);
  }

  void test(const std::string& bytes, std::size_t size, const std::string& what) {
    file_.set(bytes, size);
    ecostep_model* model = nullptr;
    const ecostep_status status = ecostep_open(file_.path(), backend_, &model);
    ++tried;
    if (status == ECOSTEP_OK) {
      check(run(model) == expected_, what + " changes results");
      ecostep_close(model);
    } else {
      ++refused;
      check(model == nullptr, what + " leaves a model");
      check(status == ECOSTEP_CORRUPT || status == ECOSTEP_NOT_AN_ARTEFACT,
            what + " has status " + std::string(ecostep_status_name(status)));
      check(std::strstr(ecostep_last_error(), file_.path()) != nullptr, what + ": the message does not name the file");
    }
  }

  std::size_t tried = 0, refused = 0;

 private:
  const char* backend_;
  MemoryFile file_;
  Results expected_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string good = read_bytes(argv[1]);
  const std::size_t stride = std::strtoul(argv[2], nullptr, 10);
  if (stride == 0) return 2;
  Trial trial(good, argc > 3 ? argv[3] : nullptr);
  std::string bytes = good;
  std::size_t changed = 0, cut = 0;
  // Offsets of a stride, jittered so that no column of a table is left out; the last 4 kB, where the directory lies, more densely.
  for (std::size_t at = 0; at < good.size() && failures < 20;) {
    const unsigned char masks[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
    for (const unsigned char mask : masks) {
      if (stride > 1 && mask != masks[static_cast<std::size_t>(9 * scatter(at, 1, 0))]) continue;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(good[at]) ^ mask);
      trial.test(bytes, bytes.size(), "byte " + std::to_string(at) + " ^ " + std::to_string(mask));
      ++changed;
    }
    bytes[at] = good[at];
    trial.test(good, at, "cut off at " + std::to_string(at));
    ++cut;
    const std::size_t here = good.size() - at < 4096 ? 1 + stride / 64 : stride;
    at += stride == 1 ? 1 : 1 + static_cast<std::size_t>((2.0 * static_cast<double>(here) - 1.0) * scatter(at, 2, 0));
  }
  for (const std::size_t more : {1, 22, 65536, 70000})
    trial.test(good + std::string(more, '\0'), good.size() + more, "longer by " + std::to_string(more));
  std::printf("%zu bytes: %zu changed, %zu cuts, %zu of %zu refused\n", good.size(), changed, cut, trial.refused, trial.tried);
  check(trial.refused > trial.tried / 2, "damage is noticed");
  return failures != 0;
}
