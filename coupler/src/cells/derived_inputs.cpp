#include "cells/derived_inputs.h"

#include <algorithm>
#include <cmath>

#include "cells/value_check.h"
#include "core/error.h"

namespace ecostep {
namespace {

enum Quantity : std::size_t { tas, ps, hurs, huss, tdps, uas, vas, n_quantities };

struct Description {
  const char *name, *units, *long_name;
  double valid_min, valid_max;
};

constexpr Description descriptions[n_quantities] = {
    {"tas", "K", "air temperature", 170.0, 350.0},        {"ps", "Pa", "surface air pressure", 30000.0, 120000.0},
    {"hurs", "%", "relative humidity", 0.0, 150.0},       {"huss", "kg kg-1", "specific humidity", 0.0, 0.1},
    {"tdps", "K", "dew point temperature", 100.0, 350.0}, {"uas", "m s-1", "eastward wind", -100.0, 100.0},
    {"vas", "m s-1", "northward wind", -100.0, 100.0},
};

constexpr double freezing = 273.15;

// Pa over water, from degC (Murray 1967, J. Appl. Meteorol. 6, 203).
double saturation_over_water(double celsius) {
  return 610.8 * std::exp(17.27 * celsius / (celsius + 237.3));
}

// Pa over water, and over ice below freezing, from K: as foundations/air.py has it.
double saturation(double kelvin) {
  const double celsius = kelvin - freezing;
  return celsius < 0.0 ? 610.8 * std::exp(21.87 * celsius / (celsius + 265.5)) : saturation_over_water(celsius);
}

double deficit_of_relative(const double* v) {
  return saturation(v[0]) * std::max(0.0, 1.0 - v[1] / 100.0);
}
// A dew point is that over water, as observations and reanalyses give it.
double deficit_of_dew_point(const double* v) {
  return std::max(0.0, saturation(v[0]) - saturation_over_water(v[1] - freezing));
}
double deficit_of_specific(const double* v) {
  const double vapour = v[1] * v[2] / (0.622 + 0.378 * v[1]);
  return std::max(0.0, saturation(v[0]) - vapour);
}
double speed_of_components(const double* v) {
  return std::hypot(v[0], v[1]);
}

constexpr std::size_t most_parts = 3;
struct Way {
  const char *input, *units;  // what is made, and the unit that the function gives
  std::size_t n_parts;
  Quantity parts[most_parts];
  double (*value)(const double* parts);
};

constexpr Way all_ways[] = {
    {"vpd", "Pa", 2, {tas, hurs}, deficit_of_relative},
    {"vpd", "Pa", 2, {tas, tdps}, deficit_of_dew_point},
    {"vpd", "Pa", 3, {tas, huss, ps}, deficit_of_specific},
    {"sfcWind", "m s-1", 2, {uas, vas}, speed_of_components},
};

std::size_t number_of(const std::string& name) {
  for (std::size_t q = 0; q < n_quantities; ++q)
    if (name == descriptions[q].name) return q;
  return n_quantities;
}

bool has_parts(const Way& way, const std::vector<HostArray>& arrays) {
  return std::all_of(way.parts, way.parts + way.n_parts, [&](Quantity part) { return arrays[part].registered; });
}

const Way* way_to(const std::string& input, const std::vector<HostArray>& arrays) {
  for (const Way& way : all_ways)
    if (input == way.input && has_parts(way, arrays)) return &way;
  return nullptr;
}

Variable variable_of(const Description& description) {
  Variable variable{};
  variable.name = description.name, variable.units = description.units;
  variable.valid_min = description.valid_min, variable.valid_max = description.valid_max;
  return variable;
}

}  // namespace

DerivedInputs::DerivedInputs(const Artefact& artefact)
    : artefact_(artefact), arrays_(n_quantities), values_(artefact.inputs.size()) {}

bool DerivedInputs::serves(const std::string& name) const {
  const std::size_t quantity = number_of(name);
  for (const Variable& input : artefact_.inputs)
    for (const Way& way : all_ways)
      if (input.name == way.input && std::find(way.parts, way.parts + way.n_parts, quantity) != way.parts + way.n_parts)
        return true;
  return false;
}

std::string DerivedInputs::quantities() const {
  std::string list;
  for (const Description& description : descriptions)
    if (serves(description.name)) list += (list.empty() ? "" : " ") + std::string(description.name);
  return list;
}

void DerivedInputs::set(const std::string& name, const std::string& units, HostArray array) {
  const std::size_t quantity = number_of(name);
  array.conversion = convert_units(name, units, descriptions[quantity].units);
  array.registered = true;
  arrays_[quantity] = array;
}

std::string DerivedInputs::ways(const std::string& input) const {
  std::string text;
  for (const Way& way : all_ways) {
    if (input != way.input) continue;
    text += text.empty() ? "it can be made of " : ", or of ";
    for (std::size_t i = 0; i < way.n_parts; ++i)
      text += (i == 0 ? "" : i + 1 < way.n_parts ? ", " : " and ") + std::string(descriptions[way.parts[i]].name);
  }
  return text;
}

bool DerivedInputs::possible(const std::string& input) const {
  return way_to(input, arrays_) != nullptr;
}

HostArray DerivedInputs::derive(std::size_t input, const CellList& cells, std::size_t ncell) {
  const Variable& target = artefact_.inputs[input];
  const Way& way = *way_to(target.name, arrays_);
  std::vector<double>& values = values_[input];
  values.resize(ncell);
  for (std::size_t i = 0; i < cells.size; ++i) {
    double parts[most_parts];
    for (std::size_t k = 0; k < way.n_parts; ++k) {
      const Description& part = descriptions[way.parts[k]];
      parts[k] = arrays_[way.parts[k]].read(cells[i]);
      if (!(parts[k] >= part.valid_min && parts[k] <= part.valid_max))
        refuse_value("input", variable_of(part), parts[k], cells[i], ncell);
    }
    values[cells[i]] = way.value(parts);
  }
  HostArray array;
  array.data = values.data(), array.type = ECOSTEP_F64;
  array.conversion = convert_units(target.name, way.units, target.units);
  set_sure_limits(array, target);
  array.registered = true;
  return array;
}

}  // namespace ecostep
