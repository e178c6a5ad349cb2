// What a host registered: its arrays, the state, the mask.
#pragma once

#include <string>
#include <vector>

#include "cells/cell_list.h"
#include "cells/derived_inputs.h"
#include "cells/host_array.h"
#include "cells/model.h"

namespace ecostep {

class Registration {
 public:
  // Throws Error(ECOSTEP_WRONG_SIZE) for more cells than can have a state row. The model must outlive this.
  Registration(const Model& model, std::size_t ncell);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  // Each throws where the name is unknown, units do not fit, sizes differ from ncell, or memory cannot be read.
  void set_input(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell);
  void set_static(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell);
  void set_output(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell);
  void set_observed(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell);
  void set_state(float* state, std::size_t state_size, std::size_t ncell);
  // Throws unless an array has a value for each cell, which a processor can read; without data it has none.
  void check_array(const char* what, const HostArray& array, std::size_t ncell) const;
  void set_mask(HostArray mask, std::size_t ncell);

  // Each throws Error(ECOSTEP_NOT_REGISTERED).
  void require_state() const;
  void require_inputs() const;  // inputs that can be derived count as registered
  void require_statics() const;

  std::size_t ncell() const { return ncell_; }
  const std::vector<HostArray>& inputs() const { return inputs_; }
  const std::vector<HostArray>& statics() const { return statics_; }
  const std::vector<HostArray>& outputs() const { return outputs_; }
  const std::vector<HostArray>& observed() const { return observed_; }
  bool any_observed() const { return any_observed_; }

  float* row(std::size_t cell) const { return state_ + cell * row_size_; }

  // Makes the inputs that are derived, for these cells and the present moment.
  void derive_inputs(const CellList& cells);

  // The flux that the state rows of these cells hold, from float `flux` of a row on, to the outputs.
  void write_held_flux(const CellList& cells, std::size_t flux) const;

  // As the mask says now; valid until the next call.
  CellList active_cells();

  // Inputs and measured fluxes of a day, to come back to after having moved on to others.
  struct Day {
    std::vector<HostArray> inputs, observed, sources;
  };
  Day day() const { return {inputs_, observed_, derived_inputs_.arrays()}; }
  void move_to_next_day(std::ptrdiff_t day_stride);
  void move_back(const Day& day) { inputs_ = day.inputs, observed_ = day.observed, derived_inputs_.arrays() = day.sources; }

 private:
  void check_registered(const char* role, const std::string& name, const HostArray& array, std::size_t ncell) const;
  enum class Direction { to_artefact, from_artefact };
  void register_array(const char* role, const std::vector<Variable>& variables, std::vector<HostArray>& arrays,
                      const std::string& name, const std::string& units, HostArray array, std::size_t ncell,
                      Direction direction = Direction::to_artefact);

  const Artefact& artefact_;
  const std::size_t ncell_, row_size_;
  std::vector<HostArray> inputs_, statics_, outputs_, observed_;
  std::vector<bool> derived_;  // inputs that the host has not registered
  DerivedInputs derived_inputs_;
  bool any_observed_ = false;
  HostArray mask_;
  std::vector<std::size_t> active_;  // where there is a mask
  float* state_ = nullptr;
  bool state_registered_ = false;
};

}  // namespace ecostep
