// Programs of a few operations, whose results are compared with plain loops in double: the same bits for any kernels, lane and
// number of cells.
#pragma once

#include <algorithm>
#include <functional>

#include "testing.h"

namespace testing {

using Numbers = std::vector<double>;
// What a cell is expected to store, from its drivers, measured fluxes and
// state.
using Expected = std::function<Numbers(const Numbers& drivers, const Numbers& observed, const Numbers& state)>;

inline std::string text(const std::vector<int>& list) {
  std::string joined;
  for (const int n : list) joined += (joined.empty() ? "" : ", ") + std::to_string(n);
  return "[" + joined + "]";
}
inline std::string ref(const char* kind, int number, const std::vector<int>& shape, int offset = 0, const std::string& more = "") {
  return std::string("{\"") + kind + "\": " + std::to_string(number) + ", \"o\": " + std::to_string(offset) +
         ", \"n\": " + text(shape) + more + "}";
}
inline std::string strides(const std::vector<int>& list) {
  return ", \"t\": " + text(list);
}
inline std::string index(int value, int element, int scale) {
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

inline void examine(const char* what, const Program& program, const Expected& expected, double tolerance,
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
    const Numbers stored = expected(drivers, observed, state);
    CHECK(stored.size() == width, "%s stores %zu numbers, not %zu", what, width, stored.size());
    for (std::size_t e = 0; e < std::min(width, stored.size()); ++e) {
      const double got = first[i * width + e];
      CHECK(std::fabs(got - stored[e]) <= tolerance * (1.0 + std::fabs(stored[e])) || (std::isnan(got) && std::isnan(stored[e])) ||
                got == stored[e],
            "%s: element %zu of cell %zu is %.9g, not %.9g", what, e, i, got, stored[e]);
    }
  }
}

inline double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
inline double gelu(double x) {
  return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}

inline std::vector<float> normal(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw;
  std::vector<float> numbers(n);
  for (float& x : numbers) x = draw(random);
  return numbers;
}

}  // namespace testing
