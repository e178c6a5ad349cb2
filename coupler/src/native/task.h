// What passes between executor and kernels. Plain types only: the kernels are compiled for several instruction sets, and code that
// the linker may share between them, such as inline functions of the standard library, must not be.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace ecostep::native {

// Cells are computed side by side, in `lanes`: 1, or a multiple of 16 up to 64. Element e of a value of cell i lies at [e * lanes +
// i].
enum { lane_base = 0, shared_base = 1, constant_base = 2, n_bases = 3 };
enum { full_lanes = 64, lane_group = 16 };

// Where an operand begins: bytes for each lane, from a base.
struct Place {
  uint32_t base = lane_base;
  int32_t dynamic = -1;  // number of the offset that depends on the day, or -1
  size_t offset = 0;
};

// The arrays of one call, at the first of its cells.
struct Frame {
  char* base[n_bases];
  size_t scale[n_bases];     // lanes, 1, 1
  size_t lanes, used;        // used <= lanes
  const ptrdiff_t* dynamic;  // bytes for each lane
  const float *drivers, *observed, *statics;
  size_t stride;  // of these and `flux`, from variable to variable
  const double* calendar;
  const float* state;
  size_t state_stride;
  float *flux, *changed;  // `changed`: rows of what is stored
  size_t changed_stride;
  const size_t* column;  // of each store in `changed`
};

// Elements of operands that are computed in one loop: where it begins in each.
struct Run {
  int32_t out, a, b, c;
};

struct Segment {
  Place place;
  size_t n;
};

struct KrigeData {
  const double *site_place, *site_features, *dual, *choice, *precision;
  const size_t* role_sizes;
  size_t sites, features, roles, size;
  double common, earth_radius, own_site;
};

struct Task;
using Kernel = void (*)(const Task&, const Frame&);

struct Task {
  Kernel many = nullptr, one = nullptr;  // for lanes >= 16, and for one lane
  int code = 0;                          // Code
  Place out{}, a{}, b{}, c{};
  // elementwise: n_runs loops over n elements; contract and reduce: one run for each element of the result
  const Run* runs = nullptr;
  size_t n_runs = 0, n = 0;
  int32_t step_out = 1, step_a = 1, step_b = 1, step_c = 1;
  // contract and reduce: elements of a and b for each of the n_k terms
  const int32_t *k_a = nullptr, *k_b = nullptr;
  size_t n_k = 0;
  // linear: `rows` times (n outputs, n_k inputs); float weights in groups of 16 outputs, [group][k][16], double ones as they are
  const void *weight = nullptr, *bias = nullptr;
  const Segment* segments = nullptr;
  size_t n_segments = 0, rows = 1;
  int activation = 0;
  int option = 0;    // how to reduce; which input
  size_t at = 0;     // load, store: state element
  size_t store = 0;  // number of the store
  const KrigeData* krige = nullptr;
};

// cholesky_solve (in `c` room for p p + p doubles) and krige, which are rare, compute in double cell by cell.
Kernel find_rare(int code, int type);

// Kernels of one instruction set.
struct Kernels {
  const char* name;
  // Kernel of an operation (Code) on a type (0: f32, 1: f64; of cast the operand's), for one lane or for many.
  Kernel (*find)(int code, int type, bool one);
};

extern const Kernels kernels_baseline;
#ifdef ECOSTEP_X86
extern const Kernels kernels_avx2, kernels_avx512;
#endif

// The best that this machine has, or what ECOSTEP_SIMD asks for.
const Kernels& choose_kernels();

}  // namespace ecostep::native
