// The one seam between the library and whatever computes the network: a block of cells goes in, fluxes and the new state come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "archive.h"
#include "artefact.h"

namespace ecostep {

// Every call computes exactly this many rows; the caller repeats a valid row where it has fewer cells. Matrix kernels choose their order
// of summation by the number of rows, so blocks of one size are what makes results independent of how cells are split over calls.
constexpr std::size_t block_rows = 64;

// One model ready to compute. Arrays are row-major with block_rows rows; methods keep nothing between calls and may be called by
// several threads at once. Failures are Error(ECOSTEP_BACKEND_FAILED).
class Backend {
 public:
  virtual ~Backend() = default;

  // statics (block_rows,P) -> state (block_rows,S)
  virtual void init_state(const float* statics, float* state) const = 0;

  // drivers (block_rows,D), calendar (6), state (block_rows,S) -> flux (block_rows,C), new_state (block_rows,S).
  // `observed` (block_rows,C), NaN = not known, or null where nothing is.
  virtual void step(const float* drivers, const std::int64_t* calendar, const float* observed, const float* state, float* flux,
                    float* new_state) const = 0;
};

// Throws Error(ECOSTEP_NO_BACKEND) where `name` is not built, not found or not in the artefact.
std::unique_ptr<Backend> make_backend(const std::string& name, const Artefact& artefact, const Archive& archive);

std::unique_ptr<Backend> make_stub_backend(const Artefact& artefact);
std::unique_ptr<Backend> make_torchscript_backend(const Artefact& artefact, const Archive& archive);

}  // namespace ecostep
