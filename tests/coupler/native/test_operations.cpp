// Every operation in small programs, against plain loops in double; the same
// bits for any kernels, lane and number of cells.
#include <array>
#include <cfloat>
#include <algorithm>
#include <functional>

#include "testing.h"

using namespace testing;

namespace {

using Numbers = std::vector<double>;
// What a cell is expected to store, from its drivers, measured fluxes and
// state.
using Expected = std::function<Numbers(const Numbers& drivers, const Numbers& observed, const Numbers& state)>;

std::string text(const std::vector<int>& list) {
  std::string joined;
  for (const int n : list) joined += (joined.empty() ? "" : ", ") + std::to_string(n);
  return "[" + joined + "]";
}
std::string ref(const char* kind, int number, const std::vector<int>& shape, int offset = 0, const std::string& more = "") {
  return std::string("{\"") + kind + "\": " + std::to_string(number) + ", \"o\": " + std::to_string(offset) +
         ", \"n\": " + text(shape) + more + "}";
}
std::string strides(const std::vector<int>& list) {
  return ", \"t\": " + text(list);
}
std::string index(int value, int element, int scale) {
  return ", \"i\": " + text({value, element, scale});
}

// A draft whose state (S) and drivers (D) are already values 0 and 1.
struct Program : Draft {
  int state, drivers;
  Program(std::size_t d, std::size_t s, bool observed = false) {
    sizes = {d, 2, 2, s, observed};
    constant(std::vector<float>{0.5f}, {1});
    state = value("f32", static_cast<int>(s));
    drivers = value("f32", static_cast<int>(d));
    op(R"({"op": "load", "at": 0, "out": )" + ref("v", state, {static_cast<int>(s)}) + "}");
    op(R"({"op": "input", "name": "drivers", "out": )" + ref("v", drivers, {static_cast<int>(d)}) + "}");
  }
  void apply(const std::string& name, const std::string& out, const std::vector<std::string>& operands,
             const std::string& more = "") {
    std::string line = R"({"op": ")" + name + R"(", "out": )" + out;
    for (std::size_t i = 0; i < operands.size(); ++i) line += std::string(", \"") + "abc"[i] + "\": " + operands[i];
    op(line + more + "}");
  }
  void store(int at, const std::string& a, const std::string& more = "") {
    op(R"({"op": "store", "at": )" + std::to_string(at) + ", \"a\": " + a + more + "}");
  }
  void finish() { op(R"({"op": "flux", "a": {"c": 0, "n": [2], "t": [0]}})"); }
};

void examine(const char* what, const Program& program, const Expected& expected, double tolerance,
             const CalendarRow& day = midmonth) {
  std::vector<float> first;
  std::size_t width = 0;
  const std::size_t all = 64;
  for (const Kernels* kernels : all_kernels()) {
    const Executor executor(program.read(), program.sizes, *kernels);
    std::vector<StateSpan> spans;
    executor.changes(day, program.sizes.observed, spans);
    width = 0;
    for (const StateSpan& span : spans) width += span.size;
    if (first.empty()) {  // cells one by one
      for (std::size_t i = 0; i < all; ++i) {
        const Cells whole(program.sizes, all, width);
        Cells one(program.sizes, 1, width);
        for (std::size_t v = 0; v < program.sizes.drivers; ++v) one.drivers[v * one.stride] = whole.drivers[v * whole.stride + i];
        for (std::size_t v = 0; v < program.sizes.targets; ++v) one.observed[v * one.stride] = whole.observed[v * whole.stride + i];
        std::copy_n(whole.state.begin() + static_cast<std::ptrdiff_t>(i * whole.state_size), program.sizes.state,
                    one.state.begin());
        one.step(executor, day, program.sizes.observed);
        first.insert(first.end(), one.changed.begin(), one.changed.end());
        CHECK(one.flux[0] == 0.5f && one.flux[one.stride] == 0.5f, "%s", what);
      }
    }
    for (const std::size_t n : {1, 2, 7, 16, 17, 30, 33, 64}) {
      Cells cells(program.sizes, n, width);
      cells.step(executor, day, program.sizes.observed);
      for (std::size_t e = 0; e < n * width; ++e)
        CHECK(bits(cells.changed[e]) == bits(first[e]) || (std::isnan(cells.changed[e]) && std::isnan(first[e])),
              "%s: element %zu of cell %zu of %zu with %s is %.9g, alone %.9g", what, e % width, e / width, n, kernels->name,
              cells.changed[e], first[e]);
      CHECK(cells.flux[n - 1] == 0.5f && cells.flux[cells.stride + n - 1] == 0.5f, "%s", what);
    }
  }
  const Cells cells(program.sizes, all, width);
  for (std::size_t i = 0; i < all; ++i) {
    Numbers drivers, observed, state;
    for (std::size_t v = 0; v < program.sizes.drivers; ++v) drivers.push_back(cells.drivers[v * cells.stride + i]);
    for (std::size_t v = 0; v < program.sizes.targets; ++v) observed.push_back(cells.observed[v * cells.stride + i]);
    for (std::size_t v = 0; v < program.sizes.state; ++v) state.push_back(cells.state[i * cells.state_size + v]);
    const Numbers wanted = expected(drivers, observed, state);
    CHECK(wanted.size() == width, "%s stores %zu numbers, not %zu", what, width, wanted.size());
    for (std::size_t e = 0; e < std::min(width, wanted.size()); ++e) {
      const double got = first[i * width + e];
      CHECK(std::fabs(got - wanted[e]) <= tolerance * (1.0 + std::fabs(wanted[e])) || (std::isnan(got) && std::isnan(wanted[e])) ||
                got == wanted[e],
            "%s: element %zu of cell %zu is %.9g, not %.9g", what, e, i, got, wanted[e]);
    }
  }
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
double gelu(double x) {
  return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}

std::vector<float> normal(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw;
  std::vector<float> numbers(n);
  for (float& x : numbers) x = draw(random);
  return numbers;
}

// ---- elementwise ----

const std::vector<std::pair<const char*, std::function<double(double, double)>>> two = {
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
void test_two(const char* name, const std::function<double(double, double)>& f, const char* type) {
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
        Numbers wanted;
        for (const auto& [a, b] : operands)
          for (std::size_t e = 0; e < 18; ++e) wanted.push_back(f(element(a, s, e), element(b, s, e)));
        return wanted;
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
        Numbers wanted(12);
        for (std::size_t e = 0; e < 6; ++e) {
          const bool yes = s[e / 3 + 2 * (e % 3)] > d[e % 3];
          wanted[e] = yes ? s[e] : static_cast<double>(numbers[e]);
          wanted[6 + e] = yes ? s[6 + e] : s[6];
        }
        return wanted;
      },
      0.0);
}

// ---- linear ----

void test_linear(int n, int k1, int k2, int rows, const char* act, bool bias, const char* type) {
  const bool wide = std::string(type) == "f64";
  const int k = k1 + k2 + 3, columns = rows * (k1 + k2), s = std::max(columns, rows * n);
  Program p(3, static_cast<std::size_t>(s));
  const std::vector<float> w = normal(static_cast<std::size_t>(n * k), 5), b = normal(static_cast<std::size_t>(n), 6);
  const auto constant = [&](const std::vector<float>& x, const std::vector<int>& shape) {
    return wide ? p.constant(std::vector<double>(x.begin(), x.end()), shape) : p.constant(x, shape);
  };
  const int weight = constant(w, {n, k}), offset = constant(b, {n}), same = constant({1.0f, -0.5f, 2.0f}, {3});
  const int x = p.value(type, s), out = p.value(type, rows * n), y = p.value("f32", rows * n);
  p.apply(wide ? "cast" : "copy", ref("v", x, {s}), {ref("v", p.state, {s})});
  std::vector<int> lead;
  if (rows > 1) lead = {rows};
  const auto with = [&](int last) {
    std::vector<int> shape = lead;
    shape.push_back(last);
    return shape;
  };
  // the second part lies across the rows: element (r, j) at j * rows + r
  const std::string second = rows > 1 ? strides({1, rows}) : "";
  p.op(R"({"op": "linear", "out": )" + ref("v", out, with(n)) + R"(, "weight": )" + std::to_string(weight) + R"(, "bias": )" +
       (bias ? std::to_string(offset) : "null") + R"(, "act": ")" + act + R"(", "in": [)" + ref("v", x, with(k1)) + ", " +
       ref("v", x, with(k2), rows * k1, second) + ", " + ref("c", same, with(3), 0, rows > 1 ? strides({0, 1}) : "") + "]}");
  p.apply(wide ? "cast" : "copy", ref("v", y, {rows * n}), {ref("v", out, {rows * n})});
  p.store(0, ref("v", y, {rows * n}));
  p.finish();
  const std::string name = act;
  examine(("linear " + std::to_string(n) + " " + act + " " + type).c_str(), p,
          [&](const Numbers&, const Numbers&, const Numbers& state) {
            Numbers wanted;
            for (int r = 0; r < rows; ++r)
              for (int o = 0; o < n; ++o) {
                double sum = bias ? static_cast<double>(b[static_cast<std::size_t>(o)]) : 0.0;
                for (int j = 0; j < k; ++j) {
                  const double in = j < k1 ? state[static_cast<std::size_t>(r * k1 + j)]
                                    : j < k1 + k2
                                        ? state[static_cast<std::size_t>(rows * k1 + (rows > 1 ? (j - k1) * rows + r : j - k1))]
                                        : Numbers{1.0, -0.5, 2.0}[static_cast<std::size_t>(j - k1 - k2)];
                  sum += static_cast<double>(w[static_cast<std::size_t>(o * k + j)]) * in;
                }
                if (name == "tanh") sum = std::tanh(sum);
                if (name == "sigmoid") sum = sigmoid(sum);
                if (name == "relu") sum = std::max(0.0, sum);
                if (name == "gelu") sum = gelu(sum);
                if (name == "softplus") sum = std::log1p(std::exp(sum));
                wanted.push_back(sum);
              }
            return wanted;
          },
          4e-6);
}

// Sums that come out otherwise when they are rounded twice, to double and to
// float: a multiply-add is rounded once on every machine.
void test_rounding() {
  const float above = 1.0f + 0x1p-23f, below = 1.0f - 0x1p-23f, least = 0x1p-149f;
  const std::vector<float> inputs = {below, 0x1p-75f * below, 1.0f};
  // first summand, and a factor of each constant input; between two floats,
  // and below the normal ones, in groups of outputs of their own
  const std::vector<std::array<float, 4>> between = {
      {above, 0x1p-24f * above, 0.0f, 0.0f},
      {-above, -0x1p-24f * above, 0.0f, 0.0f},
      {FLT_MAX, 0x1p103f * above, 0.0f, 0.0f},  // or infinite
      {1.0f, 0.0f, 0.0f, 0x1p-24f},
      {above, 0.0f, 0.0f, 0x1p-24f},
  };
  const std::vector<std::array<float, 4>> small = {
      {0x1p-126f - least, 0.0f, 0x1p-75f * above, 0.0f},
      {3 * least - 0x1p-126f, 0.0f, -0x1p-75f * above, 0.0f},
      {5 * least, 0.0f, 0.0f, 7 * least},
      {0.0f, 0.0f, 0x1p-75f * above, 0.0f},
      {0x1p-126f, 0.0f, -0x1p-75f * above, 0.0f},
  };
  std::vector<std::array<float, 4>> sums;
  for (std::size_t i = 0; i < 32; ++i) sums.push_back((i < 16 ? between : small)[i % 5]);
  const int n = static_cast<int>(sums.size());
  Program p(3, static_cast<std::size_t>(n));
  std::vector<float> w, b;
  for (const auto& sum : sums) {
    b.push_back(sum[0]);
    w.push_back(0.0f);  // of what differs from cell to cell
    w.insert(w.end(), sum.begin() + 1, sum.end());
  }
  const int weight = p.constant(w, {n, 4}), bias = p.constant(b, {n}), x = p.constant(inputs, {3}), y = p.value("f32", n);
  p.op(R"({"op": "linear", "out": )" + ref("v", y, {n}) + R"(, "weight": )" + std::to_string(weight) + R"(, "bias": )" +
       std::to_string(bias) + R"(, "act": "none", "in": [)" + ref("v", p.state, {1}) + ", " + ref("c", x, {3}) + "]}");
  p.store(0, ref("v", y, {n}));
  p.finish();
  examine(
      "rounding", p,
      [&](const Numbers&, const Numbers&, const Numbers&) {
        Numbers wanted;
        for (const auto& sum : sums) {
          float exact = sum[0];
          for (std::size_t k = 0; k < 3; ++k) exact = std::fma(sum[k + 1], inputs[k], exact);
          wanted.push_back(static_cast<double>(exact));
        }
        return wanted;
      },
      0.0);
}

void test_many_parts() {
  const int n_parts = 70;
  Program p(3, 140);
  const std::vector<float> w = normal(2 * 70, 8);
  const int weight = p.constant(w, {2, 70}), out = p.value("f32", 2);
  std::string in;
  for (int part = 0; part < n_parts; ++part) in += (part > 0 ? ", " : "") + ref("v", p.state, {1}, 2 * part);
  p.op(R"({"op": "linear", "out": )" + ref("v", out, {2}) + R"(, "weight": )" + std::to_string(weight) +
       R"(, "bias": null, "act": "none", "in": [)" + in + "]}");
  p.store(3, ref("v", out, {2}));
  p.finish();
  examine(
      "linear of many parts", p,
      [&](const Numbers&, const Numbers&, const Numbers& s) {
        Numbers wanted(2);
        for (std::size_t o = 0; o < 2; ++o)
          for (std::size_t j = 0; j < 70; ++j) wanted[o] += static_cast<double>(w[o * 70 + j]) * s[2 * j];
        return wanted;
      },
      1e-5);
}

// ---- gates ----

void test_gates(int h, const char* type) {
  const bool wide = std::string(type) == "f64";
  const int s = 7 * h;
  Program p(3, static_cast<std::size_t>(s));
  const int x = p.value(type, s), cell = p.value(type, 2 * h), next = p.value(type, h), y = p.value("f32", 3 * h);
  p.apply(wide ? "cast" : "copy", ref("v", x, {s}), {ref("v", p.state, {s})});
  p.apply("lstm", ref("v", cell, {2 * h}), {ref("v", x, {4 * h}), ref("v", x, {h}, 4 * h)});
  p.apply("gru", ref("v", next, {h}), {ref("v", x, {3 * h}), ref("v", x, {3 * h}, 3 * h), ref("v", x, {h}, 6 * h)});
  p.apply(wide ? "cast" : "copy", ref("v", y, {2 * h}), {ref("v", cell, {2 * h})});
  p.apply(wide ? "cast" : "copy", ref("v", y, {h}, 2 * h), {ref("v", next, {h})});
  p.store(0, ref("v", y, {3 * h}));
  p.finish();
  const std::size_t n = static_cast<std::size_t>(h);
  examine(
      "gates", p,
      [&](const Numbers&, const Numbers&, const Numbers& s) {
        Numbers wanted(3 * n);
        for (std::size_t e = 0; e < n; ++e) {
          const double c = sigmoid(s[n + e]) * s[4 * n + e] + sigmoid(s[e]) * std::tanh(s[2 * n + e]);
          wanted[e] = sigmoid(s[3 * n + e]) * std::tanh(c), wanted[n + e] = c;
          const double r = sigmoid(s[e] + s[3 * n + e]), z = sigmoid(s[n + e] + s[4 * n + e]);
          const double candidate = std::tanh(s[2 * n + e] + r * s[5 * n + e]);
          wanted[2 * n + e] = candidate + z * (s[6 * n + e] - candidate);
        }
        return wanted;
      },
      6e-7);
}

// Gates at the ends of their range, and NaN in each operand.
void test_gate_limits() {
  const float extremes[] = {-1e30f, -200.0f, -88.0f, -30.0f, 0.0f, 30.0f, 88.0f, 200.0f, 1e30f, NAN};
  Program p(3, 5);
  const int out = p.value("f32", 2);
  p.apply("lstm", ref("v", out, {2}), {ref("v", p.state, {4}), ref("v", p.state, {1}, 4)});
  p.store(0, ref("v", out, {2}));
  p.finish();
  for (const Kernels* kernels : all_kernels()) {
    const Executor executor(p.read(), p.sizes, *kernels);
    for (std::size_t which = 0; which < 5; ++which)
      for (const float x : extremes) {
        Cells cells(p.sizes, 20, 2);
        cells.state[7 * cells.state_size + which] = x;
        cells.step(executor);
        const float* s = &cells.state[7 * cells.state_size];
        const double c = sigmoid(s[1]) * s[4] + sigmoid(s[0]) * std::tanh(static_cast<double>(s[2]));
        const double h = sigmoid(s[3]) * std::tanh(c);
        const float* got = &cells.changed[14];
        CHECK((std::isnan(c) && std::isnan(got[1])) || std::fabs(got[1] - c) <= 4e-7 * (1 + std::fabs(c)),
              "lstm with %g in %zu: c is %g, not %g", x, which, got[1], c);
        CHECK((std::isnan(h) && std::isnan(got[0])) || std::fabs(got[0] - h) <= 4e-7, "lstm with %g in %zu: h is %g, not %g", x,
              which, got[0], h);
      }
  }
}

// ---- sums ----

void test_sums(const char* type) {
  const bool wide = std::string(type) == "f64";
  Program p(3, 60);
  const std::vector<float> numbers = normal(4, 11);
  const int c = wide ? p.constant(std::vector<double>(numbers.begin(), numbers.end()), {4}) : p.constant(numbers, {4});
  const int x = p.value(type, 60), z = p.value(type, 33), y = p.value("f32", 33);
  p.apply(wide ? "cast" : "copy", ref("v", x, {60}), {ref("v", p.state, {60})});
  // (3, 5) x (5) summed over 5: strided; (3) of (4) x (3, 4) transposed; sums
  // over two dimensions
  p.apply("contract", ref("v", z, {3}), {ref("v", x, {3, 5}), ref("v", x, {3, 5}, 20, strides({0, 2}))}, R"(, "k": 1)");
  p.apply("contract", ref("v", z, {3, 5}, 3),
          {ref("c", c, {3, 5, 4}, 0, strides({0, 0, 1})), ref("v", x, {3, 5, 4}, 0, strides({20, 1, 5}))}, R"(, "k": 1)");
  p.apply("contract", ref("v", z, {3}, 18), {ref("v", x, {3, 4, 5}), ref("v", x, {3, 4, 5}, 0, strides({1, 3, 12}))},
          R"(, "k": 2)");
  p.apply("reduce", ref("v", z, {3}, 21), {ref("v", x, {3, 20})}, R"(, "k": 1, "how": "sum")");
  p.apply("reduce", ref("v", z, {4}, 24), {ref("v", x, {4, 15}, 0, strides({1, 4}))}, R"(, "k": 1, "how": "mean")");
  p.apply("reduce", ref("v", z, {5}, 28), {ref("v", x, {5, 3, 4}, 0, strides({1, 5, 15}))}, R"(, "k": 2, "how": "max")");
  p.apply(wide ? "cast" : "copy", ref("v", y, {33}), {ref("v", z, {33})});
  p.store(0, ref("v", y, {33}));
  p.finish();
  examine(
      "sums", p,
      [&](const Numbers&, const Numbers&, const Numbers& s) {
        Numbers wanted(33);
        for (std::size_t i = 0; i < 3; ++i) {
          for (std::size_t k = 0; k < 5; ++k) wanted[i] += s[5 * i + k] * s[20 + 2 * k];
          for (std::size_t j = 0; j < 5; ++j)
            for (std::size_t k = 0; k < 4; ++k) wanted[3 + 5 * i + j] += static_cast<double>(numbers[k]) * s[20 * i + j + 5 * k];
          for (std::size_t j = 0; j < 4; ++j)
            for (std::size_t k = 0; k < 5; ++k) wanted[18 + i] += s[20 * i + 5 * j + k] * s[i + 3 * j + 12 * k];
          for (std::size_t k = 0; k < 20; ++k) wanted[21 + i] += s[20 * i + k];
        }
        for (std::size_t i = 0; i < 4; ++i) {
          for (std::size_t k = 0; k < 15; ++k) wanted[24 + i] += s[i + 4 * k];
          wanted[24 + i] /= 15.0;
        }
        for (std::size_t i = 0; i < 5; ++i) {
          wanted[28 + i] = -1e9;
          for (std::size_t j = 0; j < 3; ++j)
            for (std::size_t k = 0; k < 4; ++k) wanted[28 + i] = std::max(wanted[28 + i], s[i + 5 * j + 15 * k]);
        }
        return wanted;
      },
      2e-6);
}

void test_cholesky(const char* type) {
  // two matrices A = B B' + (-1 or 1) of a (4, 4) each: the second block is not
  // positive definite where the state says so
  const bool wide = std::string(type) == "f64";
  Program p(3, 24);
  const int x = p.value(type, 24), a = p.value(type, 32), found = p.value(type, 8), y = p.value("f32", 8);
  const int eye = wide ? p.constant(std::vector<double>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, {4, 4})
                       : p.constant(std::vector<float>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, {4, 4});
  const int scaled = p.value(type, 16);
  p.apply(wide ? "cast" : "copy", ref("v", x, {24}), {ref("v", p.state, {24})});
  p.apply("contract", ref("v", a, {4, 4}),
          {ref("v", x, {4, 4, 4}, 0, strides({4, 0, 1})), ref("v", x, {4, 4, 4}, 0, strides({0, 4, 1}))}, R"(, "k": 1)");
  p.apply("mul", ref("v", scaled, {4, 4}), {ref("c", eye, {4, 4}), ref("v", x, {4, 4}, 0, strides({0, 0}))});
  p.apply("add", ref("v", a, {4, 4}, 16), {ref("v", scaled, {4, 4}), ref("c", eye, {4, 4}, 1, strides({0, 0}))});
  p.apply("cholesky_solve", ref("v", found, {2, 4}), {ref("v", a, {2, 4, 4}), ref("v", x, {2, 4}, 16)});
  p.apply(wide ? "cast" : "copy", ref("v", y, {8}), {ref("v", found, {8})});
  p.store(0, ref("v", y, {8}));
  p.finish();
  int failed = 0;
  const Executor executor(p.read(), p.sizes);
  Cells cells(p.sizes, 64, 8);
  cells.step(executor);
  for (std::size_t i = 0; i < 64; ++i) {
    const float *s = &cells.state[i * cells.state_size], *got = &cells.changed[i * 8];
    for (std::size_t e = 0; e < 4; ++e) {
      double sum = 0.0, size = 1.0;
      for (std::size_t j = 0; j < 4; ++j) {
        double element = 0.0;
        for (std::size_t k = 0; k < 4; ++k) element += static_cast<double>(s[4 * e + k]) * s[4 * j + k];
        sum += element * got[j], size += std::fabs(element * got[j]);
      }
      CHECK(std::fabs(sum - s[16 + e]) <= (wide ? 1e-6 : 1e-5) * size, "cholesky_solve of %s in cell %zu: %g, not %g", type, i, sum,
            s[16 + e]);
      if (s[0] > 0.0f)
        CHECK(std::fabs(got[4 + e] * s[0] - s[20 + e]) < 1e-4 * (1 + std::fabs(s[20 + e])), "cholesky_solve in cell %zu", i);
      else
        CHECK(std::isnan(got[4 + e]), "cholesky_solve of what is not positive definite in cell %zu is %g", i, got[4 + e]);
      failed += s[0] > 0.0f ? 0 : 1;
    }
  }
  CHECK(failed > 40 && failed < 216, "%d", failed);
}

// ---- places that depend on the day, and the spans of the state that a day
// changes ----

void test_places() {
  Program p(3, 40);
  const int calendar = p.value("f64", 6, true), month = p.value("f64", 2, true), table = p.value("f32", 24),
            row = p.value("f32", 2), part = p.value("f32", 2);
  const int months = p.constant(normal(24, 20), {12, 2}), one = p.constant(std::vector<double>{1.0}, {1});
  p.op(R"({"op": "input", "name": "calendar", "out": )" + ref("v", calendar, {6}) + "}");
  p.apply("sub", ref("v", month, {1}), {ref("v", calendar, {1}, 1), ref("c", one, {1})});
  p.apply("copy", ref("v", month, {1}, 1), {ref("v", month, {1})});
  p.apply("copy", ref("v", table, {24}), {ref("v", p.state, {24}, 10)});
  p.apply("copy", ref("v", table, {2}, 0, index(month, 1, 2)), {ref("v", p.drivers, {2}, 1)});  // over what was there
  p.apply("add", ref("v", row, {2}), {ref("v", table, {2}, 0, index(month, 0, 2)), ref("c", months, {2}, 0, index(month, 0, 2))});
  p.op(R"({"op": "load", "at": 12, "out": )" + ref("v", part, {2}) + index(month, 0, 2) + "}");
  p.store(36, ref("v", part, {2}));
  p.store(10, ref("v", row, {2}), index(month, 0, 2));
  p.store(12, ref("v", p.drivers, {1}), index(month, 0, 2));
  p.store(0, ref("v", table, {4}, 0, strides({3})));
  p.finish();
  const std::vector<float> numbers = normal(24, 20);
  for (const std::int64_t m : {1, 5, 12}) {
    const CalendarRow day{{2001, m, 14, 30 * m - 5, 31, 365}};
    const std::size_t at = static_cast<std::size_t>(m - 1);
    examine(
        "places", p,
        [&](const Numbers& d, const Numbers&, const Numbers& s) {
          Numbers table(s.begin() + 10, s.begin() + 34);
          const double loaded[2] = {s[12 + 2 * at], s[13 + 2 * at]};
          table[2 * at] = d[1], table[2 * at + 1] = d[2];
          return Numbers{table[0],
                         table[3],
                         table[6],
                         table[9],
                         d[1] + static_cast<double>(numbers[2 * at]),
                         d[2] + static_cast<double>(numbers[2 * at + 1]),
                         d[0],
                         loaded[0],
                         loaded[1]};
        },
        1e-7, day);
    const Executor executor(p.read(), p.sizes);
    std::vector<StateSpan> spans;
    executor.changes(day, false, spans);
    CHECK(spans.size() == (m == 12 ? 3u : 3u) && spans[0].begin == 0 && spans[0].size == 4, "%zu spans", spans.size());
    CHECK(spans[1].begin == 10 + 2 * at && spans[1].size == 3, "range at %zu of %zu", spans[1].begin, spans[1].size);
  }
  const CalendarRow day{{2001, 13, 14, 200, 31, 365}};
  try {
    std::vector<StateSpan> spans;
    Executor(p.read(), p.sizes).changes(day, false, spans);
    CHECK(false, "an index out of its value is accepted");
  } catch (const Error& error) {
    CHECK(error.status() == ECOSTEP_CORRUPT && std::strstr(error.what(), "leads out") != nullptr, "%s", error.what());
  }
}

void test_uniform() {
  Program p(3, 4, true);
  const int calendar = p.value("f64", 6, true), angle = p.value("f64", 2, true), wave = p.value("f32", 2, true),
            observed = p.value("f32", 2), known = p.value("f32", 2), zero = p.value("f32", 2), out = p.value("f32", 4);
  const int two_pi = p.constant(std::vector<double>{6.283185307179586}, {1});
  p.op(R"({"op": "input", "name": "calendar", "out": )" + ref("v", calendar, {6}) + "}");
  p.op(R"({"op": "input", "name": "observed", "out": )" + ref("v", observed, {2}) + "}");
  p.apply("div", ref("v", angle, {1}), {ref("v", calendar, {1}, 3), ref("v", calendar, {1}, 5)});
  p.apply("mul", ref("v", angle, {1}, 1), {ref("v", angle, {1}), ref("c", two_pi, {1})});
  const int sine = p.value("f64", 2, true);
  p.apply("sin", ref("v", sine, {1}), {ref("v", angle, {1}, 1)});
  p.apply("cos", ref("v", sine, {1}, 1), {ref("v", angle, {1}, 1)});
  p.apply("cast", ref("v", wave, {2}), {ref("v", sine, {2})});
  p.apply("isfinite", ref("v", known, {2}), {ref("v", observed, {2})});
  p.apply("not", ref("v", zero, {2}), {ref("v", known, {2})});
  p.apply("mul", ref("v", out, {2}), {ref("v", wave, {2}), ref("v", observed, {2})});
  p.apply("sub", ref("v", out, {2}, 2), {ref("v", known, {2}), ref("v", zero, {2})});
  p.store(0, ref("v", out, {4}));
  p.finish();
  examine(
      "uniform", p,
      [&](const Numbers&, const Numbers& o, const Numbers&) {
        const double angle = 73.0 / 365.0 * 6.283185307179586;
        return Numbers{std::sin(angle) * o[0], std::cos(angle) * o[1], 1.0, 1.0};
      },
      2e-7);
}

// ---- krige ----

void test_krige() {
  const std::size_t m = 6, f = 4, roles = 2, q = 5;
  Draft draft;
  draft.sizes = {3, 7, 1, q, false};
  draft.constant(std::vector<float>{0}, {1});
  const auto doubles = [](std::size_t n, unsigned seed) {
    const std::vector<float> x = normal(n, seed);
    return std::vector<double>(x.begin(), x.end());
  };
  std::vector<double> place = doubles(m * 3, 1), features = doubles(m * f, 2), dual = doubles(m * q, 3),
                      precision = doubles(roles * m * m, 4);
  const std::vector<double> choice = {0.5, 1.4, 3000.0, 2.0, 0.25, 0.7, 5000.0, 1.0};
  for (std::size_t r = 0; r < roles; ++r)
    for (std::size_t i = 0; i < m; ++i) precision[r * m * m + i * m + i] += 5.0;
  const int c_place = draft.constant(place, {6, 3}), c_features = draft.constant(features, {6, 4}),
            c_dual = draft.constant(dual, {6, 5}), c_choice = draft.constant(choice, {2, 4}),
            c_precision = draft.constant(precision, {2, 6, 6});
  const int statics = draft.value("f32", 7), wide = draft.value("f64", 7), found = draft.value("f64", 5),
            out = draft.value("f32", 5);
  draft.init =
      R"({"op": "input", "name": "statics", "out": )" + ref("v", statics, {7}) + R"(}, {"op": "cast", "out": )" +
      ref("v", wide, {7}) + R"(, "a": )" + ref("v", statics, {7}) + R"(}, {"op": "krige", "out": )" + ref("v", found, {5}) +
      R"(, "a": )" + ref("v", wide, {3}) + R"(, "b": )" + ref("v", wide, {4}, 3) + R"(, "site_place": )" + std::to_string(c_place) +
      R"(, "site_features": )" + std::to_string(c_features) + R"(, "dual": )" + std::to_string(c_dual) + R"(, "choice": )" +
      std::to_string(c_choice) + R"(, "precision": )" + std::to_string(c_precision) +
      R"(, "role_sizes": [2, 3], "common": 1.0, "earth_radius": 6371.0, "own_site": 0.01}, {"op": "cast", "out": )" +
      ref("v", out, {5}) + R"(, "a": )" + ref("v", found, {5}) + R"(}, {"op": "store", "at": 0, "a": )" + ref("v", out, {5}) + "}";
  draft.op(R"({"op": "flux", "a": {"c": 0, "n": [1]}})");
  const Executor executor(draft.read(), draft.sizes);
  const std::size_t cells = 20, stride = 32;
  std::vector<float> x(7 * stride), state(cells * (q + 2), -9.0f);
  for (std::size_t i = 0; i < cells; ++i) {
    const std::vector<float> numbers = normal(7, 50 + static_cast<unsigned>(i));
    for (std::size_t v = 0; v < 7; ++v)
      x[v * stride + i] = v < 3 && i >= 3 && i < 3 + m ? static_cast<float>(place[(i - 3) * 3 + v]) : numbers[v];
  }
  executor.init_state(cells, stride, x.data(), state.data(), q + 2);
  for (std::size_t i = 0; i < cells; ++i) {
    std::vector<double> gap(m), contrast(m);
    std::ptrdiff_t own = -1;
    for (std::size_t s = 0; s < m; ++s) {
      for (std::size_t v = 0; v < 3; ++v) gap[s] += std::pow(x[v * stride + i] - place[s * 3 + v], 2);
      for (std::size_t v = 0; v < f; ++v) contrast[s] += std::pow(x[(3 + v) * stride + i] - features[s * f + v], 2);
      gap[s] = std::sqrt(gap[s]), contrast[s] = std::sqrt(contrast[s]);
      if (gap[s] <= 0.01) own = static_cast<std::ptrdiff_t>(s);
    }
    CHECK((own >= 0) == (i >= 3 && i < 3 + m), "cell %zu", i);
    for (std::size_t j = 0; j < q; ++j) {
      const std::size_t role = j < 2 ? 0 : 1;
      double sum = 0.0, seen = 0.0;
      for (std::size_t s = 0; s < m; ++s) {
        const double* c = &choice[4 * role];
        const double covariance =
            1.0 + c[0] * std::exp(-0.5 * std::pow(contrast[s] / c[1], 2)) + (1.0 - c[0]) * std::exp(-gap[s] * 6371.0 / c[2]);
        sum += covariance * dual[s * q + j];
        if (own >= 0) seen += precision[role * m * m + static_cast<std::size_t>(own) * m + s] * covariance;
      }
      if (own >= 0) {
        const auto s = static_cast<std::size_t>(own);
        sum -= seen * dual[s * q + j] / precision[role * m * m + s * m + s];
      }
      CHECK(std::fabs(state[i * (q + 2) + j] - sum) < 1e-6 * (1 + std::fabs(sum)), "krige in cell %zu: %g, not %g", i,
            state[i * (q + 2) + j], sum);
    }
    CHECK(state[i * (q + 2) + q] == -9.0f, "what follows the model's state was written");
  }
}

}  // namespace

int main() {
  for (const auto& [name, f] : two)
    for (const char* type : {"f32", "f64"}) test_two(name, f, type);
  test_where();
  for (const int n : {1, 2, 5, 7, 8, 16, 17, 31, 33, 64, 130, 256}) test_linear(n, 11, 6, 1, "none", true, "f32");
  for (const char* act : {"tanh", "sigmoid", "relu", "gelu", "softplus"})
    test_linear(20, 7, 9, 1, act, true, "f32"), test_linear(3, 2, 2, 1, act, true, "f64");
  test_linear(19, 4, 5, 3, "none", false, "f32");
  test_linear(6, 4, 5, 3, "tanh", false, "f64");
  test_rounding();
  test_many_parts();
  for (const int h : {1, 12, 16, 37}) test_gates(h, "f32");
  test_gates(5, "f64");
  test_gate_limits();
  for (const char* type : {"f32", "f64"}) test_sums(type), test_cholesky(type);
  test_places();
  test_uniform();
  test_krige();
  return result();
}
