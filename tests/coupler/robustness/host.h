// A small land model for any artefact: arrays with plausible values for each of its variables, and what the tests ask of a failed
// call.
#pragma once

#include <ecostep.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <vector>

inline int failures = 0;

inline void check(bool good, const std::string& what) {
  if (good) return;
  std::fprintf(stderr, "FAILED: %s (last error: %s)\n", what.c_str(), ecostep_last_error());
  ++failures;
}

// For set-up: without it there is nothing to test.
inline void must(ecostep_status status, const char* what) {
  if (status == ECOSTEP_OK) return;
  std::fprintf(stderr, "%s: %s: %s\n", what, ecostep_status_name(status), ecostep_last_error());
  std::exit(1);
}

inline ecostep_model* open_or_exit(const char* path, const char* backend = nullptr) {
  ecostep_model* model = nullptr;
  must(ecostep_open(path, backend, &model), path);
  return model;
}

// A number of [0, 1) that belongs to three whole numbers.
inline double scatter(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t x = a * 0x9e3779b97f4a7c15u + b * 0xbf58476d1ce4e5b9u + c * 0x94d049bb133111ebu + 1;
  for (int i = 0; i < 3; ++i) x = (x ^ (x >> 29)) * 0xff51afd7ed558ccdu;
  return static_cast<double>(x >> 12) / 4503599627370496.0;
}

class Host {
 public:
  using Arrays = std::vector<std::vector<double>>;

  // Cells `first` to `first + ncell` of a region; values depend on the number of the cell in the region alone.
  Host(const ecostep_model* model, std::size_t ncell, std::size_t first = 0) : model_(model), ncell_(ncell), first_(first) {
    describe(ECOSTEP_INPUT, input_info, inputs);
    describe(ECOSTEP_STATIC, static_info, statics);
    describe(ECOSTEP_TARGET, target_info, outputs);
    state.assign(ncell * ecostep_state_size(model), 0.0f);
    must(ecostep_cells_create(model, ncell, &cells), "ecostep_cells_create");
    for (std::size_t v = 0; v < inputs.size(); ++v)
      must(ecostep_set_input(cells, input_info[v].name, input_info[v].units, inputs[v].data(), ECOSTEP_F64, ncell, 1), "input");
    for (std::size_t v = 0; v < statics.size(); ++v) {
      for (std::size_t i = 0; i < ncell; ++i) statics[v][i] = plausible(static_info[v], 1000 + v, i, 0);
      must(ecostep_set_static(cells, static_info[v].name, static_info[v].units, statics[v].data(), ECOSTEP_F64, ncell, 1),
           "static");
    }
    for (std::size_t v = 0; v < outputs.size(); ++v)
      must(ecostep_set_output(cells, target_info[v].name, target_info[v].units, outputs[v].data(), ECOSTEP_F64, ncell, 1),
           "output");
    must(ecostep_set_state(cells, state.data(), ecostep_state_size(model), ncell), "ecostep_set_state");
    must(ecostep_set_calendar(cells, "noleap"), "ecostep_set_calendar");
    must(ecostep_init_state(cells), "ecostep_init_state");
  }
  ~Host() { ecostep_cells_destroy(cells); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Fill the inputs for the next step.
  void force() {
    for (std::size_t v = 0; v < inputs.size(); ++v)
      for (std::size_t i = 0; i < ncell_; ++i) inputs[v][i] = plausible(input_info[v], v, i, clock_ + 1);
  }

  ecostep_status step(int dt = 86400) {
    force();
    const ecostep_status status = ecostep_step(cells, year, month, day, seconds, dt);
    if (status == ECOSTEP_OK) advance(dt);
    return status;
  }

  // Go on to the next step of the calendar without leap years.
  void advance(int dt) {
    static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    ++clock_;
    seconds += dt;
    if (seconds < 86400) return;
    seconds = 0;
    if (++day <= days[month - 1]) return;
    day = 1;
    if (++month <= 12) return;
    month = 1;
    ++year;
  }

  bool same_results(const Host& other) const { return same(state, other.state) && same(outputs, other.outputs); }
  bool finite() const {
    for (const auto& output : outputs)
      for (const double value : output)
        if (!std::isfinite(value)) return false;
    for (const float value : state)
      if (!std::isfinite(value)) return false;
    return true;
  }

  static bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
  }
  static bool same(const Arrays& a, const Arrays& b) {
    for (std::size_t v = 0; v < a.size(); ++v)
      if (a[v].size() != b[v].size() || (!a[v].empty() && std::memcmp(a[v].data(), b[v].data(), a[v].size() * sizeof(double)) != 0))
        return false;
    return a.size() == b.size();
  }

  std::size_t ncell() const { return ncell_; }
  const ecostep_model* model() const { return model_; }

  ecostep_cells* cells = nullptr;
  std::vector<ecostep_variable> input_info, static_info, target_info;
  Arrays inputs, statics, outputs;
  std::vector<float> state;
  int year = 2001, month = 1, day = 1, seconds = 0;

 private:
  void describe(ecostep_role role, std::vector<ecostep_variable>& info, Arrays& arrays) {
    info.resize(ecostep_variable_count(model_, role));
    for (std::size_t v = 0; v < info.size(); ++v) {
      must(ecostep_variable_info(model_, role, v, &info[v]), "ecostep_variable_info");
      classes_[info[v].name] = classes(info[v].name);
    }
    arrays.assign(info.size(), std::vector<double>(ncell_, -999.0));
  }

  // Within the range of training where the artefact gives one, else within the valid range; or one of the classes.
  double plausible(const ecostep_variable& v, std::size_t number, std::size_t cell, std::size_t time) const {
    const double share = scatter(number, first_ + cell, time);
    const std::vector<double>& flags = classes_.at(v.name);
    if (!flags.empty()) return flags[static_cast<std::size_t>(share * static_cast<double>(flags.size()))];
    double low = std::isfinite(v.train_min) ? v.train_min : v.valid_min;
    double high = std::isfinite(v.train_max) ? v.train_max : v.valid_max;
    if (!std::isfinite(low)) low = std::isfinite(high) ? high - 1.0 : 0.0;
    if (!std::isfinite(high)) high = low + 1.0;
    return low + (high - low) * share;
  }

  // "flag_values" of a variable in the metadata, between its name and the next one's.
  std::vector<double> classes(const std::string& name) const {
    const std::string text = ecostep_model_metadata(model_);
    std::size_t at = std::string::npos;
    for (const char* key : {"\"name\": \"", "\"name\":\""})
      if (at == std::string::npos) at = text.find(key + name + "\"");
    std::vector<double> values;
    if (at == std::string::npos) return values;
    const std::size_t next = text.find("\"name\"", at + 1), list = text.find("\"flag_values\"", at);
    if (list == std::string::npos || list > next || list > text.find('}', at)) return values;
    const std::size_t start = text.find('[', list), end = text.find(']', list);
    if (end == std::string::npos || start > end || start > text.find_first_of(",}", list)) return values;
    std::string numbers = text.substr(start + 1, end - start - 1);
    for (char& c : numbers)
      if (c == ',') c = ' ';
    std::istringstream stream(numbers);
    for (double value; stream >> value;) values.push_back(value);
    return values;
  }

  const ecostep_model* model_;
  std::map<std::string, std::vector<double>> classes_;
  std::size_t ncell_, first_, clock_ = 0;
};
