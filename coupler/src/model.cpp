#include "model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "error.h"

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
    : artefact(read_artefact(path, archive)),
      backend_name(name.empty() ? artefact.backends.front() : name),
      backend(make_backend(backend_name, artefact, archive)),
      layout(artefact) {}

std::size_t Model::step_block(const float* drivers, const std::int64_t* calendar, const float* observed, const float* state,
                              std::size_t rows, float* flux, float* new_state) const {
  backend->step(drivers, calendar, observed, state, flux, new_state);
  const std::size_t n = n_targets();
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < n; ++c) {
      float& value = flux[row * n + c];
      if (!std::isfinite(value)) return row;
      const Variable& target = artefact.targets[c];
      if (value < target.valid_min) value = static_cast<float>(target.valid_min);
      if (value > target.valid_max) value = static_cast<float>(target.valid_max);
    }
  }
  return rows;
}

void pad_block(float* block, std::size_t columns, std::size_t rows) {
  for (std::size_t row = rows; row < block_rows; ++row)
    std::memcpy(block + row * columns, block + (rows - 1) * columns, columns * sizeof(float));
}

void Model::verify(double tolerance, double& largest) const {
  const Reference& reference = artefact.reference;
  if (reference.nstep == 0) fail(ECOSTEP_NOT_AVAILABLE, artefact.path, ": the artefact carries no reference run");
  const std::size_t p = n_statics(), d = n_inputs(), c = n_targets(), n = reference.ncell;
  std::vector<double> scale(c, 0.0);
  for (std::size_t i = 0; i < reference.targets.size(); ++i)
    scale[i % c] = std::max(scale[i % c], std::fabs(static_cast<double>(reference.targets[i])));
  std::vector<float> statics(block_rows * p), drivers(block_rows * d), flux(block_rows * c), state(block_rows * layout.model),
      new_state(state.size());
  largest = 0.0;
  std::size_t worst_cell = 0, worst_step = 0, worst_target = 0;
  for (std::size_t first = 0; first < n; first += block_rows) {
    const std::size_t rows = std::min(block_rows, n - first);
    std::copy_n(reference.statics.data() + first * p, rows * p, statics.data());
    pad_block(statics.data(), p, rows);
    backend->init_state(statics.data(), state.data());
    Date date = reference.start;
    for (std::size_t step = 0; step < reference.nstep; ++step, date = next_day(reference.calendar, date)) {
      std::copy_n(reference.inputs.data() + (step * n + first) * d, rows * d, drivers.data());
      pad_block(drivers.data(), d, rows);
      const auto calendar = calendar_row(reference.calendar, date);
      if (step_block(drivers.data(), calendar.data(), nullptr, state.data(), rows, flux.data(), new_state.data()) < rows)
        fail(ECOSTEP_BACKEND_FAILED, artefact.path, ": the reference run gives a flux that is not finite at step ", step + 1);
      state.swap(new_state);
      for (std::size_t i = 0; i < rows * c; ++i) {
        const double expected = reference.targets[(step * n + first) * c + i];
        const double difference = std::fabs(flux[i] - expected) / (scale[i % c] > 0.0 ? scale[i % c] : 1.0);
        if (!(difference <= largest)) largest = difference, worst_cell = first + i / c, worst_step = step, worst_target = i % c;
      }
    }
  }
  if (!(largest <= tolerance))
    fail(ECOSTEP_MISMATCH, artefact.path, ": backend ", backend_name, " does not reproduce the reference run: '",
         artefact.targets[worst_target].name, "' differs by ", largest, " of its largest value in cell ", worst_cell + 1, " at step ",
         worst_step + 1);
}

}  // namespace ecostep
