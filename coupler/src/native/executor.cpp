#include "native/executor.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "error.h"

namespace ecostep::native {
namespace {

constexpr std::size_t few_cells = 4;

// Which of some places a thread uses.
std::size_t place_of_thread(std::size_t places) {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number % places;
}

std::size_t begin_of(const Scratch& scratch, const Stored& stored) {
  const std::ptrdiff_t moved = stored.dynamic < 0 ? 0 : scratch.dynamic[static_cast<std::size_t>(stored.dynamic)];
  return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(stored.at) + moved / static_cast<std::ptrdiff_t>(sizeof(float)));
}

// Parts of the state row in order and apart.
void join(const Scratch& scratch, const std::vector<Stored>& parts, std::vector<Range>& ranges) {
  ranges.clear();
  for (const Stored& part : parts) ranges.push_back({begin_of(scratch, part), part.size});
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::size_t n = 0;
  for (const Range& range : ranges) {
    if (n > 0 && range.begin <= ranges[n - 1].begin + ranges[n - 1].size)
      ranges[n - 1].size = std::max(ranges[n - 1].size, range.begin + range.size - ranges[n - 1].begin);
    else
      ranges[n++] = range;
  }
  ranges.resize(n);
}

}  // namespace

const Kernels& choose_kernels() {
#ifdef ECOSTEP_X86
  const char* chosen = std::getenv("ECOSTEP_SIMD");
  const std::string wanted = chosen == nullptr ? "" : chosen;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (avx512 && wanted != "avx2" && wanted != "baseline") return kernels_avx512;
  if (avx2 && wanted != "baseline") return kernels_avx2;
#endif
  return kernels_baseline;
}

// Scratch memory for the time of a call: that of the thread's last call, where no other thread has it.
class Executor::Loan {
 public:
  explicit Loan(const Executor& executor)
      : executor_(executor),
        spare_(executor.spare_[place_of_thread(executor.spare_.size())].scratch),
        scratch_(spare_.exchange(nullptr, std::memory_order_acquire)) {
    if (scratch_ != nullptr) return;
    const std::lock_guard<std::mutex> lock(executor.mutex_);
    if (!executor.idle_.empty()) {
      scratch_ = executor.idle_.back();
      executor.idle_.pop_back();
      return;
    }
    auto fresh = std::make_unique<Scratch>();
    fresh->lanes.resize(executor.lane_bytes_ / sizeof(float) * full_lanes);
    fresh->shared.resize(executor.shared_bytes_ / sizeof(float));
    fresh->dynamic.resize(executor.n_dynamics_);
    executor.idle_.reserve(executor.scratch_.size() + 1);
    executor.scratch_.push_back(std::move(fresh));
    scratch_ = executor.scratch_.back().get();
  }
  ~Loan() {
    Scratch* other = spare_.exchange(scratch_, std::memory_order_acq_rel);
    if (other == nullptr) return;
    const std::lock_guard<std::mutex> lock(executor_.mutex_);
    executor_.idle_.push_back(other);
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  Scratch& operator*() const { return *scratch_; }

 private:
  const Executor& executor_;
  std::atomic<Scratch*>& spare_;
  Scratch* scratch_;
};

Executor::Executor(NativeProgram program, const Sizes& sizes, const Kernels& kernels)
    : program_(std::move(program)), sizes_(sizes), kernels_(kernels), weights_(program_) {
  for (const auto& [name, method] : program_.methods) {
    const Plan& plan = plans_.emplace(name, make_plan(program_, method, sizes_, kernels_, weights_)).first->second;
    lane_bytes_ = std::max(lane_bytes_, plan.lane_bytes);
    shared_bytes_ = std::max(shared_bytes_, plan.shared_bytes);
    n_dynamics_ = std::max(n_dynamics_, plan.dynamics.size());
  }
  init_ = &plans_.at("init");
  const char* const kinds[] = {"day", "month_end", "year_end"};
  for (std::size_t kind = 0; kind < 3; ++kind) {
    days_[0][kind] = &plans_.at(kinds[kind]);
    if (sizes_.observed) days_[1][kind] = &plans_.at(std::string(kinds[kind]) + "_observed");
  }
}

const Plan& Executor::plan_of(const std::int64_t* calendar, bool observed) const {
  const std::size_t kind = calendar[3] == calendar[5] ? 2 : calendar[2] == calendar[4] ? 1 : 0;
  const Plan* plan = days_[observed ? 1 : 0][kind];
  if (plan == nullptr) fail(ECOSTEP_BACKEND_FAILED, program_.file, ": the native program takes no measured fluxes");
  return *plan;
}

Frame Executor::frame_of(Scratch& scratch) const {
  Frame frame{};
  frame.base[lane_base] = reinterpret_cast<char*>(scratch.lanes.data());
  frame.base[shared_base] = reinterpret_cast<char*>(scratch.shared.data());
  frame.base[constant_base] = const_cast<char*>(reinterpret_cast<const char*>(program_.data.data()));
  for (std::size_t& scale : frame.scale) scale = 1;
  frame.lanes = frame.used = 1;
  frame.dynamic = scratch.dynamic.data();
  frame.column = scratch.column.data();
  return frame;
}

void Executor::evaluate(Scratch& scratch, const Plan& plan, std::size_t number) const {
  const Dynamic& dynamic = plan.dynamics[number];
  const char* place = reinterpret_cast<const char*>(scratch.shared.data()) + dynamic.place;
  const double value = dynamic.type == Type::f32 ? static_cast<double>(*reinterpret_cast<const float*>(place))
                                                 : *reinterpret_cast<const double*>(place);
  const double moved = value * static_cast<double>(dynamic.scale);
  if (!(std::rint(value) == value && moved >= static_cast<double>(dynamic.low) && moved <= static_cast<double>(dynamic.high)))
    fail(ECOSTEP_CORRUPT, program_.file, ": extra/native.json: program '", plan.name, "', operation ", dynamic.operation,
         ": the index ", value, " leads out of what it is an index of");
  scratch.dynamic[number] = static_cast<std::ptrdiff_t>(moved);
}

// Everything that depends on the day alone.
void Executor::prepare(Scratch& scratch, const Plan& plan, const std::int64_t* calendar) const {
  if (scratch.plan == &plan && (calendar == nullptr || std::equal(calendar, calendar + 6, scratch.calendar.begin()))) return;
  scratch.plan = nullptr;
  scratch.read.clear();
  double numbers[6] = {};
  if (calendar != nullptr) std::copy_n(calendar, 6, numbers);
  Frame frame = frame_of(scratch);
  frame.calendar = numbers;
  std::size_t next = 0;
  for (std::size_t t = 0; t < plan.shared.size(); ++t) {
    for (; next < plan.dynamics.size() && plan.dynamics[next].after <= t; ++next) evaluate(scratch, plan, next);
    plan.shared[t].one(plan.shared[t], frame);
  }
  for (; next < plan.dynamics.size(); ++next) evaluate(scratch, plan, next);
  find_ranges(scratch, plan);
  if (calendar != nullptr) std::copy_n(calendar, 6, scratch.calendar.begin());
  scratch.plan = &plan;
}

void Executor::find_ranges(Scratch& scratch, const Plan& plan) const {
  join(scratch, plan.stores, scratch.ranges);
  const std::vector<Range>& ranges = scratch.ranges;
  scratch.column.clear();
  for (const Stored& stored : plan.stores) {
    const std::size_t begin = begin_of(scratch, stored);
    std::size_t before = 0, range = 0;
    for (; ranges[range].begin + ranges[range].size <= begin; ++range) before += ranges[range].size;
    scratch.column.push_back(before + begin - ranges[range].begin);
  }
}

// Fetches what the next block will read and write, bit by bit while this one is computed.
class Executor::Ahead {
 public:
  Ahead(const Block& block, const std::vector<Range>& read, std::size_t tasks)
      : read_(read),
        state_(block.state + block.used * block.state_stride),
        changed_(block.changed + block.used * block.width),
        stride_(block.state_stride),
        width_(block.width),
        left_(block.next),
        at_once_((block.next + tasks) / std::max<std::size_t>(1, tasks)) {}

  void some() {
    for (std::size_t i = 0; i < at_once_ && left_ > 0; ++i, --left_, state_ += stride_, changed_ += width_) {
      for (const Range& range : read_)
        for (std::size_t e = 0; e < range.size + line; e += line)
          __builtin_prefetch(state_ + range.begin + std::min(e, range.size - 1), 0, 2);
      for (std::size_t e = 0; e < width_; e += line) __builtin_prefetch(changed_ + e, 1, 2);
    }
  }

 private:
  static constexpr std::size_t line = 16;  // floats
  const std::vector<Range>& read_;
  const float *state_, *changed_;
  std::size_t stride_, width_, left_, at_once_;
};

void Executor::run(const Plan& plan, Frame& frame, std::size_t used, Ahead* ahead) const {
  const Frame first = frame;
  for (std::size_t done = 0; done < used;) {
    // a few cells are faster one by one than in lanes most of which are empty
    const std::size_t left = std::min<std::size_t>(used - done, full_lanes), rest = left % lane_group;
    const bool one = left <= few_cells;
    frame.used = one ? 1 : rest > 0 && rest <= few_cells ? left - rest : left;
    frame.lanes = frame.scale[lane_base] = one ? 1 : (frame.used + lane_group - 1) / lane_group * lane_group;
    const auto moved = [&](const float* p) { return p == nullptr ? p : p + done; };
    frame.drivers = moved(first.drivers), frame.observed = moved(first.observed), frame.statics = moved(first.statics);
    frame.flux = first.flux == nullptr ? nullptr : first.flux + done;
    frame.state = first.state == nullptr ? nullptr : first.state + done * frame.state_stride;
    frame.changed = first.changed + done * frame.changed_stride;
    if (frame.lanes == 1)
      for (const Task& task : plan.lanes) task.one(task, frame);
    else
      for (const Task& task : plan.lanes) {
        task.many(task, frame);
        if (ahead != nullptr) ahead->some();
      }
    done += frame.used;
  }
}

void Executor::changes(const std::int64_t* calendar, bool observed, std::vector<Range>& ranges) const {
  const Loan scratch(*this);
  prepare(*scratch, plan_of(calendar, observed), calendar);
  ranges = (*scratch).ranges;
}

void Executor::step(const std::int64_t* calendar, const Block& block) const {
  const Loan scratch(*this);
  const Plan& plan = plan_of(calendar, block.observed != nullptr);
  prepare(*scratch, plan, calendar);
  Frame frame = frame_of(*scratch);
  frame.drivers = block.drivers, frame.observed = block.observed;
  frame.stride = block.stride;
  frame.state = block.state, frame.state_stride = block.state_stride;
  frame.flux = block.flux;
  frame.changed = block.changed, frame.changed_stride = block.width;
  if (block.next > 0 && (*scratch).read.empty()) join(*scratch, plan.loads, (*scratch).read);
  Ahead ahead(block, (*scratch).read, plan.lanes.size());
  run(plan, frame, block.used, block.next > 0 ? &ahead : nullptr);
}

void Executor::init_state(std::size_t used, std::size_t stride, const float* statics, float* state,
                          std::size_t state_stride) const {
  const Loan scratch(*this);
  prepare(*scratch, *init_, nullptr);
  for (std::size_t cell = 0; cell < used; ++cell) std::memset(state + cell * state_stride, 0, sizes_.state * sizeof(float));
  Frame frame = frame_of(*scratch);
  frame.statics = statics, frame.stride = stride;
  frame.changed = state, frame.changed_stride = state_stride;
  std::vector<std::size_t> column;
  for (const Stored& stored : init_->stores)
    column.push_back(static_cast<std::size_t>(static_cast<std::ptrdiff_t>(stored.at) +
                                              (stored.dynamic < 0 ? 0
                                                                  : (*scratch).dynamic[static_cast<std::size_t>(stored.dynamic)] /
                                                                        static_cast<std::ptrdiff_t>(sizeof(float)))));
  frame.column = column.data();
  run(*init_, frame, used, nullptr);
}

}  // namespace ecostep::native
