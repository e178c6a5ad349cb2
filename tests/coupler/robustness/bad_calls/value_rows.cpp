#include <memory>

#include "table.h"

namespace bad_calls {

namespace {

struct BadValue {
  double value;
  std::string says;
};

std::vector<BadValue> bad_values(const ecostep_variable& v) {
  std::vector<BadValue> values = {{nan, "NaN"}, {inf, "inf"}, {-inf, "-inf"}, {1e300, "in cell"}, {-1e300, "in cell"}};
  if (std::isfinite(v.valid_max)) values.push_back({std::nextafter(v.valid_max, inf), "outside the valid range"});
  if (std::isfinite(v.valid_min)) values.push_back({std::nextafter(v.valid_min, -inf), "outside the valid range"});
  return values;
}

}  // namespace

void add_value_rows(const ecostep_model* model) {
  const auto add_values = [&](const char* function, const char* parameter, ecostep_role role, Host::Arrays Host::*arrays,
                              ecostep_status (*call)(Host&)) {
    for (std::size_t v = 0; v < ecostep_variable_count(model, role); ++v) {
      ecostep_variable info;
      must(ecostep_variable_info(model, role, v, &info), "variable");
      for (const std::size_t cell : {std::size_t{0}, std::size_t{30}, n_cells - 1})
        for (const BadValue& bad : bad_values(info)) {
          auto good = std::make_shared<double>();
          const auto place = [=](Host& h) -> double& { return (h.*arrays)[v][cell]; };
          const std::string where = "cell " + std::to_string(cell + 1) + " of " + std::to_string(n_cells);
          table.push_back({function,
                           std::string(parameter) + " " + info.name + " " + bad.says,
                           ECOSTEP_BAD_VALUE,
                           {std::string("'") + info.name + "'", where, bad.says},
                           [=](Host& h) {
                             *good = place(h);
                             place(h) = bad.value;
                             return call(h);
                           },
                           [=](Host& h) { place(h) = *good; }});
        }
    }
  };
  // The same in single precision, where a limit of the valid range may lie between two numbers.
  for (std::size_t v = 0; v < ecostep_variable_count(model, ECOSTEP_INPUT); ++v) {
    ecostep_variable info;
    must(ecostep_variable_info(model, ECOSTEP_INPUT, v, &info), "variable");
    std::vector<float> bad = {static_cast<float>(nan), static_cast<float>(inf), -static_cast<float>(inf),
                              std::numeric_limits<float>::max()};
    for (const double limit : {info.valid_min, info.valid_max}) {
      const float single = static_cast<float>(limit), away = limit == info.valid_min ? -INFINITY : INFINITY;
      if (std::isfinite(limit))
        bad.push_back(limit == info.valid_min ? (single < limit ? single : std::nextafter(single, away))
                                              : (single > limit ? single : std::nextafter(single, away)));
    }
    for (const float value : bad)
      for (const std::size_t cell : {std::size_t{0}, n_cells - 1}) {
        const double usual = std::isfinite(info.train_min) ? info.train_min : std::isfinite(info.valid_min) ? info.valid_min : 0.0;
        const auto array = std::make_shared<std::vector<float>>(n_cells, static_cast<float>(usual));
        (*array)[cell] = value;
        table.push_back(
            {"ecostep_step",
             std::string("cells ") + info.name + " in single precision",
             ECOSTEP_BAD_VALUE,
             {std::string("'") + info.name + "'", "cell " + std::to_string(cell + 1) + " of " + std::to_string(n_cells)},
             [=](Host& h) {
               must(ecostep_set_input(h.cells, info.name, info.units, array->data(), ECOSTEP_F32, n_cells, 1), "single");
               return ecostep_step(h.cells, h.year, h.month, h.day, h.seconds, dt);
             },
             [=](Host& h) {
               must(ecostep_set_input(h.cells, info.name, info.units, h.inputs[v].data(), ECOSTEP_F64, n_cells, 1), "double");
             }});
      }
  }
  add_values("ecostep_step", "cells", ECOSTEP_INPUT, &Host::inputs,
             [](Host& h) { return ecostep_step(h.cells, h.year, h.month, h.day, h.seconds, dt); });
  add_values("ecostep_init_state", "cells", ECOSTEP_STATIC, &Host::statics, [](Host& h) { return ecostep_init_state(h.cells); });
}

// A state that the host has spoilt; the date lies in the last two values of a row.
void add_state_rows(const ecostep_model* model) {
  const std::size_t size = ecostep_state_size(model);
  for (const std::size_t cell : {std::size_t{0}, n_cells - 1})
    for (const std::size_t column : {size - 1, size - 2})
      for (const float value :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3.0f, 1e30f, 0.5f}) {
        auto good = std::make_shared<float>();
        table.push_back({"ecostep_step",
                         "cells with a spoilt date",
                         ECOSTEP_BAD_DATE,
                         {"cell " + std::to_string(cell + 1)},
                         [=](Host& h) {
                           *good = h.state[cell * size + column];
                           h.state[cell * size + column] = value;
                           return ecostep_step(h.cells, h.year, h.month, h.day, h.seconds, dt);
                         },
                         [=](Host& h) { h.state[cell * size + column] = *good; }});
      }
}

}  // namespace bad_calls
