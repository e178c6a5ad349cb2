// Operations that come once in the life of a cell or once a year: in double, cell by cell.
#include <cmath>
#include <limits>
#include <vector>

#include "backends/native/operation_codes.h"
#include "backends/native/task.h"

namespace ecostep::native {
namespace {

template <class T>
T* at(const Frame& frame, const Place& place) {
  const std::ptrdiff_t moved = place.dynamic < 0 ? 0 : frame.dynamic[place.dynamic];
  return reinterpret_cast<T*>(frame.base[place.base] + (static_cast<std::ptrdiff_t>(place.offset) + moved) *
                                                           static_cast<std::ptrdiff_t>(frame.scale[place.base]));
}

// Cholesky factor L of the lower half of a (n, n), in place, and x = inverse(L L') b in place; false where a is not positive
// definite.
bool solve_positive(double* a, double* b, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j) {
        if (!(sum > 0.0)) return false;
        a[j * n + j] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
    double sum = b[j];
    for (std::size_t k = 0; k < j; ++k) sum -= a[j * n + k] * b[k];
    b[j] = sum / a[j * n + j];
  }
  for (std::size_t j = n; j-- > 0;) {
    double sum = b[j];
    for (std::size_t k = j + 1; k < n; ++k) sum -= a[k * n + j] * b[k];
    b[j] = sum / a[j * n + j];
  }
  return true;
}

template <class T>
void cholesky_solve(const Task& task, const Frame& frame) {
  const std::size_t n = task.n, lanes = frame.lanes;
  const T *a = at<const T>(frame, task.a), *b = at<const T>(frame, task.b);
  T* out = at<T>(frame, task.out);
  double* const matrix = at<double>(frame, task.c);
  double* const right = matrix + n * n;
  for (std::size_t row = 0; row < task.rows; ++row, a += n * n * lanes, b += n * lanes, out += n * lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      for (std::size_t e = 0; e < n * n; ++e) matrix[e] = static_cast<double>(a[e * lanes + lane]);
      for (std::size_t e = 0; e < n; ++e) right[e] = static_cast<double>(b[e * lanes + lane]);
      const bool solved = solve_positive(matrix, right, n);
      for (std::size_t e = 0; e < n; ++e)
        out[e * lanes + lane] = solved ? static_cast<T>(right[e]) : std::numeric_limits<T>::quiet_NaN();
    }
}

// Gaussian elimination with the largest pivot; x in place of b.
void solve_general(std::vector<double>& a, std::vector<double>& b, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    std::size_t pivot = j;
    for (std::size_t i = j + 1; i < n; ++i)
      if (std::fabs(a[i * n + j]) > std::fabs(a[pivot * n + j])) pivot = i;
    for (std::size_t k = 0; k < n && pivot != j; ++k) std::swap(a[j * n + k], a[pivot * n + k]);
    std::swap(b[j], b[pivot]);
    for (std::size_t i = j + 1; i < n; ++i) {
      const double factor = a[i * n + j] / a[j * n + j];
      for (std::size_t k = j; k < n; ++k) a[i * n + k] -= factor * a[j * n + k];
      b[i] -= factor * b[j];
    }
  }
  for (std::size_t j = n; j-- > 0;) {
    for (std::size_t k = j + 1; k < n; ++k) b[j] -= a[j * n + k] * b[k];
    b[j] /= a[j * n + j];
  }
}

double distance(const double* a, const double* b, std::size_t n) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

// Mean of a Gaussian process over the sites, as if sites closer than own_site to the place were not among them.
void krige_cell(const KrigeData& data, const double* place, const double* features, double* responses) {
  const std::size_t m = data.sites;  // M
  std::vector<double> gap(m), contrast(m), covariance(m);
  std::vector<std::size_t> hidden;
  for (std::size_t site = 0; site < m; ++site) {
    gap[site] = distance(place, data.site_place + place_dimensions * site, place_dimensions);
    contrast[site] = distance(features, data.site_features + data.features * site, data.features);
    if (gap[site] <= data.own_site) hidden.push_back(site);
  }
  const std::size_t h = hidden.size();
  std::size_t first = 0;
  for (std::size_t role = 0; role < data.roles; first += data.role_sizes[role], ++role) {
    const Covariance& choice = data.choice[role];
    const double* const precision = data.precision + role * m * m;
    for (std::size_t site = 0; site < m; ++site) {
      const double near = std::exp(-gap[site] * (data.earth_radius / choice.local_reach)), ratio = contrast[site] / choice.reach;
      covariance[site] = data.common + choice.share * std::exp(-0.5 * (ratio * ratio)) + (1.0 - choice.share) * near;
    }
    std::vector<double> projected(h);  // rows of the hidden sites x covariance
    for (std::size_t i = 0; i < h; ++i)
      for (std::size_t site = 0; site < m; ++site) projected[i] += precision[hidden[i] * m + site] * covariance[site];
    for (std::size_t q = first; q < first + data.role_sizes[role]; ++q) {
      double sum = 0.0;
      for (std::size_t site = 0; site < m; ++site) sum += covariance[site] * data.dual[site * data.size + q];
      if (h > 0) {
        std::vector<double> inner(h), matrix(h * h);
        for (std::size_t i = 0; i < h; ++i) {
          inner[i] = data.dual[hidden[i] * data.size + q];
          for (std::size_t j = 0; j < h; ++j) matrix[i * h + j] = precision[hidden[i] * m + hidden[j]];
        }
        solve_general(matrix, inner, h);
        for (std::size_t i = 0; i < h; ++i) sum -= projected[i] * inner[i];
      }
      responses[q] = sum;
    }
  }
}

void krige(const Task& task, const Frame& frame) {
  const KrigeData& data = *task.krige;
  const std::size_t lanes = frame.lanes;
  const double *a = at<const double>(frame, task.a), *b = at<const double>(frame, task.b);
  double* const out = at<double>(frame, task.out);
  std::vector<double> place(place_dimensions), features(data.features), responses(data.size);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (lane < frame.used || lanes == 1) {
      for (std::size_t e = 0; e < place_dimensions; ++e) place[e] = a[e * lanes + lane];
      for (std::size_t e = 0; e < data.features; ++e) features[e] = b[e * lanes + lane];
      krige_cell(data, place.data(), features.data(), responses.data());
    }
    for (std::size_t e = 0; e < data.size; ++e) out[e * lanes + lane] = responses[e];
  }
}

}  // namespace

Kernel find_cell_by_cell(Code code, Type type) {
  if (code == Code::krige) return krige;
  if (code != Code::cholesky_solve) return nullptr;
  return type == Type::f64 ? cholesky_solve<double> : cholesky_solve<float>;
}

}  // namespace ecostep::native
