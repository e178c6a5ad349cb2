// Runs the plans of a program on blocks of cells.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "backend.h"
#include "native/plan.h"

namespace ecostep::native {

// What one thread needs while it computes, and what is known of the day that it computed last.
struct Scratch {
  AlignedFloats lanes, shared;
  std::vector<std::ptrdiff_t> dynamic;
  std::vector<Range> ranges;        // of the state that the day changes, in order and apart
  std::vector<Range> read;          // those that it reads, once they have been asked for
  std::vector<std::size_t> column;  // of each store in these ranges
  const Plan* plan = nullptr;       // of the day, with
  std::array<std::int64_t, 6> calendar{};
};

class Executor {
 public:
  // Throws Error(ECOSTEP_CORRUPT) as read_program does.
  Executor(NativeProgram program, const Sizes& sizes, const Kernels& kernels = choose_kernels());

  void changes(const std::int64_t* calendar, bool observed, std::vector<Range>& ranges) const;
  void step(const std::int64_t* calendar, const Block& block) const;
  void init_state(std::size_t used, std::size_t stride, const float* statics, float* state, std::size_t state_stride) const;

  const NativeProgram& program() const { return program_; }
  const Kernels& kernels() const { return kernels_; }
  const Plan& plan(const std::string& method) const { return plans_.at(method); }

 private:
  class Loan;
  class Ahead;
  const Plan& plan_of(const std::int64_t* calendar, bool observed) const;
  void prepare(Scratch& scratch, const Plan& plan, const std::int64_t* calendar) const;
  void evaluate(Scratch& scratch, const Plan& plan, std::size_t number) const;
  void find_ranges(Scratch& scratch, const Plan& plan) const;
  void run(const Plan& plan, Frame& frame, std::size_t used, Ahead* ahead) const;
  Frame frame_of(Scratch& scratch) const;

  NativeProgram program_;
  Sizes sizes_;
  const Kernels& kernels_;
  Weights weights_;
  std::map<std::string, Plan> plans_;
  std::size_t lane_bytes_ = 0, shared_bytes_ = 0, n_dynamics_ = 0;
  const Plan* init_ = nullptr;
  const Plan* days_[2][3] = {};  // observed; day, month_end, year_end
  struct alignas(64) Spare {     // a cache line for each
    std::atomic<Scratch*> scratch{nullptr};
  };
  mutable std::array<Spare, 16> spare_;  // threads in turn have one to themselves, while there are no more than these
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> scratch_;  // all
  mutable std::vector<Scratch*> idle_;
};

}  // namespace ecostep::native
