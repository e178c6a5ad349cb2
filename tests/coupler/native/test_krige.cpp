// Means of a Gaussian process over sites, as emulator/models/parts/retrieval.py uses them.
#include "operation_program.h"

using namespace testing;

namespace {

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
  const int statics = draft.value("f32", 7), wide = draft.value("f64", 7), responses = draft.value("f64", 5),
            out = draft.value("f32", 5);
  draft.init = R"({"op": "input", "name": "statics", "out": )" + ref("v", statics, {7}) + R"(}, {"op": "cast", "out": )" +
               ref("v", wide, {7}) + R"(, "a": )" + ref("v", statics, {7}) + R"(}, {"op": "krige", "out": )" +
               ref("v", responses, {5}) + R"(, "a": )" + ref("v", wide, {3}) + R"(, "b": )" + ref("v", wide, {4}, 3) +
               R"(, "site_place": )" + std::to_string(c_place) + R"(, "site_features": )" + std::to_string(c_features) +
               R"(, "dual": )" + std::to_string(c_dual) + R"(, "choice": )" + std::to_string(c_choice) + R"(, "precision": )" +
               std::to_string(c_precision) +
               R"(, "role_sizes": [2, 3], "common": 1.0, "earth_radius": 6371.0, "own_site": 0.01}, {"op": "cast", "out": )" +
               ref("v", out, {5}) + R"(, "a": )" + ref("v", responses, {5}) + R"(}, {"op": "store", "at": 0, "a": )" +
               ref("v", out, {5}) + "}";
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
    std::ptrdiff_t site_at_place = -1;  // the site at this place, if there is one
    for (std::size_t s = 0; s < m; ++s) {
      for (std::size_t v = 0; v < 3; ++v) gap[s] += std::pow(x[v * stride + i] - place[s * 3 + v], 2);
      for (std::size_t v = 0; v < f; ++v) contrast[s] += std::pow(x[(3 + v) * stride + i] - features[s * f + v], 2);
      gap[s] = std::sqrt(gap[s]), contrast[s] = std::sqrt(contrast[s]);
      if (gap[s] <= 0.01) site_at_place = static_cast<std::ptrdiff_t>(s);
    }
    CHECK((site_at_place >= 0) == (i >= 3 && i < 3 + m), "cell %zu", i);
    for (std::size_t j = 0; j < q; ++j) {
      const std::size_t role = j < 2 ? 0 : 1;
      double sum = 0.0, seen = 0.0;
      for (std::size_t s = 0; s < m; ++s) {
        const double* c = &choice[4 * role];
        const double covariance =
            1.0 + c[0] * std::exp(-0.5 * std::pow(contrast[s] / c[1], 2)) + (1.0 - c[0]) * std::exp(-gap[s] * 6371.0 / c[2]);
        sum += covariance * dual[s * q + j];
        if (site_at_place >= 0) seen += precision[role * m * m + static_cast<std::size_t>(site_at_place) * m + s] * covariance;
      }
      if (site_at_place >= 0) {
        const auto s = static_cast<std::size_t>(site_at_place);
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
  test_krige();
  return result();
}
