// The backend that runs an artefact's native program.
#include <memory>

#include "backends/backend.h"
#include "backends/native/executor.h"
#include "backends/native/reader.h"
#include "core/archive.h"
#include "core/artefact.h"
#include "core/error.h"

namespace ecostep {
namespace {

class NativeBackend final : public Backend {
 public:
  explicit NativeBackend(native::NativeProgram program, const native::Sizes& sizes) : executor_(std::move(program), sizes) {}
  std::size_t block() const override { return native::full_lanes; }
  void changes(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const override {
    executor_.changes(calendar, observed, spans);
  }
  void step(const CalendarRow& calendar, const Block& block) const override { executor_.step(calendar, block); }
  void init_state(std::size_t used, std::size_t stride, const float* statics, float* state,
                  std::size_t state_stride) const override {
    executor_.init_state(used, stride, statics, state, state_stride);
  }
  double flops() const override { return executor_.program().flops(native::day_method_names[native::ordinary_day]); }

 private:
  native::Executor executor_;
};

}  // namespace

std::unique_ptr<Backend> make_native_backend(const Artefact& artefact, const Archive& archive, bool /*trusted*/) {
  const std::string_view json = archive.find("extra/native.json"), constants = archive.find("extra/native.bin");
  if (json.data() == nullptr || constants.data() == nullptr)
    fail(ECOSTEP_CORRUPT, artefact.path,
         ": extra/native.json or extra/native.bin is missing, though the artefact names the backend native");
  const native::Sizes sizes{artefact.inputs.size(), artefact.statics.size(), artefact.targets.size(), artefact.state_size,
                            artefact.past_flux != "none"};
  return std::make_unique<NativeBackend>(native::read_program(artefact.path, sizes, json, constants), sizes);
}

}  // namespace ecostep
