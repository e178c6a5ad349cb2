// Linear layers: all sizes of tiles, activations, rows and parts.
#include <array>

#include "operation_program.h"

using namespace testing;

namespace {

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
            Numbers stored;
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
                stored.push_back(sum);
              }
            return stored;
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
        Numbers stored;
        for (const auto& sum : sums) {
          float exact = sum[0];
          for (std::size_t k = 0; k < 3; ++k) exact = std::fma(sum[k + 1], inputs[k], exact);
          stored.push_back(static_cast<double>(exact));
        }
        return stored;
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
        Numbers stored(2);
        for (std::size_t o = 0; o < 2; ++o)
          for (std::size_t j = 0; j < 70; ++j) stored[o] += static_cast<double>(w[o * 70 + j]) * s[2 * j];
        return stored;
      },
      1e-5);
}

}  // namespace

int main() {
  for (const int n : {1, 2, 5, 7, 8, 16, 17, 31, 33, 64, 130, 256}) test_linear(n, 11, 6, 1, "none", true, "f32");
  for (const char* act : {"tanh", "sigmoid", "relu", "gelu", "softplus"})
    test_linear(20, 7, 9, 1, act, true, "f32"), test_linear(3, 2, 2, 1, act, true, "f64");
  test_linear(19, 4, 5, 3, "none", false, "f32");
  test_linear(6, 4, 5, 3, "tanh", false, "f64");
  test_rounding();
  test_many_parts();
  return result();
}
