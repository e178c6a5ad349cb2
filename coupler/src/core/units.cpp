#include "core/units.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>

#include "core/error.h"

namespace ecostep {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double day = 86400.0;
constexpr double year = 31556925.9747;  // tropical year, as in UDUNITS
constexpr double water_density = 1000.0;
constexpr double depth_of_mrsos = 0.1;  // m

constexpr Substance substances[] = {{"CO2", 'C', 44.01e-3, 1},
                                    {"CH4", 'C', 16.043e-3, 1},
                                    {"N2O", 'N', 44.013e-3, 2},
                                    {"C", 'C', 12.011e-3, 1},
                                    {"N", 'N', 14.007e-3, 1}};

using Powers = std::array<int, Unit::n_dimensions>;
constexpr Powers mass{1, 0, 0, 0, 0, 0}, length{0, 1, 0, 0, 0, 0}, time_{0, 0, 1, 0, 0, 0}, temperature{0, 0, 0, 1, 0, 0},
    amount{0, 0, 0, 0, 1, 0}, angle{0, 0, 0, 0, 0, 1}, number{}, area{0, 2, 0, 0, 0, 0}, volume{0, 3, 0, 0, 0, 0},
    force{1, 1, -2, 0, 0, 0}, pressure{1, -1, -2, 0, 0, 0}, energy{1, 2, -2, 0, 0, 0}, power{1, 2, -3, 0, 0, 0},
    frequency{0, 0, -1, 0, 0, 0};

Unit unit(const Powers& powers, double scale, double offset = 0.0) {
  Unit measure;
  measure.powers = powers, measure.scale = scale, measure.offset = offset;
  measure.of_mass = powers == mass, measure.of_amount = powers == amount;
  measure.of_length = powers == length || powers == area || powers == volume;
  return measure;
}

// Symbols and names that stand as they are.
const std::map<std::string, Unit, std::less<>>& plain_units() {
  static const std::map<std::string, Unit, std::less<>> table = {
      {"kg", unit(mass, 1)},
      {"kilogram", unit(mass, 1)},
      {"gram", unit(mass, 1e-3)},
      {"tonne", unit(mass, 1000)},
      {"meter", unit(length, 1)},
      {"metre", unit(length, 1)},
      {"second", unit(time_, 1)},
      {"sec", unit(time_, 1)},
      {"min", unit(time_, 60)},
      {"minute", unit(time_, 60)},
      {"h", unit(time_, 3600)},
      {"hr", unit(time_, 3600)},
      {"hour", unit(time_, 3600)},
      {"d", unit(time_, day)},
      {"day", unit(time_, day)},
      {"yr", unit(time_, year)},
      {"year", unit(time_, year)},
      {"kelvin", unit(temperature, 1)},
      {"Kelvin", unit(temperature, 1)},
      {"degK", unit(temperature, 1)},
      {"mole", unit(amount, 1)},
      {"pascal", unit(pressure, 1)},
      {"bar", unit(pressure, 1e5)},
      {"mbar", unit(pressure, 100)},
      {"mb", unit(pressure, 100)},
      {"millibar", unit(pressure, 100)},
      {"atm", unit(pressure, 101325)},
      {"joule", unit(energy, 1)},
      {"watt", unit(power, 1)},
      {"newton", unit(force, 1)},
      {"ha", unit(area, 1e4)},
      {"hectare", unit(area, 1e4)},
      {"l", unit(volume, 1e-3)},
      {"L", unit(volume, 1e-3)},
      {"liter", unit(volume, 1e-3)},
      {"litre", unit(volume, 1e-3)},
      {"%", unit(number, 0.01)},
      {"percent", unit(number, 0.01)},
      {"unitless", unit(number, 1)},
      {"dimensionless", unit(number, 1)},
      {"fraction", unit(number, 1)},
      {"proportion", unit(number, 1)},
      {"ppm", unit(number, 1e-6)},
      {"ppmv", unit(number, 1e-6)},
      {"ppb", unit(number, 1e-9)},
      {"ppbv", unit(number, 1e-9)},
      {"ppt", unit(number, 1e-12)},
      {"pptv", unit(number, 1e-12)},
      {"rad", unit(angle, 1)},
      {"radian", unit(angle, 1)},
      {"degree", unit(angle, pi / 180)},
      {"deg", unit(angle, pi / 180)},
      {"degrees_north", unit(angle, pi / 180)},
      {"degree_north", unit(angle, pi / 180)},
      {"degrees_east", unit(angle, pi / 180)},
      {"degree_east", unit(angle, pi / 180)},
      {"degC", unit(temperature, 1, 273.15)},
      {"celsius", unit(temperature, 1, 273.15)},
      {"Celsius", unit(temperature, 1, 273.15)},
      {"degree_Celsius", unit(temperature, 1, 273.15)},
      {"degree_celsius", unit(temperature, 1, 273.15)},
      {"deg_C", unit(temperature, 1, 273.15)},
      {"degree_C", unit(temperature, 1, 273.15)},
      {"degrees_C", unit(temperature, 1, 273.15)},
      {"degrees_Celsius", unit(temperature, 1, 273.15)},
      {"C", unit(temperature, 1, 273.15)},
      {"\xc2\xb0"
       "C",
       unit(temperature, 1, 273.15)},
      {"degF", unit(temperature, 5.0 / 9.0, 273.15 - 32.0 * 5.0 / 9.0)},
      {"fahrenheit", unit(temperature, 5.0 / 9.0, 273.15 - 32.0 * 5.0 / 9.0)},
  };
  return table;
}

// Symbols that take the prefixes of the SI.
const std::map<std::string, Unit, std::less<>>& prefixed_units() {
  static const std::map<std::string, Unit, std::less<>> table = {
      {"g", unit(mass, 1e-3)},  {"m", unit(length, 1)},     {"s", unit(time_, 1)},  {"K", unit(temperature, 1)},
      {"mol", unit(amount, 1)}, {"Pa", unit(pressure, 1)},  {"J", unit(energy, 1)}, {"W", unit(power, 1)},
      {"N", unit(force, 1)},    {"Hz", unit(frequency, 1)},
  };
  return table;
}

const std::map<std::string, double, std::less<>>& prefixes() {
  static const std::map<std::string, double, std::less<>> table = {
      {"p", 1e-12}, {"n", 1e-9}, {"u", 1e-6}, {"\xc2\xb5", 1e-6}, {"\xce\xbc", 1e-6}, {"m", 1e-3}, {"c", 1e-2},
      {"d", 1e-1},  {"h", 1e2},  {"k", 1e3},  {"M", 1e6},         {"G", 1e9},         {"T", 1e12}, {"P", 1e15},
  };
  return table;
}

const Unit* look_up(const std::map<std::string, Unit, std::less<>>& table, std::string_view symbol) {
  const auto entry = table.find(symbol);
  return entry != table.end() ? &entry->second : nullptr;
}

std::optional<Unit> find_symbol(std::string_view symbol) {
  if (const Unit* const unit = look_up(plain_units(), symbol)) return *unit;
  if (const Unit* const unit = look_up(prefixed_units(), symbol)) return *unit;
  for (const auto& [prefix, factor] : prefixes()) {
    if (symbol.size() <= prefix.size() || symbol.compare(0, prefix.size(), prefix) != 0) continue;
    if (const Unit* const unit = look_up(prefixed_units(), symbol.substr(prefix.size()))) {
      Unit multiple = *unit;
      multiple.scale *= factor;
      return multiple;
    }
  }
  if (symbol.size() > 3 && symbol.back() == 's')  // plural of a name: "days", "degrees"
    if (const Unit* const unit = look_up(plain_units(), symbol.substr(0, symbol.size() - 1))) return *unit;
  return std::nullopt;
}

// Cuts "kg m-2/s" into factors: symbol or number, and power.
class UnitParser {
 public:
  explicit UnitParser(const std::string& text) : text_(text) {}

  Unit read() {
    for (const char* const word : {"-", "~", "(0 - 1)"})  // "no unit" of land models and of ERA5
      if (text_ == word) return {};
    Unit product;
    int factors = 0;
    bool divide = false, operator_pending = false;
    while (skip_blanks(), at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '/' || c == '*' || (c == '.' && !digit(at_ + 1))) {
        if (operator_pending || (factors == 0 && c != '/')) bad("misplaced '", std::string(1, c), "'");
        divide = c == '/';
        operator_pending = true;
        ++at_;
        continue;
      }
      if (factors > 0 && !operator_pending && (product.of_mass || product.of_amount) && product.substance == nullptr &&
          (product.substance = read_substance(at_)) != nullptr)
        continue;
      const Unit factor = read_factor(divide ? -1 : 1);
      product = factors == 0 && !divide ? factor : multiply(product, factor);
      ++factors;
      divide = operator_pending = false;
    }
    if (operator_pending) bad("nothing follows the last operator", "", "");
    return product;
  }

 private:
  template <class A, class B, class C>
  [[noreturn]] void bad(const A& a, const B& b, const C& c) const {
    fail(ECOSTEP_BAD_UNITS, "units '", text_, "' are not understood: ", a, b, c);
  }

  bool digit(std::size_t i) const { return i < text_.size() && std::isdigit(static_cast<unsigned char>(text_[i])); }
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  // The substance at `place`, after which one goes on; null where there is none. "CH4-C" is carbon.
  const Substance* read_substance(std::size_t place) {
    const auto word_ends = [&](std::size_t i) { return i >= text_.size() || (!symbol_letter(text_[i]) && !digit(i)); };
    for (const Substance& substance : substances) {
      const std::size_t end = place + std::char_traits<char>::length(substance.symbol);
      if (text_.compare(place, end - place, substance.symbol) != 0 || !word_ends(end)) continue;
      at_ = end;
      if (end + 1 >= text_.size() || text_[end] != '-' || text_[end + 1] != substance.element || !word_ends(end + 2))
        return &substance;
      at_ = end + 2;
      for (const Substance& element : substances)
        if (element.symbol == std::string(1, substance.element)) return &element;
    }
    return nullptr;
  }

  // A unit with its substance, such as "gC" or "umolCO2".
  std::optional<Unit> read_joined(std::size_t start) {
    for (std::size_t place = start + 1; place < text_.size() && symbol_letter(text_[place]); ++place) {
      std::optional<Unit> unit = find_symbol(text_.substr(start, place - start));
      if (!unit || (!unit->of_mass && !unit->of_amount)) continue;
      const std::size_t back = at_;
      if ((unit->substance = read_substance(place)) != nullptr) return unit;
      at_ = back;
    }
    return std::nullopt;
  }

  // One number or symbol with its power, the power multiplied by `sign`.
  Unit read_factor(int sign) {
    Unit base;
    if (digit(at_) || text_[at_] == '.') {
      base.scale = read_number();
    } else {
      const std::size_t start = at_;
      while (at_ < text_.size() && symbol_letter(text_[at_])) ++at_;
      const std::string symbol = text_.substr(start, at_ - start);
      if (symbol.empty()) bad("unexpected '", std::string(1, text_[at_]), "'");
      std::optional<Unit> unit = find_symbol(symbol);
      if (!unit) unit = read_joined(start);
      if (!unit) bad("unknown unit '", symbol, "'");
      base = *unit;
    }
    const int power = sign * read_power();
    if (power == 1) return base;
    for (int& p : base.powers) p *= power;
    base.scale = std::pow(base.scale, power);
    base.offset = 0.0;
    return base;
  }

  static bool symbol_letter(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '%' || (static_cast<unsigned char>(c) & 0x80) != 0;
  }

  double read_number() {
    const std::size_t start = at_;
    while (digit(at_) || (at_ < text_.size() && text_[at_] == '.')) ++at_;
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      const std::size_t sign = at_ + 1 < text_.size() && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+') ? 1 : 0;
      if (digit(at_ + 1 + sign)) {
        at_ += 1 + sign;
        while (digit(at_)) ++at_;
      }
    }
    double value = 0.0;  // read without strtod, which obeys the host's locale
    std::istringstream stream(text_.substr(start, at_ - start));
    stream.imbue(std::locale::classic());
    if (!(stream >> value) || !stream.eof() || !(value > 0.0) || !std::isfinite(value))
      bad("'", text_.substr(start, at_ - start), "' is not a positive number");
    return value;
  }

  int read_power() {
    std::size_t i = at_;
    const bool marked = text_.compare(i, 1, "^") == 0 || text_.compare(i, 2, "**") == 0;
    if (marked) i += text_[i] == '^' ? 1 : 2;
    int sign = 1;
    if (i < text_.size() && (text_[i] == '-' || text_[i] == '+')) sign = text_[i++] == '-' ? -1 : 1;
    if (!digit(i)) {
      if (i != at_) bad("power missing in '", text_.substr(at_), "'");
      return 1;
    }
    int power = 0;
    for (; digit(i) && power < 100; ++i) power = 10 * power + (text_[i] - '0');
    if (power > 20) bad("power too large", "", "");
    at_ = i;
    return sign * power;
  }

  static Unit multiply(const Unit& a, const Unit& b) {
    Unit product;
    for (int i = 0; i < Unit::n_dimensions; ++i) product.powers[i] = a.powers[i] + b.powers[i];
    product.substance = a.substance != nullptr ? a.substance : b.substance;
    product.of_mass = a.of_mass || b.of_mass;
    product.of_length = a.of_length || b.of_length;
    product.of_amount = a.of_amount || b.of_amount;
    product.scale = a.scale * b.scale;  // in a product a temperature is a difference: no offset
    return product;
  }

  const std::string text_;
  std::size_t at_ = 0;
};

bool is_water(const std::string& variable) {
  static const char* const names[] = {"pr", "prra", "prsn", "evspsbl", "snw", "mrsos", "mrso", "mrro", "mrros"};
  return std::any_of(std::begin(names), std::end(names), [&](const char* name) { return variable == name; });
}

bool named(const std::string& variable, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return variable == name; });
}

// What the mass of a flux is of, by the table of variables; null where it does not say.
const Substance* substance_of(const std::string& variable) {
  const char* symbol = "";
  if (named(variable, {"gpp", "npp", "ra", "rh", "nee", "nep", "nbp", "reco", "ter"})) symbol = "C";
  if (named(variable, {"fch4", "fch4_diff", "fch4_ebul", "fch4_plant", "ch4_production", "ch4_oxidation"})) symbol = "CH4";
  if (variable == "fn2o") symbol = "N2O";
  if (variable == "fertilisation") symbol = "N";
  for (const Substance& substance : substances)
    if (std::string_view(substance.symbol) == symbol) return &substance;
  return nullptr;
}

bool is_number(const Unit& unit) {
  return unit.powers == number;
}

// Why two units without dimension do not measure the same quantity of a variable; "" where they may.
std::string other_ratio(const std::string& variable, const Unit& a, const Unit& b) {
  if (!is_number(a) || !is_number(b)) return "";
  if (named(variable, {"co2", "ch4"}) && (a.of_mass || b.of_mass))
    return "a ratio of masses is no mole fraction (divide it by the molar mass of the gas over that of air, 28.97 g mol-1, and "
           "give "
           "'mol mol-1')";
  if (named(variable, {"huss", "hus", "sand", "clay"}) && (a.of_amount || b.of_amount || a.of_length || b.of_length))
    return "a ratio of amounts or volumes is no mass fraction";
  if (named(variable, {"lai"}) && (a.of_amount || b.of_amount || a.of_mass || b.of_mass))
    return "a ratio of masses or amounts is no area of leaves per area of ground";
  return "";
}

// Mass of `flux` in kg that one kg, or with `as_amount` one mol, of `unit` is.
double mass_of(const Substance& flux, const Unit& unit, bool as_amount) {
  const Substance& form = unit.substance != nullptr ? *unit.substance : flux;
  const double atoms = as_amount ? form.atoms : form.atoms / form.molar_mass;
  return atoms / flux.atoms * flux.molar_mass;
}

// Make mass or amount of a substance that the unit names into mass of what the flux is of. Whether that can be.
bool in_mass_of_flux(const Substance* flux, Unit& unit) {
  if (unit.substance == nullptr && unit.powers[Unit::mole] != 1) return true;
  if (flux == nullptr || (unit.substance != nullptr && unit.substance->element != flux->element)) return false;
  if (unit.powers[Unit::mole] == 1 && unit.powers[Unit::kilogram] == 0) {
    unit.scale *= mass_of(*flux, unit, true);
    unit.powers[Unit::mole] = 0, unit.powers[Unit::kilogram] = 1;
  } else if (unit.powers[Unit::kilogram] == 1 && unit.powers[Unit::mole] == 0) {
    unit.scale *= mass_of(*flux, unit, false);
  } else {
    return false;
  }
  unit.substance = nullptr;
  return true;
}

}  // namespace

Unit parse_unit(const std::string& text) {
  return UnitParser(text).read();
}

Conversion convert_units(const std::string& variable, const std::string& from, const std::string& to) {
  if (from == to) return {};
  Unit source, target;
  try {
    source = parse_unit(from);
    target = parse_unit(to);
  } catch (const Error& error) {
    fail(ECOSTEP_BAD_UNITS, "variable '", variable, "': cannot convert '", from, "' to '", to, "': ", error.what());
  }
  if (const std::string why = other_ratio(variable, source, target); !why.empty())
    fail(ECOSTEP_BAD_UNITS, "variable '", variable, "': cannot convert '", from, "' to '", to, "': ", why);
  if (source.substance != target.substance || source.powers[Unit::mole] != target.powers[Unit::mole]) {
    const Substance* const flux = substance_of(variable);
    if (!in_mass_of_flux(flux, source) || !in_mass_of_flux(flux, target))
      fail(ECOSTEP_BAD_UNITS, "variable '", variable, "': cannot convert '", from, "' to '", to,
           "': they measure different things");
  }
  if (variable == "mrsos" && is_number(source) && source.of_length && !source.of_mass && !source.of_amount)
    source.powers = length, source.scale *= depth_of_mrsos;
  if (source.powers != target.powers && is_water(variable)) {
    Powers depth = source.powers;  // kg m-2 -> m, or m -> kg m-2
    if (depth[Unit::kilogram] == 1) {
      depth[Unit::kilogram] = 0, depth[Unit::metre] += 3;
      if (depth == target.powers) source.powers = depth, source.scale /= water_density;
    } else if (depth[Unit::kilogram] == 0) {
      depth[Unit::kilogram] = 1, depth[Unit::metre] -= 3;
      if (depth == target.powers) source.powers = depth, source.scale *= water_density;
    }
  }
  if (source.powers != target.powers)
    fail(ECOSTEP_BAD_UNITS, "variable '", variable, "': cannot convert '", from, "' to '", to, "': they measure different things");
  const Conversion conversion{source.scale / target.scale, (source.offset - target.offset) / target.scale};
  if (!std::isnormal(conversion.scale) || !std::isfinite(conversion.offset))
    fail(ECOSTEP_BAD_UNITS, "variable '", variable, "': cannot convert '", from, "' to '", to, "': the factor is no number");
  return conversion;
}

}  // namespace ecostep
