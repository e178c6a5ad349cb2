// A set of cells of one host thread or rank: what the functions of ecostep.h do with it.
#pragma once

#include <memory>
#include <string>

#include "cells/accumulation.h"
#include "cells/clock.h"
#include "cells/day_step.h"
#include "cells/derivative.h"
#include "cells/gathering.h"
#include "cells/input_check.h"
#include "cells/local_time.h"
#include "cells/model.h"
#include "cells/registration.h"
#include "cells/staging.h"
#include "cells/state_check.h"
#include "cells/training_ranges.h"

namespace ecostep {

class Cells {
 public:
  Cells(std::shared_ptr<const Model> model, std::size_t ncell);
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;

  std::size_t size() const { return registration_.ncell(); }
  Registration& registration() { return registration_; }
  void set_calendar(const std::string& name) { clock_.set_calendar(parse_calendar(name)); }
  void set_local_time(const std::string& units, const HostArray& offsets, std::size_t ncell);
  void set_staging(std::size_t bytes) { staging_.set_bytes(bytes); }

  // What to do with values outside the range seen in training; null means all inputs and statics.
  void set_policy(const char* name, ecostep_policy policy);
  std::size_t range_count(const char* name) const;
  const std::string& range_message() const;  // valid until the next call

  void state_checksums(std::uint32_t* checksums, std::size_t ncell) const { state_check_.checksums(checksums, ncell); }
  void check_state(const std::uint32_t* checksums, std::size_t ncell) {
    state_check_.check(registration_.active_cells(), checksums, ncell);
  }

  void init_state();
  void write_outputs();
  void reset_date();
  void step(const Date& date, int seconds, int dt);
  void spin_up(const Date& first, std::size_t nday, std::ptrdiff_t day_stride);
  void gradient(const Date& date, const DerivativeArrays& arrays);

 private:
  void step_by_part(const Step& host, const CellList& cells);
  void advance_all(const std::vector<LocalTime::Part>& parts, bool several_complete);
  void check_last_step(const Step& step, const CellList& cells) const;
  void advance(const Step& step, const CellList& cells);

  std::shared_ptr<const Model> model_;
  TrainingRanges input_ranges_, static_ranges_;
  mutable std::string range_message_;
  Registration registration_;
  Clock clock_;
  LocalTime local_time_;
  StateCheck state_check_;
  Staging staging_;
  Accumulation accumulation_;
  Gathering gathering_;
  InputCheck input_check_;
  DayStep day_step_;
  Derivative derivative_;
};

}  // namespace ecostep
