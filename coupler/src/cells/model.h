// An artefact ready to compute.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "cells/row_layout.h"
#include "core/artefact.h"

namespace ecostep {

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
  Outcome step(const CalendarRow& calendar, const Block& block) const;

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

}  // namespace ecostep
