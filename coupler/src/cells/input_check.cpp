#include "cells/input_check.h"

#include <algorithm>

#include "cells/value_check.h"

namespace ecostep {

void InputCheck::check_inputs(const CellList& cells) const {
  const std::vector<HostArray>& inputs = registration_.inputs();
  for (std::size_t v = 0; v < inputs.size(); ++v)
    check_values("input", model_.artefact.inputs[v], inputs[v], cells, registration_.ncell(), input_ranges_.clips(v));
}

void InputCheck::check_statics(const CellList& cells) {
  const std::vector<HostArray>& statics = registration_.statics();
  const std::size_t block = gathering_.block();
  for (std::size_t v = 0; v < statics.size(); ++v)
    check_values("static", model_.artefact.statics[v], statics[v], cells, registration_.ncell(), static_ranges_.clips(v));
  static_ranges_.begin();
  for (std::size_t first = 0; first < cells.size && static_ranges_.any(); first += block) {
    const CellList part = cells.part(first, std::min(block, cells.size - first));
    for (std::size_t v = 0; v < statics.size(); ++v) {
      const float* const values = gathering_.gather_static(v, part);
      static_ranges_.refuse(v, values, part, registration_.ncell(), nullptr);
      static_ranges_.count(v, values, part, registration_.ncell(), nullptr);
    }
  }
}

void InputCheck::check_day(const Step& step, const CellList& cells) const {
  const std::size_t block = gathering_.block(), stride = gathering_.stride();
  for (std::size_t first = 0; first < cells.size; first += block) {
    const CellList part = cells.part(first, std::min(block, cells.size - first));
    const float* const drivers = gathering_.gather_drivers(step, part, true);
    for (std::size_t v = 0; v < model_.n_inputs(); ++v)
      input_ranges_.refuse(v, drivers + v * stride, part, registration_.ncell(), &step.date);
  }
}

void InputCheck::check_observed(const CellList& cells) const {
  const std::vector<HostArray>& observed = registration_.observed();
  for (std::size_t c = 0; c < observed.size(); ++c)
    if (observed[c].registered) flux_check_.check(c, observed[c], cells, registration_.ncell());
}

}  // namespace ecostep
