// The backends of this library and the choice between them.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "core/archive.h"
#include "core/artefact.h"

namespace ecostep {

// Every backend, in the order of messages: its name in artefacts. The folder of that name defines make_NAME_backend, and knows
// nothing of this file.
#define ECOSTEP_BACKENDS(ROW) \
  ROW(native)                 \
  ROW(torchscript)            \
  ROW(stub)

// Each throws Error(ECOSTEP_NO_BACKEND) where it cannot run in this process, and another where the artefact is at fault. `trusted`:
// code in the artefact may use any operation.
#define ECOSTEP_DECLARE_BACKEND(name) \
  std::unique_ptr<Backend> make_##name##_backend(const Artefact& artefact, const Archive& archive, bool trusted);
ECOSTEP_BACKENDS(ECOSTEP_DECLARE_BACKEND)
#undef ECOSTEP_DECLARE_BACKEND

// A backend and why it is that one: `reason` is empty where the host named it or the first of the artefact's works.
struct Choice {
  std::string name, reason;
  std::unique_ptr<Backend> backend;
};

// The backend `named`, or where that is empty the first that works: native, then the artefact's in their order. Throws
// Error(ECOSTEP_NO_BACKEND) where it is not built, not found or not in the artefact.
Choice choose_backend(const std::string& named, const Artefact& artefact, const Archive& archive, bool trusted);

}  // namespace ecostep
