// Texts of files on the terminal of a host: control characters, which could move its cursor or colour its log, are written out.
#pragma once

#include <string>
#include <string_view>

namespace ecostep {

// The text with its control characters (C0 and C1 of ISO 6429, DEL), those that turn the direction of writing, and bytes that are
// no UTF-8 written as \x1b, \u202e and so on. A line feed stays where `lines` is true.
std::string printable(std::string_view text, bool lines = false);

// Whether `printable` leaves the text as it is.
bool is_printable(std::string_view text);

// The same JSON: what may be a control character on a terminal, and JSON allows in a text, is written as its \u escape.
std::string printable_json(std::string_view json);

}  // namespace ecostep
