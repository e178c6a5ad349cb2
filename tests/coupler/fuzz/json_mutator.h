// Changes of a JSON text that keep it a JSON text: plain mutation of bytes rarely gets beyond the parser.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

class JsonMutator {
 public:
  explicit JsonMutator(unsigned seed) : random_(seed) {}

  // One to four changes: a number, string or literal becomes another one, a value is copied over another, repeated or dropped.
  std::string mutate(std::string text) {
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      const std::vector<Span> spans = values(text);
      if (spans.empty()) return text;
      const Span target = spans[below(spans.size())], source = spans[below(spans.size())];
      switch (below(6)) {
        case 0:
        case 1:
          text.replace(target.start, target.size, replacement(text.substr(target.start, target.size)));
          break;
        case 2:
          text.replace(target.start, target.size, text.substr(source.start, source.size));
          break;
        case 3:
          text.insert(target.start, text.substr(target.start, target.size) + ",");
          break;
        case 4:
          drop(text, target);
          break;
        default:
          text.replace(target.start, target.size, number());
      }
      if (text.size() > 60000) text.resize(60000);
    }
    return text;
  }

 private:
  struct Span {
    std::size_t start, size;
  };

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string number() {
    static const char* const list[] = {"0",
                                       "1",
                                       "2",
                                       "3",
                                       "-1",
                                       "63",
                                       "64",
                                       "65",
                                       "255",
                                       "65536",
                                       "1000000",
                                       "10000000",
                                       "2147483647",
                                       "2147483648",
                                       "4294967295",
                                       "4294967296",
                                       "9223372036854775807",
                                       "18446744073709551615",
                                       "1e308",
                                       "1e-320",
                                       "-0.0",
                                       "0.5",
                                       "3.4e38",
                                       "4611686018427387904"};
    return list[below(sizeof list / sizeof *list)];
  }

  std::string replacement(const std::string& value) {
    static const char* const texts[] = {"null",     "true",    "[]",      "{}",      "\"\"", "\"native\"",
                                        "\"stub\"", "\"f64\"", "\"f32\"", "\"day\"", "[[]]", "\"\\u0000\""};
    const char c = value.empty() ? ' ' : value[0];
    if ((c == '-' || (c >= '0' && c <= '9')) && value.size() < 18 && value.find_first_of(".eE") == std::string::npos) {
      const long long whole = std::strtoll(value.c_str(), nullptr, 10);
      switch (below(5)) {
        case 0:
          return std::to_string(whole + 1);
        case 1:
          return std::to_string(whole - 1);
        case 2:
          return std::to_string(2 * whole);
        case 3:
          return std::to_string(-whole);
        default:
          return number();
      }
    }
    return below(3) == 0 ? number() : texts[below(sizeof texts / sizeof *texts)];
  }

  static void drop(std::string& text, Span span) {
    std::size_t end = span.start + span.size;
    while (end < text.size() && (text[end] == ' ' || text[end] == '\n')) ++end;
    if (end < text.size() && text[end] == ',') {
      text.erase(span.start, end + 1 - span.start);
      return;
    }
    std::size_t start = span.start;
    while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\n')) --start;
    if (start > 0 && text[start - 1] == ',') --start;
    text.erase(start, span.start + span.size - start);
  }

  // Every value of the text and every member of an object ("key": value).
  static std::vector<Span> values(const std::string& text) {
    std::vector<Span> spans;
    std::vector<std::size_t> open;
    for (std::size_t at = 0; at < text.size();) {
      const char c = text[at];
      if (c == '[' || c == '{') {
        open.push_back(at++);
      } else if (c == ']' || c == '}') {
        ++at;
        if (!open.empty()) spans.push_back({open.back(), at - open.back()}), open.pop_back();
      } else if (c == '"') {
        const std::size_t start = at++;
        while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
        at = at < text.size() ? at + 1 : text.size();
        spans.push_back({start, at - start});
      } else if (c == ' ' || c == '\n' || c == ',' || c == ':') {
        ++at;
      } else {
        const std::size_t start = at;
        while (at < text.size() && text.find_first_of(" \n,:]}[{\"", at) != at) ++at;
        spans.push_back({start, at - start});
      }
    }
    return spans;
  }

  std::mt19937 random_;
};
