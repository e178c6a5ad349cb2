// Places that depend on the day, and the spans of the state that a day changes.
#include "operation_program.h"

using namespace testing;

namespace {

void test_places() {
  Program p(3, 40);
  const int calendar = p.value("f64", 6, true), month = p.value("f64", 2, true), table = p.value("f32", 24),
            row = p.value("f32", 2), part = p.value("f32", 2);
  const int months = p.constant(normal(24, 20), {12, 2}), one = p.constant(std::vector<double>{1.0}, {1});
  p.op(R"({"op": "input", "name": "calendar", "out": )" + ref("v", calendar, {6}) + "}");
  p.apply("sub", ref("v", month, {1}), {ref("v", calendar, {1}, 1), ref("c", one, {1})});
  p.apply("copy", ref("v", month, {1}, 1), {ref("v", month, {1})});
  p.apply("copy", ref("v", table, {24}), {ref("v", p.state, {24}, 10)});
  p.apply("copy", ref("v", table, {2}, 0, index(month, 1, 2)), {ref("v", p.drivers, {2}, 1)});  // over what was there
  p.apply("add", ref("v", row, {2}), {ref("v", table, {2}, 0, index(month, 0, 2)), ref("c", months, {2}, 0, index(month, 0, 2))});
  p.op(R"({"op": "load", "at": 12, "out": )" + ref("v", part, {2}) + index(month, 0, 2) + "}");
  p.store(36, ref("v", part, {2}));
  p.store(10, ref("v", row, {2}), index(month, 0, 2));
  p.store(12, ref("v", p.drivers, {1}), index(month, 0, 2));
  p.store(0, ref("v", table, {4}, 0, strides({3})));
  p.finish();
  const std::vector<float> numbers = normal(24, 20);
  for (const std::int64_t m : {1, 5, 12}) {
    const CalendarRow day{{2001, m, 14, 30 * m - 5, 31, 365}};
    const std::size_t at = static_cast<std::size_t>(m - 1);
    examine(
        "places", p,
        [&](const Numbers& d, const Numbers&, const Numbers& s) {
          Numbers table(s.begin() + 10, s.begin() + 34);
          const double loaded[2] = {s[12 + 2 * at], s[13 + 2 * at]};
          table[2 * at] = d[1], table[2 * at + 1] = d[2];
          return Numbers{table[0],
                         table[3],
                         table[6],
                         table[9],
                         d[1] + static_cast<double>(numbers[2 * at]),
                         d[2] + static_cast<double>(numbers[2 * at + 1]),
                         d[0],
                         loaded[0],
                         loaded[1]};
        },
        1e-7, day);
    const Executor executor(p.read(), p.sizes);
    std::vector<StateSpan> spans;
    executor.changes(day, false, spans);
    CHECK(spans.size() == (m == 12 ? 3u : 3u) && spans[0].begin == 0 && spans[0].size == 4, "%zu spans", spans.size());
    CHECK(spans[1].begin == 10 + 2 * at && spans[1].size == 3, "range at %zu of %zu", spans[1].begin, spans[1].size);
  }
  const CalendarRow day{{2001, 13, 14, 200, 31, 365}};
  try {
    std::vector<StateSpan> spans;
    Executor(p.read(), p.sizes).changes(day, false, spans);
    CHECK(false, "an index out of its value is accepted");
  } catch (const Error& error) {
    CHECK(error.status() == ECOSTEP_CORRUPT && std::strstr(error.what(), "leads out") != nullptr, "%s", error.what());
  }
}

void test_uniform() {
  Program p(3, 4, true);
  const int calendar = p.value("f64", 6, true), angle = p.value("f64", 2, true), wave = p.value("f32", 2, true),
            observed = p.value("f32", 2), known = p.value("f32", 2), zero = p.value("f32", 2), out = p.value("f32", 4);
  const int two_pi = p.constant(std::vector<double>{6.283185307179586}, {1});
  p.op(R"({"op": "input", "name": "calendar", "out": )" + ref("v", calendar, {6}) + "}");
  p.op(R"({"op": "input", "name": "observed", "out": )" + ref("v", observed, {2}) + "}");
  p.apply("div", ref("v", angle, {1}), {ref("v", calendar, {1}, 3), ref("v", calendar, {1}, 5)});
  p.apply("mul", ref("v", angle, {1}, 1), {ref("v", angle, {1}), ref("c", two_pi, {1})});
  const int sine = p.value("f64", 2, true);
  p.apply("sin", ref("v", sine, {1}), {ref("v", angle, {1}, 1)});
  p.apply("cos", ref("v", sine, {1}, 1), {ref("v", angle, {1}, 1)});
  p.apply("cast", ref("v", wave, {2}), {ref("v", sine, {2})});
  p.apply("isfinite", ref("v", known, {2}), {ref("v", observed, {2})});
  p.apply("not", ref("v", zero, {2}), {ref("v", known, {2})});
  p.apply("mul", ref("v", out, {2}), {ref("v", wave, {2}), ref("v", observed, {2})});
  p.apply("sub", ref("v", out, {2}, 2), {ref("v", known, {2}), ref("v", zero, {2})});
  p.store(0, ref("v", out, {4}));
  p.finish();
  examine(
      "uniform", p,
      [&](const Numbers&, const Numbers& o, const Numbers&) {
        const double angle = 73.0 / 365.0 * 6.283185307179586;
        return Numbers{std::sin(angle) * o[0], std::cos(angle) * o[1], 1.0, 1.0};
      },
      2e-7);
}

}  // namespace

int main() {
  test_places();
  test_uniform();
  return result();
}
