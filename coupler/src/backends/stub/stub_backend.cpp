// flux = bias + weights x drivers, smoothed in time: what a host is built and tested with where there is no torch.
#include <algorithm>
#include <memory>

#include "backends/backend.h"
#include "core/archive.h"
#include "core/artefact.h"

namespace ecostep {
namespace {

class StubBackend final : public Backend {
 public:
  explicit StubBackend(const Artefact& artefact) : d_(artefact.inputs.size()), c_(artefact.targets.size()), stub_(artefact.stub) {}

  void changes(const CalendarRow&, bool, std::vector<StateSpan>& spans) const override { spans.assign(1, {0, c_}); }

  void init_state(std::size_t used, std::size_t, const float*, float* state, std::size_t state_stride) const override {
    for (std::size_t i = 0; i < used; ++i) std::fill_n(state + i * state_stride, c_, 0.0f);
  }

  void step(const CalendarRow&, const Block& block) const override {
    for (std::size_t c = 0; c < c_; ++c) {
      for (std::size_t i = 0; i < block.used; ++i) {
        float value = stub_.bias[c];
        for (std::size_t d = 0; d < d_; ++d) value += stub_.weights[c * d_ + d] * block.drivers[d * block.stride + i];
        const float smoothed = stub_.decay[c] * block.state[i * block.state_stride + c] + (1.0f - stub_.decay[c]) * value;
        block.changed[i * block.width + c] = smoothed;
        block.flux[c * block.stride + i] = smoothed;
      }
    }
  }

  void gradient(const CalendarRow&, const Block& block, const Adjoint& adjoint) const override {
    for (std::size_t i = 0; i < block.used; ++i) {
      std::fill_n(adjoint.drivers + i * d_, d_, 0.0f);
      for (std::size_t c = 0; c < c_; ++c) {
        const float weight = adjoint.flux[i * c_ + c] + (adjoint.state != nullptr ? adjoint.state[i * c_ + c] : 0.0f);
        adjoint.old_state[i * c_ + c] = stub_.decay[c] * weight;
        for (std::size_t d = 0; d < d_; ++d)
          adjoint.drivers[i * d_ + d] += (1.0f - stub_.decay[c]) * stub_.weights[c * d_ + d] * weight;
      }
    }
  }

  double flops() const override { return static_cast<double>(2 * c_ * (d_ + 2)); }

 private:
  std::size_t d_, c_;
  StubCoefficients stub_;
};

}  // namespace

std::unique_ptr<Backend> make_stub_backend(const Artefact& artefact, const Archive&, bool /*trusted*/) {
  return std::make_unique<StubBackend>(artefact);
}

}  // namespace ecostep
