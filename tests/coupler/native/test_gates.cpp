// Gates of recurrent networks.
#include "operation_program.h"

using namespace testing;

namespace {

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
        Numbers stored(3 * n);
        for (std::size_t e = 0; e < n; ++e) {
          const double c = sigmoid(s[n + e]) * s[4 * n + e] + sigmoid(s[e]) * std::tanh(s[2 * n + e]);
          stored[e] = sigmoid(s[3 * n + e]) * std::tanh(c), stored[n + e] = c;
          const double r = sigmoid(s[e] + s[3 * n + e]), z = sigmoid(s[n + e] + s[4 * n + e]);
          const double candidate = std::tanh(s[2 * n + e] + r * s[5 * n + e]);
          stored[2 * n + e] = candidate + z * (s[6 * n + e] - candidate);
        }
        return stored;
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

}  // namespace

int main() {
  for (const int h : {1, 12, 16, 37}) test_gates(h, "f32");
  test_gates(5, "f64");
  test_gate_limits();
  return result();
}
