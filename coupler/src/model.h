// An artefact ready to compute, and the layout of the state row that it asks of the host.
#pragma once

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

  // How many rows of a block came out finite, up to the first that did not, and what is not finite in that one: a target's name,
  // "state", or null where all rows are finite.
  struct Outcome {
    std::size_t sound;
    const char* not_finite;
  };

  // One block: backend step, then the output constraints on the `used` rows.
  Outcome step_block(const float* drivers, const std::int64_t* calendar, const float* observed, const float* state,
                     std::size_t used, float* flux, float* new_state) const;

  // Largest difference from the reference run relative to the largest magnitude of the target; throws Error(ECOSTEP_MISMATCH) above
  // `tolerance` and Error(ECOSTEP_NOT_AVAILABLE) without a reference.
  void verify(double tolerance, double& largest) const;

  Artefact artefact;
  std::string backend_name;
  std::unique_ptr<Backend> backend;
  RowLayout layout;

  // Cells that the backend is given at a time: full_block, or 1 where a full block of one and the same cell does not give the same
  // bits in each row. (MKL sums short rows in an order that depends on where they lie in memory, as in a matrix of a few columns
  // whose number of rows is no multiple of 4.) Found by trying, on the artefact's reference run.
  std::size_t rows = full_block;

 private:
  bool rows_are_alike() const;
  Model(const std::string& path, const std::string& backend_name, const Archive& archive);
};

// Repeat the last of `used` valid rows until the block has `rows`.
void pad_block(float* block, std::size_t columns, std::size_t used, std::size_t rows);

}  // namespace ecostep
