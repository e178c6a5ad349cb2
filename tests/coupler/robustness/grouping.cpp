// grouping ARTEFACT [BACKEND]: replays the reference run, and steps a region in calls of different numbers of cells, over ends of
// months and of the year, which must give the same bits. Prints a checksum of all results, by which machines and instruction sets
// are compared.
#include <zlib.h>

#include <algorithm>
#include <memory>

#include "host.h"

namespace {

constexpr std::size_t n_cells = 83, n_days = 70;

struct Digest {
  uLong sum = crc32(0, nullptr, 0);
  template <class T>
  void add(const std::vector<T>& values) {
    sum = crc32(sum, reinterpret_cast<const Bytef*>(values.data()), static_cast<uInt>(values.size() * sizeof(T)));
  }
};

// Results of all cells and days, computed in calls of at most `size` cells.
uLong run(const ecostep_model* model, std::size_t size) {
  std::vector<std::unique_ptr<Host>> hosts;
  for (std::size_t first = 0; first < n_cells; first += size)
    hosts.push_back(std::make_unique<Host>(model, std::min(size, n_cells - first), first));
  std::vector<double> all(n_cells);
  std::vector<float> state;
  Digest digest;
  for (auto& host : hosts) host->month = 11, host->day = 15;
  for (std::size_t day = 0; day < n_days; ++day) {
    for (auto& host : hosts) must(host->step(), "ecostep_step");
    for (std::size_t v = 0; v < hosts[0]->outputs.size(); ++v) {
      all.clear();
      for (auto& host : hosts) all.insert(all.end(), host->outputs[v].begin(), host->outputs[v].end());
      digest.add(all);
    }
  }
  for (auto& host : hosts) {
    check(host->finite(), "results are finite");
    state.insert(state.end(), host->state.begin(), host->state.end());
  }
  digest.add(state);
  return digest.sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  ecostep_model* model = open_or_exit(argv[1], argc > 2 ? argv[2] : nullptr);
  double difference = 0.0;
  const ecostep_status status = ecostep_verify(model, &difference);
  check(status == ECOSTEP_OK || status == ECOSTEP_NOT_AVAILABLE, "verify");
  const uLong whole = run(model, n_cells);
  for (const std::size_t size : {1u, 3u, 16u, 20u, 70u})
    check(run(model, size) == whole, "the same bits in calls of " + std::to_string(size));
  std::printf("%s %s largest difference from the reference %.3g, results %08lx\n", argv[1], ecostep_model_backend(model),
              difference, whole);
  ecostep_close(model);
  return failures != 0;
}
