#include "cells/training_ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "cells/value_check.h"

namespace ecostep {
namespace {

// Bring degrees outside a range to the end of it that lies nearer on the circle.
void clip_round(float lowest, float highest, float* values, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if (values[i] >= lowest && values[i] <= highest) continue;
    const float below = std::fabs(std::remainder(lowest - values[i], 360.0f));
    const float above = std::fabs(std::remainder(values[i] - highest, 360.0f));
    values[i] = below <= above ? lowest : highest;
  }
}

}  // namespace

TrainingRanges::TrainingRanges(const char* role, const std::vector<Variable>& variables)
    : role_(role),
      variables_(variables),
      any_(!variables.empty()),
      policies_(variables.size(), ECOSTEP_POLICY_WARN),
      kept_{std::vector<std::size_t>(variables.size()), std::vector<std::size_t>(variables.size()), ""},
      new_(kept_),
      marked_(kept_) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const Variable& variable : variables) {
    const bool number = variable.flag_values.empty();
    lowest_.push_back(number ? static_cast<float>(std::max(variable.train_min, variable.valid_min)) : -infinity);
    highest_.push_back(number ? static_cast<float>(std::min(variable.train_max, variable.valid_max)) : infinity);
  }
}

bool TrainingRanges::set_policy(const char* name, ecostep_policy policy) {
  bool named = name == nullptr;  // whether there is a variable of that name
  for (std::size_t v = 0; v < variables_.size(); ++v) {
    if (name != nullptr && variables_[v].name != name) continue;
    const bool number = variables_[v].flag_values.empty();
    if (!number && name != nullptr && policy == ECOSTEP_POLICY_CLIP)
      fail(ECOSTEP_INVALID_ARGUMENT, "policy clip: ", role_, " '", name, "' is a class, and classes are never clipped");
    policies_[v] = !number && policy == ECOSTEP_POLICY_CLIP ? ECOSTEP_POLICY_IGNORE : policy, named = true;
  }
  const auto there_is = [&](ecostep_policy wanted) { return std::count(policies_.begin(), policies_.end(), wanted) > 0; };
  any_refused_ = there_is(ECOSTEP_POLICY_ERROR), any_clipped_ = there_is(ECOSTEP_POLICY_CLIP);
  any_ = any_refused_ || any_clipped_ || there_is(ECOSTEP_POLICY_WARN);
  return named;
}

bool TrainingRanges::add_count(const char* name, std::size_t& count) const {
  bool named = name == nullptr;
  for (std::size_t v = 0; v < variables_.size(); ++v)
    if (name == nullptr || variables_[v].name == name) count += kept_.outside[v], named = true;
  return named;
}

void TrainingRanges::begin() {
  std::fill(new_.outside.begin(), new_.outside.end(), 0);
  std::fill(new_.looked_at.begin(), new_.looked_at.end(), 0);
  new_.message.clear();
}

std::string TrainingRanges::describe(std::size_t variable, double value, std::size_t cell, std::size_t ncell,
                                     const Date* date) const {
  MessageStream message;
  message << describe_value(role_, variables_[variable], value, cell, ncell) << (date != nullptr ? " on " + to_string(*date) : "")
          << ": outside the range " << lowest_[variable] << " to " << highest_[variable] << " seen in training";
  return message.str();
}

void TrainingRanges::refuse(std::size_t variable, const float* values, const CellList& cells, std::size_t ncell,
                            const Date* date) const {
  if (policies_[variable] != ECOSTEP_POLICY_ERROR) return;
  for (std::size_t i = 0; i < cells.size; ++i)
    if (!inside(variable, values[i])) throw Error(ECOSTEP_BAD_VALUE, describe(variable, values[i], cells[i], ncell, date));
}

void TrainingRanges::count(std::size_t variable, const float* values, const CellList& cells, std::size_t ncell, const Date* date) {
  if (policies_[variable] == ECOSTEP_POLICY_IGNORE) return;
  const float lowest = lowest_[variable], highest = highest_[variable];
  std::int32_t outside = 0;  // as wide as a float, so that the loop vectorises
  for (std::size_t i = 0; i < cells.size; ++i) outside += values[i] >= lowest && values[i] <= highest ? 0 : 1;
  new_.looked_at[variable] += cells.size;
  if (outside == 0) return;
  new_.outside[variable] += static_cast<std::size_t>(outside);
  if (!kept_.message.empty() || !new_.message.empty()) return;
  std::size_t first = 0;
  while (inside(variable, values[first])) ++first;
  new_.message = describe(variable, values[first], cells[first], ncell, date);
}

void TrainingRanges::keep() {
  for (std::size_t v = 0; v < variables_.size(); ++v) kept_.outside[v] += new_.outside[v], kept_.looked_at[v] += new_.looked_at[v];
  if (kept_.message.empty()) kept_.message.swap(new_.message);
  begin();
}

std::string TrainingRanges::shares() const {
  MessageStream list;
  for (std::size_t v = 0; v < variables_.size(); ++v) {
    if (kept_.outside[v] == 0) continue;
    const double percent = 100.0 * static_cast<double>(kept_.outside[v]) / static_cast<double>(kept_.looked_at[v]);
    list.precision(percent < 99.5 ? 2 : 3);  // two digits of a hundred would be 1e+02
    list << (list.tellp() > 0 ? ", " : "") << variables_[v].name << ' ' << percent << " %";
  }
  return list.str();
}

void TrainingRanges::clip(std::size_t variable, float* values, std::size_t n) const {
  if (!clips(variable)) return;
  if (goes_round(variables_[variable])) return clip_round(lowest_[variable], highest_[variable], values, n);
  for (std::size_t i = 0; i < n; ++i) values[i] = std::min(std::max(values[i], lowest_[variable]), highest_[variable]);
}

}  // namespace ecostep
