// A method of a native program as a list of tasks with memory planned: what is run for a block of cells.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "backends/native/program.h"
#include "backends/native/task.h"
#include "backends/native/weights.h"

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

Plan make_plan(const NativeProgram& program, const Method& method, const Sizes& sizes, const Kernels& kernels, Weights& weights);

}  // namespace ecostep::native
