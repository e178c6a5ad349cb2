#include "backends/native/plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <cstring>
#include <tuple>
#include <utility>

namespace ecostep::native {
namespace {

constexpr std::size_t granule = 32;            // bytes for each lane; values begin at multiples
constexpr std::uint32_t value_base = 1u << 8;  // Place::base while values have no place: value_base + number

std::size_t round_up(std::size_t n, std::size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

std::vector<std::ptrdiff_t> row_major(const std::vector<std::size_t>& shape) {
  std::vector<std::ptrdiff_t> strides(shape.size());
  std::ptrdiff_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0; stride *= static_cast<std::ptrdiff_t>(shape[i])) strides[i] = stride;
  return strides;
}

constexpr std::size_t most_operands = 4;  // with the result
static_assert(sizeof(Covariance) == n_covariance_numbers * sizeof(double), "a row of `choice`");

// Positions of the result and up to three operands, in elements.
using Positions = std::array<std::ptrdiff_t, most_operands>;
enum : std::size_t { result_position, a_position, b_position, c_position };

// Dimensions of operands that are walked together; neighbours are merged where all strides allow.
struct Walk {
  std::vector<std::size_t> n;
  std::vector<Positions> step;

  Walk(const std::vector<const View*>& operands, std::size_t first, std::size_t last) {
    for (std::size_t d = first; d < last; ++d) {
      const std::size_t size = operands[0]->shape[d];
      if (size == 1) continue;
      Positions strides{};
      for (std::size_t i = 0; i < operands.size(); ++i) strides[i] = operands[i]->strides[d];
      bool merges = !n.empty();
      for (std::size_t i = 0; merges && i < operands.size(); ++i)
        merges = step.back()[i] == strides[i] * static_cast<std::ptrdiff_t>(size);
      if (merges) {
        n.back() *= size;
        step.back() = strides;
      } else {
        n.push_back(size);
        step.push_back(strides);
      }
    }
  }

  // Call `visit` with the offsets of each position.
  template <class Visit>
  void each(const Visit& visit) const {
    Positions at{};
    walk(0, at, visit);
  }

 private:
  template <class Visit>
  void walk(std::size_t dimension, Positions at, const Visit& visit) const {
    if (dimension == n.size()) return visit(at);
    for (std::size_t i = 0; i < n[dimension]; ++i) {
      walk(dimension + 1, at, visit);
      for (std::size_t j = 0; j < most_operands; ++j) at[j] += step[dimension][j];
    }
  }
};

class Planner {
 public:
  Planner(const NativeProgram& program, const Method& method, const Sizes& sizes, const Kernels& kernels, Weights& weights)
      : program_(program), sizes_(sizes), kernels_(kernels), weights_(weights), values_(method.values) {
    plan_.name = method.name;
    for (const Op& op : method.ops) {
      add(op);
      ++operation_;
    }
    place_shared();
    place_lanes();
    for (std::vector<Task>* tasks : {&plan_.shared, &plan_.lanes})
      for (Task& task : *tasks) each_place(task, [&](Place& place) { resolve(place); });
  }
  Plan take() { return std::move(plan_); }

 private:
  bool is_shared(const Op& op) const { return op.has_out && values_[op.out.number].uniform; }
  Type type(const View& view) const { return view.constant ? program_.constants[view.number].type : values_[view.number].type; }

  int dynamic(const Index& index, std::size_t element_bytes, std::ptrdiff_t low, std::ptrdiff_t high) {
    if (!index) return -1;
    const Value& value = values_[static_cast<std::size_t>(index.value)];
    const auto bytes = static_cast<std::ptrdiff_t>(element_bytes);
    plan_.dynamics.push_back({static_cast<std::size_t>(index.element) * bytes_of(value.type), value.type, index.scale * bytes,
                              low * bytes, high * bytes, plan_.shared.size(), operation_});
    dynamic_values_.push_back(static_cast<std::size_t>(index.value));
    return static_cast<int>(plan_.dynamics.size()) - 1;
  }

  Place place(const View& view) {
    const std::size_t bytes = bytes_of(type(view));
    const std::size_t size = view.constant ? program_.constants[view.number].count : values_[view.number].size;
    Place place{view.constant ? std::uint32_t{constant_base} : value_base + static_cast<std::uint32_t>(view.number), -1,
                view.offset * bytes};
    if (view.count() > 0)
      place.dynamic = dynamic(view.index, bytes, -view.lowest(), static_cast<std::ptrdiff_t>(size) - 1 - view.highest());
    if (view.constant) place.offset += program_.constants[view.number].offset;
    return place;
  }

  void push(Task& task, Code code, Type operand_type, bool shared) {
    const Kernel cell_by_cell = find_cell_by_cell(code, operand_type);
    task.single = cell_by_cell != nullptr ? cell_by_cell : kernels_.find(code, operand_type, true);
    task.in_lanes = cell_by_cell != nullptr ? cell_by_cell : kernels_.find(code, operand_type, false);
    (shared ? plan_.shared : plan_.lanes).push_back(task);
  }

  View new_value(Type type, std::vector<std::size_t> shape, bool uniform) {
    View view;
    view.number = values_.size();
    view.strides = row_major(shape);
    view.shape = std::move(shape);
    values_.push_back({type, view.count(), uniform});
    return view;
  }

  // The operand, or a contiguous copy of it for each cell (or shared, as the operation is).
  View plain(const View& view, bool shared) {
    const bool fits = shared || (!view.constant && !values_[view.number].uniform);
    if (fits && view.contiguous()) return view;
    Op copy;
    copy.code = Code::copy;
    copy.has_out = true;
    copy.out = new_value(type(view), view.shape, shared);
    copy.in = {view};
    add_elementwise(copy);
    return copy.out;
  }

  void add(const Op& op) {
    if (op.has_out && op.out.count() == 0) return;
    switch (op.code) {
      case Code::input:
      case Code::load:
      case Code::store:
      case Code::flux:
        return add_move(op);
      case Code::linear:
        return add_linear(op);
      case Code::lstm:
      case Code::gru:
        return add_gates(op);
      case Code::contract:
      case Code::reduce:
        return add_sum(op);
      case Code::cholesky_solve:
      case Code::krige:
        return add_cell_by_cell(op);
      default:
        return add_elementwise(op);
    }
  }

  void add_elementwise(const Op& op) {
    std::vector<const View*> operands = {&op.out};
    for (const View& view : op.in) operands.push_back(&view);
    Walk walk(operands, 0, op.out.shape.size());
    Task task;
    task.n = 1;
    if (!walk.n.empty()) {
      task.n = walk.n.back();
      const auto& step = walk.step.back();
      task.step_out = static_cast<std::int32_t>(step[result_position]), task.step_a = static_cast<std::int32_t>(step[a_position]);
      task.step_b = static_cast<std::int32_t>(step[b_position]), task.step_c = static_cast<std::int32_t>(step[c_position]);
      walk.n.pop_back();
      walk.step.pop_back();
    }
    set_runs(task, walk);
    task.out = place(op.out);
    Place* const places[] = {&task.a, &task.b, &task.c};
    for (std::size_t i = 0; i < op.in.size(); ++i) *places[i] = place(op.in[i]);
    push(task, op.code, type(op.in[op.code == Code::where ? 1 : 0]), is_shared(op));
  }

  void set_runs(Task& task, const Walk& walk) {
    std::vector<Run>& runs = plan_.runs.emplace_back();
    walk.each([&](const Positions& at) {
      runs.push_back({static_cast<std::int32_t>(at[result_position]), static_cast<std::int32_t>(at[a_position]),
                      static_cast<std::int32_t>(at[b_position]), static_cast<std::int32_t>(at[c_position])});
    });
    task.runs = runs.data(), task.n_runs = runs.size();
  }

  void add_move(const Op& op) {
    Task task;
    if (op.code == Code::store || op.code == Code::flux) {
      task.n = op.in[0].count();
      if (task.n == 0) return;
      task.a = place(plain(op.in[0], false));
    } else {
      task.n = op.out.count();
      task.out = place(op.out);
    }
    const auto state = static_cast<std::ptrdiff_t>(sizes_.state), at = static_cast<std::ptrdiff_t>(op.at);
    const int offset = dynamic(op.index, sizeof(float), -at, state - at - static_cast<std::ptrdiff_t>(task.n));
    task.at = op.at;
    if (op.code == Code::load) {
      task.a.dynamic = offset;
      plan_.loads.push_back({op.at, task.n, offset});
    }
    if (op.code == Code::store) {
      task.store = plan_.stores.size();
      plan_.stores.push_back({op.at, task.n, offset});
    }
    task.input = op.input;
    push(task, op.code, Type::f32, is_shared(op));
  }

  void add_linear(const Op& op) {
    const bool shared = is_shared(op);
    const std::vector<std::size_t>& shape = program_.constants[static_cast<std::size_t>(op.weight)].shape;
    Task task;
    task.n = shape[0], task.n_k = shape[1], task.rows = op.out.count() / shape[0];
    std::vector<View> parts;
    for (const View& part : op.in)
      if (part.count() > 0) parts.push_back(part);
    if (parts.size() > most_segments) parts = {joined(parts, op.out.shape, shape[1], shared)};
    std::vector<Segment> segments;
    for (const View& part : parts) {
      const View packed = plain(part, shared);
      const Segment segment{place(packed), packed.shape.back()};
      const std::size_t bytes = bytes_of(type(packed));
      if (!segments.empty() && task.rows == 1 && segment.place.dynamic < 0 && segments.back().place.dynamic < 0 &&
          segments.back().place.base == segment.place.base &&
          segments.back().place.offset + segments.back().n * bytes == segment.place.offset)
        segments.back().n += segment.n;
      else
        segments.push_back(segment);
    }
    plan_.segments.push_back(std::move(segments));
    task.segments = plan_.segments.back().data(), task.n_segments = plan_.segments.back().size();
    std::tie(task.weight, task.bias) = weights_.packed(op.weight, op.bias);
    task.activation = op.activation;
    task.out = place(op.out);
    push(task, op.code, type(op.out), shared);
  }

  // All parts side by side in one value.
  View joined(const std::vector<View>& parts, std::vector<std::size_t> shape, std::size_t columns, bool shared) {
    shape.back() = columns;
    View whole = new_value(type(parts[0]), shape, shared);
    std::size_t at = 0;
    for (const View& part : parts) {
      Op copy;
      copy.code = Code::copy;
      copy.has_out = true;
      copy.out = whole;
      copy.out.offset = at, copy.out.shape = part.shape;
      copy.in = {part};
      add_elementwise(copy);
      at += part.shape.back();
    }
    return whole;
  }

  void add_gates(const Op& op) {
    const bool shared = is_shared(op);
    Task task;
    const std::size_t last = op.out.shape.back();
    task.n = op.code == Code::lstm ? last / 2 : last;
    task.rows = op.out.count() / last;
    Place* const places[] = {&task.a, &task.b, &task.c};
    for (std::size_t i = 0; i < op.in.size(); ++i) *places[i] = place(plain(op.in[i], shared));
    task.out = place(op.out);
    push(task, op.code, type(op.out), shared);
  }

  void add_sum(const Op& op) {
    std::vector<const View*> operands;
    for (const View& view : op.in) operands.push_back(&view);
    const std::size_t n_out = op.out.shape.size();
    std::array<std::vector<std::int32_t>, 2> terms;
    Task task;
    std::vector<Run>& runs = plan_.runs.emplace_back();
    Walk(operands, 0, n_out).each([&](const Positions& at) {
      runs.push_back(
          {static_cast<std::int32_t>(runs.size()), static_cast<std::int32_t>(at[0]), static_cast<std::int32_t>(at[1]), 0});
    });
    task.runs = runs.data(), task.n_runs = runs.size();
    if (op.in[0].count() > 0)
      Walk(operands, n_out, n_out + op.k).each([&](const Positions& at) {
        for (std::size_t i = 0; i < 2; ++i) terms[i].push_back(static_cast<std::int32_t>(at[i]));
      });
    task.n_k = terms[0].size();
    task.k_a = plan_.terms.emplace_back(std::move(terms[0])).data();
    task.k_b = plan_.terms.emplace_back(std::move(terms[1])).data();
    task.reduction = op.reduction;
    task.out = place(op.out), task.a = place(op.in[0]);
    task.b = op.in.size() > 1 ? place(op.in[1]) : task.a;
    push(task, op.code, type(op.out), is_shared(op));
  }

  void add_cell_by_cell(const Op& op) {
    const bool shared = is_shared(op);
    Task task;
    task.a = place(plain(op.in[0], shared)), task.b = place(plain(op.in[1], shared));
    if (op.code == Code::krige) {
      const Krige& k = op.krige;
      const auto constant = [&](std::size_t number) { return program_.constant<double>(number); };
      const std::vector<std::size_t>& features = program_.constants[k.site_features].shape;
      plan_.krige.push_back({constant(k.site_place), constant(k.site_features), constant(k.dual), constant(k.precision),
                             reinterpret_cast<const Covariance*>(constant(k.choice)), k.role_sizes.data(), features[0], features[1],
                             k.role_sizes.size(), op.out.count(), k.common, k.earth_radius, k.own_site});
      task.krige = &plan_.krige.back();
    } else {
      task.n = op.out.shape.back();
      task.rows = op.out.count() / task.n;
      task.c = place(new_value(Type::f64, {task.n * task.n + task.n}, shared));
    }
    task.out = place(op.out);
    push(task, op.code, type(op.out), shared);
  }

  // ---- memory ----

  template <class Visit>
  void each_place(Task& task, const Visit& visit) {
    for (Place* place : {&task.out, &task.a, &task.b, &task.c}) visit(*place);
    for (std::size_t i = 0; i < task.n_segments; ++i) visit(const_cast<Segment&>(task.segments[i]).place);
  }

  std::size_t bytes(std::size_t value) const { return round_up(values_[value].size * bytes_of(values_[value].type), granule); }

  void place_shared() {
    offset_.resize(values_.size());
    for (std::size_t v = 0; v < values_.size(); ++v) {
      if (!values_[v].uniform) continue;
      offset_[v] = plan_.shared_bytes;
      plan_.shared_bytes += bytes(v);
    }
    for (std::size_t d = 0; d < plan_.dynamics.size(); ++d) plan_.dynamics[d].place += offset_[dynamic_values_[d]];
  }

  // Values that are never alive together share memory: first fit, in the order of the tasks.
  void place_lanes() {
    constexpr std::size_t never = static_cast<std::size_t>(-1);
    std::vector<std::size_t> first(values_.size(), never), last(values_.size(), 0);
    for (std::size_t t = 0; t < plan_.lanes.size(); ++t)
      each_place(plan_.lanes[t], [&](Place& place) {
        if (place.base < value_base) return;
        const std::size_t v = place.base - value_base;
        if (values_[v].uniform) return;
        first[v] = std::min(first[v], t), last[v] = t;
      });
    std::vector<std::vector<std::size_t>> begin(plan_.lanes.size()), end(plan_.lanes.size());
    for (std::size_t v = 0; v < values_.size(); ++v)
      if (first[v] != never) begin[first[v]].push_back(v), end[last[v]].push_back(v);
    std::map<std::size_t, std::size_t> used;  // offset -> size
    for (std::size_t t = 0; t < plan_.lanes.size(); ++t) {
      for (const std::size_t v : begin[t]) {
        std::size_t at = 0;
        for (const auto& [offset, size] : used) {
          if (at + bytes(v) <= offset) break;
          at = offset + size;
        }
        if (bytes(v) > 0) used[at] = bytes(v);
        offset_[v] = at;
        plan_.lane_bytes = std::max(plan_.lane_bytes, at + bytes(v));
      }
      for (const std::size_t v : end[t])
        if (bytes(v) > 0) used.erase(offset_[v]);
    }
  }

  void resolve(Place& place) const {
    if (place.base < value_base) return;
    const std::size_t v = place.base - value_base;
    place.base = values_[v].uniform ? shared_base : lane_base;
    place.offset += offset_[v];
  }

  const NativeProgram& program_;
  const Sizes& sizes_;
  const Kernels& kernels_;
  Weights& weights_;
  std::vector<Value> values_;
  std::vector<std::size_t> offset_, dynamic_values_;
  std::size_t operation_ = 1;
  Plan plan_;
};

}  // namespace

Plan make_plan(const NativeProgram& program, const Method& method, const Sizes& sizes, const Kernels& kernels, Weights& weights) {
  return Planner(program, method, sizes, kernels, weights).take();
}

}  // namespace ecostep::native
