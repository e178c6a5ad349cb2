#include "backends/native/check.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "backends/native/task.h"
#include "core/calendar.h"
#include "core/error.h"

namespace ecostep::native {
namespace {

using Shape = std::vector<std::size_t>;

std::string to_text(const Shape& shape) {
  std::string text = "(";
  for (const std::size_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + ")";
}

const char* to_text(Type type) {
  return type == Type::f32 ? "f32" : "f64";
}

// Call `visit` with each element that a view touches; a repeated one may come once.
template <class Visit>
void for_each_element(const View& view, std::size_t dimension, std::ptrdiff_t at, const Visit& visit) {
  if (dimension == view.shape.size()) return visit(static_cast<std::size_t>(at));
  const std::ptrdiff_t stride = view.strides[dimension];
  const std::size_t n = stride == 0 ? std::min<std::size_t>(1, view.shape[dimension]) : view.shape[dimension];
  for (std::size_t i = 0; i < n; ++i, at += stride) for_each_element(view, dimension + 1, at, visit);
}

class MethodCheck {
 public:
  MethodCheck(const NativeProgram& program, const Method& method, const Sizes& sizes)
      : program_(program), method_(method), sizes_(sizes), init_(method.name == init_method_name) {
    const std::size_t suffix = std::string_view(observed_suffix).size();
    observed_ = method.name.size() > suffix && method.name.compare(method.name.size() - suffix, suffix, observed_suffix) == 0;
    for (const Value& value : method.values) written_.emplace_back(value.size, false);
  }

  void run() {
    for (; at_ < method_.ops.size(); ++at_) check(method_.ops[at_]);
    if (init_ ? n_flux_ != 0 : n_flux_ != 1)
      fail(ECOSTEP_CORRUPT, program_.file, ": extra/native.json: program '", method_.name, "' gives the fluxes ", n_flux_,
           " times");
  }

 private:
  template <class... Parts>
  [[noreturn]] void corrupt(const Parts&... parts) const {
    fail(ECOSTEP_CORRUPT, program_.file, ": extra/native.json: program '", method_.name, "', operation ", at_ + 1, " (",
         method_.ops[at_].name, "): ", parts...);
  }
  void want(bool holds, const char* what) const {
    if (!holds) corrupt(what);
  }
  void want_shape(const View& view, const Shape& shape, const char* what) const {
    if (view.shape != shape) corrupt(what, " has the shape ", to_text(view.shape), ", not ", to_text(shape));
  }
  void want_type(Type type, Type expected, const char* what) const {
    if (type != expected) corrupt(what, " is ", to_text(type), ", not ", to_text(expected));
  }

  Type type(const View& view) const {
    return view.constant ? program_.constants[view.number].type : method_.values[view.number].type;
  }
  bool uniform(const View& view) const { return view.constant || method_.values[view.number].uniform; }

  void check_index(const Index& index) const {
    if (!index) return;
    const Value& value = method_.values[static_cast<std::size_t>(index.value)];
    want(value.uniform, "'i' names a value that is not uniform");
    if (static_cast<std::size_t>(index.element) >= value.size) corrupt("'i' names element ", index.element, " of ", value.size);
    want(written_[static_cast<std::size_t>(index.value)][static_cast<std::size_t>(index.element)],
         "'i' is read before it is written");
  }

  void check_bounds(const View& view) const {
    const std::size_t size = view.constant ? program_.constants[view.number].count : method_.values[view.number].size;
    check_index(view.index);
    if (view.count() == 0) return;
    const std::ptrdiff_t low = view.lowest(), high = view.highest(), end = static_cast<std::ptrdiff_t>(size);
    if (view.index ? high - low >= end : low < 0 || high >= end)
      corrupt("a reference reaches from element ", low, " to ", high, " of ", size);
  }

  void check_read(const View& view) const {
    check_bounds(view);
    if (view.constant || view.count() == 0) return;
    const std::vector<bool>& written = written_[view.number];
    if (view.index) {
      want(std::find(written.begin(), written.end(), false) == written.end(), "a value is read before all of it is written");
      return;
    }
    for_each_element(view, 0, static_cast<std::ptrdiff_t>(view.offset), [&](std::size_t element) {
      if (!written[element]) corrupt("element ", element, " of value ", view.number, " is read before it is written");
    });
  }

  void check_write(const Op& op) {
    check_bounds(op.out);
    want(op.code == Code::copy || op.out.contiguous(), "only a copy may write with strides");
    if (uniform(op.out))
      for (const View& view : op.in) want(uniform(view), "a uniform result of what is not");
    // uniform operations are run before all others
    if (uniform(op.out)) want(!op.out.index, "a uniform result has a place that depends on the day");
    if (op.out.index || op.out.count() == 0) return;
    for_each_element(op.out, 0, static_cast<std::ptrdiff_t>(op.out.offset), [&](std::size_t e) {
      if (uniform(op.out)) want(!written_[op.out.number][e], "an element of a uniform value is written twice");
      written_[op.out.number][e] = true;
    });
  }

  void check(const Op& op) {
    for (const View& view : op.in) check_read(view);
    check_index(op.index);
    check_operation(op);
    if (op.has_out) check_write(op);
  }

  void check_operation(const Op& op) {
    switch (op.code) {
      case Code::input:
        return check_input(op);
      case Code::load:
        want(!init_, "'init' has no state to load");
        want_type(type(op.out), Type::f32, "the result");
        want(!uniform(op.out), "a uniform result of what is not");
        return check_state(op, op.out.count());
      case Code::store:
        want_type(type(op.in[0]), Type::f32, "'a'");
        return check_state(op, op.in[0].count());
      case Code::flux:
        ++n_flux_;
        want_type(type(op.in[0]), Type::f32, "'a'");
        return want_shape(op.in[0], {sizes_.targets}, "'a'");
      case Code::linear:
        return check_linear(op);
      case Code::krige:
        return check_krige(op);
      default:
        break;
    }
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      if (op.code == Code::cast) continue;
      want_type(type(op.in[i]), op.code == Code::where && i == 0 ? Type::f32 : type(op.out), "an operand");
    }
    check_shapes(op);
  }

  void check_shapes(const Op& op) const {
    const Shape& shape = op.out.shape;
    const auto with = [&](std::size_t last) {
      Shape other = shape;
      other.back() = last;
      return other;
    };
    switch (op.code) {
      case Code::lstm:
        want(!shape.empty() && shape.back() % 2 == 0, "the result has no two halves");
        want_shape(op.in[0], with(2 * shape.back()), "'a'");
        return want_shape(op.in[1], with(shape.back() / 2), "'b'");
      case Code::gru:
        want(!shape.empty(), "the result has no dimension");
        want_shape(op.in[0], with(3 * shape.back()), "'a'");
        want_shape(op.in[1], with(3 * shape.back()), "'b'");
        return want_shape(op.in[2], shape, "'c'");
      case Code::contract:
      case Code::reduce: {
        Shape operand_shape = shape;  // that of the result, and the dimensions summed over
        const Shape& a_shape = op.in[0].shape;
        want(op.k >= 1 && a_shape.size() >= op.k, "'k' is not among the dimensions of 'a'");
        operand_shape.insert(operand_shape.end(), a_shape.end() - static_cast<std::ptrdiff_t>(op.k), a_shape.end());
        want(op.code == Code::contract || op.reduction == Reduction::sum || op.in[0].count() > 0 || op.out.count() == 0,
             "nothing to reduce");
        for (const View& view : op.in) want_shape(view, operand_shape, "an operand");
        return;
      }
      case Code::cholesky_solve: {
        want(!shape.empty(), "the result has no dimension");
        Shape matrix = shape;
        matrix.push_back(shape.back());
        want_shape(op.in[0], matrix, "'a'");
        return want_shape(op.in[1], shape, "'b'");
      }
      default:
        for (const View& view : op.in) want_shape(view, shape, "an operand");
    }
  }

  void check_input(const Op& op) const {
    const bool calendar = op.input == Input::calendar;
    want(op.input != Input::statics || init_, "only 'init' has statics");
    want(op.input == Input::statics || !init_, "'init' has statics alone");
    want(op.input != Input::observed || observed_, "this program has no measured fluxes");
    const std::size_t size = calendar                      ? CalendarRow::n_columns
                             : op.input == Input::drivers  ? sizes_.drivers
                             : op.input == Input::observed ? sizes_.targets
                                                           : sizes_.statics;
    want_shape(op.out, {size}, "the result");
    want_type(type(op.out), calendar ? Type::f64 : Type::f32, "the result");
    want(uniform(op.out) == calendar, calendar ? "the calendar is uniform" : "a uniform result of what is not");
  }

  void check_state(const Op& op, std::size_t count) const {
    const std::size_t at = op.index ? 0 : op.at;
    if (count > sizes_.state || at > sizes_.state - count)
      corrupt("elements ", op.at, " to ", op.at + count, " of a state row of ", sizes_.state);
  }

  void check_linear(const Op& op) const {
    const Constant& weight = program_.constants[static_cast<std::size_t>(op.weight)];
    want(weight.shape.size() == 2, "'weight' is no matrix");
    want_type(weight.type, type(op.out), "'weight'");
    want(!op.out.shape.empty() && op.out.shape.back() == weight.shape[0],
         "the result has not as many elements as 'weight' has rows");
    if (op.bias >= 0) {
      const Constant& bias = program_.constants[static_cast<std::size_t>(op.bias)];
      want(bias.shape == Shape{weight.shape[0]}, "'bias' has not as many elements as 'weight' has rows");
      want_type(bias.type, type(op.out), "'bias'");
    }
    std::size_t columns = 0;
    for (const View& part : op.in) {
      want_type(type(part), type(op.out), "an operand");
      want(!part.shape.empty(), "an operand has no dimension");
      Shape part_shape = op.out.shape;
      part_shape.back() = part.shape.back();
      want_shape(part, part_shape, "an operand");
      columns += part.shape.back();
    }
    if (columns != weight.shape[1]) corrupt("the operands have ", columns, " elements, 'weight' has ", weight.shape[1], " columns");
  }

  void check_krige(const Op& op) const {
    const Krige& krige = op.krige;
    want(init_, "is done in 'init' only");
    const Shape& site_place = program_.constants[krige.site_place].shape;
    const Shape& site_features = program_.constants[krige.site_features].shape;
    want(site_place.size() == 2 && site_place[1] == place_dimensions, "'site_place' is not (M, 3)");
    want(site_features.size() == 2 && site_features[0] == site_place[0], "'site_features' is not (M, F)");
    const std::size_t m = site_place[0], roles = krige.role_sizes.size();
    std::size_t q = 0;
    for (const std::size_t size : krige.role_sizes) q += size;
    want(program_.constants[krige.dual].shape == Shape{m, q}, "'dual' is not (M, Q)");
    want(program_.constants[krige.choice].shape == Shape{roles, n_covariance_numbers}, "'choice' is not (R, 4)");
    want(program_.constants[krige.precision].shape == Shape{roles, m, m}, "'precision' is not (R, M, M)");
    for (const std::size_t constant : {krige.site_place, krige.site_features, krige.dual, krige.choice, krige.precision})
      want_type(program_.constants[constant].type, Type::f64, "a constant");
    for (const View& view : op.in) want_type(type(view), Type::f64, "an operand");
    want_type(type(op.out), Type::f64, "the result");
    want_shape(op.in[0], {place_dimensions}, "'a'");
    want_shape(op.in[1], {site_features[1]}, "'b'");
    want_shape(op.out, {q}, "the result");
  }

  const NativeProgram& program_;
  const Method& method_;
  const Sizes& sizes_;
  const bool init_;
  bool observed_ = false;
  std::vector<std::vector<bool>> written_;
  std::size_t at_ = 0, n_flux_ = 0;
};

}  // namespace

void check_program(const NativeProgram& program, const Sizes& sizes) {
  std::set<std::string> names = {init_method_name};
  for (const char* day : day_method_names) {
    names.insert(day);
    if (sizes.observed) names.insert(std::string(day) + observed_suffix);
  }
  for (const std::string& name : names)
    if (program.methods.count(name) == 0)
      fail(ECOSTEP_CORRUPT, program.file, ": extra/native.json: program '", name, "' is missing");
  for (const auto& [name, method] : program.methods) {
    if (names.count(name) == 0) fail(ECOSTEP_CORRUPT, program.file, ": extra/native.json: program '", name, "' is not known");
    MethodCheck(program, method, sizes).run();
  }
}

}  // namespace ecostep::native
