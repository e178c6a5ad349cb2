// A set of cells of one host thread or rank: its registered arrays, and the step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aligned_floats.h"
#include "calendar.h"
#include "host_array.h"
#include "model.h"

namespace ecostep {

class Cells {
 public:
  Cells(std::shared_ptr<const Model> model, std::size_t ncell);

  void set_input(const std::string& name, const std::string& units, HostArray array, std::size_t ncell);
  void set_static(const std::string& name, const std::string& units, HostArray array, std::size_t ncell);
  void set_output(const std::string& name, const std::string& units, HostArray array, std::size_t ncell);
  void set_observed(const std::string& name, const std::string& units, HostArray array, std::size_t ncell);
  void set_state(float* state, std::size_t state_size, std::size_t ncell);
  void set_calendar(const std::string& name) { calendar_ = parse_calendar(name); }

  void init_state();
  void reset_date();
  void step(const Date& date, int seconds, int dt);
  std::size_t size() const { return ncell_; }

 private:
  struct Step {
    Date date;
    int seconds, dt;
    bool whole_day() const { return dt == 86400; }
    bool completes_day() const { return seconds + dt == 86400; }
  };

  void register_array(const char* role, const std::vector<Variable>& variables, std::vector<HostArray>& arrays,
                      const std::string& name, const std::string& units, HostArray array, std::size_t ncell, bool from_artefact);
  void require_state() const;
  void check_clock(const Step& step) const;
  void check_row_clock(const Step& step, std::size_t cell) const;
  void check_values(const char* role, const std::vector<Variable>& variables, const std::vector<HostArray>& arrays) const;
  void check_observed() const;

  void accumulate(const Step& step);
  void run_day(const Step& step);
  void gather_drivers(const Step& step, std::size_t first, std::size_t used);
  bool gather_observed(std::size_t first, std::size_t used);
  void write_outputs() const;
  float* row(std::size_t cell) const { return state_ + cell * model_->layout.size; }

  std::shared_ptr<const Model> model_;
  std::size_t ncell_;
  Calendar calendar_ = Calendar::standard;
  std::vector<HostArray> inputs_, statics_, outputs_, observed_;
  float* state_ = nullptr;
  bool state_registered_ = false;

  // Scratch of one block, and the results of all blocks, which reach the host only when every block has succeeded.
  AlignedFloats drivers_, statics_block_, observed_block_, state_block_, flux_block_, new_state_block_;
  std::unique_ptr<float[]> results_;  // (ncell, model state + C), made on first use
};

}  // namespace ecostep
