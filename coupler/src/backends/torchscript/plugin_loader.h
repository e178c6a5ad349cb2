// The plugin libecostep_torch, opened only when an artefact asks for it, so that neither this library nor hosts that use another
// backend ever load libtorch.
#pragma once

#include "backends/torchscript/plugin.h"

namespace ecostep {

// Throws Error(ECOSTEP_NO_BACKEND) where there is no plugin, it cannot be loaded, or it belongs to another build.
const ecostep_plugin& load_torch_plugin();

}  // namespace ecostep
