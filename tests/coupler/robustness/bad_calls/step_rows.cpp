#include "table.h"

namespace bad_calls {

// The host stands within a day, where neither a spin-up nor a day's derivative can start.
void add_day_rows() {
  constexpr int least = std::numeric_limits<int>::min(), most = std::numeric_limits<int>::max();
  static double weights[n_cells * 1000];
  struct Date {
    const char* wrong;
    int year, month, day;
  };
  for (const Date& d :
       {Date{"day within", 2001, 1, 3}, Date{"day 0", 2001, 1, 0}, Date{"day most", 2001, 1, most}, Date{"month 13", 2001, 13, 1},
        Date{"month least", 2001, least, 1}, Date{"year -1", -1, 1, 1}, Date{"year most", most, 1, 1}}) {
    add("ecostep_spin_up", d.wrong, ECOSTEP_BAD_DATE, {},
        [d](Host& h) { return ecostep_spin_up(h.cells, d.year, d.month, d.day, 2, 1); });
    add("ecostep_step_gradient", d.wrong, ECOSTEP_BAD_DATE, {},
        [d](Host& h) { return ecostep_step_gradient(h.cells, d.year, d.month, d.day, weights, nullptr, weights, weights); });
  }
  add("ecostep_spin_up", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_spin_up(nullptr, 2001, 1, 3, 2, 1); });
  add("ecostep_spin_up", "nday 0", ECOSTEP_OK, {}, [](Host& h) { return ecostep_spin_up(h.cells, 2001, 1, 3, 0, 1); });
  for (const std::size_t nday : {std::size_t{2}, std::numeric_limits<std::size_t>::max()})
    add("ecostep_spin_up", "nday and stride beyond memory", ECOSTEP_INVALID_ARGUMENT, {"stride"},
        [nday](Host& h) { return ecostep_spin_up(h.cells, 2001, 1, 4, nday, std::numeric_limits<std::ptrdiff_t>::max() / 4); });
  for (const std::ptrdiff_t stride : {std::numeric_limits<std::ptrdiff_t>::max(), std::numeric_limits<std::ptrdiff_t>::min()})
    add("ecostep_spin_up", "day_stride beyond memory", ECOSTEP_INVALID_ARGUMENT, {"stride"},
        [stride](Host& h) { return ecostep_spin_up(h.cells, 2001, 1, 4, 1, stride); });

  add("ecostep_step_gradient", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_step_gradient(nullptr, 2001, 1, 4, weights, nullptr, weights, weights); });
  add("ecostep_step_gradient", "flux_weight null", ECOSTEP_INVALID_ARGUMENT, {"flux_weight", "null pointer"},
      [](Host& h) { return ecostep_step_gradient(h.cells, 2001, 1, 4, nullptr, nullptr, weights, weights); });
  add("ecostep_step_gradient", "state_weight null within a day", ECOSTEP_BAD_DATE, {},
      [](Host& h) { return ecostep_step_gradient(h.cells, 2001, 1, 4, weights, nullptr, weights, weights); });
  add("ecostep_step_gradient", "input_gradient null", ECOSTEP_INVALID_ARGUMENT, {"input_gradient", "null pointer"},
      [](Host& h) { return ecostep_step_gradient(h.cells, 2001, 1, 4, weights, nullptr, nullptr, weights); });
  add("ecostep_step_gradient", "state_gradient null", ECOSTEP_INVALID_ARGUMENT, {"state_gradient", "null pointer"},
      [](Host& h) { return ecostep_step_gradient(h.cells, 2001, 1, 4, weights, nullptr, weights, nullptr); });
}

void add_step_rows() {
  struct Date {
    const char* wrong;
    int year, month, day, seconds, dt;
  };
  constexpr int least = std::numeric_limits<int>::min(), most = std::numeric_limits<int>::max();
  // The host stands at 2001-01-03, 21600 s.
  for (const Date& d : {Date{"year early", 2000, 1, 3, 21600, dt},
                        {"year negative", -1, 1, 3, 21600, dt},
                        {"year least", least, 1, 3, 21600, dt},
                        {"year most", most, 1, 3, 21600, dt},
                        {"year 40001", 40001, 1, 3, 21600, dt},
                        {"month 0", 2001, 0, 3, 21600, dt},
                        {"month 13", 2001, 13, 3, 21600, dt},
                        {"month least", 2001, least, 3, 21600, dt},
                        {"month most", 2001, most, 3, 21600, dt},
                        {"month late", 2001, 2, 3, 21600, dt},
                        {"day 0", 2001, 1, 0, 21600, dt},
                        {"day 32", 2001, 1, 32, 21600, dt},
                        {"day late", 2001, 1, 4, 21600, dt},
                        {"day early", 2001, 1, 2, 21600, dt},
                        {"day least", 2001, 1, least, 21600, dt},
                        {"day most", 2001, 1, most, 21600, dt},
                        {"day of a leap year", 2001, 2, 29, 0, dt},
                        {"seconds repeated", 2001, 1, 3, 0, dt},
                        {"seconds skipped", 2001, 1, 3, 43200, dt},
                        {"seconds negative", 2001, 1, 3, -21600, dt},
                        {"seconds 86400", 2001, 1, 3, 86400, dt},
                        {"seconds least", 2001, 1, 3, least, dt},
                        {"seconds most", 2001, 1, 3, most, dt},
                        {"dt 0", 2001, 1, 3, 21600, 0},
                        {"dt negative", 2001, 1, 3, 21600, -21600},
                        {"dt 7000", 2001, 1, 3, 21600, 7000},
                        {"dt beyond the day", 2001, 1, 3, 21600, 86400},
                        {"dt two days", 2001, 1, 3, 21600, 172800},
                        {"dt least", 2001, 1, 3, 21600, least},
                        {"dt most", 2001, 1, 3, 21600, most}})
    add("ecostep_step", d.wrong, ECOSTEP_BAD_DATE, {},
        [d](Host& h) { return ecostep_step(h.cells, d.year, d.month, d.day, d.seconds, d.dt); });
  add("ecostep_step", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_step(nullptr, 2001, 1, 3, 21600, dt); });
}

// Cells on which something was never registered: the call must say what.
void add_unregistered_rows(const ecostep_model* model) {
  struct Missing {
    ecostep_role role;
    std::string name;
  };
  std::vector<Missing> list = {{static_cast<ecostep_role>(0), ""}};
  for (const ecostep_role role : {ECOSTEP_INPUT, ECOSTEP_STATIC})
    for (std::size_t v = 0; v < ecostep_variable_count(model, role); ++v) {
      ecostep_variable info;
      must(ecostep_variable_info(model, role, v, &info), "variable");
      list.push_back({role, info.name});
    }
  for (const Missing& missing : list) {
    const bool state = missing.name.empty();
    const auto call = [=](Host& h, bool init) {
      ecostep_cells* cells = nullptr;
      must(ecostep_cells_create(h.model(), n_cells, &cells), "cells");
      must(ecostep_set_calendar(cells, "noleap"), "calendar");
      for (std::size_t v = 0; v < h.inputs.size(); ++v)
        if (missing.role != ECOSTEP_INPUT || missing.name != h.input_info[v].name)
          must(ecostep_set_input(cells, h.input_info[v].name, h.input_info[v].units, h.inputs[v].data(), ECOSTEP_F64, n_cells, 1),
               "in");
      for (std::size_t v = 0; v < h.statics.size(); ++v)
        if (missing.role != ECOSTEP_STATIC || missing.name != h.static_info[v].name)
          must(ecostep_set_static(cells, h.static_info[v].name, h.static_info[v].units, h.statics[v].data(), ECOSTEP_F64, n_cells,
                                  1),
               "st");
      if (!state) must(ecostep_set_state(cells, h.state.data(), ecostep_state_size(h.model()), n_cells), "state");
      const ecostep_status status = init ? ecostep_init_state(cells) : ecostep_step(cells, h.year, h.month, h.day, h.seconds, dt);
      ecostep_cells_destroy(cells);
      return status;
    };
    const std::vector<std::string> says = {state ? "the state" : "'" + missing.name + "'", "not registered"};
    if (state || missing.role == ECOSTEP_INPUT)
      add("ecostep_step", "cells without " + missing.name, ECOSTEP_NOT_REGISTERED, says, [=](Host& h) { return call(h, false); });
    if (state || missing.role == ECOSTEP_STATIC)
      add("ecostep_init_state", "cells without " + missing.name, ECOSTEP_NOT_REGISTERED, says,
          [=](Host& h) { return call(h, true); });
  }
}

}  // namespace bad_calls
