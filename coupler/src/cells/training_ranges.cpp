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
      policies_(variables.size(), ECOSTEP_POLICY_IGNORE),
      counts_(variables.size(), 0),
      new_counts_(variables.size(), 0) {
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
  any_ = std::any_of(policies_.begin(), policies_.end(),
                     [](ecostep_policy of_variable) { return of_variable != ECOSTEP_POLICY_IGNORE; });
  return named;
}

bool TrainingRanges::add_count(const char* name, std::size_t& count) const {
  bool named = name == nullptr;
  for (std::size_t v = 0; v < variables_.size(); ++v)
    if (name == nullptr || variables_[v].name == name) count += counts_[v], named = true;
  return named;
}

void TrainingRanges::begin() {
  std::fill(new_counts_.begin(), new_counts_.end(), 0);
  new_message_.clear();
}

void TrainingRanges::look(std::size_t variable, const float* values, const CellList& cells, std::size_t ncell,
                          const std::string& when) {
  if (policies_[variable] == ECOSTEP_POLICY_IGNORE) return;
  for (std::size_t i = 0; i < cells.size; ++i) {
    if (inside(variable, values[i])) continue;
    const bool refused = policies_[variable] == ECOSTEP_POLICY_ERROR;
    if (refused || (message_.empty() && new_message_.empty())) {
      MessageStream message;
      message << describe_value(role_, variables_[variable], values[i], cells[i], ncell) << when << ": outside the range "
              << lowest_[variable] << " to " << highest_[variable] << " seen in training";
      if (refused) throw Error(ECOSTEP_BAD_VALUE, message.str());
      new_message_ = message.str();
    }
    ++new_counts_[variable];
  }
}

void TrainingRanges::keep() {
  for (std::size_t v = 0; v < counts_.size(); ++v) counts_[v] += new_counts_[v];
  if (message_.empty()) message_.swap(new_message_);
  begin();
}

void TrainingRanges::clip(std::size_t variable, float* values, std::size_t n) const {
  if (!clips(variable)) return;
  if (goes_round(variables_[variable])) return clip_round(lowest_[variable], highest_[variable], values, n);
  for (std::size_t i = 0; i < n; ++i) values[i] = std::min(std::max(values[i], lowest_[variable]), highest_[variable]);
}

}  // namespace ecostep
