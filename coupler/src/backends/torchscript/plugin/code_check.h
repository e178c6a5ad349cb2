// What the code of a TorchScript archive could do, read without running any of it.
#pragma once

#include <cstddef>
#include <string>

namespace ecostep::torchscript {

// The first thing in an archive that is more than arithmetic on tensors: an operation outside
// foundations/torchscript_operations.csv, a class of a library, an entry that no exporter writes. Empty where there is none. The
// same rules as those of emulator/artefact/code_check.py, on what torch itself would read from these bytes. Throws what torch
// throws for a file that is no archive.
std::string beyond_arithmetic(const char* bytes, std::size_t n_bytes);

}  // namespace ecostep::torchscript
