#include "model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "aligned_floats.h"
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
      layout(artefact) {
  if (backend_name != "stub" && !rows_are_alike()) rows = 1;
}

Model::Outcome Model::step_block(const float* drivers, const std::int64_t* calendar, const float* observed, const float* state,
                                 std::size_t used, float* flux, float* new_state) const {
  backend->step(rows, drivers, calendar, observed, state, flux, new_state);
  const std::size_t n = n_targets(), s = layout.model;
  for (std::size_t row = 0; row < used; ++row) {
    for (std::size_t c = 0; c < n; ++c) {
      const Variable& target = artefact.targets[c];
      float& value = flux[row * n + c];
      if (!std::isfinite(value)) return {row, target.name.c_str()};
      if (value < target.valid_min) value = static_cast<float>(target.valid_min);
      if (value > target.valid_max) value = static_cast<float>(target.valid_max);
    }
    if (!std::all_of(new_state + row * s, new_state + (row + 1) * s, [](float value) { return std::isfinite(value); }))
      return {row, "state"};
  }
  return {used, nullptr};
}

bool Model::rows_are_alike() const {
  const Reference& reference = artefact.reference;
  const std::size_t p = n_statics(), d = n_inputs(), c = n_targets(), s = layout.model, n = full_block;
  AlignedFloats statics(n * p), drivers(n * d), flux(n * c), state(n * s), new_state(n * s);
  const auto alike = [&](const AlignedFloats& block, std::size_t columns) {
    for (std::size_t row = 1; row < n; ++row)
      if (std::memcmp(block.data(), block.data() + row * columns, columns * sizeof(float)) != 0) return false;
    return true;
  };
  // Some ordinary days, and those on which a month and a year end.
  const int year = reference.start.year;
  const Date dates[] = {{year, 1, 14},  {year, 1, 15},    {year, 1, 31},   {year, 2, 1},
                        {year, 12, 31}, {year + 1, 1, 1}, {year + 1, 1, 2}};
  for (std::size_t cell = 0; cell < std::min<std::size_t>(reference.ncell, 4); ++cell) {
    std::copy_n(reference.statics.data() + cell * p, p, statics.data());
    pad_block(statics.data(), p, 1, n);
    backend->init_state(n, statics.data(), state.data());
    if (!alike(state, s)) return false;
    std::size_t day = 0;
    for (const Date& date : dates) {
      std::copy_n(reference.inputs.data() + (day++ % reference.nstep * reference.ncell + cell) * d, d, drivers.data());
      pad_block(drivers.data(), d, 1, n);
      backend->step(n, drivers.data(), calendar_row(reference.calendar, date).data(), nullptr, state.data(), flux.data(),
                    new_state.data());
      if (!alike(flux, c) || !alike(new_state, s)) return false;
      state.swap(new_state);
    }
  }
  return reference.ncell > 0;  // without a reference run there is nothing to try with
}

void pad_block(float* block, std::size_t columns, std::size_t used, std::size_t rows) {
  for (std::size_t row = used; row < rows; ++row)
    std::memcpy(block + row * columns, block + (used - 1) * columns, columns * sizeof(float));
}

void Model::verify(double tolerance, double& largest) const {
  const Reference& reference = artefact.reference;
  if (reference.nstep == 0) fail(ECOSTEP_NOT_AVAILABLE, artefact.path, ": the artefact carries no reference run");
  const std::size_t p = n_statics(), d = n_inputs(), c = n_targets(), n = reference.ncell;
  std::vector<double> scale(c, 0.0);
  for (std::size_t i = 0; i < reference.targets.size(); ++i)
    scale[i % c] = std::max(scale[i % c], std::fabs(static_cast<double>(reference.targets[i])));
  AlignedFloats statics(rows * p), drivers(rows * d), flux(rows * c), state(rows * layout.model), new_state(state.size());
  largest = 0.0;
  std::size_t worst_cell = 0, worst_step = 0, worst_target = 0;
  for (std::size_t first = 0; first < n; first += rows) {
    const std::size_t used = std::min(rows, n - first);
    std::copy_n(reference.statics.data() + first * p, used * p, statics.data());
    pad_block(statics.data(), p, used, rows);
    backend->init_state(rows, statics.data(), state.data());
    Date date = reference.start;
    for (std::size_t step = 0; step < reference.nstep; ++step, date = next_day(reference.calendar, date)) {
      std::copy_n(reference.inputs.data() + (step * n + first) * d, used * d, drivers.data());
      pad_block(drivers.data(), d, used, rows);
      const auto calendar = calendar_row(reference.calendar, date);
      const Outcome outcome =
          step_block(drivers.data(), calendar.data(), nullptr, state.data(), used, flux.data(), new_state.data());
      if (outcome.not_finite != nullptr)
        fail(ECOSTEP_BACKEND_FAILED, artefact.path, ": the reference run gives a '", outcome.not_finite,
             "' that is not finite in cell ", first + outcome.sound + 1, " at step ", step + 1);
      state.swap(new_state);
      for (std::size_t i = 0; i < used * c; ++i) {
        const double expected = reference.targets[(step * n + first) * c + i];
        const double difference = std::fabs(flux[i] - expected) / (scale[i % c] > 0.0 ? scale[i % c] : 1.0);
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
