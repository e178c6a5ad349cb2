// Arrays of rank 2: what is wrong with each parameter of the functions that register them.
#include <cstring>

#include "table.h"

namespace bad_calls {

namespace {

constexpr std::ptrdiff_t beyond_memory = std::numeric_limits<std::ptrdiff_t>::max() / 100;

struct Tile {
  const char* name;
  const char* units;
  void* data;
  ecostep_type type;
  std::size_t n_1;
  std::ptrdiff_t stride_1;
  std::size_t n_2;
  std::ptrdiff_t stride_2;
};

struct Function {
  const char* function;
  const char *name_parameter, *data_parameter;  // null where it takes no name
  bool takes_units;
  Tile right;
  std::function<ecostep_status(ecostep_cells*, const Tile&)> call;
  ecostep_status null_data;
};

template <class Call>
auto named(Call function) {
  return [function](ecostep_cells* cells, const Tile& t) {
    return function(cells, t.name, t.units, t.data, t.type, t.n_1, t.stride_1, t.n_2, t.stride_2);
  };
}

void add_rows(const Function& f) {
  const auto row = [&](const std::string& wrong, ecostep_status status, std::vector<std::string> says, const Tile& tile) {
    add(f.function, wrong, status, std::move(says), [call = f.call, tile](Host& h) { return call(h.cells, tile); });
  };
  const auto with = [&](auto change) {
    Tile tile = f.right;
    change(tile);
    return tile;
  };
  add(f.function, "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [f](Host&) { return f.call(nullptr, f.right); });
  if (f.name_parameter != nullptr)
    row(std::string(f.name_parameter) + " null", ECOSTEP_INVALID_ARGUMENT, {"null pointer"},
        with([](Tile& t) { t.name = nullptr; }));
  if (f.takes_units)
    row("units null", ECOSTEP_INVALID_ARGUMENT, {"units", "null pointer"}, with([](Tile& t) { t.units = nullptr; }));
  row(std::string(f.data_parameter) + " null", f.null_data, {}, with([](Tile& t) { t.data = nullptr; }));
  row("type 9", ECOSTEP_INVALID_ARGUMENT, {"type 9"}, with([](Tile& t) { t.type = static_cast<ecostep_type>(9); }));
  row("n_1 of other cells", ECOSTEP_WRONG_SIZE, {"68", "67"}, with([](Tile& t) { t.n_1 = n_cells + 1; }));
  row("n_1 and n_2 beyond numbers", ECOSTEP_WRONG_SIZE, {"too large"},
      with([](Tile& t) { t.n_1 = t.n_2 = std::numeric_limits<std::size_t>::max() / 2; }));
  row("n_2 of two rows", ECOSTEP_WRONG_SIZE, {"134", "67"}, with([](Tile& t) { t.n_2 = 2; }));
  row("stride_1 beyond memory", ECOSTEP_INVALID_ARGUMENT, {"stride"}, with([](Tile& t) { t.stride_1 = beyond_memory; }));
  row("stride_2 beyond memory", ECOSTEP_INVALID_ARGUMENT, {"stride"},
      with([](Tile& t) { t.n_1 = 1, t.n_2 = n_cells, t.stride_2 = -beyond_memory; }));
}

// Whatever is given, the model takes none.
void add_not_available(const char* target, const Tile& tile) {
  for (const char* parameter : {"target", "units", "data", "type", "n_1", "stride_1", "n_2", "stride_2"})
    add("ecostep_set_observed_2d", std::string(parameter) + " of a model without past flux", ECOSTEP_NOT_AVAILABLE, {target},
        [tile](Host& h) { return named(ecostep_set_observed_2d)(h.cells, tile); });
  add("ecostep_set_observed_2d", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [tile](Host&) { return named(ecostep_set_observed_2d)(nullptr, tile); });
}

}  // namespace

void add_tile_rows(const ecostep_model* model) {
  static double array[n_cells];
  static std::int32_t mask[n_cells];
  ecostep_variable input, fixed, target;
  must(ecostep_variable_info(model, ECOSTEP_INPUT, 0, &input), "input");
  must(ecostep_variable_info(model, ECOSTEP_STATIC, 0, &fixed), "static");
  must(ecostep_variable_info(model, ECOSTEP_TARGET, 0, &target), "target");
  const auto tile = [&](const ecostep_variable& v) { return Tile{v.name, v.units, array, ECOSTEP_F64, n_cells, 1, 1, 1}; };
  constexpr ecostep_status refused = ECOSTEP_INVALID_ARGUMENT;
  add_rows({"ecostep_set_input_2d", "name", "data", true, tile(input), named(ecostep_set_input_2d), refused});
  add_rows({"ecostep_set_static_2d", "name", "data", true, tile(fixed), named(ecostep_set_static_2d), refused});
  add_rows({"ecostep_set_output_2d", "target", "data", true, tile(target), named(ecostep_set_output_2d), refused});
  if (std::strcmp(ecostep_model_past_flux(model), "none") != 0)
    add_rows({"ecostep_set_observed_2d", "target", "data", true, tile(target), named(ecostep_set_observed_2d), ECOSTEP_OK});
  else
    add_not_available(target.name, tile(target));
  add_rows({"ecostep_set_mask_2d",
            nullptr,
            "active",
            false,
            {nullptr, nullptr, mask, ECOSTEP_I32, n_cells, 1, 1, 1},
            [](ecostep_cells* cells, const Tile& t) {
              return ecostep_set_mask_2d(cells, t.data, t.type, t.n_1, t.stride_1, t.n_2, t.stride_2);
            },
            ECOSTEP_OK});
  add_rows({"ecostep_set_local_time_2d",
            nullptr,
            "offset",
            true,
            {nullptr, "h", array, ECOSTEP_F64, n_cells, 1, 1, 1},
            [](ecostep_cells* cells, const Tile& t) {
              return ecostep_set_local_time_2d(cells, t.units, t.data, t.type, t.n_1, t.stride_1, t.n_2, t.stride_2);
            },
            refused});
}

}  // namespace bad_calls
