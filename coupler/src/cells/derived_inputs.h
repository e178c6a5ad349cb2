// Inputs that a host has not, from what it has: vapour pressure deficit from humidity, wind speed from its components.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cells/cell_list.h"
#include "cells/host_array.h"
#include "core/artefact.h"

namespace ecostep {

class DerivedInputs {
 public:
  // The artefact must outlive this.
  explicit DerivedInputs(const Artefact& artefact);

  // Whether an input of the artefact can be made of this quantity, whether or not it is an input itself.
  bool serves(const std::string& name) const;

  // What the names of such quantities are: "hurs huss ..."; "" where no input can be derived.
  std::string quantities() const;

  // A host's array of such a quantity; its unit must fit.
  void set(const std::string& name, const std::string& units, HostArray array);

  // "it can be made of tas and hurs, or of ..." for an input that is not registered; "" where there is no way.
  std::string ways(const std::string& input) const;

  // Whether an input can be made of the arrays that are there.
  bool possible(const std::string& input) const;

  // The input's values in these cells, as an array of this class. Throws Error(ECOSTEP_BAD_VALUE) where a value that it is made of
  // is not finite or not plausible.
  HostArray derive(std::size_t input, const CellList& cells, std::size_t ncell);

  // The days of a spin-up.
  const std::vector<HostArray>& arrays() const { return arrays_; }
  std::vector<HostArray>& arrays() { return arrays_; }

 private:
  const Artefact& artefact_;
  std::vector<HostArray> arrays_;            // by quantity
  std::vector<std::vector<double>> values_;  // of derived inputs (D, ncell)
};

}  // namespace ecostep
