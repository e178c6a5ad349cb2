#include "cells/row_layout.h"

namespace ecostep {

std::size_t slot_size(Accumulate how) {
  switch (how) {
    case Accumulate::mean:
    case Accumulate::sum:
      return 2;
    case Accumulate::minimum:
    case Accumulate::maximum:
      return 1;
    case Accumulate::last:
      break;
  }
  return 0;
}

RowLayout::RowLayout(const Artefact& artefact) : model(artefact.state_size), flux(model) {
  std::size_t next = flux + artefact.targets.size();
  for (const Variable& input : artefact.inputs) {
    slot.push_back(next);
    next += slot_size(input.accumulate);
  }
  seconds = next;
  date = next + 1;
  size = next + 2;
}

}  // namespace ecostep
