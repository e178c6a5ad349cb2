// flux = bias + weights x drivers, smoothed in time: what a host is built and tested with where there is no torch.
#include <cstring>

#include "backend.h"

namespace ecostep {
namespace {

class StubBackend final : public Backend {
 public:
  explicit StubBackend(const Artefact& artefact)
      : n_inputs_(artefact.inputs.size()), n_targets_(artefact.targets.size()), stub_(artefact.stub) {}

  void init_state(std::size_t rows, const float*, float* state) const override {
    std::memset(state, 0, rows * n_targets_ * sizeof(float));
  }

  void step(std::size_t rows, const float* drivers, const std::int64_t*, const float*, const float* state, float* flux,
            float* new_state) const override {
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t c = 0; c < n_targets_; ++c) {
        float value = stub_.bias[c];
        for (std::size_t d = 0; d < n_inputs_; ++d) value += stub_.weights[c * n_inputs_ + d] * drivers[row * n_inputs_ + d];
        const std::size_t i = row * n_targets_ + c;
        new_state[i] = stub_.decay[c] * state[i] + (1.0f - stub_.decay[c]) * value;
        flux[i] = new_state[i];
      }
    }
  }

 private:
  std::size_t n_inputs_, n_targets_;
  StubCoefficients stub_;
};

}  // namespace

std::unique_ptr<Backend> make_stub_backend(const Artefact& artefact) {
  return std::make_unique<StubBackend>(artefact);
}

}  // namespace ecostep
