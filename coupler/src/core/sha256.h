// SHA-256 of a text (FIPS 180-4), by which artefacts are told apart.
#pragma once

#include <string>
#include <string_view>

namespace ecostep {

// 64 hexadecimal digits.
std::string sha256(std::string_view text);

}  // namespace ecostep
