// What passes between executor and kernels. Plain types only: the kernels are compiled for several instruction sets, and code that
// the linker may share between them, such as inline functions of the standard library, must not be.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "backends/native/operation_codes.h"

namespace ecostep::native {

// Cells are computed side by side, in `lanes`: 1, or a multiple of lane_group up to full_lanes. Element e of a value of cell i lies
// at [e * lanes + i].
enum { lane_base = 0, shared_base = 1, constant_base = 2, n_bases = 3 };
enum { full_lanes = 64, lane_group = 16 };

enum { calendar_columns = 6 };  // CalendarRow
enum { output_group = 16 };     // outputs of `linear` whose float weights lie together, [group][k][output_group]
enum { most_segments = 48 };    // of an input of `linear`
enum { place_dimensions = 3 };  // of a place on the sphere, for `krige`

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

// How alike responses of two sites are: share of it that goes with attributes, reach in attributes and in km, noise.
enum { n_covariance_numbers = 4 };
struct Covariance {
  double share, reach, local_reach, noise;
};

struct KrigeData {
  const double *site_place, *site_features, *dual, *precision;
  const Covariance* choice;  // of each role
  const size_t* role_sizes;
  size_t sites, features, roles, size;
  double common, earth_radius, own_site;
};

struct Task;
using Kernel = void (*)(const Task&, const Frame&);

struct Task {
  Kernel in_lanes = nullptr, single = nullptr;  // for lane_group lanes or more, and for one
  Place out{}, a{}, b{}, c{};
  // elementwise: n_runs loops over n elements; contract and reduce: one run for each element of the result
  const Run* runs = nullptr;
  size_t n_runs = 0, n = 0;
  int32_t step_out = 1, step_a = 1, step_b = 1, step_c = 1;
  // contract and reduce: elements of a and b for each of the n_k terms
  const int32_t *k_a = nullptr, *k_b = nullptr;
  size_t n_k = 0;
  // linear: `rows` times (n outputs, n_k inputs); float weights as output_group says, double ones as they are
  const void *weight = nullptr, *bias = nullptr;
  const Segment* segments = nullptr;
  size_t n_segments = 0, rows = 1;
  Activation activation = Activation::none;
  Reduction reduction = Reduction::sum;
  Input input = Input::drivers;
  size_t at = 0;     // load, store: state element
  size_t store = 0;  // number of the store
  const KrigeData* krige = nullptr;
};

// cholesky_solve (in `c` room for p p + p doubles) and krige, which compute in double, cell by cell; null for other operations.
Kernel find_cell_by_cell(Code code, Type type);

// Kernels of one instruction set.
struct Kernels {
  const char* name;
  // Kernel of an operation on a type (of cast the operand's), for a single lane or for lane_group and more; null for those that are
  // computed cell by cell.
  Kernel (*find)(Code code, Type type, bool single);
};

extern const Kernels kernels_baseline;
#ifdef ECOSTEP_X86
extern const Kernels kernels_avx2, kernels_avx512;
#endif

// The best that this machine has, or what ECOSTEP_SIMD asks for.
const Kernels& choose_kernels();

}  // namespace ecostep::native
