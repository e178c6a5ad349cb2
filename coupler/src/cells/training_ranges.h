// Values outside the range seen in training: ignored, counted, refused or clipped, as the host wishes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/artefact.h"
#include "core/calendar.h"
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
  const std::string& message() const { return kept_.message; }

  // Whether some variable is looked at, may be refused, or may be clipped.
  bool any() const { return any_; }
  bool any_refused() const { return any_refused_; }
  bool any_clipped() const { return any_clipped_; }
  bool clips(std::size_t variable) const { return policies_[variable] == ECOSTEP_POLICY_CLIP; }

  // Throw Error(ECOSTEP_BAD_VALUE) for values of cells (one after the other, in the artefact's units) outside the range, under
  // ECOSTEP_POLICY_ERROR; `date` is null for statics.
  void refuse(std::size_t variable, const float* values, const CellList& cells, std::size_t ncell, const Date* date) const;

  // Count values outside the range, as far as the policy says so. What is counted since `begin` is kept by `keep`; `back` takes
  // back what was counted since `mark`.
  void begin();
  void count(std::size_t variable, const float* values, const CellList& cells, std::size_t ncell, const Date* date);
  void mark() { marked_ = new_; }
  void back() { new_ = marked_; }
  void keep();

  // What share of the values of each variable was outside, such as "tas 0.9 %, pr 12 %"; "" where none was.
  std::string shares() const;

  // Bring values into the range, where the policy says so.
  void clip(std::size_t variable, float* values, std::size_t n) const;
  bool inside(std::size_t variable, float value) const { return value >= lowest_[variable] && value <= highest_[variable]; }

 private:
  const char* role_;
  const std::vector<Variable>& variables_;
  bool any_ = false, any_refused_ = false, any_clipped_ = false;
  std::vector<ecostep_policy> policies_;
  std::vector<float> lowest_, highest_;  // seen in training and valid; infinite for classes
  struct Counts {
    std::vector<std::size_t> outside, looked_at;  // of each variable
    std::string message;                          // of the first one outside
  };
  std::string describe(std::size_t variable, double value, std::size_t cell, std::size_t ncell, const Date* date) const;
  Counts kept_, new_, marked_;
};

}  // namespace ecostep
