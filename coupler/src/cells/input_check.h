// The tests that values of a host pass before anything is computed from them.
#pragma once

#include "cells/cell_list.h"
#include "cells/flux_check.h"
#include "cells/gathering.h"
#include "cells/model.h"
#include "cells/registration.h"
#include "cells/step.h"
#include "cells/training_ranges.h"

namespace ecostep {

// Methods throw Error(ECOSTEP_BAD_VALUE) that names variable, value and cell.
class InputCheck {
 public:
  InputCheck(const Model& model, const Registration& registration, TrainingRanges& input_ranges, TrainingRanges& static_ranges,
             Gathering& gathering)
      : model_(model),
        registration_(registration),
        input_ranges_(input_ranges),
        static_ranges_(static_ranges),
        gathering_(gathering),
        flux_check_(model.artefact.targets) {}

  void check_inputs(const CellList& cells) const;
  void check_observed(const CellList& cells) const;

  // Valid, and within the range seen in training as far as the host wishes.
  void check_statics(const CellList& cells);

  // Daily values within the range seen in training, where the host refuses others: of days, for so they were in training.
  void check_day(const Step& step, const CellList& cells) const;

 private:
  const Model& model_;
  const Registration& registration_;
  TrainingRanges &input_ranges_, &static_ranges_;
  Gathering& gathering_;
  FluxCheck flux_check_;
};

}  // namespace ecostep
