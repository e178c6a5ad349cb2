// Checks that count failures, and programs written as JSON.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "backends/native/executor.h"
#include "backends/native/reader.h"

namespace testing {

using namespace ecostep;
using namespace ecostep::native;

inline int failures = 0;

#define CHECK(condition, ...)                                              \
  do {                                                                     \
    if (!(condition) && ++testing::failures <= 30) {                       \
      std::printf("%s:%d: %s is false: ", __FILE__, __LINE__, #condition); \
      std::printf(__VA_ARGS__);                                            \
      std::printf("\n");                                                   \
    }                                                                      \
  } while (false)

inline int result() {
  if (failures > 0) std::printf("%d checks failed\n", failures);
  return failures > 0 ? 1 : 0;
}

// Kernels that this machine can run.
inline std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> kernels = {&kernels_baseline};
#ifdef ECOSTEP_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(&kernels_avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      kernels.push_back(&kernels_avx512);
  }
#endif
  return kernels;
}

inline std::uint32_t bits(float x) {
  std::uint32_t b;
  std::memcpy(&b, &x, 4);
  return b;
}

// Distance in units in the last place of the expected value.
inline double ulps(float got, long double expected) {
  if (std::isnan(got) || std::isnan(expected)) return std::isnan(got) && std::isnan(expected) ? 0.0 : HUGE_VAL;
  const float near = static_cast<float>(expected);
  if (std::isinf(near) || std::isinf(got)) return near == got ? 0.0 : HUGE_VAL;
  const int exponent = expected == 0.0L ? -149 : std::max(-126, std::ilogb(expected)) - 23;
  return static_cast<double>(std::fabs(static_cast<long double>(got) - expected) / std::ldexp(1.0L, std::max(exponent, -149)));
}

constexpr CalendarRow midmonth{{2001, 3, 14, 73, 31, 365}};

// A native program put together in a test.
class Draft {
 public:
  Sizes sizes{3, 2, 2, 8, false};
  std::string constants, values, day, init, month_end, year_end;
  std::string bytes;

  int constant(const std::vector<float>& data, const std::vector<int>& shape) {
    return add("f32", data.data(), data.size() * 4, shape);
  }
  int constant(const std::vector<double>& data, const std::vector<int>& shape) {
    return add("f64", data.data(), data.size() * 8, shape);
  }
  int value(const char* type, int size, bool uniform = false) {
    values += std::string(values.empty() ? "" : ", ") + R"({"type": ")" + type + R"(", "size": )" + std::to_string(size) +
              R"(, "uniform": )" + (uniform ? "true}" : "false}");
    return n_values_++;
  }
  void op(const std::string& text) { day += (day.empty() ? "" : ",\n") + text; }

  std::string json() const {
    const std::string zero =
        month_end.empty() ? R"({"op": "flux", "a": {"c": 0, "n": [)" + std::to_string(sizes.targets) + R"(], "t": [0]}})" : "";
    const auto program = [](const std::string& v, const std::string& ops) {
      return R"({"values": [)" + v + R"(], "ops": [)" + ops + "]}";
    };
    std::string text = R"({"version": 1, "constants": [)" + constants + R"(], "programs": {"init": )" +
                       program(init.empty() ? "" : values, init) + R"(, "day": )" +
                       (sizes.observed ? program("", zero) : program(values, day));
    for (const char* name : {"month_end", "year_end", "day_observed", "month_end_observed", "year_end_observed"}) {
      const bool observed = std::strstr(name, "observed") != nullptr;
      if (observed && !sizes.observed) continue;
      const bool same = std::string(name) == "day_observed";
      text += std::string(R"(, ")") + name + R"(": )" + (same ? program(values, day) : program("", zero));
    }
    return text + "}}";
  }
  NativeProgram read() const { return read_program("test.pt", sizes, json(), bytes); }

 private:
  int add(const char* type, const void* data, std::size_t size, const std::vector<int>& shape) {
    bytes.resize((bytes.size() + 63) / 64 * 64);
    constants += std::string(constants.empty() ? "" : ", ") + R"({"type": ")" + type + R"(", "shape": [)";
    for (std::size_t i = 0; i < shape.size(); ++i) constants += (i > 0 ? ", " : "") + std::to_string(shape[i]);
    constants += R"(], "offset": )" + std::to_string(bytes.size()) + "}";
    bytes.append(static_cast<const char*>(data), size);
    return n_constants_++;
  }
  int n_values_ = 0, n_constants_ = 0;
};

// Arrays of a block of cells, filled with numbers that depend on the cell
// alone.
struct Cells {
  std::size_t n, stride, width, state_size;
  std::vector<float> drivers, observed, state, flux, changed;

  Cells(const Sizes& sizes, std::size_t cells, std::size_t stored)
      : n(cells),
        stride((cells + 15) / 16 * 16),
        width(stored),
        state_size(sizes.state + 3),
        drivers(sizes.drivers * stride, NAN),
        observed(sizes.targets * stride, NAN),
        state(cells * state_size),
        flux(sizes.targets * stride),
        changed(cells * stored) {
    for (std::size_t i = 0; i < n; ++i) {
      std::mt19937 random(static_cast<unsigned>(i) + 1);
      std::normal_distribution<float> normal;
      for (std::size_t v = 0; v < sizes.drivers; ++v) drivers[v * stride + i] = normal(random);
      for (std::size_t v = 0; v < sizes.targets; ++v) observed[v * stride + i] = normal(random);
      for (std::size_t v = 0; v < sizes.state; ++v) state[i * state_size + v] = normal(random);
    }
  }
  void step(const Executor& executor, const CalendarRow& calendar = midmonth, bool with_observed = false) {
    executor.step(calendar, {n, stride, drivers.data(), with_observed ? observed.data() : nullptr, state.data(), state_size,
                             flux.data(), changed.data(), width});
  }
};

}  // namespace testing
