// Runs the plans of a program on blocks of cells.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "backends/backend.h"
#include "backends/native/plan.h"
#include "core/aligned_floats.h"

namespace ecostep::native {

// What a thread needs while it computes, and what was derived from the day that it computed last.
struct Scratch {
  AlignedFloats lanes, shared;
  std::vector<std::ptrdiff_t> dynamic;
  std::vector<StateSpan> stored;    // what the day changes of the state, in order and apart
  std::vector<StateSpan> loaded;    // what it reads, once that has been asked for
  std::vector<std::size_t> column;  // of each store in the stored spans
  const Plan* plan = nullptr;       // of the day, with
  CalendarRow calendar;
};

class Executor {
 public:
  // Throws Error(ECOSTEP_CORRUPT) as read_program does.
  Executor(NativeProgram program, const Sizes& sizes, const Kernels& kernels = choose_kernels());

  void changes(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const;
  void step(const CalendarRow& calendar, const Block& block) const;
  void init_state(std::size_t used, std::size_t stride, const float* statics, float* state, std::size_t state_stride) const;

  const NativeProgram& program() const { return program_; }
  const Kernels& kernels() const { return kernels_; }
  const Plan& plan(const std::string& method) const { return plans_.at(method); }

 private:
  class Loan;
  class Prefetcher;
  const Plan& plan_of(const CalendarRow& calendar, bool observed) const;
  void prepare(Scratch& scratch, const Plan& plan, const CalendarRow* calendar) const;
  void evaluate(Scratch& scratch, const Plan& plan, std::size_t number) const;
  void run(const Plan& plan, Frame& frame, std::size_t used, Prefetcher* prefetcher) const;
  Frame frame_of(Scratch& scratch) const;

  NativeProgram program_;
  Sizes sizes_;
  const Kernels& kernels_;
  Weights weights_;
  std::map<std::string, Plan> plans_;
  std::size_t lane_bytes_ = 0, shared_bytes_ = 0, n_dynamics_ = 0;
  const Plan* init_ = nullptr;
  std::array<std::array<const Plan*, n_day_kinds>, 2> days_{};  // [observed]; null where the program takes no measured fluxes
  struct alignas(cache_line) Spare {
    std::atomic<Scratch*> scratch{nullptr};
  };
  mutable std::array<Spare, 16> spares_;  // threads in turn have one each, while there are no more threads than spares
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> scratches_;
  mutable std::vector<Scratch*> idle_;
};

}  // namespace ecostep::native
