// A set of cells of one host thread or rank: its registered arrays, and the step.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "aligned_floats.h"
#include "calendar.h"
#include "host_array.h"
#include "model.h"
#include "ranges.h"

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

  void set_mask(HostArray mask, std::size_t ncell);
  void set_policy(const char* name, ecostep_policy policy);
  std::size_t range_count(const char* name) const;
  const std::string& range_message() const;

  void init_state();
  void reset_date();
  void step(const Date& date, int seconds, int dt);
  void spin_up(const Date& first, std::size_t nday, std::ptrdiff_t day_stride);

  // Weights (ncell, C) and (ncell, row) or null -> derivatives (ncell, D) and (ncell, row), in the host's units.
  void gradient(const Date& date, const double* flux_weight, const double* state_weight, double* input_gradient,
                double* state_gradient);
  std::size_t size() const { return ncell_; }

  // Memory for the results of a chunk of cells. Where those of all cells fit, a step that fails leaves everything untouched.
  static constexpr std::size_t usual_staging = 7u << 20;
  void set_staging(std::size_t bytes) { staging_bytes_ = bytes; }

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
  void check_clock(const Step& step, const CellList& cells) const;
  void check_row_clock(const Step& step, std::size_t cell) const;
  void check_registered(const char* role, const std::vector<Variable>& variables, const std::vector<HostArray>& arrays) const;
  void check_inputs(const CellList& cells) const;
  void check_static_ranges(const CellList& cells);
  void check_day_ranges(const Step& step, const CellList& cells);
  void check_observed(const CellList& cells) const;

  CellList active_cells();
  void accumulate(const Step& step, const CellList& cells);
  void plan_day(const Step& step, const CellList& cells);
  void run_chunk(const Step& step, const CellList& cells);
  Model::Outcome run_block(const Step& step, const CellList& cells, const Block& block) const;
  Block gather(const Step& step, const CellList& cells);
  void gather_drivers(const Step& step, const CellList& cells);
  void gather_observed(const CellList& cells);
  void reserve_staging(std::size_t floats);
  void commit(const Step& step, const CellList& cells, const float* changed, const float* fluxes);
  void gradient_of_chunk(const Step& step, const CellList& cells, const double* flux_weight, const double* state_weight,
                         double* input_gradient, double* state_gradient);
  void read_inputs(std::size_t variable, const CellList& cells, double* out) const;
  void prefetch_running(const float* memory) const;
  float* row(std::size_t cell) const { return state_ + cell * model_->layout.size; }

  std::shared_ptr<const Model> model_;
  std::size_t ncell_;
  Calendar calendar_ = Calendar::standard;
  std::vector<HostArray> inputs_, statics_, outputs_, observed_;
  bool any_observed_ = false;
  HostArray mask_;
  std::vector<std::size_t> active_;  // where there is a mask

  Ranges input_ranges_, static_ranges_;
  float* state_ = nullptr;
  bool state_registered_ = false;

  // Inputs with a running value in the state row.
  struct Running {
    std::size_t input, slot;
    Accumulate accumulate;
  };
  static constexpr std::size_t accumulated_at_once = 64;  // cells
  std::vector<Running> running_;
  std::vector<double> values_;  // of them (k, cell), or of one input of a block

  // Scratch of one block of at most block_ cells.
  std::size_t block_, stride_;
  AlignedFloats drivers_, observed_block_, flux_block_;
  AlignedFloats state_block_;  // rows of cells that are not neighbours

  // Results of a chunk of cells, which reach the host only when every block of it has succeeded.
  std::size_t staging_bytes_;
  std::unique_ptr<float[]> staging_;
  std::size_t staging_size_ = 0;

  // The day being run.
  std::array<std::int64_t, 6> calendar_row_{};
  std::vector<Range> ranges_;  // what it changes in the state
  std::size_t width_ = 0;      // how many floats that is
  std::size_t chunk_ = 0;      // cells whose results fit into the staging memory
  bool tested_ = false;        // whether inputs were tested before they are gathered
};

}  // namespace ecostep
