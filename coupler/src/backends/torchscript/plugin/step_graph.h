// A step of a TorchScript module as a graph of its own.
#pragma once

#include <torch/script.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <optional>

namespace ecostep::torchscript {

// A method as a graph with the module's parameters and settings as constants and all that follows from them computed once. The new
// state is left in the parts that the method puts together, so that those which are parts of the old one need not be written.
using Program = torch::jit::Code;

// A method (drivers, calendar[, observed], state) -> (fluxes, state), or nothing where its graph is not one that this understands.
// No operation is changed or put elsewhere, only left out or done once, so that results have the bits of the method's.
std::optional<Program> make_program(const torch::jit::Module& module, const torch::jit::Method& method);

}  // namespace ecostep::torchscript
