// The grammar of units: foundations/units/unit.py says it, and does the same in Python.
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/unit.h"
#include "core/unit_tables.h"

namespace ecostep {
namespace {

constexpr int largest_power = 20;
constexpr std::size_t shortest_plural = 3;  // letters of the shortest symbol that has one: "bars"

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '%' || (static_cast<unsigned char>(c) & 0x80) != 0;
}

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool starts_with(std::string_view text, std::size_t place, std::string_view start) {
  return place <= text.size() && text.compare(place, start.size(), start) == 0;
}

// Characters beyond ASCII replaced by what they stand for, blanks made single ones.
std::string plain_text(const std::string& text) {
  std::string ascii;
  for (std::size_t i = 0; i < text.size();) {
    const unit_tables::Character* match = nullptr;
    for (const unit_tables::Character& character : unit_tables::characters)
      if (starts_with(text, i, character.utf8)) match = &character;
    ascii += match != nullptr ? match->spelling : std::string(1, text[i]);
    i += match != nullptr ? std::strlen(match->utf8) : 1;
  }
  std::string plain;
  for (const char c : ascii) {
    if (!is_blank(c))
      plain += c;
    else if (!plain.empty() && plain.back() != ' ')
      plain += ' ';
  }
  if (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

const unit_tables::Symbol* look_up(std::string_view spelling) {
  for (const unit_tables::Symbol& symbol : unit_tables::symbols)
    if (spelling == symbol.spelling) return &symbol;
  return nullptr;
}

Unit unit_of(const unit_tables::Symbol& symbol, double factor = 1.0) {
  return {symbol.powers, symbol.factor * factor, symbol.offset, nullptr, symbol.kind};
}

// The unit of a word without plural: a symbol of at least `shortest` letters, or one with a prefix.
std::optional<Unit> find_singular(std::string_view word, std::size_t shortest) {
  if (const auto* const symbol = look_up(word); symbol != nullptr && word.size() >= shortest) return unit_of(*symbol);
  for (const unit_tables::Prefix& prefix : unit_tables::prefixes) {
    if (!starts_with(word, 0, prefix.spelling)) continue;
    const std::string_view rest = word.substr(std::strlen(prefix.spelling));
    const auto* const symbol = look_up(rest);
    if (symbol != nullptr && symbol->prefixes == prefix.kind && rest.size() >= shortest) return unit_of(*symbol, prefix.factor);
  }
  return std::nullopt;
}

std::optional<Unit> find_symbol(std::string_view word) {
  if (const std::optional<Unit> unit = find_singular(word, 1)) return unit;
  if (word.empty() || word.back() != 's') return std::nullopt;
  return find_singular(word.substr(0, word.size() - 1), shortest_plural);
}

Unit multiply(const Unit& a, const Unit& b) {
  Unit product;
  for (int i = 0; i < n_bases; ++i) product.powers[i] = a.powers[i] + b.powers[i];
  product.scale = a.scale * b.scale;
  // In a product a temperature is a difference, unless a number scales it: "0.1 degC".
  product.offset = a.powers == no_dimension && a.kinds == Kinds::none ? b.offset : 0.0;
  product.substance = a.substance != nullptr ? a.substance : b.substance;
  product.kinds = a.kinds | b.kinds;
  return product;
}

Unit raise(Unit base, int power) {
  if (power == 1) return base;
  for (int& p : base.powers) p *= power;
  base.scale = std::pow(base.scale, power);
  base.offset = 0.0;
  return base;
}

// Cuts a text into factors; `at_` is the next character.
class UnitParser {
 public:
  UnitParser(const std::string& text, const std::string& shown) : text_(text), shown_(shown) {}

  Unit read() {
    const Unit unit = product();
    if (at_ < text_.size()) unexpected();
    return unit;
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(const Parts&... parts) const {
    fail(ECOSTEP_BAD_UNITS, "units '", shown_, "' are not understood: ", parts...);
  }
  [[noreturn]] void unexpected() const { bad("unexpected '", text_.substr(at_, character_size()), "'"); }

  // Bytes of the UTF-8 character that is next.
  std::size_t character_size() const {
    std::size_t size = 1;
    while (at_ + size < text_.size() && (static_cast<unsigned char>(text_[at_ + size]) & 0xc0) == 0x80) ++size;
    return size;
  }

  bool digit(std::size_t i) const { return i < text_.size() && is_digit(text_[i]); }
  bool next_is(std::string_view start) const { return starts_with(text_, at_, start); }

  char next() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  // Factors up to the end, or to the parenthesis that closes them.
  Unit product() {
    Unit product;
    int factors = 0;
    bool divide = false, pending = false;
    for (char c = next(); at_ < text_.size() && (c != ')' || !within_); c = next()) {
      const bool per = next_is("per ");
      if (c == '/' || c == '*' || (c == '.' && !digit(at_ + 1)) || per) {
        if (pending || (factors == 0 && c != '/')) bad("misplaced '", std::string(1, c), "'");
        divide = c == '/' || per, pending = true;
        at_ += per ? 3 : 1;
        continue;
      }
      if (factors > 0 && !pending && product.substance == nullptr && (product.substance = read_substance(at_, product)) != nullptr)
        continue;
      const Unit factor = read_factor(divide ? -1 : 1);
      product = factors == 0 && !divide ? factor : multiply(product, factor);
      ++factors;
      divide = pending = false;
    }
    if (pending) bad("nothing follows the last operator");
    if (within_ && factors == 0) bad("unexpected ')'");
    return product;
  }

  // One factor with its power, the power multiplied by `sign`.
  Unit read_factor(int sign) {
    Unit base;
    if (text_[at_] == '(') {
      if (within_) bad("parentheses within parentheses");
      ++at_, within_ = true;
      base = product();
      if (next() != ')') bad("')' is missing");
      ++at_, within_ = false;
    } else if (digit(at_) || text_[at_] == '.') {
      base.scale = read_number();
    } else {
      base = read_symbol();
    }
    return raise(base, sign * read_power());
  }

  Unit read_symbol() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
    const std::size_t end = at_;
    const std::string_view word = std::string_view(text_).substr(start, end - start);
    if (word.empty()) unexpected();
    if (const std::optional<Unit> unit = find_symbol(word)) return *unit;
    for (std::size_t place = start + 1; place < end; ++place) {  // with its substance: "gC", "umolCO2"
      std::optional<Unit> unit = find_symbol(word.substr(0, place - start));
      if (unit && (unit->substance = read_substance(place, *unit)) != nullptr) return *unit;
    }
    bad("unknown unit '", word, "'");
  }

  // The substance at `place` that `unit` can be of, after which one goes on; null where there is none.
  const Substance* read_substance(std::size_t place, const Unit& unit) {
    for (const auto& [spelling, substance] : unit_tables::substances) {
      const bool of_water = std::strcmp(substance.name, "H2O") == 0 && any(unit.kinds, Kinds::length);
      if (!any(unit.kinds, Kinds::mass | Kinds::amount) && !of_water) continue;
      const std::size_t end = place + std::strlen(spelling);
      if (!starts_with(text_, place, spelling) || (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end])))) continue;
      at_ = end;
      return &substance;
    }
    return nullptr;
  }

  double read_number() {
    const std::size_t start = at_;
    int points = 0, digits = 0;
    for (; at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.'); ++at_) ++(text_[at_] == '.' ? points : digits);
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      const std::size_t sign = at_ + 1 < text_.size() && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+') ? 1 : 0;
      if (digit(at_ + 1 + sign))
        for (at_ += 1 + sign; digit(at_);) ++at_;
    }
    const std::string number = text_.substr(start, at_ - start);
    double value = 0.0;
    if (points <= 1 && digits > 0) {
      std::istringstream stream(number);  // read without strtod, which obeys the host's locale
      stream.imbue(std::locale::classic());
      stream >> value;
      if (stream.fail()) value = 0.0;  // too large or too small
    }
    if (!(value > 0.0) || !std::isfinite(value)) bad("'", number, "' is not a positive number");
    return value;
  }

  int read_power() {
    std::size_t i = at_;
    if (next_is("^") || next_is("**")) i += text_[i] == '^' ? 1 : 2;
    const bool marked = i != at_;
    char closing = '\0';
    if (starts_with(text_, i, "{") || (marked && starts_with(text_, i, "("))) closing = text_[i++] == '{' ? '}' : ')';
    int sign = 1;
    if (starts_with(text_, i, "-") || starts_with(text_, i, "+")) sign = text_[i++] == '-' ? -1 : 1;
    if (!digit(i)) {
      if (i != at_) bad("power missing in '", text_.substr(at_), "'");
      return 1;
    }
    int power = 0;
    for (; digit(i); ++i) power = power > largest_power ? power : 10 * power + (text_[i] - '0');
    if (closing != '\0') {
      if (!starts_with(text_, i, std::string_view(&closing, 1))) bad("power missing in '", text_.substr(at_), "'");
      ++i;
    }
    if (power > largest_power) bad("power too large");
    at_ = i;
    return sign * power;
  }

  const std::string text_, shown_;
  std::size_t at_ = 0;
  bool within_ = false;  // parentheses
};

}  // namespace

Unit parse_unit(const std::string& text) {
  const std::string plain = plain_text(text);
  if (const unit_tables::Symbol* const symbol = look_up(plain)) return unit_of(*symbol);
  return UnitParser(plain, text).read();
}

}  // namespace ecostep
