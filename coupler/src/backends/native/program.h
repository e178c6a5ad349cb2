// The native program of an artefact (docs/native_program.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/native/operation_codes.h"

namespace ecostep::native {

// Element `element` of a uniform value, times `scale`, is added to an offset; value < 0: nothing is.
struct Index {
  std::ptrdiff_t value = -1, element = 0, scale = 0;
  explicit operator bool() const { return value >= 0; }
};

// Strided view of a value or a constant, in elements.
struct View {
  bool constant = false;
  std::size_t number = 0, offset = 0;
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides;
  Index index;
  std::size_t count() const;
  bool contiguous() const;
  // Lowest and highest element, without `index`; of a view that is not empty.
  std::ptrdiff_t lowest() const, highest() const;
};

struct Value {
  Type type;
  std::size_t size;
  bool uniform;
};

struct Constant {
  Type type;
  std::vector<std::size_t> shape;
  std::size_t count, offset;  // offset: bytes in Program::constants
};

struct Krige {
  std::size_t site_place, site_features, dual, choice, precision;  // numbers of constants
  std::vector<std::size_t> role_sizes;
  double common, earth_radius, own_site;
};

struct Op {
  Code code;
  std::string name;
  bool has_out = false;
  View out;
  std::vector<View> in;  // a, b, c, or the parts of linear
  Index index;           // of load and store
  std::size_t at = 0;    // of load and store
  Input input = Input::drivers;
  std::ptrdiff_t weight = -1, bias = -1;
  Activation activation = Activation::none;
  Reduction reduction = Reduction::sum;
  std::size_t k = 0;
  Krige krige{};
};

struct Method {
  std::string name;
  std::vector<Value> values;
  std::vector<Op> ops;
};

struct NativeProgram {
  std::string file;  // for messages
  std::vector<Constant> constants;
  std::vector<double> data;  // native.bin
  std::map<std::string, Method> methods;

  template <class T>
  const T* constant(std::size_t number) const {
    return reinterpret_cast<const T*>(reinterpret_cast<const char*>(data.data()) + constants[number].offset);
  }
  // Two for each multiply-add of `linear` and `contract` that a cell needs in a method; 0 where there is no such method.
  double flops(const std::string& method) const;
};

// Sizes that the artefact promises.
struct Sizes {
  std::size_t drivers, statics, targets, state;
  bool observed;
};

// What days end, for each of which a program has a method of its own; and the names of these methods, to which "_observed" is added
// where measured fluxes are given.
enum DayKind : std::size_t { ordinary_day, month_end, year_end, n_day_kinds };
constexpr std::array<const char*, n_day_kinds> day_method_names = {"day", "month_end", "year_end"};
constexpr char init_method_name[] = "init", observed_suffix[] = "_observed";

}  // namespace ecostep::native
