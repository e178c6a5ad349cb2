// threads ARTEFACT [BACKEND]: many threads open, share, use and close models at once, each with cells of its own, some making
// mistakes; every cell comes out as in one thread, to the last bit. Run under ThreadSanitizer by scripts/check_robustness.sh.
#include <atomic>
#include <memory>
#include <thread>

#include "host.h"

namespace {

constexpr std::size_t n_cells = 150, n_threads = 6, n_days = 35;

struct Part {
  std::size_t first, n;
};

// Uneven parts, one of them empty.
Part part(std::size_t thread) {
  static constexpr std::size_t starts[n_threads + 1] = {0, 1, 1, 17, 80, 81, n_cells};
  return {starts[thread], starts[thread + 1] - starts[thread]};
}

std::atomic<int> thread_failures{0};

void expect(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "FAILED: %s (last error: %s)\n", what, ecostep_last_error());
  ++thread_failures;
}

// Half days, so that sums of the day cross steps; now and then a call that fails and must change nothing.
void run(Host& host, bool mistakes) {
  for (std::size_t step = 0; step < 2 * n_days; ++step) {
    if (mistakes && step % 7 == 3) {
      const std::string name = "no_such_input_" + std::to_string(host.ncell());
      expect(ecostep_set_input(host.cells, name.c_str(), "K", nullptr, ECOSTEP_F64, host.ncell(), 1) == ECOSTEP_UNKNOWN_NAME,
             "unknown name");
      expect(std::strstr(ecostep_last_error(), name.c_str()) != nullptr, "the message is that of this thread");
      expect(ecostep_step(host.cells, 2001, 2, 30, 0, 86400) == ECOSTEP_BAD_DATE, "bad date");
    }
    expect(host.step(43200) == ECOSTEP_OK, "step");
  }
}

bool same_part(const Host& whole, const Host& part, std::size_t first) {
  const std::size_t width = ecostep_state_size(whole.model());
  if (part.ncell() == 0) return true;
  bool same = std::memcmp(whole.state.data() + first * width, part.state.data(), part.state.size() * sizeof(float)) == 0;
  for (std::size_t v = 0; v < whole.outputs.size(); ++v)
    same = same && std::memcmp(whole.outputs[v].data() + first, part.outputs[v].data(), part.ncell() * sizeof(double)) == 0;
  return same;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char *path = argv[1], *backend = argc > 2 ? argv[2] : nullptr;
  ecostep_model* model = open_or_exit(path, backend);
  Host whole(model, n_cells);
  run(whole, false);
  check(whole.finite(), "results are finite");

  // One model shared by all; each thread also opens and closes one of its own, and describes it.
  for (const bool shared : {true, false}) {
    std::vector<std::unique_ptr<Host>> parts(n_threads);
    std::vector<ecostep_model*> models(n_threads, nullptr);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < n_threads; ++t) {
      threads.emplace_back([&, t] {
        expect(ecostep_open(path, backend, &models[t]) == ECOSTEP_OK, "open");
        expect(std::strcmp(ecostep_model_metadata(models[t]), ecostep_model_metadata(model)) == 0, "metadata");
        if (t % 2 == 0) {
          const ecostep_status status = ecostep_verify(models[t], nullptr);
          expect(status == ECOSTEP_OK || status == ECOSTEP_NOT_AVAILABLE, "verify");
        }
        parts[t] = std::make_unique<Host>(shared ? model : models[t], part(t).n, part(t).first);
        run(*parts[t], t % 2 == 1);
        expect(same_part(whole, *parts[t], part(t).first), "the same bits as in one thread");
        if (shared) ecostep_close(models[t]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    if (shared) continue;
    for (ecostep_model* thread_model : models) ecostep_close(thread_model);  // before the cells made from it
    for (auto& host : parts) {
      expect(host->step() == ECOSTEP_OK, "cells outlive their model");
      host.reset();
    }
  }
  ecostep_close(model);
  return failures + thread_failures != 0;
}
