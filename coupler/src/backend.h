// The one seam between the library and whatever computes the network: a block of cells goes in, fluxes and the new state come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "archive.h"
#include "artefact.h"

namespace ecostep {

// Rows of a full block. Matrix kernels choose their order of summation by the number of rows, so blocks of one size, filled up with
// a repeated row, are what makes results independent of how cells are split over calls.
constexpr std::size_t full_block = 64;

// One model ready to compute. Arrays are row-major with `rows` rows, which is full_block or, for models whose rows of a block are
// not computed alike (Model::rows), 1. Methods keep nothing between calls and may be called by several threads at once. Arrays lie
// on 64-byte boundaries (AlignedFloats), because kernels also choose by alignment. Failures are Error(ECOSTEP_BACKEND_FAILED).
class Backend {
 public:
  virtual ~Backend() = default;

  // statics (rows,P) -> state (rows,S)
  virtual void init_state(std::size_t rows, const float* statics, float* state) const = 0;

  // drivers (rows,D), calendar (6), state (rows,S) -> flux (rows,C), new_state (rows,S).
  // `observed` (rows,C), NaN = not known, or null where nothing is.
  virtual void step(std::size_t rows, const float* drivers, const std::int64_t* calendar, const float* observed, const float* state,
                    float* flux, float* new_state) const = 0;
};

// Throws Error(ECOSTEP_NO_BACKEND) where `name` is not built, not found or not in the artefact.
std::unique_ptr<Backend> make_backend(const std::string& name, const Artefact& artefact, const Archive& archive);

std::unique_ptr<Backend> make_stub_backend(const Artefact& artefact);
std::unique_ptr<Backend> make_torchscript_backend(const Artefact& artefact, const Archive& archive);

}  // namespace ecostep
