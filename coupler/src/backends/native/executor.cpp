#include "backends/native/executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"

namespace ecostep::native {
namespace {

constexpr std::size_t few_cells = 4;

static_assert(std::size_t{calendar_columns} == CalendarRow::n_columns, "the calendar of kernels and of the library");

// Which of `n_spares` a thread uses.
std::size_t spare_of_thread(std::size_t n_spares) {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number % n_spares;
}

std::size_t begin_of(const Scratch& scratch, const StateAccess& access) {
  const std::ptrdiff_t bytes = access.dynamic < 0 ? 0 : scratch.dynamic[static_cast<std::size_t>(access.dynamic)];
  return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(access.at) + bytes / static_cast<std::ptrdiff_t>(sizeof(float)));
}

// What is accessed of the state row, in order and apart.
void join(const Scratch& scratch, const std::vector<StateAccess>& accesses, std::vector<StateSpan>& spans) {
  spans.clear();
  for (const StateAccess& access : accesses) spans.push_back({begin_of(scratch, access), access.size});
  std::sort(spans.begin(), spans.end(), [](const StateSpan& a, const StateSpan& b) { return a.begin < b.begin; });
  std::size_t n = 0;
  for (const StateSpan& span : spans) {
    if (n > 0 && span.begin <= spans[n - 1].end())
      spans[n - 1].size = std::max(spans[n - 1].size, span.end() - spans[n - 1].begin);
    else
      spans[n++] = span;
  }
  spans.resize(n);
}

void find_stored_spans(Scratch& scratch, const Plan& plan) {
  join(scratch, plan.stores, scratch.stored);
  const std::vector<StateSpan>& spans = scratch.stored;
  scratch.column.clear();
  for (const StateAccess& store : plan.stores) {
    const std::size_t begin = begin_of(scratch, store);
    std::size_t before = 0, number = 0;
    for (; spans[number].end() <= begin; ++number) before += spans[number].size;
    scratch.column.push_back(before + begin - spans[number].begin);
  }
}

}  // namespace

// Scratch memory for the time of a call: that of the thread's last call, where no other thread has it.
class Executor::Loan {
 public:
  explicit Loan(const Executor& executor)
      : executor_(executor),
        spare_(executor.spares_[spare_of_thread(executor.spares_.size())].scratch),
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
    executor.idle_.reserve(executor.scratches_.size() + 1);
    executor.scratches_.push_back(std::move(fresh));
    scratch_ = executor.scratches_.back().get();
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
  init_ = &plans_.at(init_method_name);
  for (std::size_t kind = 0; kind < n_day_kinds; ++kind) {
    days_[0][kind] = &plans_.at(day_method_names[kind]);
    if (sizes_.observed) days_[1][kind] = &plans_.at(std::string(day_method_names[kind]) + observed_suffix);
  }
}

const Plan& Executor::plan_of(const CalendarRow& calendar, bool observed) const {
  const DayKind kind = calendar.ends_year() ? year_end : calendar.ends_month() ? month_end : ordinary_day;
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
  const DynamicOffset& dynamic = plan.dynamics[number];
  const char* place = reinterpret_cast<const char*>(scratch.shared.data()) + dynamic.place;
  const double value = dynamic.type == Type::f32 ? static_cast<double>(*reinterpret_cast<const float*>(place))
                                                 : *reinterpret_cast<const double*>(place);
  const double bytes = value * static_cast<double>(dynamic.scale);
  if (!(std::rint(value) == value && bytes >= static_cast<double>(dynamic.low) && bytes <= static_cast<double>(dynamic.high)))
    fail(ECOSTEP_CORRUPT, program_.file, ": extra/native.json: program '", plan.name, "', operation ", dynamic.operation,
         ": the index ", value, " leads out of what it is an index of");
  scratch.dynamic[number] = static_cast<std::ptrdiff_t>(bytes);
}

// Everything that depends on the day alone.
void Executor::prepare(Scratch& scratch, const Plan& plan, const CalendarRow* calendar) const {
  if (scratch.plan == &plan && (calendar == nullptr || *calendar == scratch.calendar)) return;
  scratch.plan = nullptr;
  scratch.loaded.clear();
  std::array<double, calendar_columns> numbers{};
  if (calendar != nullptr) std::copy(calendar->columns.begin(), calendar->columns.end(), numbers.begin());
  Frame frame = frame_of(scratch);
  frame.calendar = numbers.data();
  std::size_t next = 0;
  for (std::size_t t = 0; t < plan.shared.size(); ++t) {
    for (; next < plan.dynamics.size() && plan.dynamics[next].after <= t; ++next) evaluate(scratch, plan, next);
    plan.shared[t].single(plan.shared[t], frame);
  }
  for (; next < plan.dynamics.size(); ++next) evaluate(scratch, plan, next);
  find_stored_spans(scratch, plan);
  if (calendar != nullptr) scratch.calendar = *calendar;
  scratch.plan = &plan;
}

// Fetches what the next block will read and write, bit by bit while this one is computed.
class Executor::Prefetcher {
 public:
  Prefetcher(const Block& block, const std::vector<StateSpan>& loaded, std::size_t n_tasks)
      : loaded_(loaded),
        state_(block.state + block.used * block.state_stride),
        changed_(block.changed + block.used * block.width),
        stride_(block.state_stride),
        width_(block.width),
        left_(block.next),
        at_once_((block.next + n_tasks) / std::max<std::size_t>(1, n_tasks)) {}

  // Asks for as many cells as fall to a task.
  void advance() {
    for (std::size_t i = 0; i < at_once_ && left_ > 0; ++i, --left_, state_ += stride_, changed_ += width_) {
      for (const StateSpan& span : loaded_)
        for (std::size_t e = 0; e < span.size + floats_per_line; e += floats_per_line)
          __builtin_prefetch(state_ + span.begin + std::min(e, span.size - 1), 0, 2);
      for (std::size_t e = 0; e < width_; e += floats_per_line) __builtin_prefetch(changed_ + e, 1, 2);
    }
  }

 private:
  const std::vector<StateSpan>& loaded_;
  const float *state_, *changed_;
  std::size_t stride_, width_, left_, at_once_;
};

void Executor::run(const Plan& plan, Frame& frame, std::size_t used, Prefetcher* prefetcher) const {
  const Frame first = frame;
  for (std::size_t done = 0; done < used;) {
    // a few cells are faster one after the other than in lanes most of which are empty
    const std::size_t left = std::min<std::size_t>(used - done, full_lanes), beyond_groups = left % lane_group;
    const bool single = left <= few_cells;
    frame.used = single ? 1 : beyond_groups > 0 && beyond_groups <= few_cells ? left - beyond_groups : left;
    frame.lanes = frame.scale[lane_base] = single ? 1 : (frame.used + lane_group - 1) / lane_group * lane_group;
    const auto moved = [&](const float* p) { return p == nullptr ? p : p + done; };
    frame.drivers = moved(first.drivers), frame.observed = moved(first.observed), frame.statics = moved(first.statics);
    frame.flux = first.flux == nullptr ? nullptr : first.flux + done;
    frame.state = first.state == nullptr ? nullptr : first.state + done * frame.state_stride;
    frame.changed = first.changed + done * frame.changed_stride;
    if (frame.lanes == 1)
      for (const Task& task : plan.lanes) task.single(task, frame);
    else
      for (const Task& task : plan.lanes) {
        task.in_lanes(task, frame);
        if (prefetcher != nullptr) prefetcher->advance();
      }
    done += frame.used;
  }
}

void Executor::changes(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const {
  const Loan scratch(*this);
  prepare(*scratch, plan_of(calendar, observed), &calendar);
  spans = (*scratch).stored;
}

void Executor::step(const CalendarRow& calendar, const Block& block) const {
  const Loan scratch(*this);
  const Plan& plan = plan_of(calendar, block.observed != nullptr);
  prepare(*scratch, plan, &calendar);
  Frame frame = frame_of(*scratch);
  frame.drivers = block.drivers, frame.observed = block.observed;
  frame.stride = block.stride;
  frame.state = block.state, frame.state_stride = block.state_stride;
  frame.flux = block.flux;
  frame.changed = block.changed, frame.changed_stride = block.width;
  if (block.next > 0 && (*scratch).loaded.empty()) join(*scratch, plan.loads, (*scratch).loaded);
  Prefetcher prefetcher(block, (*scratch).loaded, plan.lanes.size());
  run(plan, frame, block.used, block.next > 0 ? &prefetcher : nullptr);
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
  for (const StateAccess& store : init_->stores) column.push_back(begin_of(*scratch, store));
  frame.column = column.data();
  run(*init_, frame, used, nullptr);
}

}  // namespace ecostep::native
