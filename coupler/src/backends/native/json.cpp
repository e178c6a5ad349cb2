#include "backends/native/json.h"

#include <locale>
#include <sstream>
#include <string>

namespace ecostep::native {
namespace {

constexpr int most_levels = 16;               // on the stack of the host's thread; programs use eight
constexpr std::size_t most_parts = 4u << 20;  // which a text of a few bytes each could make into a hundred

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

const Json* Json::find(std::string_view name) const {
  if (kind != Kind::object) return nullptr;
  for (const Json& part : *this)
    if (part.key == name) return &part;
  return nullptr;
}

JsonText::JsonText(std::string_view text) : text_(text) {
  Json& root = parts_.emplace_back();
  if (!parse_value(root, 0)) return;
  skip_space();
  if (at_ == text_.size()) root_ = &root;
}

void JsonText::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
}

bool JsonText::parse_value(Json& json, int depth) {
  skip_space();
  if (depth > most_levels) return false;
  switch (peek()) {
    case '{':
      json.kind = Json::Kind::object;
      return parse_parts(json, '}', depth);
    case '[':
      json.kind = Json::Kind::list;
      return parse_parts(json, ']', depth);
    case '"':
      json.kind = Json::Kind::text;
      return parse_text(json.text);
    case 't':
      json.kind = Json::Kind::boolean, json.truth = true;
      return parse_word("true");
    case 'f':
      json.kind = Json::Kind::boolean;
      return parse_word("false");
    case 'n':
      return parse_word("null");
    default:
      return parse_number(json);
  }
}

bool JsonText::parse_parts(Json& json, char end, int depth) {
  ++at_;
  skip_space();
  if (peek() == end) return ++at_, true;
  Json* last = nullptr;
  while (true) {
    if (parts_.size() == most_parts) return false;
    Json& part = parts_.emplace_back();
    if (end == '}') {
      skip_space();
      if (peek() != '"' || !parse_text(part.key)) return false;
      skip_space();
      if (peek() != ':') return false;
      ++at_;
    }
    if (!parse_value(part, depth + 1)) return false;
    (last == nullptr ? json.first : last->next) = &part;
    last = &part;
    ++json.size;
    skip_space();
    const char c = peek();
    ++at_;
    if (c == end) return true;
    if (c != ',') return false;
  }
}

bool JsonText::parse_text(std::string_view& text) {
  const std::size_t begin = ++at_;
  for (; at_ < text_.size() && text_[at_] != '"'; ++at_)
    if (text_[at_] < ' ' || text_[at_] > '~' || text_[at_] == '\\') return false;
  if (at_ == text_.size()) return false;
  text = text_.substr(begin, at_ - begin);
  return ++at_, true;
}

bool JsonText::parse_word(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return false;
  at_ += word.size();
  return true;
}

bool JsonText::parse_number(Json& json) {
  const std::size_t begin = at_;
  const bool negative = peek() == '-';
  if (negative) ++at_;
  const std::size_t digits = at_;
  std::int64_t integer = 0;
  for (; is_digit(peek()); ++at_) integer = at_ - digits < 18 ? 10 * integer + (peek() - '0') : INT64_MAX;
  if (at_ == digits || (text_[digits] == '0' && at_ > digits + 1)) return false;
  json.kind = Json::Kind::integer;
  json.integer = negative ? -integer : integer;
  if (peek() != '.' && peek() != 'e' && peek() != 'E') return true;
  json.kind = Json::Kind::number;
  while (is_digit(peek()) || peek() == '.' || peek() == 'e' || peek() == 'E' || peek() == '+' || peek() == '-') ++at_;
  std::istringstream stream{std::string(text_.substr(begin, at_ - begin))};
  stream.imbue(std::locale::classic());  // a decimal point in every country
  stream >> json.number;
  return !stream.fail() && stream.peek() == std::istringstream::traits_type::eof();
}

}  // namespace ecostep::native
