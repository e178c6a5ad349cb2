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
  // The name of a backend that leaves out all that could compute.
  static constexpr const char* no_backend = "none";

  // `trusted`: TorchScript code may use any operation. Throws Error as read_artefact and choose_backend do.
  Model(const std::string& path, const std::string& backend_name, bool trusted);
  std::size_t n_inputs() const { return artefact.inputs.size(); }
  std::size_t n_statics() const { return artefact.statics.size(); }
  std::size_t n_targets() const { return artefact.targets.size(); }

  // Throws Error(ECOSTEP_NO_BACKEND) where there is none.
  void require_backend() const;

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
  std::unique_ptr<Backend> backend;  // null where the host asked for none

 private:
  Model(const std::string& path, const std::string& backend_name, bool trusted, const Archive& archive);
};

}  // namespace ecostep
