// Access to the parts of native.json, each test of which says where the text stopped making sense.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/native/json.h"
#include "backends/native/words.h"
#include "core/error.h"

namespace ecostep::native {

constexpr std::size_t most_elements = std::size_t{1} << 24;  // of an array
constexpr std::size_t most_dimensions = 8;                   // of an array

// Reads parts of the JSON text and says where it stopped making sense.
class JsonReader {
 public:
  explicit JsonReader(const std::string& path) : where_(path + ": extra/native.json") {}
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
    const Json* const part = object.find(key);
    if (part == nullptr) corrupt("'", key, "' is missing");
    return *part;
  }
  const Json& list(const Json& object, const char* key) const {
    const Json& list = part(object, key);
    if (list.kind != Json::Kind::list) corrupt("'", key, "' is no list");
    return list;
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
    const Json& number = part(object, key);
    if (number.kind == Json::Kind::integer) return static_cast<double>(number.integer);
    if (number.kind != Json::Kind::number) corrupt("'", key, "' is no number");
    return number.number;
  }
  template <class Meaning, std::size_t n_words>
  Meaning word(const Json& object, const char* key, const Word<Meaning> (&words)[n_words]) const {
    const Json& word = part(object, key);
    if (word.kind != Json::Kind::text) corrupt("'", key, "' is no text");
    for (const Word<Meaning>& entry : words)
      if (entry.text == word.text) return entry.meaning;
    corrupt("'", key, "' is '", word.text, "', which is not known");
  }
  std::vector<std::size_t> shape(const Json& object, const char* key) const {
    std::vector<std::size_t> shape;
    std::size_t count = 1;
    const Json& sizes = list(object, key);
    if (sizes.size > most_dimensions) corrupt("'", key, "' has more than ", most_dimensions, " dimensions");
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

}  // namespace ecostep::native
