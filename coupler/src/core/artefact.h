// What an artefact says of itself (docs/formats.md, section 2), read and tested.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/archive.h"
#include "core/calendar.h"

namespace ecostep {

enum class Accumulate { mean, minimum, maximum, sum, last };

struct Variable {
  std::string name, units, long_name, accumulate_name;
  Accumulate accumulate = Accumulate::mean;  // inputs
  double valid_min, valid_max;               // -Inf, Inf where not given; for targets the output constraints
  double train_min, train_max;
  std::vector<double> flag_values;  // classes; empty for numbers
};

// The run that `verify` replays: statics (ncell,P), inputs (nstep,ncell,D), fluxes (nstep,ncell,C).
struct ReferenceRun {
  std::size_t ncell = 0, nstep = 0;
  Date start;
  Calendar calendar = Calendar::standard;
  std::vector<float> statics, inputs, targets;
};

// flux = bias + weights x drivers; state' = decay state + (1 - decay) flux
struct StubCoefficients {
  std::vector<float> bias, weights, decay;  // (C), (C,D), (C)
};

struct Artefact {
  std::string path, metadata, fingerprint;
  std::string name, kind, past_flux;
  std::vector<std::string> backends;
  std::size_t state_size = 0;
  std::vector<Variable> inputs, statics, targets;
  ReferenceRun reference;
  StubCoefficients stub;
};

// Throws Error: NOT_AN_ARTEFACT, NEWER_FORMAT, CORRUPT.
Artefact read_artefact(const std::string& path, const Archive& archive);

}  // namespace ecostep
