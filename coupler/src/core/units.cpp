#include "core/units.h"

#include <cmath>
#include <string_view>

#include "core/error.h"
#include "core/unit.h"
#include "core/unit_tables.h"

namespace ecostep {
namespace {

constexpr double water_density = 1000.0;  // kg m-3
constexpr Powers mass_per_area{1, -2, 0, 0, 0, 0};

unit_tables::Quantity quantity_of(const std::string& variable) {
  for (const unit_tables::Quantity& quantity : unit_tables::quantities)
    if (variable == quantity.variable) return quantity;
  return {"", "", Kinds::none, 0.0};
}

// Null where the quantity names none.
const Substance* substance_of(const unit_tables::Quantity& quantity) {
  for (const auto& [spelling, substance] : unit_tables::substances)
    if (std::string_view(quantity.substance) == substance.name) return &substance;
  return nullptr;
}

bool same_substance(const Substance* a, const Substance* b) {
  return a == b || (a != nullptr && b != nullptr && std::string_view(a->name) == b->name);
}

bool same_measure(const Unit& a, const Unit& b) {
  return a.powers == b.powers && same_substance(a.substance, b.substance);
}

// Why two units without dimension do not measure the same quantity; "" where they may.
const char* other_ratio(Kinds ratio, const Unit& a, const Unit& b) {
  if (a.powers != no_dimension || b.powers != no_dimension) return "";
  const Kinds kinds = a.kinds | b.kinds;
  if (ratio == Kinds::amount && any(kinds, Kinds::mass))
    return "a ratio of masses is no mole fraction (divide it by the molar mass of the gas over that of air, 28.97 g mol-1, and "
           "give 'mol mol-1')";
  if (ratio == Kinds::mass && any(kinds, Kinds::amount | Kinds::length)) return "a ratio of amounts or volumes is no mass fraction";
  if (ratio == Kinds::length && any(kinds, Kinds::amount | Kinds::mass))
    return "a ratio of masses or amounts is no area of leaves per area of ground";
  return "";
}

// Mass of `substance`, kg, that has `atoms` of the element.
double mass_of(const Substance& substance, double atoms) {
  return atoms / substance.atoms * substance.molar_mass;
}

// A unit of a quantity as mass of its substance, without naming that; as it is where it cannot be.
Unit in_mass(const Unit& unit, const unit_tables::Quantity& quantity) {
  const Substance* const substance = substance_of(quantity);
  if (substance == nullptr) return unit;
  const Substance& form = unit.substance != nullptr ? *unit.substance : *substance;
  if (form.element != substance->element) return unit;
  Unit mass = unit;
  mass.substance = nullptr;
  const int kilograms = unit.powers[kilogram], moles = unit.powers[mole];
  if (unit.powers == no_dimension) {
    if (quantity.depth > 0.0 && unit.kinds == Kinds::length) {
      mass = unit;
      mass.powers = mass_per_area, mass.scale *= quantity.depth * water_density;
      return mass;
    }
    return same_substance(&form, substance) ? mass : unit;
  }
  if (quantity.ratio != Kinds::none) return unit;
  if (kilograms == 0 && moles == 1) {
    mass.scale *= mass_of(*substance, form.atoms);
    mass.powers[kilogram] = 1, mass.powers[mole] = 0;
    return mass;
  }
  if (kilograms == 1 && moles == 0) {
    mass.scale *= mass_of(*substance, form.atoms / form.molar_mass);
    return mass;
  }
  if (kilograms == 0 && moles == 0 && std::string_view(substance->name) == "H2O") {
    mass.scale *= water_density;
    mass.powers[kilogram] = 1, mass.powers[metre] -= 3;
    return mass;
  }
  return unit;
}

const char* meaning(const Powers& powers) {
  for (const unit_tables::Meaning& row : unit_tables::meanings)
    if (row.powers == powers) return row.text;
  return nullptr;
}

[[noreturn]] void fail_to_measure(const std::string& from, const Unit& source, const std::string& to, const Unit& target) {
  const char *const is = meaning(source.powers), *const wanted = meaning(target.powers);
  if (is == nullptr || wanted == nullptr || source.powers == target.powers)
    fail(ECOSTEP_BAD_UNITS, "they measure different things");
  fail(ECOSTEP_BAD_UNITS, "they measure different things: '", from, "' is ", is, ", '", to, "' ", wanted);
}

Conversion convert(const std::string& variable, const std::string& from, const std::string& to, double interval) {
  Unit source = parse_unit(from), target = parse_unit(to);
  unit_tables::Quantity quantity = quantity_of(variable);
  const bool in_table = *quantity.variable != '\0';  // otherwise a mass is of what either unit says
  if (!in_table && target.substance != nullptr) quantity.substance = target.substance->name;
  if (const std::string why = other_ratio(quantity.ratio, source, target); !why.empty()) fail(ECOSTEP_BAD_UNITS, why);
  if (!same_measure(source, target)) source = in_mass(source, quantity), target = in_mass(target, quantity);
  if (!in_table && target.substance == nullptr && source.powers == target.powers) source.substance = nullptr;
  if (interval > 0.0 && source.powers != target.powers) {
    Powers per_interval = source.powers;
    --per_interval[second];
    if (per_interval == target.powers) source.powers = per_interval, source.scale /= interval;
  }
  if (!same_measure(source, target)) fail_to_measure(from, source, to, target);
  const Conversion conversion{source.scale / target.scale, (source.offset - target.offset) / target.scale};
  if (!std::isnormal(conversion.scale) || !std::isfinite(conversion.offset)) fail(ECOSTEP_BAD_UNITS, "the factor is no number");
  return conversion;
}

}  // namespace

Conversion convert_units(const std::string& variable, const std::string& from, const std::string& to, double interval) {
  if (from == to) return {};
  try {
    return convert(variable, from, to, interval);
  } catch (const Error& error) {
    fail(ECOSTEP_BAD_UNITS, "variable '", variable, "': cannot convert '", from, "' to '", to, "': ", error.what());
  }
}

}  // namespace ecostep
