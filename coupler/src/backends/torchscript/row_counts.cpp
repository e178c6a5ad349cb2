#include "backends/torchscript/row_counts.h"

#include <cstring>
#include <vector>

#include "core/aligned_floats.h"

namespace ecostep {
namespace {

constexpr std::size_t most_cells_compared = 4;

// Ordinary days, and those on which a month and a year end.
std::array<Date, 7> trial_dates(int year) {
  return {{{year, 1, 14}, {year, 1, 15}, {year, 1, 31}, {year, 2, 1}, {year, 12, 31}, {year + 1, 1, 1}, {year + 1, 1, 2}}};
}

// n rows whose values are drawn, each by itself, from those that the column has in `rows`.
void mix(const std::vector<float>& rows, std::size_t columns, std::size_t n, std::uint32_t seed, AlignedFloats& out) {
  const std::size_t n_rows = rows.size() / std::max<std::size_t>(columns, 1);
  std::uint32_t random = 2654435761u * seed;  // a linear congruential generator, whose upper bits are used
  for (std::size_t i = 0; i < n * columns; ++i) {
    random = 1664525u * random + 1013904223u;
    out[i] = rows[(random >> 8) % n_rows * columns + i % columns];
  }
}

bool same_bits(const AlignedFloats& expected, const float* values) {
  return std::memcmp(expected.data(), values, expected.size() * sizeof(float)) == 0;
}

}  // namespace

RowCounts::RowCounts(const PluginModel& model, const ReferenceRun& reference) : model_(model) {
  if (rows_are_alike(reference)) {
    const std::size_t bytes = model_.sizes().state_size * sizeof(float);
    most_ = std::max(usual_block, std::min(most_rows, most_bytes / bytes) / usual_block * usual_block);
    reference_ = reference;
  } else {
    most_ = 1;
  }
}

bool RowCounts::may_use(std::size_t rows, bool observed) const {
  if (rows == usual_block) return true;
  std::atomic<Verdict>& published = verdicts_[observed ? 1 : 0][rows / tried_step];
  Verdict verdict = published.load(std::memory_order_acquire);
  if (verdict == untried) {
    const std::lock_guard<std::mutex> lock(trial_);
    verdict = published.load(std::memory_order_relaxed);
    if (verdict == untried) {
      verdict = same_as_usual(rows, observed) ? same : different;
      published.store(verdict, std::memory_order_release);
    }
  }
  return verdict == same;
}

// Whether blocks of `rows` give each row the bits that it has in a block of the usual size: rows that all differ, on ordinary
// days and on those on which a month and a year end.
bool RowCounts::same_as_usual(std::size_t rows, bool observed) const {
  const ecostep_plugin_sizes& sizes = model_.sizes();
  const std::size_t d = sizes.n_inputs, p = sizes.n_statics, c = sizes.n_targets, s = sizes.state_size;
  const std::size_t n = std::max(rows, 2 * usual_block), m = usual_block;
  AlignedFloats statics(n * p), drivers(n * d), past_flux(observed ? n * c : 0), flux(n * c), state(n * s), new_state(n * s);
  AlignedFloats usual_flux(m * c), usual_state(m * s);
  mix(reference_.statics, p, n, 1, statics);
  for (std::size_t i = 0; i < n; i += rows) model_.init_state(rows, statics.data() + i * p, state.data() + i * s);
  for (std::size_t i = 0; i < n; i += m) {
    model_.init_state(m, statics.data() + i * p, usual_state.data());
    if (!same_bits(usual_state, state.data() + i * s)) return false;
  }
  std::uint32_t seed = 2;
  for (const Date& date : trial_dates(reference_.start.year)) {
    mix(reference_.inputs, d, n, seed++, drivers);
    mix(reference_.targets, c, observed ? n : 0, seed, past_flux);
    const CalendarRow calendar = calendar_row(reference_.calendar, date);
    const auto arguments_from = [&](std::size_t row) -> PluginModel::Arguments {
      return {drivers.data() + row * d, observed ? past_flux.data() + row * c : nullptr, state.data() + row * s};
    };
    for (std::size_t i = 0; i < n; i += rows)
      model_.step(rows, arguments_from(i), calendar, flux.data() + i * c, new_state.data() + i * s);
    for (std::size_t i = 0; i < n; i += m) {
      model_.step(m, arguments_from(i), calendar, usual_flux.data(), usual_state.data());
      if (!same_bits(usual_flux, flux.data() + i * c) || !same_bits(usual_state, new_state.data() + i * s)) return false;
    }
    state.swap(new_state);
  }
  return true;
}

// Whether a full block of one and the same cell gives the same bits in each row. (MKL sums short rows in an order that depends on
// where they lie in memory, as in a matrix of a few columns whose number of rows is no multiple of 4.) Tried on the artefact's
// reference run; without one there is nothing to try with.
bool RowCounts::rows_are_alike(const ReferenceRun& reference) const {
  const ecostep_plugin_sizes& sizes = model_.sizes();
  const std::size_t d = sizes.n_inputs, p = sizes.n_statics, c = sizes.n_targets, s = sizes.state_size;
  const std::size_t n = usual_block;
  AlignedFloats statics(n * p), drivers(n * d), flux(n * c), state(n * s), new_state(n * s);
  const auto fill = [&](const float* row, std::size_t columns, AlignedFloats& block) {
    for (std::size_t i = 0; i < n; ++i) std::copy_n(row, columns, block.data() + i * columns);
  };
  const auto alike = [&](const AlignedFloats& block, std::size_t columns) {
    for (std::size_t i = 1; i < n; ++i)
      if (std::memcmp(block.data(), block.data() + i * columns, columns * sizeof(float)) != 0) return false;
    return true;
  };
  for (std::size_t cell = 0; cell < std::min(reference.ncell, most_cells_compared); ++cell) {
    fill(reference.statics.data() + cell * p, p, statics);
    model_.init_state(n, statics.data(), state.data());
    if (!alike(state, s)) return false;
    std::size_t day = 0;
    for (const Date& date : trial_dates(reference.start.year)) {
      fill(reference.inputs.data() + (day++ % reference.nstep * reference.ncell + cell) * d, d, drivers);
      model_.step(n, {drivers.data(), nullptr, state.data()}, calendar_row(reference.calendar, date), flux.data(),
                  new_state.data());
      if (!alike(flux, c) || !alike(new_state, s)) return false;
      state.swap(new_state);
    }
  }
  return reference.ncell > 0;
}

}  // namespace ecostep
