// Whether the tensors of a TorchScript archive lie within the bytes that it holds for them.
#pragma once

#include <caffe2/serialize/inline_container.h>

#include <string>

namespace ecostep::torchscript {

// The first entry with fewer bytes than a pickle of the archive says of it, as in "data/3 has 24 bytes, not 1020"; empty where
// there is none. torch itself takes the pickle's word for it, and would read and write what lies behind. No code of the archive
// runs, since its classes are not made. Throws what torch throws for a pickle that it cannot read.
std::string short_storage(caffe2::serialize::PyTorchStreamReader& archive);

}  // namespace ecostep::torchscript
