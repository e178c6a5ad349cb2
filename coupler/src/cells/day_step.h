// The step that completes a day: chunk by chunk, each written to the host when all of its blocks have succeeded.
#pragma once

#include <vector>

#include "backends/state_span.h"
#include "cells/cell_list.h"
#include "cells/gathering.h"
#include "cells/model.h"
#include "cells/registration.h"
#include "cells/staging.h"
#include "cells/step.h"

namespace ecostep {

// What is known of a day before its cells are run.
struct DayPlan {
  CalendarRow calendar;
  std::vector<StateSpan> spans;  // what it changes in the state
  std::size_t width = 0;         // floats of that
  std::size_t chunk = 0;         // cells whose results fit into the staging memory
};

class DayStep {
 public:
  DayStep(const Model& model, const Registration& registration, Gathering& gathering, Staging& staging)
      : model_(model), registration_(registration), gathering_(gathering), staging_(staging) {}

  // For so many cells. The plan is valid until the next call.
  const DayPlan& plan(const CalendarRow& calendar, std::size_t n_cells);

  // Runs at most a chunk of cells and writes their state and outputs. Throws ChangesGrew, with nothing written, where the day must
  // be planned again. Inputs that were not `checked` before are as they are gathered.
  void run_chunk(const Step& step, const CellList& cells, bool checked);

 private:
  Model::Outcome run_block(const Step& step, const CellList& cells, const Block& block) const;
  void commit(const Step& step, const CellList& cells, const float* changed, const float* fluxes);

  const Model& model_;
  const Registration& registration_;
  Gathering& gathering_;
  Staging& staging_;
  DayPlan plan_;
};

}  // namespace ecostep
