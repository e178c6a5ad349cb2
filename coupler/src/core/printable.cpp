#include "core/printable.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace ecostep {
namespace {

// A character of UTF-8 and its length in bytes, which is 0 where the text has none there. (RFC 3629)
struct Character {
  std::uint32_t code;
  std::size_t size;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return {0, 0};
  std::uint32_t code = byte(0) & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {0, 0};
  return {code, size};
}

bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_hex(std::string& out, char letter, std::uint32_t code, int digits) {
  out += '\\';
  out += letter;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[code >> shift & 0xfu];
}

}  // namespace

std::string printable(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t size = std::max<std::size_t>(character.size, 1);
    if (character.size == 0)
      append_hex(out, 'x', static_cast<unsigned char>(text[0]), 2);
    else if (is_control(character.code) && !(lines && character.code == '\n'))
      append_hex(out, character.code < 0x100 ? 'x' : 'u', character.code, character.code < 0x100 ? 2 : 4);
    else
      out += text.substr(0, size);
    text.remove_prefix(size);
  }
  return out;
}

bool is_printable(std::string_view text) {
  return printable(text) == text;
}

std::string printable_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Character character = first_character(json);
    const std::size_t size = std::max<std::size_t>(character.size, 1);
    if (character.code >= 0x7f && is_control(character.code))
      append_hex(out, 'u', character.code, 4);
    else
      out += json.substr(0, size);
    json.remove_prefix(size);
  }
  return out;
}

}  // namespace ecostep
