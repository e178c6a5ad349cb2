// Operations on each element.
#include "operation_program.h"

using namespace testing;

namespace {

const std::vector<std::pair<const char*, std::function<double(double, double)>>> binary_operations = {
    {"add", [](double a, double b) { return a + b; }},
    {"sub", [](double a, double b) { return a - b; }},
    {"mul", [](double a, double b) { return a * b; }},
    {"div", [](double a, double b) { return a / b; }},
    {"max", [](double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b); }},
    {"min", [](double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b); }},
    {"pow", [](double a, double b) { return std::pow(a, b); }},
    {"remainder", [](double a, double b) { return a - b * std::floor(a / b); }},
    {"copysign", [](double a, double b) { return std::copysign(a, b); }},
    {"eq", [](double a, double b) { return a == b ? 1.0 : 0.0; }},
    {"ne", [](double a, double b) { return a != b ? 1.0 : 0.0; }},
    {"lt", [](double a, double b) { return a < b ? 1.0 : 0.0; }},
    {"le", [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
    {"gt", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
    {"ge", [](double a, double b) { return a >= b ? 1.0 : 0.0; }},
    {"and", [](double a, double b) { return a != 0.0 && b != 0.0 ? 1.0 : 0.0; }},
    {"or", [](double a, double b) { return a != 0.0 || b != 0.0 ? 1.0 : 0.0; }},
};

// out (2, 9) of the state as (2, 9), transposed, repeated; with constants on
// either side; in f32 or f64.
void test_binary(const char* name, const std::function<double(double, double)>& f, const char* type) {
  const bool wide = std::string(type) == "f64";
  Program p(3, 18);
  const std::vector<float> numbers = {0.0f, 1.5f, -2.0f, 0.5f, 1.0f, -0.25f, 3.0f, 2.0f, -1.0f};
  const int c = wide ? p.constant(std::vector<double>(numbers.begin(), numbers.end()), {9}) : p.constant(numbers, {9});
  const int x = p.value(type, 18), y = p.value(type, 18);
  p.apply(wide ? "cast" : "copy", ref("v", x, {18}), {ref("v", p.state, {18})});
  int at = 0;
  const std::string plain = ref("v", x, {2, 9}), turned = ref("v", x, {2, 9}, 0, strides({1, 2})),
                    repeated = ref("v", x, {2, 9}, 4, strides({0, 0}));
  const std::string row = ref("c", c, {2, 9}, 0, strides({0, 1})), number = ref("c", c, {2, 9}, 1, strides({0, 0}));
  const std::vector<std::pair<std::string, std::string>> operands = {{plain, plain},  {plain, turned}, {turned, repeated},
                                                                     {plain, row},    {row, turned},   {number, plain},
                                                                     {plain, number}, {row, number}};
  for (const auto& [a, b] : operands) {
    p.apply(name, ref("v", y, {2, 9}), {a, b});
    const int z = p.value("f32", 18);
    p.apply(wide ? "cast" : "copy", ref("v", z, {18}), {ref("v", y, {18})});
    p.sizes.state = 18 * operands.size();
    p.store(at, ref("v", z, {18}));
    at += 18;
  }
  p.finish();
  const auto element = [&](const std::string& operand, const Numbers& s, std::size_t e) {
    if (operand == plain) return s[e];
    if (operand == turned) return s[e / 9 + 2 * (e % 9)];
    if (operand == repeated) return s[4];
    return static_cast<double>(operand == row ? numbers[e % 9] : numbers[1]);
  };
  examine(
      name, p,
      [&](const Numbers&, const Numbers&, const Numbers& s) {
        Numbers stored;
        for (const auto& [a, b] : operands)
          for (std::size_t e = 0; e < 18; ++e) stored.push_back(f(element(a, s, e), element(b, s, e)));
        return stored;
      },
      3e-7);
}

void test_where() {
  Program p(3, 12);
  const int c = p.constant(normal(6, 3), {6}), condition = p.value("f32", 6), out = p.value("f32", 6), wide = p.value("f64", 6),
            chosen = p.value("f64", 6), back = p.value("f32", 6);
  p.apply("gt", ref("v", condition, {2, 3}),
          {ref("v", p.state, {2, 3}, 0, strides({1, 2})), ref("v", p.drivers, {2, 3}, 0, strides({0, 1}))});
  p.apply("where", ref("v", out, {2, 3}), {ref("v", condition, {2, 3}), ref("v", p.state, {2, 3}), ref("c", c, {2, 3})});
  p.apply("cast", ref("v", wide, {6}), {ref("v", p.state, {6}, 6)});
  p.apply("where", ref("v", chosen, {6}), {ref("v", condition, {6}), ref("v", wide, {6}), ref("v", wide, {6}, 0, strides({0}))});
  p.apply("cast", ref("v", back, {6}), {ref("v", chosen, {6})});
  p.store(0, ref("v", out, {6}));
  p.store(6, ref("v", back, {6}));
  p.finish();
  const std::vector<float> numbers = normal(6, 3);
  examine(
      "where", p,
      [&](const Numbers& d, const Numbers&, const Numbers& s) {
        Numbers stored(12);
        for (std::size_t e = 0; e < 6; ++e) {
          const bool yes = s[e / 3 + 2 * (e % 3)] > d[e % 3];
          stored[e] = yes ? s[e] : static_cast<double>(numbers[e]);
          stored[6 + e] = yes ? s[6 + e] : s[6];
        }
        return stored;
      },
      0.0);
}

}  // namespace

int main() {
  for (const auto& [name, f] : binary_operations)
    for (const char* type : {"f32", "f64"}) test_binary(name, f, type);
  test_where();
  return result();
}
