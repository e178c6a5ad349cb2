// The seam between the library and what computes a network. Models differ in emulator.export; backends differ here.
#pragma once

#include <cstddef>
#include <vector>

#include "backends/state_span.h"
#include "core/aligned_floats.h"
#include "core/calendar.h"

namespace ecostep {

// Cells in a block of most backends.
constexpr std::size_t usual_block = 64;

// Cells of one step, `used` of at most block() of them. Arrays of the library are (variable, cell): value v of cell i lies at
// [v * stride + i], stride >= used; they lie on 64-byte boundaries (AlignedFloats), and what is in them beyond `used` is finite or
// NaN but means nothing.
struct Block {
  std::size_t used, stride;  // stride is a multiple of floats_per_line
  const float* drivers;      // (D, stride)
  const float* observed;     // (C, stride), NaN = not known, or null where nothing is
  const float* state;        // row of the first cell in the host's own array, not aligned
  std::size_t state_stride;  // floats from row to row
  float* flux;               // (C, stride), written
  float* changed;            // (used, width), not aligned: what the spans of `changes` become, one after another; written
  std::size_t width;
  std::size_t next = 0;  // cells that are likely to be the next block: their rows and `changed` follow these; 0: not known
};

// What a derivative is asked of and where it goes, in the artefact's units; rows are packed.
struct Adjoint {
  const float* flux;   // (used, C): weights of the fluxes
  const float* state;  // (used, model state): weights of the new state, or null where there are none
  float* drivers;      // (used, D), written: derivative of the weighted sum
  float* old_state;    // (used, model state), written
};

// Thrown by Backend::step before a block's results may be used: the state changes in more places than `changes` said, which now
// says so.
struct ChangesGrew {};

// One model ready to compute. Methods keep nothing between calls and may be called by several threads at once. What a cell gets
// does not depend on its place in a block nor on the other cells. Failures are Error(ECOSTEP_BACKEND_FAILED).
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  // Most cells of a Block.
  virtual std::size_t block() const { return usual_block; }

  // Which parts of the model's state a step on this day changes, in order and apart.
  virtual void changes(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const = 0;

  // May throw ChangesGrew.
  virtual void step(const CalendarRow& calendar, const Block& block) const = 0;

  // statics (P, stride) -> model's state in rows of `state_stride` floats
  virtual void init_state(std::size_t used, std::size_t stride, const float* statics, float* state,
                          std::size_t state_stride) const = 0;

  // Derivative of the step with respect to drivers and state; `flux` and `changed` of the block are not used. Throws
  // Error(ECOSTEP_NOT_AVAILABLE) unless a backend has it.
  virtual void gradient(const CalendarRow& calendar, const Block& block, const Adjoint& adjoint) const;

  // Floating-point operations of an ordinary day's step per cell, two for each multiply-add; 0 where not known.
  virtual double flops() const { return 0.0; }
};

}  // namespace ecostep
