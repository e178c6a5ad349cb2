// What measured fluxes can be: the same test as foundations/flux_range.py, on the arrays of a host.
#pragma once

#include <cstddef>
#include <vector>

#include "cells/cell_list.h"
#include "cells/host_array.h"
#include "core/artefact.h"

namespace ecostep {

class FluxCheck {
 public:
  // Of the targets of an artefact, which must outlive this. Those that the table does not have, or in such a unit, have no range.
  explicit FluxCheck(const std::vector<Variable>& targets);

  // Throws Error(ECOSTEP_BAD_VALUE) that names flux, value and cell, and the likely unit, where a measured flux is infinite,
  // outside what a daily flux can be, or the mark of a missing value. NaN is not known.
  void check(std::size_t target, const HostArray& array, const CellList& cells, std::size_t ncell) const;

 private:
  struct Limits {
    double lowest, highest;  // in the artefact's unit
  };
  [[noreturn]] void refuse_range(std::size_t target, const HostArray& array, const CellList& cells, std::size_t i,
                                 std::size_t ncell) const;

  const std::vector<Variable>& targets_;
  std::vector<Limits> limits_;
};

}  // namespace ecostep
