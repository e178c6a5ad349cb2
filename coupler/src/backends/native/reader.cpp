#include "backends/native/reader.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "backends/native/check.h"
#include "backends/native/json_reader.h"

namespace ecostep::native {
namespace {

constexpr std::size_t most_of_method = std::size_t{1} << 22;  // elements of all values of a method
constexpr std::size_t constant_alignment = 64;                // bytes, in native.bin
constexpr std::int64_t format_version = 1;

// An optional part, null where it is absent.
const Json* optional(const Json& object, const char* key) {
  const Json* const part = object.find(key);
  return part == nullptr || part->kind == Json::Kind::null ? nullptr : part;
}

Index read_index(const JsonReader& reader, const Json& object, std::size_t values) {
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

View read_view(const JsonReader& reader, const Json& json, std::size_t values, std::size_t constants) {
  if (json.kind != Json::Kind::object) reader.corrupt("a reference is no object");
  View view;
  const Json *value = json.find("v"), *constant = json.find("c");
  if ((value == nullptr) == (constant == nullptr)) reader.corrupt("a reference has one of 'v' and 'c'");
  view.constant = constant != nullptr;
  const std::size_t limit = view.constant ? constants : values;
  const char* key = view.constant ? "c" : "v";
  view.number = reader.size(view.constant ? *constant : *value, key);
  if (view.number >= limit) reader.corrupt("'", key, "' is ", view.number, ", but there are ", limit);
  if (const Json* offset = optional(json, "o")) view.offset = reader.size(*offset, "o");
  view.shape = reader.shape(json, "n");
  view.strides.reserve(view.shape.size());
  if (optional(json, "t") != nullptr) {
    const Json& strides = reader.list(json, "t");
    if (strides.size != view.shape.size()) reader.corrupt("'t' has ", strides.size, " numbers, 'n' ", view.shape.size());
    constexpr auto most = static_cast<std::int64_t>(most_elements);
    for (const Json& stride : strides) view.strides.push_back(reader.integer(stride, "t", -most, most));
  } else {
    view.strides.resize(view.shape.size());
    std::ptrdiff_t stride = 1;
    for (std::size_t i = view.shape.size(); i-- > 0; stride *= static_cast<std::ptrdiff_t>(view.shape[i])) view.strides[i] = stride;
  }
  view.index = read_index(reader, json, values);
  return view;
}

Krige read_krige(const JsonReader& reader, const Json& json, std::size_t constants) {
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

Op read_op(const JsonReader& reader, const Json& json, std::size_t values, std::size_t constants) {
  Op op;
  op.code = reader.word(json, "op", operation_words);
  op.name = reader.part(json, "op").text;
  const auto operand = [&](const char* key) { op.in.push_back(read_view(reader, reader.part(json, key), values, constants)); };
  const auto constant = [&](const char* key) -> std::ptrdiff_t {
    const Json& part = reader.part(json, key);
    if (part.kind == Json::Kind::null) return -1;
    const std::size_t number = reader.size(part, key);
    if (number >= constants) reader.corrupt("'", key, "' is ", number, ", but there are ", constants, " constants");
    return static_cast<std::ptrdiff_t>(number);
  };
  op.has_out = op.code != Code::store && op.code != Code::flux;
  if (op.has_out) {
    op.out = read_view(reader, reader.part(json, "out"), values, constants);
    if (op.out.constant) reader.corrupt("a result cannot be a constant");
  }
  switch (op.code) {
    case Code::input:
      op.input = reader.word(json, "name", input_words);
      break;
    case Code::load:
    case Code::store:
      op.at = reader.size(reader.part(json, "at"), "at");
      op.index = read_index(reader, json, values);
      if (op.code == Code::store) operand("a");
      break;
    case Code::linear:
      for (const Json& part : reader.list(json, "in")) op.in.push_back(read_view(reader, part, values, constants));
      op.weight = constant("weight"), op.bias = constant("bias");
      if (op.weight < 0) reader.corrupt("'weight' is missing");
      op.activation = reader.word(json, "act", activation_words);
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
      op.k = reader.size(reader.part(json, "k"), "k", most_dimensions);
      break;
    case Code::reduce:
      operand("a");
      op.k = reader.size(reader.part(json, "k"), "k", most_dimensions);
      op.reduction = reader.word(json, "how", reduction_words);
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

Method read_method(JsonReader& reader, const std::string& name, const Json& json, std::size_t constants) {
  Method method;
  method.name = name;
  reader.enter(": program '" + name + "'");
  std::size_t total = 0;
  for (const Json& value : reader.list(json, "values")) {
    const Json& uniform = reader.part(value, "uniform");
    if (uniform.kind != Json::Kind::boolean) reader.corrupt("'uniform' is neither true nor false");
    method.values.push_back(
        {reader.word(value, "type", type_words), reader.size(reader.part(value, "size"), "size"), uniform.truth});
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

Constant read_constant(const JsonReader& reader, const Json& json, std::size_t bytes) {
  Constant constant;
  constant.type = reader.word(json, "type", type_words);
  constant.shape = reader.shape(json, "shape");
  constant.count = std::accumulate(constant.shape.begin(), constant.shape.end(), std::size_t{1}, std::multiplies<>());
  constant.offset = reader.size(reader.part(json, "offset"), "offset", std::size_t{1} << 40);
  if (constant.offset % constant_alignment != 0)
    reader.corrupt("offset ", constant.offset, " is no multiple of ", constant_alignment);
  if (constant.offset > bytes || constant.count * bytes_of(constant.type) > bytes - constant.offset)
    reader.corrupt("extra/native.bin has ", bytes, " bytes and ends before the constant does");
  return constant;
}

}  // namespace

NativeProgram read_program(const std::string& path, const Sizes& sizes, std::string_view json, std::string_view constants) {
  NativeProgram program;
  program.file = path;
  JsonReader reader(path);
  const JsonText parsed(json);
  if (parsed.root() == nullptr) reader.corrupt("no JSON");
  const Json& root = *parsed.root();
  if (const auto version = reader.integer(reader.part(root, "version"), "version", 1, INT64_MAX); version != format_version)
    fail(ECOSTEP_NEWER_FORMAT, path, ": the native program has version ", version, ", and this ecostep reads version ",
         format_version);
  for (const Json& constant : reader.list(root, "constants")) {
    reader.enter(": constant " + std::to_string(program.constants.size()));
    program.constants.push_back(read_constant(reader, constant, constants.size()));
  }
  reader.enter("");
  std::size_t bytes = 0;  // constants that shared theirs would be packed many times over
  for (const Constant& constant : program.constants) bytes += constant.count * bytes_of(constant.type);
  if (bytes > constants.size()) reader.corrupt("the constants have ", bytes, " bytes, extra/native.bin ", constants.size());
  program.data.resize((constants.size() + 7) / 8);
  if (!constants.empty()) std::memcpy(program.data.data(), constants.data(), constants.size());
  const Json& methods = reader.part(root, "programs");
  if (methods.kind != Json::Kind::object) reader.corrupt("'programs' is no object");
  for (const Json& method : methods) {
    const std::string name(method.key);
    program.methods.emplace(name, read_method(reader, name, method, program.constants.size()));
  }
  check_program(program, sizes);
  return program;
}

}  // namespace ecostep::native
