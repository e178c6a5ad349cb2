// What must hold between the parts of a native program, so that the executor need not look.
#pragma once

#include "backends/native/program.h"

namespace ecostep::native {

// Tests what needs more than one operation: types, shapes, bounds, each value written before it is read. Throws
// Error(ECOSTEP_CORRUPT) that names file, program and operation.
void check_program(const NativeProgram& program, const Sizes& sizes);

}  // namespace ecostep::native
