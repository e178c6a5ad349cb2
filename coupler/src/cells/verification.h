// Does a model reproduce the run that its artefact carries?
#pragma once

#include "cells/model.h"

namespace ecostep {

// Of a flux from the reference run, relative to the largest magnitude of its target.
struct Difference {
  double size = 0.0;
  std::size_t cell = 0, step = 0, target = 0;
};

// Writes the largest difference, as far as the run came. Throws Error(ECOSTEP_MISMATCH) where it is above `tolerance`,
// Error(ECOSTEP_BACKEND_FAILED) where the run fails, and Error(ECOSTEP_NOT_AVAILABLE) without a reference.
void verify(const Model& model, double tolerance, Difference& largest);

}  // namespace ecostep
