#include "core/units.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
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

using Powers = std::array<int, Unit::n_dimensions>;
constexpr Powers mass{1, 0, 0, 0, 0, 0}, length{0, 1, 0, 0, 0, 0}, time_{0, 0, 1, 0, 0, 0}, temperature{0, 0, 0, 1, 0, 0},
    amount{0, 0, 0, 0, 1, 0}, angle{0, 0, 0, 0, 0, 1}, number{}, area{0, 2, 0, 0, 0, 0}, volume{0, 3, 0, 0, 0, 0},
    force{1, 1, -2, 0, 0, 0}, pressure{1, -1, -2, 0, 0, 0}, energy{1, 2, -2, 0, 0, 0}, power{1, 2, -3, 0, 0, 0},
    frequency{0, 0, -1, 0, 0, 0};

Unit unit(const Powers& powers, double scale, double offset = 0.0) {
  return Unit{powers, scale, offset};
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
      {"degK", unit(temperature, 1)},
      {"mole", unit(amount, 1)},
      {"pascal", unit(pressure, 1)},
      {"bar", unit(pressure, 1e5)},
      {"mbar", unit(pressure, 100)},
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
      const std::optional<Unit> unit = find_symbol(symbol);
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
