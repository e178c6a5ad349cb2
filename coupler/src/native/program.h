// The native program of an artefact (docs/native_program.md), read and tested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "native/program_codes.h"

namespace ecostep::native {

enum class Type { f32, f64 };
constexpr std::size_t bytes_of(Type type) {
  return type == Type::f32 ? 4 : 8;
}

// Element `element` of a uniform value, times `scale`, is added to an offset; value < 0: nothing is.
struct Index {
  std::ptrdiff_t value = -1, element = 0, scale = 0;
  explicit operator bool() const { return value >= 0; }
};

// Strided view of a value or a constant, in elements.
struct Reference {
  bool constant = false;
  std::size_t number = 0, offset = 0;
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides;
  Index index;
  std::size_t count() const;
  bool contiguous() const;
  // Lowest and highest element, without `index`; of a reference that is not empty.
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
  std::size_t site_place, site_features, dual, choice, precision;  // constants
  std::vector<std::size_t> role_sizes;
  double common, earth_radius, own_site;
};

struct Op {
  Code code;
  std::string name;
  bool has_out = false;
  Reference out;
  std::vector<Reference> in;  // a, b, c, or the parts of linear
  Index index;                // of load and store
  std::size_t at = 0;         // of load and store
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

// Throws Error(ECOSTEP_CORRUPT) that names file, program and operation, and Error(ECOSTEP_NEWER_FORMAT).
NativeProgram read_program(const std::string& path, const Sizes& sizes, std::string_view json, std::string_view constants);

// The tests that need more than one operation: types, shapes, bounds, each value written before it is read.
void check_program(const NativeProgram& program, const Sizes& sizes);

}  // namespace ecostep::native
