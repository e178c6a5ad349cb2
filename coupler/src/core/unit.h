// A unit of measurement as a multiple of SI base units, and how texts become one.
#pragma once

#include <array>
#include <string>

namespace ecostep {

enum Base { kilogram, metre, second, kelvin, mole, radian, n_bases };

// Of the base units.
using Powers = std::array<int, n_bases>;
constexpr Powers no_dimension{};

// Dimensions of the factors of a unit, which a ratio loses; a set of bits.
enum class Kinds : unsigned { none = 0, mass = 1, amount = 2, length = 4 };
constexpr Kinds operator|(Kinds a, Kinds b) {
  return static_cast<Kinds>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool any(Kinds a, Kinds b) {
  return (static_cast<unsigned>(a) & static_cast<unsigned>(b)) != 0;
}

// Prefixes that a spelling takes: those of symbols (hPa), those of names (hectopascal), or none.
enum class Prefixes { none, of_symbols, of_names };

// What a mass or an amount may be of; `atoms` of its element are in a molecule.
struct Substance {
  const char* name;
  char element;
  double molar_mass;  // kg mol-1
  int atoms;
};

// SI value = scale * value + offset.
struct Unit {
  Powers powers{};
  double scale = 1.0;
  double offset = 0.0;                   // temperatures alone
  const Substance* substance = nullptr;  // where the unit says so: "g CO2"
  Kinds kinds = Kinds::none;
};

// Read a unit such as "kg m-2 s-1", "W/m2", "gC m-2 day-1", "1e-6", by the grammar of foundations/units/unit.py, which a test
// compares. Throws Error(ECOSTEP_BAD_UNITS) naming the part that is not known.
Unit parse_unit(const std::string& text);

}  // namespace ecostep
