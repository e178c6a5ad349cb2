#include "cells/verification.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/aligned_floats.h"
#include "core/error.h"

namespace ecostep {
namespace {

// Largest magnitude of each target; 1 where all its values are 0.
std::vector<double> scales_of(const ReferenceRun& reference, std::size_t n_targets) {
  std::vector<double> scales(n_targets, 0.0);
  for (std::size_t i = 0; i < reference.targets.size(); ++i)
    scales[i % n_targets] = std::max(scales[i % n_targets], std::fabs(static_cast<double>(reference.targets[i])));
  for (double& scale : scales)
    if (!(scale > 0.0)) scale = 1.0;
  return scales;
}

// Runs the reference block by block and remembers where it differs most.
class Replay {
 public:
  Replay(const Model& model, Difference& largest)
      : model_(model),
        reference_(model.artefact.reference),
        scales_(scales_of(reference_, model.n_targets())),
        block_(model.backend->block()),
        stride_(padded(block_)),
        statics_(stride_ * model.n_statics()),
        drivers_(stride_ * model.n_inputs()),
        flux_(stride_ * model.n_targets()),
        state_(block_ * model.layout.model),
        changed_(state_.size()),
        largest_(largest) {}

  void run() {
    for (std::size_t first = 0; first < reference_.ncell; first += block_)
      run_block(first, std::min(block_, reference_.ncell - first));
  }

 private:
  void run_block(std::size_t first, std::size_t used) {
    const std::size_t n = reference_.ncell, p = model_.n_statics(), d = model_.n_inputs(), row = model_.layout.model;
    gather(reference_.statics.data() + first * p, p, used, statics_);
    model_.backend->init_state(used, stride_, statics_.data(), state_.data(), row);
    Date date = reference_.start;
    for (std::size_t step = 0; step < reference_.nstep; ++step, date = next_day(reference_.calendar, date)) {
      gather(reference_.inputs.data() + (step * n + first) * d, d, used, drivers_);
      const Model::Outcome outcome = run_step(calendar_row(reference_.calendar, date), used);
      if (outcome.not_finite != nullptr)
        fail(ECOSTEP_BACKEND_FAILED, model_.artefact.path, ": the reference run gives a '", outcome.not_finite,
             "' that is not finite in cell ", first + outcome.sound + 1, " at step ", step + 1);
      for (std::size_t i = 0; i < used; ++i) apply_changes(spans_, changed_.data() + i * width_, state_.data() + i * row);
      compare(step, first, used);
    }
  }

  // (cell, variable) -> (variable, stride)
  void gather(const float* rows, std::size_t columns, std::size_t used, AlignedFloats& out) const {
    for (std::size_t v = 0; v < columns; ++v)
      for (std::size_t i = 0; i < used; ++i) out[v * stride_ + i] = rows[i * columns + v];
  }

  Model::Outcome run_step(const CalendarRow& calendar, std::size_t used) {
    for (;;) {
      model_.backend->changes(calendar, false, spans_);
      width_ = total_size(spans_);
      try {
        return model_.step(calendar, {used, stride_, drivers_.data(), nullptr, state_.data(), model_.layout.model, flux_.data(),
                                      changed_.data(), width_});
      } catch (const ChangesGrew&) {  // and are known now
      }
    }
  }

  void compare(std::size_t step, std::size_t first, std::size_t used) {
    const std::size_t c = model_.n_targets();
    for (std::size_t i = 0; i < used * c; ++i) {
      const std::size_t cell = i / c, target = i % c;
      const double expected = reference_.targets[(step * reference_.ncell + first) * c + i];
      const double size = std::fabs(flux_[target * stride_ + cell] - expected) / scales_[target];
      if (std::isnan(largest_.size) || size <= largest_.size) continue;  // nothing is worse than NaN
      largest_ = {size, first + cell, step, target};
    }
  }

  const Model& model_;
  const ReferenceRun& reference_;
  const std::vector<double> scales_;
  const std::size_t block_, stride_;
  AlignedFloats statics_, drivers_, flux_, state_, changed_;
  std::vector<StateSpan> spans_;
  std::size_t width_ = 0;
  Difference& largest_;
};

}  // namespace

void verify(const Model& model, double tolerance, Difference& largest) {
  model.require_backend();
  if (model.artefact.reference.nstep == 0)
    fail(ECOSTEP_NOT_AVAILABLE, model.artefact.path, ": the artefact carries no reference run");
  largest = {};
  Replay(model, largest).run();
  if (!(largest.size <= tolerance))
    fail(ECOSTEP_MISMATCH, model.artefact.path, ": backend ", model.backend_name, " does not reproduce the reference run: '",
         model.artefact.targets[largest.target].name, "' differs by ", largest.size, " of its largest value in cell ",
         largest.cell + 1, " at step ", largest.step + 1);
}

}  // namespace ecostep
