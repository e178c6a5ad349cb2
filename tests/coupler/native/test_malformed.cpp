// Native programs that are wrong in one place are refused with a message that
// names the place; those damaged at random never crash.
#include <functional>

#include "testing.h"

using namespace testing;

namespace {

// A sound program of every kind of operation; S = 12, D = 3, C = 2, P = 2.
std::string sound() {
  return R"({"version": 1,
 "constants": [{"type": "f32", "shape": [4, 5], "offset": 0}, {"type": "f32", "shape": [4], "offset": 128},
  {"type": "f64", "shape": [2, 3], "offset": 192}, {"type": "f64", "shape": [2, 2], "offset": 256}, {"type": "f64", "shape": [1, 4], "offset": 320},
  {"type": "f64", "shape": [1, 2, 2], "offset": 384}],
 "programs": {
  "init": {"values": [{"type": "f32", "size": 2, "uniform": false}, {"type": "f64", "size": 8, "uniform": false}, {"type": "f32", "size": 2, "uniform": false}],
   "ops": [{"op": "input", "name": "statics", "out": {"v": 0, "n": [2]}},
    {"op": "cast", "out": {"v": 1, "n": [2]}, "a": {"v": 0, "n": [2]}},
    {"op": "copy", "out": {"v": 1, "o": 2, "n": [1]}, "a": {"v": 1, "n": [1]}},
    {"op": "krige", "out": {"v": 1, "o": 3, "n": [2]}, "a": {"v": 1, "n": [3]}, "b": {"v": 1, "n": [2]}, "site_place": 2, "site_features": 3,
     "dual": 3, "choice": 4, "precision": 5, "role_sizes": [2], "common": 1.0, "earth_radius": 6371.0, "own_site": 1e-5},
    {"op": "cast", "out": {"v": 2, "n": [2]}, "a": {"v": 1, "o": 3, "n": [2]}},
    {"op": "store", "at": 10, "a": {"v": 2, "n": [2]}}]},
  "day": {"values": [{"type": "f64", "size": 7, "uniform": true}, {"type": "f32", "size": 3, "uniform": false}, {"type": "f32", "size": 12, "uniform": false},
    {"type": "f32", "size": 64, "uniform": false}, {"type": "f32", "size": 6, "uniform": true}],
   "ops": [{"op": "input", "name": "calendar", "out": {"v": 0, "n": [6]}},
    {"op": "input", "name": "drivers", "out": {"v": 1, "n": [3]}},
    {"op": "load", "at": 0, "out": {"v": 2, "n": [12]}},
    {"op": "mul", "out": {"v": 0, "o": 6, "n": []}, "a": {"v": 0, "o": 1, "n": []}, "b": {"v": 0, "o": 1, "n": []}},
    {"op": "linear", "out": {"v": 3, "n": [4]}, "in": [{"v": 1, "n": [3]}, {"v": 2, "n": [2], "t": [3]}], "weight": 0, "bias": 1, "act": "tanh"},
    {"op": "lstm", "out": {"v": 3, "o": 4, "n": [2]}, "a": {"v": 3, "n": [4]}, "b": {"v": 2, "n": [1]}},
    {"op": "gru", "out": {"v": 3, "o": 6, "n": [2]}, "a": {"v": 2, "n": [6]}, "b": {"v": 2, "o": 6, "n": [6]}, "c": {"v": 1, "n": [2]}},
    {"op": "contract", "out": {"v": 3, "o": 8, "n": [2, 2]}, "a": {"v": 2, "n": [2, 2, 3], "t": [3, 0, 1]}, "b": {"v": 2, "n": [2, 2, 3], "t": [0, 3, 1]}, "k": 1},
    {"op": "reduce", "out": {"v": 3, "o": 12, "n": [3]}, "a": {"v": 2, "n": [3, 4]}, "k": 1, "how": "mean"},
    {"op": "cholesky_solve", "out": {"v": 3, "o": 15, "n": [2]}, "a": {"v": 3, "o": 8, "n": [2, 2]}, "b": {"v": 1, "n": [2]}},
    {"op": "where", "out": {"v": 3, "o": 17, "n": [3]}, "a": {"v": 1, "n": [3]}, "b": {"v": 2, "n": [3]}, "c": {"c": 1, "n": [3], "t": [0]}},
    {"op": "add", "out": {"v": 3, "o": 20, "n": [3]}, "a": {"v": 1, "n": [3]}, "b": {"v": 2, "n": [3], "i": [0, 1, 1]}},
    {"op": "copy", "out": {"v": 3, "o": 23, "n": [3], "t": [2]}, "a": {"v": 1, "n": [3]}},
    {"op": "store", "at": 0, "a": {"v": 3, "n": [10]}},
    {"op": "store", "at": 8, "i": [0, 1, 1], "a": {"v": 3, "n": [1]}},
    {"op": "flux", "a": {"v": 3, "o": 21, "n": [2]}}]},
  "month_end": {"values": [], "ops": [{"op": "flux", "a": {"c": 1, "n": [2]}}]},
  "year_end": {"values": [], "ops": [{"op": "flux", "a": {"c": 1, "n": [2]}}]}}})";
}

const Sizes sizes{3, 2, 2, 12, false};
const CalendarRow day{{2001, 2, 14, 45, 28, 365}};

std::string bytes() {
  std::string data(416, '\0');
  for (std::size_t i = 0; i < 36; ++i) {
    const float x = 0.1f * static_cast<float>(i % 7);
    std::memcpy(&data[4 * i], &x, 4);
  }
  for (std::size_t i = 24; i < 52; ++i) {
    const double x = 1.0 + 0.1 * static_cast<double>(i % 5);
    std::memcpy(&data[8 * i], &x, 8);
  }
  return data;
}

std::string replaced(const std::string& from, const std::string& to, std::string text = sound()) {
  const std::size_t at = text.find(from);
  CHECK(at != std::string::npos, "'%s' is not in the program", from.c_str());
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

void refused(const std::string& text, const std::string& part, const std::string& data, ecostep_status status = ECOSTEP_CORRUPT) {
  try {
    read_program("model.pt", sizes, text, data);
    CHECK(false, "accepted, though it should be refused with '%s'", part.c_str());
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(error.status() == status && message.find(part) != std::string::npos && message.find("model.pt") == 0,
          "the message is '%s', without '%s'", message.c_str(), part.c_str());
  }
}
void refused(const std::string& from, const std::string& to, const std::string& part, bool) {
  refused(replaced(from, to), part, bytes());
}

void run(const NativeProgram& program) {
  const Executor executor(program, sizes);
  std::vector<StateSpan> spans;
  executor.changes(day, false, spans);
  std::size_t width = 0;
  for (const StateSpan& span : spans) width += span.size;
  for (const std::size_t n : {1, 19}) {
    Cells cells(sizes, n, width);
    cells.step(executor, day);
    std::vector<float> statics(2 * cells.stride, 0.5f);
    executor.init_state(n, cells.stride, statics.data(), cells.state.data(), cells.state_size);
  }
}

void test_messages() {
  const auto swap = [](const char* from, const char* to, const char* part) { refused(from, to, part, true); };
  run(read_program("model.pt", sizes, sound(), bytes()));
  refused("{", "no JSON", bytes());
  refused("[]", "'version'", bytes());
  refused(replaced(R"("version": 1)", R"("version": 2)"), "version 2", bytes(), ECOSTEP_NEWER_FORMAT);
  refused(sound(), "constant 5", bytes().substr(0, 400));
  refused(sound(), "ends before", "");
  swap(R"("shape": [4, 5], "offset": 0)", R"("shape": [4, 5], "offset": 4)", "no multiple of 64");
  swap(R"("shape": [4, 5], "offset": 0)", R"("shape": [20, 5], "offset": 0)", "the constants have 560 bytes, extra/native.bin 416");
  swap(R"("shape": [4, 5])", R"("shape": [4, 99999999999])", "'shape' is 99999999999");
  swap(R"("shape": [4, 5])", R"("shape": [4, -5])", "'shape' is -5");
  swap(R"("shape": [4, 5])", R"("shape": [4, 1e300])", "no whole number");
  swap(R"("shape": [4, 5])", R"("shape": [4, 18446744073709551615])", "outside 0 to");
  swap(R"("shape": [4, 5])", R"("shape": [16777216, 16777216])", "too large");
  swap(R"("day": {)", R"("noon": {)", "program 'day' is missing");
  swap(R"("month_end": {)", R"("ever": {"values": [], "ops": []}, "month_end": {)", "program 'ever' is not known");
  swap(R"("type": "f64", "size": 7)", R"("type": "f16", "size": 7)", "program 'day': 'type' is 'f16'");
  swap(R"("size": 64)", R"("size": 16000000)", "elements");
  swap(R"({"op": "reduce")", R"({"op": "product")", "'product', which is not known");
  swap(R"({"op": "gru")", R"({"oop": "gru")", "program 'day', operation 7: 'op' is missing");
  // references
  swap(R"("in": [{"v": 1, "n": [3]})", R"("in": [{"v": 9, "n": [3]})",
       "program 'day', operation 5 (linear): 'v' is 9, but there are 5");
  swap(R"("in": [{"v": 1, "n": [3]})", R"("in": [{"v": 1, "c": 1, "n": [3]})", "one of 'v' and 'c'");
  swap(R"("in": [{"v": 1, "n": [3]})", R"("in": [{"v": 1, "o": 1, "n": [3]})", "reaches from element 1 to 3 of 3");
  swap(R"("n": [2], "t": [3]})", R"("n": [2], "t": [-3]})", "reaches from element -3 to 0 of 12");
  swap(R"("n": [2], "t": [3]})", R"("n": [2], "t": [3, 1]})", "'t' has 2 numbers");
  swap(R"("out": {"v": 3, "o": 15, "n": [2]})", R"("out": {"v": 3, "o": 63, "n": [2]})",
       "operation 10 (cholesky_solve): a reference reaches from element 63 to "
       "64 of 64");
  swap(R"("out": {"v": 3, "o": 15, "n": [2]})", R"("out": {"c": 1, "n": [2]})", "cannot be a constant");
  swap(R"("out": {"v": 3, "o": 12, "n": [3]})", R"("out": {"v": 3, "o": 12, "n": [3], "t": [2]})",
       "only a copy may write with strides");
  swap(R"("a": {"v": 3, "o": 21, "n": [2]})", R"("a": {"v": 3, "o": 23, "n": [2]})",
       "element 24 of value 3 is read before it is written");
  swap(R"("i": [0, 1, 1]}},)", R"("i": [3, 1, 1]}},)", "not uniform");
  swap(R"("i": [0, 1, 1]}},)", R"("i": [0, 7, 1]}},)", "names element 7 of 7");
  swap(R"("i": [0, 1, 1]}},)", R"("i": [4, 1, 1]}},)", "read before it is written");
  swap(R"("i": [0, 1, 1]}},)", R"("i": [0, 1]}},)", "has 2 numbers");
  // shapes and types
  swap(R"("b": {"v": 0, "o": 1, "n": []})", R"("b": {"v": 0, "o": 1, "n": [1]})", "an operand has the shape (1), not ()");
  swap(R"("b": {"v": 0, "o": 1, "n": []})", R"("b": {"v": 4, "o": 1, "n": []})", "read before");
  swap(R"("b": {"v": 2, "n": [3], "i": [0, 1, 1]})", R"("b": {"c": 3, "n": [3]})", "is f64, not f32");
  swap(R"("out": {"v": 0, "o": 6, "n": []}, "a": {"v": 0, "o": 1, "n": []})", R"("out": {"v": 4, "n": []}, "a": {"v": 1, "n": []})",
       "operand");
  swap(R"("out": {"v": 3, "n": [4]}, "in")", R"("out": {"v": 4, "n": [4]}, "in")", "a uniform result of what is not");
  swap(R"("out": {"v": 0, "o": 6, "n": []})", R"("out": {"v": 0, "o": 5, "n": []})", "written twice");
  swap(R"("a": {"v": 3, "n": [4]}, "b")", R"("a": {"v": 3, "n": [3]}, "b")", "'a' has the shape (3), not (4)");
  swap(R"("c": {"v": 1, "n": [2]})", R"("c": {"v": 1, "n": [3]})", "'c' has the shape (3), not (2)");
  swap(R"("t": [0, 3, 1]}, "k": 1)", R"("t": [0, 3, 1]}, "k": 4)", "'k'");
  swap(R"("k": 1, "how": "mean")", R"("k": 1, "how": "median")", "'how' is 'median'");
  swap(R"("a": {"v": 3, "o": 8, "n": [2, 2]}, "b")", R"("a": {"v": 3, "o": 8, "n": [2, 1]}, "b")", "'a' has the shape (2, 1)");
  swap(R"("weight": 0, "bias": 1)", R"("weight": 1, "bias": 1)", "'weight' is no matrix");
  swap(R"("weight": 0, "bias": 1)", R"("weight": 2, "bias": 1)", "'weight' is f64");
  swap(R"("weight": 0, "bias": 1)", R"("weight": 0, "bias": 0)", "'bias'");
  swap(R"("weight": 0, "bias": 1)", R"("weight": 7, "bias": 1)", "'weight' is 7, but there are 6 constants");
  swap(R"({"v": 2, "n": [2], "t": [3]}])", R"({"v": 2, "n": [3]}])", "the operands have 6 elements");
  swap(R"("act": "tanh")", R"("act": "step")", "'act' is 'step'");
  // the state, inputs, fluxes
  swap(R"("at": 0, "out": {"v": 2, "n": [12]})", R"("at": 1, "out": {"v": 2, "n": [12]})", "elements 1 to 13 of a state row of 12");
  swap(R"("store", "at": 0)", R"("store", "at": 3)", "elements 3 to 13 of a state row of 12");
  swap(R"("name": "drivers", "out": {"v": 1, "n": [3]})", R"("name": "drivers", "out": {"v": 1, "n": [2]})",
       "the result has the shape (2), not (3)");
  swap(R"("name": "drivers")", R"("name": "statics")", "only 'init' has statics");
  swap(R"("name": "drivers")", R"("name": "observed")", "no measured fluxes");
  swap(R"("name": "statics")", R"("name": "drivers")", "'init' has statics alone");
  swap(R"({"op": "flux", "a": {"v": 3, "o": 21, "n": [2]}})",
       R"({"op": "neg", "out": {"v": 3, "o": 60, "n": []}, "a": {"v": 1, "n": []}})", "gives the fluxes 0 times");
  swap(R"("n": [2]}}]},
  "month_end")",
       R"("n": [1]}}]},
  "month_end")",
       "'a' has the shape (1), not (2)");
  swap(R"("site_features": 3)", R"("site_features": 5)", "'site_features' is not (M, F)");
  swap(R"("choice": 4)", R"("choice": 3)", "'choice' is not (R, 4)");
  swap(R"("role_sizes": [2])", R"("role_sizes": [1])", "'dual' is not (M, Q)");
}

// Indices that lead out of a value, the state or a constant are found before
// anything is computed with them.
void test_indices() {
  for (const char* to : {R"("i": [0, 0, 1]}},)", R"("i": [0, 1, -1]}},)", R"("i": [0, 1, 16777216]}},)", R"("i": [0, 3, 1]}},)"}) {
    try {
      run(read_program("model.pt", sizes, replaced(R"("i": [0, 1, 1]}},)", to), bytes()));
      CHECK(false, "%s is accepted", to);
    } catch (const Error& error) {
      CHECK(std::strstr(error.what(), "program 'day', operation 12: the index") != nullptr, "%s", error.what());
    }
  }
}

// Random damage: refused or run, without a crash; a sanitizer sees the rest.
void test_damage() {
  std::mt19937 random(3);
  const std::string text = sound(), data = bytes();
  int accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string damaged = text;
    const std::size_t changes = 1 + random() % 3;
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t at = random() % damaged.size();
      switch (random() % 4) {
        case 0:
          damaged[at] = static_cast<char>(random() % 256);
          break;
        case 1:
          damaged.erase(at, 1 + random() % 4);
          break;
        case 2:
          damaged.insert(at, 1, "0123456789-[]{},\"ne"[random() % 19]);
          break;
        default: {  // another digit: most of these are still JSON
          const std::size_t digit = damaged.find_first_of("0123456789", at);
          if (digit != std::string::npos) damaged[digit] = static_cast<char>('0' + random() % 10);
        }
      }
    }
    try {
      run(read_program("model.pt", sizes, damaged, data));
      ++accepted;
    } catch (const Error&) {
    }
  }
  CHECK(accepted > 100 && accepted < 5000, "%d of 6000 accepted", accepted);
}

}  // namespace

int main() {
  test_messages();
  test_indices();
  test_damage();
  return result();
}
