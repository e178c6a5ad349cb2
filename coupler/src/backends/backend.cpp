#include "backends/backend.h"

#include "core/error.h"

namespace ecostep {

void Backend::gradient(const CalendarRow&, const Block&, const Adjoint&) const {
  fail(ECOSTEP_NOT_AVAILABLE, "this backend has no derivatives: open the artefact with the backend 'torchscript' for them");
}

}  // namespace ecostep
