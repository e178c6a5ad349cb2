// Sums of products, reductions and what solves linear systems.
#include "operation_program.h"

using namespace testing;

namespace {

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
        Numbers stored(33);
        for (std::size_t i = 0; i < 3; ++i) {
          for (std::size_t k = 0; k < 5; ++k) stored[i] += s[5 * i + k] * s[20 + 2 * k];
          for (std::size_t j = 0; j < 5; ++j)
            for (std::size_t k = 0; k < 4; ++k) stored[3 + 5 * i + j] += static_cast<double>(numbers[k]) * s[20 * i + j + 5 * k];
          for (std::size_t j = 0; j < 4; ++j)
            for (std::size_t k = 0; k < 5; ++k) stored[18 + i] += s[20 * i + 5 * j + k] * s[i + 3 * j + 12 * k];
          for (std::size_t k = 0; k < 20; ++k) stored[21 + i] += s[20 * i + k];
        }
        for (std::size_t i = 0; i < 4; ++i) {
          for (std::size_t k = 0; k < 15; ++k) stored[24 + i] += s[i + 4 * k];
          stored[24 + i] /= 15.0;
        }
        for (std::size_t i = 0; i < 5; ++i) {
          stored[28 + i] = -1e9;
          for (std::size_t j = 0; j < 3; ++j)
            for (std::size_t k = 0; k < 4; ++k) stored[28 + i] = std::max(stored[28 + i], s[i + 5 * j + 15 * k]);
        }
        return stored;
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

}  // namespace

int main() {
  for (const char* type : {"f32", "f64"}) test_sums(type), test_cholesky(type);
  return result();
}
