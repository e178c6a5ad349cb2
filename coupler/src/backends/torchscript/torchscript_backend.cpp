// The TorchScript backend as the core sees it: blocks of cells become what the plugin takes, and back.
#include <algorithm>
#include <memory>
#include <vector>

#include "backends/backend.h"
#include "backends/torchscript/plugin_loader.h"
#include "backends/torchscript/plugin_model.h"
#include "backends/torchscript/row_counts.h"
#include "core/aligned_floats.h"
#include "core/archive.h"
#include "core/artefact.h"

namespace ecostep {
namespace {

class TorchscriptBackend final : public Backend {
 public:
  TorchscriptBackend(const ecostep_plugin& plugin, const Artefact& artefact, const Archive& archive, bool trusted)
      : model_(plugin, artefact, archive, trusted),
        row_counts_(model_, artefact.reference),
        d_(artefact.inputs.size()),
        p_(artefact.statics.size()),
        c_(artefact.targets.size()),
        s_(artefact.state_size) {}

  std::size_t block() const override { return row_counts_.most(); }

  void changes(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const override {
    model_.expected_changes(calendar, observed, spans);
  }

  void init_state(std::size_t used, std::size_t stride, const float* statics, float* state,
                  std::size_t state_stride) const override {
    row_counts_.in_parts(used, false, [&](std::size_t first, std::size_t cells, std::size_t rows) {
      Scratch& scratch = sized_scratch(rows);
      transpose(statics + first, p_, cells, stride, rows, scratch.drivers.data());
      model_.init_state(rows, scratch.drivers.data(), scratch.state.data());
      for (std::size_t i = 0; i < cells; ++i) std::copy_n(scratch.state.data() + i * s_, s_, state + (first + i) * state_stride);
    });
  }

  void step(const CalendarRow& calendar, const Block& block) const override {
    std::vector<StateSpan>& spans = thread_scratch().spans;
    changes(calendar, block.observed != nullptr, spans);
    if (total_size(spans) != block.width) throw ChangesGrew();  // since the caller asked
    row_counts_.in_parts(block.used, block.observed != nullptr, [&](std::size_t first, std::size_t cells, std::size_t rows) {
      Scratch& scratch = sized_scratch(rows);
      const PluginModel::Arguments arguments = gather(block, first, cells, rows, scratch);
      model_.step(rows, cells, arguments, calendar, spans, scratch.flux.data(), block.changed + first * block.width);
      for (std::size_t c = 0; c < c_; ++c)
        for (std::size_t i = 0; i < cells; ++i) block.flux[c * block.stride + first + i] = scratch.flux[i * c_ + c];
    });
  }

  // In blocks of the usual size: nobody has tried whether derivatives have the same bits in others.
  void gradient(const CalendarRow& calendar, const Block& block, const Adjoint& adjoint) const override {
    const std::size_t rows = std::min(row_counts_.most(), usual_block);
    for (std::size_t first = 0; first < block.used; first += rows) {
      const std::size_t cells = std::min(rows, block.used - first);
      Scratch& scratch = sized_scratch(rows);
      scratch.old_state.resize(std::max(scratch.old_state.size(), rows * s_));
      const PluginModel::Arguments arguments = gather(block, first, cells, rows, scratch);
      AlignedFloats flux(rows * c_), state(rows * s_), drivers(rows * d_);  // weights of the rows that fill up stay 0
      std::copy_n(adjoint.flux + first * c_, cells * c_, flux.data());
      if (adjoint.state != nullptr) std::copy_n(adjoint.state + first * s_, cells * s_, state.data());
      model_.gradient(rows, arguments, calendar, flux.data(), adjoint.state != nullptr ? state.data() : nullptr, drivers.data(),
                      scratch.old_state.data());
      std::copy_n(drivers.data(), cells * d_, adjoint.drivers + first * d_);
      std::copy_n(scratch.old_state.data(), cells * s_, adjoint.old_state + first * s_);
    }
  }

 private:
  // One block as torch takes it, (rows, variable). Kept by each thread, so that the hot loop allocates nothing of its own.
  struct Scratch {
    AlignedFloats drivers, observed, state, flux, old_state;
    std::vector<StateSpan> spans;
  };

  static Scratch& thread_scratch() {
    thread_local Scratch scratch;
    return scratch;
  }

  Scratch& sized_scratch(std::size_t rows) const {
    Scratch& scratch = thread_scratch();
    const auto grow = [](AlignedFloats& floats, std::size_t size) {
      if (floats.size() < size) floats.resize(size);
    };
    grow(scratch.drivers, rows * std::max(d_, p_)), grow(scratch.observed, rows * c_), grow(scratch.flux, rows * c_);
    grow(scratch.state, rows * s_);
    return scratch;
  }

  // (variable, cell) -> (rows, variable), the last cell repeated.
  static void transpose(const float* columns, std::size_t n_variables, std::size_t cells, std::size_t stride, std::size_t rows,
                        float* out) {
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t v = 0; v < n_variables; ++v) out[i * n_variables + v] = columns[v * stride + std::min(i, cells - 1)];
  }

  PluginModel::Arguments gather(const Block& block, std::size_t first, std::size_t cells, std::size_t rows,
                                Scratch& scratch) const {
    transpose(block.drivers + first, d_, cells, block.stride, rows, scratch.drivers.data());
    if (block.observed != nullptr) transpose(block.observed + first, c_, cells, block.stride, rows, scratch.observed.data());
    for (std::size_t i = 0; i < rows; ++i)
      std::copy_n(block.state + (first + std::min(i, cells - 1)) * block.state_stride, s_, scratch.state.data() + i * s_);
    return {scratch.drivers.data(), block.observed != nullptr ? scratch.observed.data() : nullptr, scratch.state.data()};
  }

  const PluginModel model_;
  const RowCounts row_counts_;
  const std::size_t d_, p_, c_, s_;
};

}  // namespace

std::unique_ptr<Backend> make_torchscript_backend(const Artefact& artefact, const Archive& archive, bool trusted) {
  return std::make_unique<TorchscriptBackend>(load_torch_plugin(), artefact, archive, trusted);
}

}  // namespace ecostep
