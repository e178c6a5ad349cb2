// A model opened in the plugin: its statuses become errors, and what its steps change is remembered.
#pragma once

#include <cstddef>
#include <vector>

#include "backends/state_span.h"
#include "backends/torchscript/changed_columns.h"
#include "backends/torchscript/plugin.h"
#include "core/archive.h"
#include "core/artefact.h"
#include "core/calendar.h"

namespace ecostep {

// Arrays are (rows, variable), as torch takes them, on 64-byte boundaries.
class PluginModel {
 public:
  struct Arguments {
    const float *drivers, *observed, *state;  // observed may be null
  };

  // Throws Error(ECOSTEP_NO_BACKEND) where the plugin was built with another torch, Error(ECOSTEP_CORRUPT) for a bad module, and
  // unless it is `trusted` Error(ECOSTEP_NOT_TRUSTED) where its code may do more than compute.
  PluginModel(const ecostep_plugin& plugin, const Artefact& artefact, const Archive& archive, bool trusted);
  ~PluginModel() { plugin_.close(model_); }
  PluginModel(const PluginModel&) = delete;
  PluginModel& operator=(const PluginModel&) = delete;

  const ecostep_plugin_sizes& sizes() const { return sizes_; }

  // What a step on this day is expected to change.
  void expected_changes(const CalendarRow& calendar, bool observed, std::vector<StateSpan>& spans) const {
    changed_columns_.expect(calendar, observed, spans);
  }

  void init_state(std::size_t rows, const float* statics, float* state) const;

  // Writes the first `used` rows of fluxes, and of the columns in `spans`. Throws ChangesGrew where others change as well.
  void step(std::size_t rows, std::size_t used, const Arguments& arguments, const CalendarRow& calendar,
            const std::vector<StateSpan>& spans, float* flux, float* changed) const;

  // A step of all rows and columns.
  void step(std::size_t rows, const Arguments& arguments, const CalendarRow& calendar, float* flux, float* new_state) const {
    step(rows, rows, arguments, calendar, {{0, sizes_.state_size}}, flux, new_state);
  }

  // Derivatives of sum(flux_weight * flux) + sum(state_weight * new_state); state_weight may be null.
  void gradient(std::size_t rows, const Arguments& arguments, const CalendarRow& calendar, const float* flux_weight,
                const float* state_weight, float* driver_gradient, float* state_gradient) const;

 private:
  const ecostep_plugin& plugin_;
  const ecostep_plugin_sizes sizes_;
  void* model_ = nullptr;
  mutable ChangedColumns changed_columns_;
};

}  // namespace ecostep
