#include "core/artefact.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/printable.h"

namespace ecostep {
namespace {

using Json = nlohmann::json;

constexpr int newest_format = 1;
constexpr std::size_t max_json = 8u << 20;  // bytes; ten thousand variables take 3 MB
constexpr int max_depth = 16;               // objects and lists in one another: five are used
constexpr std::size_t max_variables = 10000, max_state = 10000000, max_reference = 100000000;

// Reads the metadata and knows where it is, for messages.
class Metadata {
 public:
  Metadata(const std::string& path, const Json& json) : path_(path), json_(json) {}

  [[noreturn]] void bad(const std::string& what) const {
    fail(ECOSTEP_CORRUPT, path_, ": metadata extra/ecostep.json: ", what, "; export the artefact again");
  }

  const Json& at(const Json& object, const char* key, const std::string& where) const {
    const auto entry = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || entry == object.end()) bad(where + "'" + key + "' is missing");
    return *entry;
  }

  std::string text(const Json& object, const char* key, const std::string& where, bool required = true) const {
    if (!required && (!object.contains(key) || object.at(key).is_null())) return "";
    const Json& value = at(object, key, where);
    if (!value.is_string()) bad(where + "'" + key + "' is not a text");
    std::string text = value.get<std::string>();
    if (text.find('\0') != std::string::npos) bad(where + "'" + key + "' holds a zero byte");
    return text;
  }

  // A text that hosts compare: what they print must be what they compared.
  std::string word(const Json& object, const char* key, const std::string& where) const {
    std::string word = text(object, key, where);
    if (!is_printable(word)) bad(where + "'" + key + "' is '" + printable(word) + "', with characters that cannot be printed");
    return word;
  }

  // A text that is only read.
  std::string words(const Json& object, const char* key, const std::string& where, bool required = true) const {
    return printable(text(object, key, where, required));
  }

  std::size_t count(const Json& object, const char* key, const std::string& where, std::size_t largest) const {
    const Json& value = at(object, key, where);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > largest)
      bad(where + "'" + key + "' is not a whole number from 0 to " + std::to_string(largest));
    return value.get<std::size_t>();
  }

  double limit(const Json& object, const char* key, const std::string& where, double otherwise) const {
    if (!object.contains(key) || object.at(key).is_null()) return otherwise;
    if (!object.at(key).is_number()) bad(where + "'" + key + "' is not a number");
    return object.at(key).get<double>();
  }

  // Numbers of a list, nested lists flattened one level.
  std::vector<float> numbers(const Json& object, const char* key, std::size_t rows, std::size_t columns) const {
    const std::string where = "stub: ";
    const Json& list = at(object, key, where);
    std::vector<float> values;
    const auto add = [&](const Json& value) {
      if (!value.is_number() || !std::isfinite(value.get<float>())) bad(where + "'" + key + "' holds something else than numbers");
      values.push_back(value.get<float>());
    };
    if (!list.is_array() || list.size() != rows) bad(where + "'" + key + "' has not " + std::to_string(rows) + " rows");
    for (const Json& row : list) {
      if (columns == 0) {
        add(row);
      } else {
        if (!row.is_array() || row.size() != columns) bad(where + "'" + key + "' has not " + std::to_string(columns) + " columns");
        for (const Json& value : row) add(value);
      }
    }
    return values;
  }

  std::vector<Variable> variables(const char* list_name) const;
  Variable variable(const Json& entry, const std::string& list_name, const std::string& where) const;
  std::vector<std::string> backends() const;

  const std::string& path() const { return path_; }
  const Json& json() const { return json_; }

 private:
  const std::string& path_;
  const Json& json_;
};

Accumulate parse_accumulate(const Metadata& metadata, const std::string& text, const std::string& where) {
  if (text == "mean") return Accumulate::mean;
  if (text == "min") return Accumulate::minimum;
  if (text == "max") return Accumulate::maximum;
  if (text == "sum") return Accumulate::sum;
  if (text == "last") return Accumulate::last;
  metadata.bad(where + "'accumulate' is '" + text + "', not mean, min, max, sum or last");
}

Variable Metadata::variable(const Json& entry, const std::string& list_name, const std::string& where) const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!entry.is_object()) bad(where + "is not an object");
  const bool target = list_name == "targets";
  Variable v;
  v.name = word(entry, "name", where);
  if (v.name.empty()) bad(where + "'name' is empty");
  v.units = word(entry, "units", where);
  v.long_name = words(entry, "long_name", where, false);
  v.valid_min = limit(entry, target ? "min" : "valid_min", where, -infinity);
  v.valid_max = limit(entry, target ? "max" : "valid_max", where, infinity);
  v.train_min = limit(entry, "train_min", where, -infinity);
  v.train_max = limit(entry, "train_max", where, infinity);
  if (!(v.valid_min <= v.valid_max)) bad(where + "the lower limit lies above the upper one");
  constexpr double largest = std::numeric_limits<float>::max();  // networks compute with float, and results are held to the limits
  if (v.valid_min > largest || v.valid_max < -largest) bad(where + "no number of single precision lies between the limits");
  if (list_name == "inputs") {
    v.accumulate_name = text(entry, "accumulate", where);
    v.accumulate = parse_accumulate(*this, v.accumulate_name, where);
  }
  if (entry.contains("flag_values") && !entry.at("flag_values").is_null()) {
    if (!entry.at("flag_values").is_array()) bad(where + "'flag_values' is not a list");
    for (const Json& flag : entry.at("flag_values")) {
      if (!flag.is_number()) bad(where + "'flag_values' holds something else than numbers");
      v.flag_values.push_back(flag.get<double>());
    }
  }
  return v;
}

std::vector<Variable> Metadata::variables(const char* list_name) const {
  const Json& list = at(json_, list_name, "");
  if (!list.is_array() || list.size() > max_variables) bad(std::string("'") + list_name + "' is not a list of variables");
  std::vector<Variable> variables;
  std::set<std::string> names;
  for (const Json& entry : list) {
    variables.push_back(variable(entry, list_name, std::string(list_name) + "[" + std::to_string(variables.size()) + "]: "));
    if (!names.insert(variables.back().name).second) bad(std::string(list_name) + ": '" + variables.back().name + "' occurs twice");
  }
  return variables;
}

std::vector<std::string> Metadata::backends() const {
  const Json& list = at(json_, "backends", "");
  std::vector<std::string> names;
  if (!list.is_array() || list.empty()) bad("'backends' is not a list of names");
  for (const Json& name : list) {
    if (!name.is_string()) bad("'backends' is not a list of names");
    names.push_back(printable(name.get<std::string>()));
  }
  return names;
}

Json parse_json(const std::string& path, std::string_view text) {
  if (text.size() > max_json)
    fail(ECOSTEP_CORRUPT, path, ": metadata extra/ecostep.json has ", text.size(), " bytes, more than any artefact");
  const auto bounded = [&path](int depth, Json::parse_event_t event, const Json&) {
    if (depth > max_depth && (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start))
      fail(ECOSTEP_CORRUPT, path, ": metadata extra/ecostep.json has more than ", max_depth, " levels of objects and lists");
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), bounded);
  } catch (const Json::exception& error) {
    fail(ECOSTEP_CORRUPT, path, ": metadata extra/ecostep.json is not valid JSON: ", error.what());
  }
}

void check_format(const Metadata& metadata) {
  const Json& json = metadata.json();
  if (!json.is_object() || !json.contains("format") || json.at("format") != "ecostep-artefact")
    fail(ECOSTEP_NOT_AN_ARTEFACT, metadata.path(),
         ": not an ecostep artefact (extra/ecostep.json has no format 'ecostep-artefact')");
  const std::size_t version = metadata.count(json, "format_version", "", 1000000);
  if (version > newest_format)
    fail(ECOSTEP_NEWER_FORMAT, metadata.path(), ": artefact format ", version, " is newer than format ", newest_format,
         ", the newest that this ecostep reads; update ecostep or export the artefact with this version");
  if (version < 1) metadata.bad("'format_version' is 0");
  if (metadata.count(json, "native_step_seconds", "", 1000000) != seconds_per_day)
    metadata.bad("'native_step_seconds' is not " + std::to_string(seconds_per_day));
}

std::vector<float> read_floats(std::string_view bytes, std::size_t first, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {  // little-endian on file whatever the machine
    std::uint32_t bits = 0;
    for (int k = 3; k >= 0; --k) bits = bits << 8 | static_cast<unsigned char>(bytes[4 * (first + i) + k]);
    std::memcpy(&values[i], &bits, 4);
  }
  return values;
}

ReferenceRun read_reference(const Metadata& metadata, const Archive& archive, const Artefact& artefact) {
  ReferenceRun reference;
  if (!metadata.json().contains("reference") || metadata.json().at("reference").is_null()) return reference;
  const Json& json = metadata.json().at("reference");
  const std::string where = "reference: ";
  const std::size_t ncell = metadata.count(json, "ncell", where, 1000000), nstep = metadata.count(json, "nstep", where, 1000000);
  const std::size_t p = artefact.statics.size(), d = artefact.inputs.size(), c = artefact.targets.size();
  const std::size_t total = ncell * (p + nstep * (d + c));
  const std::string_view bytes = archive.find("extra/reference.f32");
  if (ncell == 0 || nstep == 0) metadata.bad("reference: 'ncell' or 'nstep' is 0");
  if (total > max_reference || bytes.size() != 4 * total)
    metadata.bad("reference: extra/reference.f32 has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(4 * total));
  try {
    reference.calendar = parse_calendar(metadata.text(json, "calendar", where));
    reference.start = parse_date(metadata.text(json, "start_date", where));
    check_date(reference.calendar, reference.start);
  } catch (const Error& error) {
    metadata.bad(where + error.what());
  }
  reference.ncell = ncell, reference.nstep = nstep;
  reference.statics = read_floats(bytes, 0, ncell * p);
  reference.inputs = read_floats(bytes, ncell * p, nstep * ncell * d);
  reference.targets = read_floats(bytes, ncell * (p + nstep * d), nstep * ncell * c);
  for (const auto* values : {&reference.statics, &reference.inputs, &reference.targets})
    for (const float value : *values)
      if (!std::isfinite(value)) metadata.bad("reference: extra/reference.f32 holds a value that is not finite");
  return reference;
}

StubCoefficients read_stub(const Metadata& metadata, const Artefact& artefact) {
  const Json& stub = metadata.at(metadata.json(), "stub", "");
  const std::size_t c = artefact.targets.size();
  if (artefact.state_size != c) metadata.bad("a stub remembers one value per target: 'state_size' should be " + std::to_string(c));
  return {metadata.numbers(stub, "bias", c, 0), metadata.numbers(stub, "weights", c, artefact.inputs.size()),
          metadata.numbers(stub, "decay", c, 0)};
}

}  // namespace

Artefact read_artefact(const std::string& path, const Archive& archive) {
  const std::string_view text = archive.find("extra/ecostep.json");
  if (text.data() == nullptr)
    fail(ECOSTEP_NOT_AN_ARTEFACT, path,
         ": not an ecostep artefact (a zip file without extra/ecostep.json); expected a file that "
         "emulator.export wrote");
  const Json json = parse_json(path, text);
  const Metadata metadata(path, json);
  check_format(metadata);

  Artefact artefact;
  artefact.path = path;
  artefact.metadata = printable_json(text);
  artefact.fingerprint = archive.fingerprint();
  artefact.name = metadata.words(json, "name", "");
  artefact.kind = metadata.words(json, "kind", "");
  artefact.past_flux = metadata.text(json, "past_flux", "");
  if (artefact.past_flux != "none" && artefact.past_flux != "ungauged" && artefact.past_flux != "self_fed")
    metadata.bad("'past_flux' is '" + artefact.past_flux + "', not none, ungauged or self_fed");
  artefact.backends = metadata.backends();
  artefact.state_size = metadata.count(json, "state_size", "", max_state);
  artefact.inputs = metadata.variables("inputs");
  artefact.statics = metadata.variables("statics");
  artefact.targets = metadata.variables("targets");
  if (artefact.inputs.empty() || artefact.targets.empty()) metadata.bad("'inputs' or 'targets' is empty");
  artefact.reference = read_reference(metadata, archive, artefact);
  for (const std::string& backend : artefact.backends)
    if (backend == "stub") artefact.stub = read_stub(metadata, artefact);
  return artefact;
}

}  // namespace ecostep
