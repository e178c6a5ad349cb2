#include "model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "aligned_floats.h"
#include "error.h"
#include "guards.h"

namespace ecostep {

RowLayout::RowLayout(const Artefact& artefact) : model(artefact.state_size), flux(model) {
  std::size_t next = flux + artefact.targets.size();
  for (const Variable& input : artefact.inputs) {
    slot.push_back(next);
    if (input.accumulate == Accumulate::mean || input.accumulate == Accumulate::sum) next += 2;
    if (input.accumulate == Accumulate::minimum || input.accumulate == Accumulate::maximum) next += 1;
  }
  seconds = next;
  date = next + 1;
  size = next + 2;
}

Model::Model(const std::string& path, const std::string& name) : Model(path, name, Archive(path)) {}

Model::Model(const std::string& path, const std::string& name, const Archive& archive)
    : artefact(read_artefact(path, archive)), layout(artefact) {
  for (const Variable& target : artefact.targets)
    limits.push_back({static_cast<float>(target.valid_min), static_cast<float>(target.valid_max)});
  Choice choice = choose_backend(name, artefact, archive);
  backend_name = std::move(choice.name);
  backend_reason = std::move(choice.reason);
  backend = std::move(choice.backend);
}

Model::Outcome Model::step(const std::int64_t* calendar, const Block& block) const {
  backend->step(calendar, block);
  const std::size_t n = n_targets();
  bool sound = all_finite(block.changed, block.used * block.width);
  for (std::size_t c = 0; c < n; ++c) {
    float* const flux = block.flux + c * block.stride;
    if (!all_finite(flux, block.used))
      sound = false;
    else if (limits[c].lowest > -std::numeric_limits<float>::infinity() ||
             limits[c].highest < std::numeric_limits<float>::infinity())
      for (std::size_t i = 0; i < block.used; ++i) flux[i] = std::min(std::max(flux[i], limits[c].lowest), limits[c].highest);
  }
  if (sound) return {block.used, nullptr};
  for (std::size_t i = 0; i < block.used; ++i) {
    for (std::size_t c = 0; c < n; ++c)
      if (!std::isfinite(block.flux[c * block.stride + i])) return {i, artefact.targets[c].name.c_str()};
    if (!all_finite(block.changed + i * block.width, block.width)) return {i, "state"};
  }
  return {block.used, nullptr};
}

void Model::verify(double tolerance, double& largest) const {
  const Reference& reference = artefact.reference;
  if (reference.nstep == 0) fail(ECOSTEP_NOT_AVAILABLE, artefact.path, ": the artefact carries no reference run");
  const std::size_t p = n_statics(), d = n_inputs(), c = n_targets(), n = reference.ncell, block = backend->block();
  std::vector<double> scale(c, 0.0);
  for (std::size_t i = 0; i < reference.targets.size(); ++i)
    scale[i % c] = std::max(scale[i % c], std::fabs(static_cast<double>(reference.targets[i])));
  const std::size_t stride = padded(block);
  AlignedFloats statics(stride * p), drivers(stride * d), flux(stride * c), state(block * layout.model), changed(state.size());
  std::vector<Range> ranges;
  const auto gather = [&](const float* rows, std::size_t columns, std::size_t used, AlignedFloats& out) {
    for (std::size_t v = 0; v < columns; ++v)
      for (std::size_t i = 0; i < used; ++i) out[v * stride + i] = rows[i * columns + v];
  };
  largest = 0.0;
  std::size_t worst_cell = 0, worst_step = 0, worst_target = 0;
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t used = std::min(block, n - first);
    gather(reference.statics.data() + first * p, p, used, statics);
    backend->init_state(used, stride, statics.data(), state.data(), layout.model);
    Date date = reference.start;
    for (std::size_t step = 0; step < reference.nstep; ++step, date = next_day(reference.calendar, date)) {
      gather(reference.inputs.data() + (step * n + first) * d, d, used, drivers);
      const auto calendar = calendar_row(reference.calendar, date);
      std::size_t width = 0;
      const auto run = [&] {
        for (;;) {
          backend->changes(calendar.data(), false, ranges);
          width = total_size(ranges);
          try {
            return this->step(calendar.data(), {used, stride, drivers.data(), nullptr, state.data(), layout.model, flux.data(),
                                                changed.data(), width});
          } catch (const ChangesGrew&) {
          }
        }
      };
      const Outcome outcome = run();
      if (outcome.not_finite != nullptr)
        fail(ECOSTEP_BACKEND_FAILED, artefact.path, ": the reference run gives a '", outcome.not_finite,
             "' that is not finite in cell ", first + outcome.sound + 1, " at step ", step + 1);
      for (std::size_t i = 0; i < used; ++i) apply_changes(ranges, changed.data() + i * width, state.data() + i * layout.model);
      for (std::size_t i = 0; i < used * c; ++i) {
        const double expected = reference.targets[(step * n + first) * c + i];
        const double difference = std::fabs(flux[i % c * stride + i / c] - expected) / (scale[i % c] > 0.0 ? scale[i % c] : 1.0);
        if (std::isnan(largest) || difference <= largest) continue;  // nothing is worse than NaN
        largest = difference, worst_cell = first + i / c, worst_step = step, worst_target = i % c;
      }
    }
  }
  if (!(largest <= tolerance))
    fail(ECOSTEP_MISMATCH, artefact.path, ": backend ", backend_name, " does not reproduce the reference run: '",
         artefact.targets[worst_target].name, "' differs by ", largest, " of its largest value in cell ", worst_cell + 1,
         " at step ", worst_step + 1);
}

}  // namespace ecostep
