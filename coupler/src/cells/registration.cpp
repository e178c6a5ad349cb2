#include "cells/registration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cells/value_check.h"
#include "core/error.h"

namespace ecostep {
namespace {

std::string list_names(const std::vector<Variable>& variables) {
  std::string list;
  for (const Variable& variable : variables) list += (list.empty() ? "" : " ") + variable.name;
  return list;
}

std::size_t number_of(const char* role, const std::vector<Variable>& variables, const std::string& name) {
  for (std::size_t v = 0; v < variables.size(); ++v)
    if (variables[v].name == name) return v;
  fail(ECOSTEP_UNKNOWN_NAME, "the artefact has no ", role, " '", name, "' (it has: ", list_names(variables), ")");
}

bool is_real(const HostArray& array) {
  return array.type == ECOSTEP_F32 || array.type == ECOSTEP_F64;
}

// Every element must have an address, and one that a processor may read numbers of that type from.
void check_reach(const char* role, const std::string& name, const HostArray& array, std::size_t ncell) {
  const std::size_t size = array.element_size();
  if (reinterpret_cast<std::uintptr_t>(array.data) % size != 0)
    fail(ECOSTEP_INVALID_ARGUMENT, role, " '", name, "': the address is no multiple of ", size, " bytes, the size of its type");
  constexpr double room = static_cast<double>(std::numeric_limits<std::ptrdiff_t>::max());
  const std::size_t in_row = array.row == 0 ? ncell : array.row, rows = array.row == 0 ? 0 : ncell / array.row;
  const double elements = std::fabs(static_cast<double>(array.stride)) * static_cast<double>(in_row) +
                          std::fabs(static_cast<double>(array.row_stride)) * static_cast<double>(rows);
  if (elements * static_cast<double>(size) >= room)
    fail(ECOSTEP_INVALID_ARGUMENT, role, " '", name, "': ", ncell, " cells with a stride of ", array.stride,
         array.row == 0 ? "" : " and one of " + std::to_string(array.row_stride), " do not fit in memory");
}

void require(const char* role, const std::vector<Variable>& variables, const std::vector<HostArray>& arrays) {
  for (std::size_t v = 0; v < variables.size(); ++v)
    if (!arrays[v].registered) fail(ECOSTEP_NOT_REGISTERED, role, " '", variables[v].name, "' was not registered");
}

}  // namespace

Registration::Registration(const Model& model, std::size_t ncell)
    : artefact_(model.artefact),
      ncell_(ncell),
      row_size_(model.layout.size),
      inputs_(model.n_inputs()),
      statics_(model.n_statics()),
      outputs_(model.n_targets()),
      observed_(model.n_targets()),
      derived_(model.n_inputs(), true),
      derived_inputs_(model.artefact) {
  const std::size_t most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(float);
  if (ncell > most / (row_size_ + model.n_targets())) fail(ECOSTEP_WRONG_SIZE, "number of cells ", ncell, " is too large");
}

void Registration::check_registered(const char* role, const std::string& name, const HostArray& array, std::size_t ncell) const {
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, role, " '", name, "' has ", ncell, " values for ", ncell_, " cells");
  if (array.data == nullptr && ncell_ > 0)
    fail(ECOSTEP_INVALID_ARGUMENT, role, " '", name,
         "': null pointer, or in Fortran a component of an array of structures, which must be copied into an array of its own");
  check_reach(role, name, array, ncell_);
}

void Registration::register_array(const char* role, const std::vector<Variable>& variables, std::vector<HostArray>& arrays,
                                  const std::string& name, const std::string& units, HostArray array, std::size_t ncell,
                                  Direction direction) {
  const std::size_t number = number_of(role, variables, name);
  const Variable& variable = variables[number];
  check_registered(role, name, array, ncell);
  if (variable.flag_values.empty())
    array.conversion = direction == Direction::from_artefact ? convert_units(name, variable.units, units)
                                                             : convert_units(name, units, variable.units);
  set_sure_limits(array, variable);
  array.registered = true;
  arrays[number] = array;
}

void Registration::set_input(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell) {
  const auto input = std::find_if(artefact_.inputs.begin(), artefact_.inputs.end(),
                                  [&](const Variable& variable) { return variable.name == name; });
  const bool serves = derived_inputs_.serves(name);
  if (input == artefact_.inputs.end() && !serves)
    fail(ECOSTEP_UNKNOWN_NAME, "the artefact has no input '", name, "' (it has: ", list_names(artefact_.inputs),
         derived_inputs_.quantities().empty() ? "" : "; others can be made of: ", derived_inputs_.quantities(), ")");
  if (serves) {
    check_registered("input", name, array, ncell);
    derived_inputs_.set(name, units, array);
  }
  if (input == artefact_.inputs.end()) return;
  register_array("input", artefact_.inputs, inputs_, name, units, array, ncell);
  derived_[static_cast<std::size_t>(input - artefact_.inputs.begin())] = false;
}

void Registration::set_static(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell) {
  register_array("static", artefact_.statics, statics_, name, units, array, ncell);
}

void Registration::set_output(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell) {
  if (!is_real(array)) fail(ECOSTEP_INVALID_ARGUMENT, "target '", name, "': outputs are ECOSTEP_F32 or ECOSTEP_F64");
  if (ncell_ > 1 && array.overlaps(ncell_))
    fail(ECOSTEP_INVALID_ARGUMENT, "target '", name, "': outputs cannot share one value (stride 0)");
  register_array("target", artefact_.targets, outputs_, name, units, array, ncell, Direction::from_artefact);
}

void Registration::set_observed(const std::string& name, const std::string& units, const HostArray& array, std::size_t ncell) {
  if (artefact_.past_flux == "none")
    fail(ECOSTEP_NOT_AVAILABLE, "target '", name, "': the model '", artefact_.name, "' takes no measured flux");
  if (!is_real(array)) fail(ECOSTEP_INVALID_ARGUMENT, "target '", name, "': measured flux is ECOSTEP_F32 or ECOSTEP_F64");
  const bool take_back = array.data == nullptr && ncell_ > 0;
  if (take_back)
    observed_[number_of("target", artefact_.targets, name)] = HostArray{};
  else
    register_array("target", artefact_.targets, observed_, name, units, array, ncell);
  any_observed_ = std::any_of(observed_.begin(), observed_.end(), [](const HostArray& fluxes) { return fluxes.registered; });
}

void Registration::set_state(float* state, std::size_t state_size, std::size_t ncell) {
  if (state_size != row_size_)
    fail(ECOSTEP_WRONG_SIZE, "the state has ", state_size, " values per cell, the model needs ", row_size_,
         " (ecostep_state_size)");
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, "the state has ", ncell, " rows for ", ncell_, " cells");
  if (state == nullptr && ncell_ > 0)
    fail(ECOSTEP_INVALID_ARGUMENT, "state: null pointer, or an array section: the state must be one contiguous array");
  if (reinterpret_cast<std::uintptr_t>(state) % sizeof(float) != 0)
    fail(ECOSTEP_INVALID_ARGUMENT, "state: the address is no multiple of 4 bytes, the size of its type");
  state_ = state;
  state_registered_ = true;
}

void Registration::check_array(const char* what, const HostArray& array, std::size_t ncell) const {
  if (ncell != ncell_) fail(ECOSTEP_WRONG_SIZE, "the ", what, " has ", ncell, " values for ", ncell_, " cells");
  if (array.data != nullptr) check_reach("the", what, array, ncell_);
}

void Registration::set_mask(HostArray mask, std::size_t ncell) {
  check_array("mask", mask, ncell);
  if (is_real(mask)) fail(ECOSTEP_INVALID_ARGUMENT, "the mask is logical or integer: ECOSTEP_I8, ECOSTEP_I32 or ECOSTEP_I64");
  mask.registered = mask.data != nullptr;
  if (mask.registered) active_.reserve(ncell_);
  mask_ = mask;
}

void Registration::require_state() const {
  if (!state_registered_) fail(ECOSTEP_NOT_REGISTERED, "the state was not registered (ecostep_set_state)");
}

void Registration::require_inputs() const {
  for (std::size_t v = 0; v < inputs_.size(); ++v) {
    const std::string& name = artefact_.inputs[v].name;
    if (!derived_[v] || derived_inputs_.possible(name)) continue;
    const std::string ways = derived_inputs_.ways(name);
    fail(ECOSTEP_NOT_REGISTERED, "input '", name, "' was not registered", ways.empty() ? "" : "; ", ways);
  }
}

void Registration::derive_inputs(const CellList& cells) {
  for (std::size_t v = 0; v < inputs_.size(); ++v)
    if (derived_[v]) inputs_[v] = derived_inputs_.derive(v, cells, ncell_);
}

void Registration::require_statics() const {
  require("static", artefact_.statics, statics_);
}

void Registration::write_held_flux(const CellList& cells, std::size_t flux) const {
  for (std::size_t v = 0; v < outputs_.size(); ++v)
    for (std::size_t i = 0; outputs_[v].registered && i < cells.size; ++i) outputs_[v].write(cells[i], row(cells[i])[flux + v]);
}

CellList Registration::active_cells() {
  if (!mask_.registered) return {0, ncell_, nullptr};
  active_.clear();
  for (std::size_t cell = 0; cell < ncell_; ++cell)
    if (mask_.read(cell) != 0.0) active_.push_back(cell);
  if (active_.size() == ncell_) return {0, ncell_, nullptr};
  return {0, active_.size(), active_.data()};
}

void Registration::move_to_next_day(std::ptrdiff_t day_stride) {
  for (std::vector<HostArray>* const arrays : {&inputs_, &observed_, &derived_inputs_.arrays()})
    for (HostArray& array : *arrays)
      if (array.registered && array.data != nullptr) array.data = array.element(array.one_value() ? 1 : day_stride);
}

}  // namespace ecostep
