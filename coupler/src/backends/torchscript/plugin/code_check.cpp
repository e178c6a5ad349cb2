#include "backends/torchscript/plugin/code_check.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <vector>

#include "backends/torchscript/plugin/byte_stream.h"
#include "backends/torchscript/plugin/storage_check.h"

namespace ecostep::torchscript {
namespace {

using Words = std::set<std::string_view>;

const Words& allowed_operations() {
  static const Words operations = {
#include "torchscript_operations.inc"
  };
  return operations;
}

// Words of the language in which torch writes code. Others that it has, as `import` and `with`, it does not write.
const Words keywords = {"False", "None", "True", "and", "assert", "break", "class", "continue", "def",   "del",    "elif",
                        "else",  "for",  "if",   "in",  "is",     "not",   "or",    "pass",     "raise", "return", "while"};
const Words refused_words = {"async",    "await", "except", "finally", "from",  "global", "import",    "lambda",
                             "nonlocal", "try",   "with",   "yield",   "print", "fork",   "awaitable", "__setstate__"};
const Words builtins = {"_to_tensor",    "abs",
                        "all",           "annotate",
                        "any",           "bin",
                        "bool",          "chr",
                        "complex",       "dict",
                        "divmod",        "enumerate",
                        "float",         "getattr",
                        "hasattr",       "hex",
                        "int",           "isinstance",
                        "len",           "list",
                        "max",           "min",
                        "oct",           "ord",
                        "pow",           "range",
                        "rangelist",     "reversed",
                        "round",         "sorted",
                        "str",           "sum",
                        "tuple",         "unchecked_cast",
                        "uninitialized", "zip"};

struct Token {
  enum class Kind { name, text, number, sign } kind;
  std::string_view text;  // of a text without its quotes
  std::size_t line, column;
};

struct Fault {
  std::string what;
  std::size_t line;
};

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The code as torch writes it: printable ASCII, texts in single quotes or double ones on one line, no comments.
class Tokens {
 public:
  explicit Tokens(std::string_view code) : code_(code) {
    while (at_ < code_.size()) read();
  }
  const std::vector<Token>& all() const { return tokens_; }

 private:
  void read() {
    const char c = code_[at_];
    const std::size_t begin = at_;
    if (c == '\n') {
      ++line_, line_begin_ = ++at_;
    } else if (c == ' ') {
      ++at_;
    } else if (starts_name(c)) {
      while (at_ < code_.size() && (starts_name(code_[at_]) || is_digit(code_[at_]))) ++at_;
      add(Token::Kind::name, begin, at_);
      if (peek() == '"' || peek() == '\'') throw Fault{"has a text with a prefix", line_};
    } else if (is_digit(c)) {
      read_number();
      add(Token::Kind::number, begin, at_);
    } else if (c == '"' || c == '\'') {
      read_text(c);
    } else if (c < ' ' || c > '~' || c == '#' || c == '\\') {
      throw Fault{"has a character that torch does not write", line_};
    } else {
      add(Token::Kind::sign, begin, ++at_);
    }
  }

  void read_number() {
    const auto digits = [&] {
      while (is_digit(peek())) ++at_;
    };
    digits();
    if (peek() == '.') ++at_, digits();
    if (peek() != 'e' && peek() != 'E') return;
    const std::size_t exponent = at_++;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!is_digit(peek())) at_ = exponent;
    digits();
  }

  void read_text(char quote) {
    const std::size_t begin = ++at_;
    for (; peek() != quote; ++at_) {
      if (peek() == '\\') ++at_;
      if (at_ >= code_.size() || code_[at_] < ' ' || code_[at_] > '~') throw Fault{"has a text that does not end", line_};
    }
    add(Token::Kind::text, begin, at_++);
    if (peek() == '"' || peek() == '\'') throw Fault{"has a text in three quotes", line_};
  }

  char peek() const { return at_ < code_.size() ? code_[at_] : '\0'; }
  void add(Token::Kind kind, std::size_t begin, std::size_t end) {
    tokens_.push_back({kind, code_.substr(begin, end - begin), line_,
                       begin - line_begin_ - (kind == Token::Kind::text ? 1 : 0)});  // the quote is before the text
  }

  std::string_view code_;
  std::size_t at_ = 0, line_ = 1, line_begin_ = 0;
  std::vector<Token> tokens_;
};

// Throws Fault for the first name that could stand for an operation which is not allowed.
class CodeCheck {
 public:
  // `module`: the name by which other code calls the entry, such as `__torch__.emulator.models`.
  CodeCheck(const std::vector<Token>& tokens, const std::string& module) : tokens_(tokens) {
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (is_name(i) && (is_sign(i + 1, '=') || is(i - 1, "def") || is(i - 1, "class"))) defined_.insert(tokens_[i].text);
    find_classes(module);
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (is(i, "self") && !may_be_self(i)) self_is_object_ = false;
  }

  void run() const {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (!is_name(i)) continue;
      if (refused_words.count(tokens_[i].text) != 0) refuse(i, "uses '" + std::string(tokens_[i].text) + "'");
      if (is_sign(i - 1, '.'))
        check_attribute(i, tokens_[i].text, is(i - 2, "self") || (is_sign(i - 2, ')') && is(i - 3, "self")));
      else
        i += check_path(i);
    }
  }

 private:
  struct Class {
    std::string name;  // empty: code outside classes
    Words declared;    // attributes and methods
  };

  // Which class each token is in. (Positions before the first token are huge numbers.)
  void find_classes(const std::string& module) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].column == 0 || classes_.empty())
        classes_.push_back({is(i, "class") && is_name(i + 1) ? module + "." + std::string(tokens_[i + 1].text) : "", {}});
      else if (tokens_[i].column == 2 && is_sign(i + 1, ':'))
        classes_.back().declared.insert(tokens_[i].text);
      else if (tokens_[i].column == 2 && is(i, "def") && is_name(i + 1))
        classes_.back().declared.insert(tokens_[i + 1].text);
      class_of_.push_back(classes_.size() - 1);
    }
  }

  // Whether `self` stands where torch writes it for the object whose class the code is in.
  bool may_be_self(std::size_t i) const {
    if (is_sign(i + 1, ':')) {
      std::string type;
      for (std::size_t part = i + 2; is_name(part); part += 2) {
        if (!type.empty()) type += '.';
        type += tokens_[part].text;
        if (!is_sign(part + 1, '.')) break;
      }
      return type == classes_[class_of_[i]].name;
    }
    return is_sign(i - 1, '.') || is_sign(i + 1, '.') || (is_sign(i - 1, '(') && is_sign(i + 1, ')') && is_sign(i + 2, '.')) ||
           (is(i - 2, "getattr") && is_sign(i - 1, '(') && is_sign(i + 1, ','));
  }

  bool is_name(std::size_t i) const { return i < tokens_.size() && tokens_[i].kind == Token::Kind::name; }
  bool is(std::size_t i, std::string_view name) const { return is_name(i) && tokens_[i].text == name; }
  bool is_sign(std::size_t i, char sign) const {
    return i < tokens_.size() && tokens_[i].kind == Token::Kind::sign && tokens_[i].text[0] == sign;
  }
  [[noreturn]] void refuse(std::size_t i, const std::string& what) const { throw Fault{what, tokens_[i].line}; }

  // A name that does not follow a dot, and how many tokens after it are done with.
  std::size_t check_path(std::size_t i) const {
    if (is(i, "torch")) {
      if (!is_sign(i + 1, '.') || !is_name(i + 2)) refuse(i, "uses 'torch' as a value");
      require(i, "aten", tokens_[i + 2].text);
      return 2;
    }
    if (is(i, "ops")) {
      if (!is_sign(i + 1, '.') || !is_name(i + 2) || !is_sign(i + 3, '.') || !is_name(i + 4)) refuse(i, "uses 'ops' as a value");
      require(i, tokens_[i + 2].text, tokens_[i + 4].text);
      return 4;
    }
    if (is(i, "__torch__")) {
      std::size_t end = i;
      for (; is_sign(end + 1, '.') && is_name(end + 2); end += 2)
        if (is(end, "torch") && is(end + 2, "classes")) refuse(i, "uses a class of a library");
      return end - i;
    }
    if (is_sign(i + 1, '(')) check_call(i);
    if (is(i, "getattr")) check_getattr(i);
    return 0;
  }

  void check_call(std::size_t i) const {
    const std::string_view name = tokens_[i].text;
    if (keywords.count(name) == 0 && builtins.count(name) == 0 && defined_.count(name) == 0)
      refuse(i, "calls '" + std::string(name) + "'");
  }

  // getattr(object, "name"), by which torch writes names that are numbers.
  void check_getattr(std::size_t i) const {
    std::size_t end = i + 1;
    if (!is_sign(end, '(')) refuse(i, "uses 'getattr' as a value");
    for (int depth = 0; end < tokens_.size(); ++end) {
      depth += is_sign(end, '(') ? 1 : is_sign(end, ')') ? -1 : 0;
      if (depth == 0) break;
    }
    if (end < tokens_.size() && is_sign(end - 1, ',')) --end;
    if (end >= tokens_.size() || tokens_[end - 1].kind != Token::Kind::text || !is_sign(end - 2, ','))
      refuse(i, "uses 'getattr' with a name that is computed");
    if (tokens_[end - 1].text.find('\\') != std::string_view::npos) refuse(i, "uses 'getattr' with a name that is no name");
    check_attribute(i, tokens_[end - 1].text, is(i + 2, "self") && end == i + 5);
  }

  // What follows a dot is a part of an object, unless torch has an operation of that name: then perhaps it is not. Of the object
  // itself, `self`, what its class declares always is.
  void check_attribute(std::size_t i, std::string_view name, bool of_self) const {
    if (is_allowed("aten", name) || is_allowed("prim", name)) return;
    if (of_self && self_is_object_ && classes_[class_of_[i]].declared.count(name) != 0) return;
    for (const std::string space : {"aten::", "prim::"})
      if (!torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(space + std::string(name))).empty())
        refuse(i, "uses the operation '" + space + std::string(name) + "'");
  }

  void require(std::size_t i, std::string_view space, std::string_view name) const {
    if (!is_allowed(space, name)) refuse(i, "uses the operation '" + std::string(space) + "::" + std::string(name) + "'");
  }
  static bool is_allowed(std::string_view space, std::string_view name) {
    return allowed_operations().count(std::string(space) + "::" + std::string(name)) != 0;
  }

  const std::vector<Token>& tokens_;
  Words defined_;
  std::vector<Class> classes_;
  std::vector<std::size_t> class_of_;  // of each token
  bool self_is_object_ = true;
};

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}
bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Whether a pickle names classes that libraries register, whose own code would make objects of them. A name may be cut in two at
// any dot.
bool names_library_classes(std::string_view pickle) {
  constexpr std::string_view torch = "torch", classes = "classes";
  for (std::size_t at = pickle.find(torch); at != std::string_view::npos; at = pickle.find(torch, at + 1)) {
    std::size_t next = at + torch.size();
    while (next < pickle.size() && (pickle[next] == '.' || pickle[next] == '\n')) ++next;
    if (next > at + torch.size() && starts_with(pickle.substr(next), classes)) return true;
  }
  return false;
}

// Whether a pickle has tensors other than plain ones, such as sparse ones, whose indices torch takes on trust.
bool has_other_tensors(std::string_view pickle) {
  constexpr std::string_view maker = "\n_rebuild_", plain = "tensor_v2\n";
  for (std::size_t at = pickle.find(maker); at != std::string_view::npos; at = pickle.find(maker, at + 1))
    if (!starts_with(pickle.substr(at + maker.size()), plain)) return true;
  return false;
}

bool is_data(std::string_view entry) {
  static const Words single = {"version", ".data/version", "byteorder", ".data/serialization_id"};
  return single.count(entry) != 0 || starts_with(entry, "data/") || starts_with(entry, "constants/") ||
         starts_with(entry, "extra/");
}

// code/__torch__/emulator/models.py -> __torch__.emulator.models
std::string module_of(const std::string& entry) {
  constexpr std::size_t folder = std::string_view("code/").size(), ending = std::string_view(".py").size();
  std::string module = entry.substr(folder, entry.size() - folder - ending);
  std::replace(module.begin(), module.end(), '/', '.');
  return module;
}

}  // namespace

std::string beyond_arithmetic(const char* bytes, std::size_t n_bytes) {
  ByteStream buffer(bytes, n_bytes);
  std::istream stream(&buffer);
  caffe2::serialize::PyTorchStreamReader archive(&stream);
  for (const std::string& entry : archive.getAllRecords()) {
    if (is_data(entry)) continue;
    const bool code = starts_with(entry, "code/") && ends_with(entry, ".py");
    const bool pickle =
        entry == "data.pkl" || entry == "constants.pkl" || (starts_with(entry, "code/") && ends_with(entry, ".debug_pkl"));
    if (!code && !pickle) return "it has an entry '" + entry + "', which is none of TorchScript";
    const auto [data, size] = archive.getRecord(entry);
    const std::string_view text(static_cast<const char*>(data.get()), size);
    if (pickle && names_library_classes(text)) return "it has objects of a library's class (" + entry + ")";
    if (pickle && !starts_with(entry, "code/") && has_other_tensors(text)) return "it has sparse or other tensors (" + entry + ")";
    if (!code) continue;
    try {
      const Tokens tokens(text);
      CodeCheck(tokens.all(), module_of(entry)).run();
    } catch (const Fault& fault) {
      return "its code " + fault.what + " (" + entry + ", line " + std::to_string(fault.line) + ")";
    }
  }
  const std::string fault = short_storage(archive);
  return fault.empty() ? "" : "its tensors lie outside the file: " + fault;
}

}  // namespace ecostep::torchscript
