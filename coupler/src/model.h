// An artefact ready to compute, and the layout of the state row that it asks of the host.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "artefact.h"
#include "backend.h"

namespace ecostep {

// Where things lie in the state row of a cell: the model's own memory, then the library's.
//   [0, model)                  what the model remembers
//   [flux, flux + C)            flux of the last complete day, in the artefact's units
//   [slot[d], ...)              running value of input d over the day: mean and sum as a pair of floats (high and low part of a
//   double),
//                               min and max as one, last as none
//   [seconds]                   seconds of the day accumulated
//   [date]                      day in progress, or the last complete one, as encode_date; no_date after init_state
struct RowLayout {
  static constexpr float no_date = -1.0f;
  explicit RowLayout(const Artefact& artefact);
  std::size_t model = 0, flux = 0, seconds = 0, date = 0, size = 0;
  std::vector<std::size_t> slot;
};

struct Model {
  Model(const std::string& path, const std::string& backend_name);
  std::size_t n_inputs() const { return artefact.inputs.size(); }
  std::size_t n_statics() const { return artefact.statics.size(); }
  std::size_t n_targets() const { return artefact.targets.size(); }

  // How many cells of a block came out finite, up to the first that did not, and what is not finite in that one: a target's name,
  // "state", or null where all cells are finite.
  struct Outcome {
    std::size_t sound;
    const char* not_finite;
  };

  // The backend's step, then the output constraints.
  Outcome step(const std::int64_t* calendar, const Block& block) const;

  // Largest difference from the reference run relative to the largest magnitude of the target; throws Error(ECOSTEP_MISMATCH) above
  // `tolerance` and Error(ECOSTEP_NOT_AVAILABLE) without a reference.
  void verify(double tolerance, double& largest) const;

  Artefact artefact;
  RowLayout layout;
  struct Limits {
    float lowest, highest;
  };
  std::vector<Limits> limits;  // output constraints of each target
  std::string backend_name, backend_reason;
  std::unique_ptr<Backend> backend;

 private:
  Model(const std::string& path, const std::string& backend_name, const Archive& archive);
};

// Put what a step changed into a row of the model's state.
inline void apply_changes(const std::vector<Range>& ranges, const float* changed, float* row) {
  for (const Range& range : ranges) {
    std::copy_n(changed, range.size, row + range.begin);
    changed += range.size;
  }
}

// Floats that a step on some day changes in a row.
inline std::size_t total_size(const std::vector<Range>& ranges) {
  std::size_t total = 0;
  for (const Range& range : ranges) total += range.size;
  return total;
}

}  // namespace ecostep
