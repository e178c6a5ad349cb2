// Units of measurement in the syntax of UDUNITS, as far as land models use them.
#pragma once

#include <array>
#include <string>

namespace ecostep {

// A unit as a multiple of SI base units: SI value = scale * value + offset.
struct Unit {
  enum Base { kilogram, metre, second, kelvin, mole, radian, n_dimensions };
  std::array<int, n_dimensions> powers{};  // of the base units
  double scale = 1.0;
  double offset = 0.0;                          // temperatures alone
  const struct Substance* substance = nullptr;  // of what it measures mass or amount, where the unit says so: "g CO2"
  bool of_mass = false, of_length = false, of_amount = false;  // dimensions of its factors, which a ratio loses
};

// What a mass or an amount may be of.
struct Substance {
  const char* symbol;
  char element;
  double molar_mass;  // kg mol-1
  int atoms;          // of the element
};

// value in `to` = value in `from` * scale + offset
struct Conversion {
  double scale = 1.0;
  double offset = 0.0;
  double operator()(double value) const { return value * scale + offset; }
};

// Read a unit such as "kg m-2 s-1", "W/m2", "mm day-1", "degC", "1e-6". Throws Error(ECOSTEP_BAD_UNITS) naming the part not known.
Unit parse_unit(const std::string& text);

// Conversion of `variable` between two units. Water (precipitation, evaporation, snow, soil water) may be given as a depth where a
// mass per area is wanted, and the other way round: 1 mm = 1 kg m-2; water of the uppermost soil as a share of its volume; carbon,
// methane and N2O fluxes as amounts ("umol m-2 s-1") or as mass of another form ("g CO2 m-2 day-1"). A ratio of masses is no mole
// fraction, and the other way round: refused. Throws Error(ECOSTEP_BAD_UNITS) naming variable and both
// units.
Conversion convert_units(const std::string& variable, const std::string& from, const std::string& to);

}  // namespace ecostep
