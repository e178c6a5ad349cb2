// A method of a native program as a list of tasks with memory planned: what is run for a block of cells.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <utility>

#include "core/aligned_floats.h"
#include "backends/native/program.h"
#include "backends/native/task.h"

namespace ecostep::native {

// An offset that depends on the day: element of a uniform value times `scale` bytes, between `low` and `high`.
struct DynamicOffset {
  std::size_t place;  // byte in the shared scratch
  Type type;
  std::ptrdiff_t scale, low, high;
  std::size_t after;      // number of shared tasks that come before
  std::size_t operation;  // for messages
};

// A part of the state row that is loaded or stored.
struct StateAccess {
  std::size_t at, size;
  std::ptrdiff_t dynamic;  // number of the offset that depends on the day, or -1
};

struct Plan {
  std::string name;
  std::vector<Task> shared;  // once for all cells
  std::vector<Task> lanes;
  std::vector<DynamicOffset> dynamics;
  std::vector<StateAccess> stores, loads;
  std::size_t lane_bytes = 0, shared_bytes = 0;
  // what tasks point to
  std::deque<std::vector<Run>> runs;
  std::deque<std::vector<std::int32_t>> terms;
  std::deque<std::vector<Segment>> segments;
  std::deque<KrigeData> krige;
};

// Weights as the kernels want them, shared by all plans of a program.
class Weights {
 public:
  explicit Weights(const NativeProgram& program) : program_(program) {}
  // Packed weight and bias of a linear operation; `bias` < 0: none.
  std::pair<const void*, const void*> packed(std::ptrdiff_t weight, std::ptrdiff_t bias);

 private:
  const NativeProgram& program_;
  std::map<std::pair<std::ptrdiff_t, std::ptrdiff_t>, std::pair<const void*, const void*>> packed_;
  std::map<std::ptrdiff_t, const float*> packed_weights_;
  std::deque<AlignedFloats> floats_;
  std::deque<std::vector<double>> doubles_;
};

Plan make_plan(const NativeProgram& program, const Method& method, const Sizes& sizes, const Kernels& kernels, Weights& weights);

}  // namespace ecostep::native
