// Elementary functions against long double, for all kernels, types and numbers
// of lanes; the same bits everywhere; NaN stays NaN.
#include <functional>

#include "testing.h"

using namespace testing;

namespace {

struct Function {
  const char* name;
  std::function<long double(long double)> exact;
  double bound;     // ulps of the result
  double absolute;  // or this, times the largest of |x| and 1
  float low, high;
};

const long double tiny = 1e-45L;
const std::vector<Function> functions = {
    {"exp", [](long double x) { return std::exp(x); }, 1.5, 0, -104, 89},
    {"log", [](long double x) { return std::log(x); }, 1.5, 0, 0, 1e38f},
    {"log1p", [](long double x) { return std::log1p(x); }, 2.0, 0, -1, 100},
    {"tanh", [](long double x) { return std::tanh(x); }, 2.0, 0, -12, 12},
    {"sigmoid", [](long double x) { return 1 / (1 + std::exp(-x)); }, 2.0, 0, -95, 95},
    {"softplus", [](long double x) { return x > 20 ? x : std::log1p(std::exp(x)); }, 2.0, 0, -95, 40},
    {"sinh", [](long double x) { return std::sinh(x); }, 2.0, 0, -89.4f, 89.4f},
    {"asinh", [](long double x) { return std::asinh(x); }, 2.5, 0, -1e5f, 1e5f},
    {"gelu", [](long double x) { return x * 0.5L * std::erfc(-x / std::sqrt(2.0L)); }, 2.0, 1.2e-7, -10, 10},
    {"sin", [](long double x) { return std::sin(x); }, 0.6, 0, -1000, 1000},
    {"cos", [](long double x) { return std::cos(x); }, 0.6, 0, -1000, 1000},
    {"sqrt", [](long double x) { return std::sqrt(x); }, 0.51, 0, 0, 1e38f},
    {"reciprocal", [](long double x) { return 1 / x; }, 0.51, 0, -1e30f, 1e30f},
    {"round", [](long double x) { return std::nearbyint(x); }, 0, 0, -1e7f, 1e7f},
    {"abs", [](long double x) { return std::fabs(x); }, 0, 0, -5, 5},
    {"neg", [](long double x) { return -x; }, 0, 0, -5, 5},
    {"relu", [](long double x) { return std::isnan(x) ? x : std::fmax(x, 0.0L); }, 0, 0, -5, 5},
};

// The state holds the arguments: out = function(state).
Executor make(const char* name, int n, const char* type, const Kernels& kernels) {
  Draft draft;
  draft.sizes = {1, 1, 1, static_cast<std::size_t>(n), false};
  draft.constant(std::vector<float>{0}, {1});
  const int x = draft.value("f32", n), wide = draft.value(type, n), y = draft.value(type, n), out = draft.value("f32", n);
  const std::string shape = R"(, "n": [)" + std::to_string(n) + "]}";
  const auto v = [&](int number) { return R"({"v": )" + std::to_string(number) + shape; };
  const std::string is_double = type;
  const std::string to = is_double == "f64" ? "cast" : "copy";
  draft.op(R"({"op": "load", "at": 0, "out": )" + v(x) + "}");
  draft.op(R"({"op": ")" + to + R"(", "out": )" + v(wide) + R"(, "a": )" + v(x) + "}");
  draft.op(R"({"op": ")" + std::string(name) + R"(", "out": )" + v(y) + R"(, "a": )" + v(wide) + "}");
  draft.op(R"({"op": ")" + to + R"(", "out": )" + v(out) + R"(, "a": )" + v(y) + "}");
  draft.op(R"({"op": "store", "at": 0, "a": )" + v(out) + "}");
  draft.op(R"({"op": "flux", "a": {"c": 0, "n": [1]}})");
  return Executor(draft.read(), draft.sizes, kernels);
}

std::vector<float> arguments(const Function& function, int n) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  std::vector<float> x = {0.0f,    -0.0f,  NAN,     -NAN,  INFINITY,   -INFINITY,  1e-45f,     -1e-45f, 1e-39f, 1e-20f, -1e-20f,
                          1.0f,    -1.0f,  0.5f,    20.0f, 19.999998f, 20.000002f, 88.72283f,  88.7f,   -87.3f, -87.4f, -103.9f,
                          -104.1f, 200.0f, -200.0f, 3e38f, -3e38f,     4.0f,       0.9999999f, 2.5f,    3.5f};
  while (static_cast<int>(x.size()) < n) {
    const float t = uniform(random);
    x.push_back(function.low + (function.high - function.low) * t);
    x.push_back((t < 0.5f ? 1.0f : -1.0f) * std::exp(40.0f * (uniform(random) - 0.8f)));
  }
  x.resize(static_cast<std::size_t>(n));
  return x;
}

void test(const Function& function) {
  const int n = 331;
  std::vector<float> first;  // results of the first kernels with one lane
  for (const Kernels* kernels : all_kernels()) {
    const Executor executor = make(function.name, n, "f32", *kernels);
    for (const std::size_t cells : {1, 3, 16, 40, 64}) {
      Cells block({1, 1, 1, n, false}, cells, n);
      const int rounds = cells == 1 ? 1 : 1;
      for (int round = 0; round < rounds; ++round) {
        std::vector<float> x = arguments(function, n);
        for (std::size_t i = 0; i < cells; ++i)
          for (int e = 0; e < n; ++e)
            block.state[i * block.state_size + static_cast<std::size_t>(e)] = x[(static_cast<std::size_t>(e) + 5 * i) % x.size()];
        block.step(executor);
        if (first.empty()) first.assign(block.changed.begin(), block.changed.begin() + n);
        for (std::size_t i = 0; i < cells; ++i)
          for (int e = 0; e < n; ++e) {
            const std::size_t argument = (static_cast<std::size_t>(e) + 5 * i) % x.size();
            const float got = block.changed[i * n + static_cast<std::size_t>(e)], expected = first[argument];
            const bool same = bits(got) == bits(expected) || (std::isnan(got) && std::isnan(expected));
            CHECK(same, "%s(%.9g) is %.9g in lane %zu of %zu with %s, %.9g elsewhere", function.name, x[argument], got, i, cells,
                  kernels->name, expected);
          }
      }
    }
  }
  const std::vector<float> x = arguments(function, n);
  double worst = 0.0;
  for (int e = 0; e < n; ++e) {
    const long double exact = function.exact(static_cast<long double>(x[static_cast<std::size_t>(e)]));
    const float got = first[static_cast<std::size_t>(e)];
    const double error = ulps(got, exact);
    const float argument = x[static_cast<std::size_t>(e)];
    if (function.absolute > 0 && std::fabs(got - exact) <= function.absolute * std::fmax(1.0f, std::fabs(argument))) continue;
    worst = std::fmax(worst, error);
    CHECK(error <= function.bound, "%s(%.9g) is %.9g, not %.9Lg (%.3g ulp)", function.name, argument, got, exact, error);
  }
  std::printf("%-10s largest error %.3f ulp\n", function.name, worst);
}

// A finer search with the best kernels.
void search(const Function& function) {
  const int n = 20000;
  const Executor executor = make(function.name, n, "f32", choose_kernels());
  Cells block({1, 1, 1, n, false}, 1, n);
  const std::vector<float> x = arguments(function, n);
  for (int e = 0; e < n; ++e) block.state[static_cast<std::size_t>(e)] = x[static_cast<std::size_t>(e)];
  block.step(executor);
  double worst = 0.0;
  for (int e = 0; e < n; ++e) {
    const long double exact = function.exact(static_cast<long double>(x[static_cast<std::size_t>(e)]));
    const float got = block.changed[static_cast<std::size_t>(e)];
    if (function.absolute > 0 &&
        std::fabs(got - exact) <= function.absolute * std::fmax(1.0f, std::fabs(x[static_cast<std::size_t>(e)])))
      continue;
    const double error = ulps(got, exact);
    worst = std::fmax(worst, error);
    CHECK(error <= function.bound, "%s(%.9g) is %.9g, not %.9Lg (%.3g ulp)", function.name, x[static_cast<std::size_t>(e)], got,
          exact, error);
  }
  std::printf("%-10s largest error %.3f ulp of %d\n", function.name, worst, n);
}

void test_double(const Function& function) {
  const int n = 61;
  const Executor executor = make(function.name, n, "f64", choose_kernels());
  Cells block({1, 1, 1, n, false}, 5, n);
  const std::vector<float> x = arguments(function, n);
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t e = 0; e < n; ++e) block.state[i * block.state_size + e] = x[e];
  block.step(executor);
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t e = 0; e < n; ++e) {
      const long double exact = function.exact(static_cast<long double>(x[e]));
      const float got = block.changed[i * n + e];
      if (function.absolute > 0 && std::fabs(got - exact) <= 1e-7L) continue;
      CHECK(ulps(got, exact) <= 0.6, "%s of double (%.9g) is %.9g, not %.9Lg", function.name, x[e], got, exact);
    }
}

}  // namespace

int main() {
  for (const Function& function : functions) test(function), search(function), test_double(function);
  return result();
}
