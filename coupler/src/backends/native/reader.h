// native.json and native.bin -> NativeProgram.
#pragma once

#include <string>
#include <string_view>

#include "backends/native/program.h"

namespace ecostep::native {

// Throws Error(ECOSTEP_CORRUPT) that names file, program and operation, and Error(ECOSTEP_NEWER_FORMAT). `path` is for messages.
NativeProgram read_program(const std::string& path, const Sizes& sizes, std::string_view json, std::string_view constants);

}  // namespace ecostep::native
