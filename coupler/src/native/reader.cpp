// native.json and native.bin -> NativeProgram.
#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "error.h"
#include "native/json.h"
#include "native/program.h"

namespace ecostep::native {
namespace {

constexpr std::size_t most_elements = std::size_t{1} << 24;   // of an array
constexpr std::size_t most_of_method = std::size_t{1} << 22;  // of all values of a method

template <class T>
using Words = std::map<std::string_view, T>;

const Words<Code> codes = {{"copy", Code::copy},
                           {"cast", Code::cast},
                           {"neg", Code::neg},
                           {"abs", Code::abs},
                           {"sqrt", Code::sqrt},
                           {"exp", Code::exp},
                           {"log", Code::log},
                           {"log1p", Code::log1p},
                           {"sin", Code::sin},
                           {"cos", Code::cos},
                           {"tanh", Code::tanh},
                           {"sigmoid", Code::sigmoid},
                           {"relu", Code::relu},
                           {"gelu", Code::gelu},
                           {"softplus", Code::softplus},
                           {"sinh", Code::sinh},
                           {"asinh", Code::asinh},
                           {"round", Code::round},
                           {"reciprocal", Code::reciprocal},
                           {"isfinite", Code::isfinite},
                           {"not", Code::not_},
                           {"add", Code::add},
                           {"sub", Code::sub},
                           {"mul", Code::mul},
                           {"div", Code::div},
                           {"max", Code::max},
                           {"min", Code::min},
                           {"pow", Code::pow},
                           {"remainder", Code::remainder},
                           {"copysign", Code::copysign},
                           {"eq", Code::eq},
                           {"ne", Code::ne},
                           {"lt", Code::lt},
                           {"le", Code::le},
                           {"gt", Code::gt},
                           {"ge", Code::ge},
                           {"and", Code::and_},
                           {"or", Code::or_},
                           {"where", Code::where},
                           {"linear", Code::linear},
                           {"lstm", Code::lstm},
                           {"gru", Code::gru},
                           {"contract", Code::contract},
                           {"reduce", Code::reduce},
                           {"cholesky_solve", Code::cholesky_solve},
                           {"krige", Code::krige},
                           {"input", Code::input},
                           {"load", Code::load},
                           {"store", Code::store},
                           {"flux", Code::flux}};
const Words<Activation> activations = {{"none", Activation::none}, {"tanh", Activation::tanh}, {"sigmoid", Activation::sigmoid},
                                       {"relu", Activation::relu}, {"gelu", Activation::gelu}, {"softplus", Activation::softplus}};
const Words<Reduction> reductions = {{"sum", Reduction::sum}, {"mean", Reduction::mean}, {"max", Reduction::max}};
const Words<Input> inputs = {
    {"drivers", Input::drivers}, {"observed", Input::observed}, {"statics", Input::statics}, {"calendar", Input::calendar}};
const Words<Type> types = {{"f32", Type::f32}, {"f64", Type::f64}};

// Reads parts of the JSON text and says where it stopped making sense.
class Reader {
 public:
  explicit Reader(const std::string& path) : where_(path + ": extra/native.json") {}
  // What is read next, for messages.
  void enter(const std::string& place) { place_ = place, operation_ = 0; }
  void enter(const std::string& program, std::size_t operation, const Json* name) {
    place_ = program, operation_ = operation, name_ = name;
  }

  template <class... Parts>
  [[noreturn]] void corrupt(const Parts&... parts) const {
    if (operation_ == 0) fail(ECOSTEP_CORRUPT, where_, place_, ": ", parts...);
    const std::string name = name_ != nullptr && name_->kind == Json::Kind::text ? " (" + std::string(name_->text) + ")" : "";
    fail(ECOSTEP_CORRUPT, where_, ": program '", place_, "', operation ", operation_, name, ": ", parts...);
  }

  const Json& part(const Json& object, const char* key) const {
    if (object.kind != Json::Kind::object) corrupt("an object with '", key, "' is wanted");
    const Json* found = object.find(key);
    if (found == nullptr) corrupt("'", key, "' is missing");
    return *found;
  }
  const Json& list(const Json& object, const char* key) const {
    const Json& found = part(object, key);
    if (found.kind != Json::Kind::list) corrupt("'", key, "' is no list");
    return found;
  }
  std::int64_t integer(const Json& json, const char* what, std::int64_t low, std::int64_t high) const {
    if (json.kind != Json::Kind::integer) corrupt("'", what, "' is no whole number");
    if (json.integer < low || json.integer > high) corrupt("'", what, "' is ", json.integer, ", outside ", low, " to ", high);
    return json.integer;
  }
  std::size_t size(const Json& json, const char* what, std::size_t high = most_elements) const {
    return static_cast<std::size_t>(integer(json, what, 0, static_cast<std::int64_t>(high)));
  }
  double number(const Json& object, const char* key) const {
    const Json& found = part(object, key);
    if (found.kind == Json::Kind::integer) return static_cast<double>(found.integer);
    if (found.kind != Json::Kind::number) corrupt("'", key, "' is no number");
    return found.number;
  }
  template <class T>
  T word(const Json& object, const char* key, const Words<T>& words) const {
    const Json& found = part(object, key);
    if (found.kind != Json::Kind::text) corrupt("'", key, "' is no text");
    const auto known = words.find(found.text);
    if (known == words.end()) corrupt("'", key, "' is '", found.text, "', which is not known");
    return known->second;
  }
  std::vector<std::size_t> shape(const Json& object, const char* key) const {
    std::vector<std::size_t> shape;
    std::size_t count = 1;
    const Json& sizes = list(object, key);
    if (sizes.size > 8) corrupt("'", key, "' has more than 8 dimensions");
    for (const Json& n : sizes) {
      shape.push_back(size(n, key));
      count *= std::max<std::size_t>(1, shape.back());  // at most 2^48: no overflow
      if (count > most_elements) corrupt("'", key, "' is too large");
    }
    return shape;
  }

 private:
  std::string where_, place_;
  std::size_t operation_ = 0;
  const Json* name_ = nullptr;
};

// An optional part, null where it is absent.
const Json* optional(const Json& object, const char* key) {
  const Json* found = object.find(key);
  return found == nullptr || found->kind == Json::Kind::null ? nullptr : found;
}

Index read_index(const Reader& reader, const Json& object, std::size_t values) {
  Index index;
  if (optional(object, "i") == nullptr) return index;
  const Json& list = reader.list(object, "i");
  constexpr auto most = static_cast<std::int64_t>(most_elements);
  if (list.size != 3) reader.corrupt("'i' has ", list.size, " numbers, not 3");
  if (values == 0) reader.corrupt("'i' names a value, and there is none");
  const Json &value = *list.first, &element = *value.next, &scale = *element.next;
  index.value = reader.integer(value, "i", 0, static_cast<std::int64_t>(values) - 1);
  index.element = reader.integer(element, "i", 0, most);
  index.scale = reader.integer(scale, "i", -most, most);
  return index;
}

Reference read_reference(const Reader& reader, const Json& json, std::size_t values, std::size_t constants) {
  if (json.kind != Json::Kind::object) reader.corrupt("a reference is no object");
  Reference reference;
  const Json *value = json.find("v"), *constant = json.find("c");
  if ((value == nullptr) == (constant == nullptr)) reader.corrupt("a reference has one of 'v' and 'c'");
  reference.constant = constant != nullptr;
  const std::size_t limit = reference.constant ? constants : values;
  const char* key = reference.constant ? "c" : "v";
  reference.number = reader.size(reference.constant ? *constant : *value, key);
  if (reference.number >= limit) reader.corrupt("'", key, "' is ", reference.number, ", but there are ", limit);
  if (const Json* offset = optional(json, "o")) reference.offset = reader.size(*offset, "o");
  reference.shape = reader.shape(json, "n");
  reference.strides.reserve(reference.shape.size());
  if (optional(json, "t") != nullptr) {
    const Json& strides = reader.list(json, "t");
    if (strides.size != reference.shape.size()) reader.corrupt("'t' has ", strides.size, " numbers, 'n' ", reference.shape.size());
    constexpr auto most = static_cast<std::int64_t>(most_elements);
    for (const Json& stride : strides) reference.strides.push_back(reader.integer(stride, "t", -most, most));
  } else {
    reference.strides.resize(reference.shape.size());
    std::ptrdiff_t stride = 1;
    for (std::size_t i = reference.shape.size(); i-- > 0; stride *= static_cast<std::ptrdiff_t>(reference.shape[i]))
      reference.strides[i] = stride;
  }
  reference.index = read_index(reader, json, values);
  return reference;
}

Krige read_krige(const Reader& reader, const Json& json, std::size_t constants) {
  const auto constant = [&](const char* key) {
    const std::size_t number = reader.size(reader.part(json, key), key);
    if (number >= constants) reader.corrupt("'", key, "' is ", number, ", but there are ", constants, " constants");
    return number;
  };
  Krige krige{constant("site_place"),
              constant("site_features"),
              constant("dual"),
              constant("choice"),
              constant("precision"),
              reader.shape(json, "role_sizes"),
              reader.number(json, "common"),
              reader.number(json, "earth_radius"),
              reader.number(json, "own_site")};
  return krige;
}

Op read_op(const Reader& reader, const Json& json, std::size_t values, std::size_t constants) {
  Op op;
  op.code = reader.word(json, "op", codes);
  op.name = reader.part(json, "op").text;
  const auto operand = [&](const char* key) { op.in.push_back(read_reference(reader, reader.part(json, key), values, constants)); };
  const auto constant = [&](const char* key) -> std::ptrdiff_t {
    const Json& part = reader.part(json, key);
    if (part.kind == Json::Kind::null) return -1;
    const std::size_t number = reader.size(part, key);
    if (number >= constants) reader.corrupt("'", key, "' is ", number, ", but there are ", constants, " constants");
    return static_cast<std::ptrdiff_t>(number);
  };
  op.has_out = op.code != Code::store && op.code != Code::flux;
  if (op.has_out) {
    op.out = read_reference(reader, reader.part(json, "out"), values, constants);
    if (op.out.constant) reader.corrupt("a result cannot be a constant");
  }
  switch (op.code) {
    case Code::input:
      op.input = reader.word(json, "name", inputs);
      break;
    case Code::load:
    case Code::store:
      op.at = reader.size(reader.part(json, "at"), "at");
      op.index = read_index(reader, json, values);
      if (op.code == Code::store) operand("a");
      break;
    case Code::linear:
      for (const Json& part : reader.list(json, "in")) op.in.push_back(read_reference(reader, part, values, constants));
      op.weight = constant("weight"), op.bias = constant("bias");
      if (op.weight < 0) reader.corrupt("'weight' is missing");
      op.activation = reader.word(json, "act", activations);
      break;
    case Code::where:
    case Code::gru:
      operand("a"), operand("b"), operand("c");
      break;
    case Code::lstm:
    case Code::cholesky_solve:
      operand("a"), operand("b");
      break;
    case Code::contract:
      operand("a"), operand("b");
      op.k = reader.size(reader.part(json, "k"), "k", 8);
      break;
    case Code::reduce:
      operand("a");
      op.k = reader.size(reader.part(json, "k"), "k", 8);
      op.reduction = reader.word(json, "how", reductions);
      break;
    case Code::krige:
      operand("a"), operand("b");
      op.krige = read_krige(reader, json, constants);
      break;
    default:
      operand("a");
      if (has_two_operands(op.code)) operand("b");
  }
  return op;
}

Method read_method(Reader& reader, const std::string& name, const Json& json, std::size_t constants) {
  Method method;
  method.name = name;
  reader.enter(": program '" + name + "'");
  std::size_t total = 0;
  for (const Json& value : reader.list(json, "values")) {
    const Json& uniform = reader.part(value, "uniform");
    if (uniform.kind != Json::Kind::boolean) reader.corrupt("'uniform' is neither true nor false");
    method.values.push_back({reader.word(value, "type", types), reader.size(reader.part(value, "size"), "size"), uniform.truth});
    total += method.values.back().size;
    if (total > most_of_method) reader.corrupt("the values have more than ", most_of_method, " elements");
  }
  for (const Json& op : reader.list(json, "ops")) {
    reader.enter(name, method.ops.size() + 1, op.find("op"));
    method.ops.push_back(read_op(reader, op, method.values.size(), constants));
  }
  reader.enter("");
  return method;
}

Constant read_constant(const Reader& reader, const Json& json, std::size_t bytes) {
  Constant constant;
  constant.type = reader.word(json, "type", types);
  constant.shape = reader.shape(json, "shape");
  constant.count = std::accumulate(constant.shape.begin(), constant.shape.end(), std::size_t{1}, std::multiplies<>());
  constant.offset = reader.size(reader.part(json, "offset"), "offset", std::size_t{1} << 40);
  if (constant.offset % 64 != 0) reader.corrupt("offset ", constant.offset, " is no multiple of 64");
  if (constant.offset > bytes || constant.count * bytes_of(constant.type) > bytes - constant.offset)
    reader.corrupt("extra/native.bin has ", bytes, " bytes and ends before the constant does");
  return constant;
}

}  // namespace

std::size_t Reference::count() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

bool Reference::contiguous() const {
  std::ptrdiff_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0; stride *= static_cast<std::ptrdiff_t>(shape[i]))
    if (shape[i] != 1 && strides[i] != stride) return false;
  return true;
}

std::ptrdiff_t Reference::lowest() const {
  auto at = static_cast<std::ptrdiff_t>(offset);
  for (std::size_t i = 0; i < shape.size(); ++i)
    at += std::min<std::ptrdiff_t>(0, strides[i] * (static_cast<std::ptrdiff_t>(shape[i]) - 1));
  return at;
}

std::ptrdiff_t Reference::highest() const {
  auto at = static_cast<std::ptrdiff_t>(offset);
  for (std::size_t i = 0; i < shape.size(); ++i)
    at += std::max<std::ptrdiff_t>(0, strides[i] * (static_cast<std::ptrdiff_t>(shape[i]) - 1));
  return at;
}

double NativeProgram::flops(const std::string& name) const {
  const auto method = methods.find(name);
  if (method == methods.end()) return 0.0;
  double sum = 0.0;
  for (const Op& op : method->second.ops) {
    if (op.has_out && method->second.values[op.out.number].uniform) continue;
    if (op.code == Code::linear) {
      const std::vector<std::size_t>& shape = constants[static_cast<std::size_t>(op.weight)].shape;
      sum += 2.0 * static_cast<double>(op.out.count()) * static_cast<double>(shape[1]);
    }
    if (op.code == Code::contract) sum += 2.0 * static_cast<double>(op.in[0].count());
  }
  return sum;
}

NativeProgram read_program(const std::string& path, const Sizes& sizes, std::string_view text, std::string_view constants) {
  NativeProgram program;
  program.file = path;
  Reader reader(path);
  const JsonText parsed(text);
  if (parsed.root() == nullptr) reader.corrupt("no JSON");
  const Json& json = *parsed.root();
  if (const auto version = reader.integer(reader.part(json, "version"), "version", 1, INT64_MAX); version != 1)
    fail(ECOSTEP_NEWER_FORMAT, path, ": the native program has version ", version, ", and this ecostep reads version 1");
  for (const Json& constant : reader.list(json, "constants")) {
    reader.enter(": constant " + std::to_string(program.constants.size()));
    program.constants.push_back(read_constant(reader, constant, constants.size()));
  }
  reader.enter("");
  program.data.resize((constants.size() + 7) / 8);
  if (!constants.empty()) std::memcpy(program.data.data(), constants.data(), constants.size());
  const Json& methods = reader.part(json, "programs");
  if (methods.kind != Json::Kind::object) reader.corrupt("'programs' is no object");
  for (const Json& method : methods) {
    const std::string name(method.key);
    program.methods.emplace(name, read_method(reader, name, method, program.constants.size()));
  }
  check_program(program, sizes);
  return program;
}

}  // namespace ecostep::native
