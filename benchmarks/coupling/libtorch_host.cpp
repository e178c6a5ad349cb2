// What a host without ecostep does: TorchScript called once per step on (N, D) tensors, through libtorch alone.
#include <ATen/Parallel.h>
#include <torch/script.h>

#include <time.h>

#include <cstdint>
#include <string>

namespace {

std::string failure;

struct Host {
  torch::jit::Module module;
  torch::Tensor drivers, state;
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

extern "C" {

const char* host_error() { return failure.c_str(); }

// Load the module and make the state of n cells; drivers (n, d) and statics (n, p) are copied.
Host* host_open(const char* path, std::int64_t n, std::int64_t d, std::int64_t p, float* drivers, float* statics) {
  try {
    at::set_num_threads(1);
    const c10::InferenceMode inference;
    auto* host = new Host{torch::jit::load(path), torch::from_blob(drivers, {n, d}).clone(), {}};
    host->module.eval();
    host->state = host->module.get_method("init_state")({torch::from_blob(statics, {n, p}).clone()}).toTensor();
    return host;
  } catch (const std::exception& error) {
    failure = error.what();
    return nullptr;
  }
}

void host_close(Host* host) { delete host; }

// Processor time (s) of `count` steps on days of this calendar row (6 numbers); negative after a failure. The sum of the last fluxes goes to `sum`.
double host_steps(Host* host, std::int64_t* calendar, int count, double* sum) {
  try {
    const c10::InferenceMode inference;
    const auto step = host->module.get_method("step");
    torch::Tensor flux;
    const double began = thread_seconds();
    for (int i = 0; i < count; ++i) {
      const torch::Tensor day = torch::from_blob(calendar, {6}, torch::kInt64);
      const auto results = step({host->drivers, day, host->state}).toTuple();
      flux = results->elements()[0].toTensor();
      host->state = results->elements()[1].toTensor();
      ++calendar[2], ++calendar[3];
    }
    const double spent = thread_seconds() - began;
    *sum = flux.sum().item<double>();
    return spent;
  } catch (const std::exception& error) {
    failure = error.what();
    return -1.0;
  }
}
}
