// Values outside the range seen in training: ignored, counted, refused or clipped, as the host wishes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/artefact.h"
#include "cells/host_array.h"

namespace ecostep {

class TrainingRanges {
 public:
  // Of the inputs or the statics of an artefact, which must outlive this.
  TrainingRanges(const char* role, const std::vector<Variable>& variables);

  // Null means all variables, of which classes are never clipped: to ask for that by name throws Error(ECOSTEP_INVALID_ARGUMENT).
  // Whether there is one of that name.
  bool set_policy(const char* name, ecostep_policy policy);
  bool add_count(const char* name, std::size_t& count) const;
  const std::string& message() const { return message_; }

  bool any() const { return any_; }
  bool clips(std::size_t variable) const { return policies_[variable] == ECOSTEP_POLICY_CLIP; }

  // Look at the values of cells (one after the other, in the artefact's units); `when` ends a message. Throws
  // Error(ECOSTEP_BAD_VALUE) under ECOSTEP_POLICY_ERROR. What is counted is kept by `keep` and dropped by the next `begin`.
  void begin();
  void look(std::size_t variable, const float* values, const CellList& cells, std::size_t ncell, const std::string& when);
  void keep();

  // Bring values into the range, where the policy says so.
  void clip(std::size_t variable, float* values, std::size_t n) const;
  bool inside(std::size_t variable, float value) const { return value >= lowest_[variable] && value <= highest_[variable]; }

 private:
  const char* role_;
  const std::vector<Variable>& variables_;
  bool any_ = false;
  std::vector<ecostep_policy> policies_;
  std::vector<float> lowest_, highest_;  // seen in training and valid; infinite for classes
  std::vector<std::size_t> counts_, new_counts_;
  std::string message_, new_message_;
};

}  // namespace ecostep
