#include <cstring>

#include "table.h"

namespace bad_calls {

namespace {

// The functions that register an array have the same parameters but for their constness.
struct Registration {
  const char* function;
  const char* name_parameter;
  const char* name;
  const char* units;
  bool written;  // by the library
  std::function<ecostep_status(ecostep_cells*, const char*, const char*, void*, ecostep_type, std::size_t, std::ptrdiff_t)> call;
};

void add_array_rows(const Registration& r, bool nullable) {
  static double array[4 * n_cells];
  const auto row = [&](const std::string& wrong, ecostep_status status, std::vector<std::string> says, const char* name,
                       const char* units, void* data, int type, std::size_t ncell, std::ptrdiff_t stride) {
    add(r.function, wrong, status, std::move(says),
        [=, call = r.call](Host& h) { return call(h.cells, name, units, data, static_cast<ecostep_type>(type), ncell, stride); });
  };
  add(r.function, "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [r](Host&) { return r.call(nullptr, r.name, r.units, array, ECOSTEP_F64, n_cells, 1); });
  const std::string name_parameter = r.name_parameter;
  row(name_parameter + " null", ECOSTEP_INVALID_ARGUMENT, {"null pointer"}, nullptr, r.units, array, ECOSTEP_F64, n_cells, 1);
  row(name_parameter + " unknown", ECOSTEP_UNKNOWN_NAME, {"'t2m'", r.name}, "t2m", r.units, array, ECOSTEP_F64, n_cells, 1);
  row(name_parameter + " empty", ECOSTEP_UNKNOWN_NAME, {"''"}, "", r.units, array, ECOSTEP_F64, n_cells, 1);
  row("units null", ECOSTEP_INVALID_ARGUMENT, {"units", "null pointer"}, r.name, nullptr, array, ECOSTEP_F64, n_cells, 1);
  for (const char* units : {"furlong", "", "mol", "1e999", "K-", "m**", "kg m^99", "/", "1e-300^2 K", "\x01\xff"})
    row("units " + std::string(units), ECOSTEP_BAD_UNITS, {std::string("'") + r.name + "'", r.units}, r.name, units, array,
        ECOSTEP_F64, n_cells, 1);
  if (!nullable)
    row("data null", ECOSTEP_INVALID_ARGUMENT, {r.name, "null pointer"}, r.name, r.units, nullptr, ECOSTEP_F64, n_cells, 1);
  row("data misaligned", ECOSTEP_INVALID_ARGUMENT, {r.name, "multiple"}, r.name, r.units, reinterpret_cast<char*>(array) + 1,
      ECOSTEP_F64, n_cells, 1);
  for (const int type : {0, 6, -1, 1000})
    row("type " + std::to_string(type), ECOSTEP_INVALID_ARGUMENT, {"type"}, r.name, r.units, array, type, n_cells, 1);
  if (r.written) {
    row("type integer", ECOSTEP_INVALID_ARGUMENT, {r.name, "ECOSTEP_F32"}, r.name, r.units, array, ECOSTEP_I32, n_cells, 1);
    row("stride zero", ECOSTEP_INVALID_ARGUMENT, {r.name, "stride 0"}, r.name, r.units, array, ECOSTEP_F64, n_cells, 0);
  }
  for (const std::size_t n : {n_cells - 1, n_cells + 1, std::size_t{0}, std::numeric_limits<std::size_t>::max()})
    row("ncell " + std::to_string(n), ECOSTEP_WRONG_SIZE, {r.name, std::to_string(n), std::to_string(n_cells)}, r.name, r.units,
        array, ECOSTEP_F64, n, 1);
  for (const std::ptrdiff_t stride : {std::numeric_limits<std::ptrdiff_t>::max(), std::numeric_limits<std::ptrdiff_t>::min(),
                                      std::numeric_limits<std::ptrdiff_t>::max() / 100})
    row("stride beyond memory", ECOSTEP_INVALID_ARGUMENT, {r.name, "stride"}, r.name, r.units, array, ECOSTEP_F64, n_cells, stride);
}

}  // namespace

void add_registration_rows(const ecostep_model* model) {
  ecostep_variable input, fixed, target;
  must(ecostep_variable_info(model, ECOSTEP_INPUT, 0, &input), "input");
  must(ecostep_variable_info(model, ECOSTEP_STATIC, 0, &fixed), "static");
  must(ecostep_variable_info(model, ECOSTEP_TARGET, 0, &target), "target");
  add_array_rows({"ecostep_set_input", "name", input.name, input.units, false, ecostep_set_input}, false);
  add_array_rows({"ecostep_set_static", "name", fixed.name, fixed.units, false, ecostep_set_static}, false);
  add_array_rows({"ecostep_set_output", "target", target.name, target.units, true, ecostep_set_output}, false);
  if (std::strcmp(ecostep_model_past_flux(model), "none") != 0) {
    add_array_rows({"ecostep_set_observed", "target", target.name, target.units, false, ecostep_set_observed}, true);
    add("ecostep_set_observed", "data null for an unknown target", ECOSTEP_UNKNOWN_NAME, {"'t2m'"},
        [](Host& h) { return ecostep_set_observed(h.cells, "t2m", "1", nullptr, ECOSTEP_F64, n_cells, 1); });
    add_harmless("ecostep_set_observed", "data null", [target](Host& h) {
      return ecostep_set_observed(h.cells, target.name, target.units, nullptr, ECOSTEP_F64, n_cells, 1) == ECOSTEP_OK;
    });
  } else {
    for (const char* parameter : {"cells", "target", "units", "data", "type", "ncell", "stride"})
      add("ecostep_set_observed", std::string(parameter) + " of a model without past flux", ECOSTEP_NOT_AVAILABLE, {target.name},
          [target](Host& h) {
            return ecostep_set_observed(h.cells, target.name, target.units, h.outputs[0].data(), ECOSTEP_F64, n_cells, 1);
          });
    add("ecostep_set_observed", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"}, [target](Host& h) {
      return ecostep_set_observed(nullptr, target.name, target.units, h.outputs[0].data(), ECOSTEP_F64, n_cells, 1);
    });
  }

  const std::size_t size = ecostep_state_size(model);
  add("ecostep_set_state", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [size](Host& h) { return ecostep_set_state(nullptr, h.state.data(), size, n_cells); });
  add("ecostep_set_state", "state null", ECOSTEP_INVALID_ARGUMENT, {"state", "null pointer"},
      [size](Host& h) { return ecostep_set_state(h.cells, nullptr, size, n_cells); });
  add("ecostep_set_state", "state misaligned", ECOSTEP_INVALID_ARGUMENT, {"state", "multiple"}, [size](Host& h) {
    return ecostep_set_state(h.cells, reinterpret_cast<float*>(reinterpret_cast<char*>(h.state.data()) + 1), size, n_cells);
  });
  for (const std::size_t wrong : {size - 1, size + 1, std::size_t{0}, std::numeric_limits<std::size_t>::max()})
    add("ecostep_set_state", "state_size " + std::to_string(wrong), ECOSTEP_WRONG_SIZE,
        {"state", std::to_string(wrong), std::to_string(size)},
        [wrong](Host& h) { return ecostep_set_state(h.cells, h.state.data(), wrong, n_cells); });
  for (const std::size_t wrong : {n_cells - 1, n_cells + 1, std::size_t{0}})
    add("ecostep_set_state", "ncell " + std::to_string(wrong), ECOSTEP_WRONG_SIZE,
        {"state", std::to_string(wrong), std::to_string(n_cells)},
        [=](Host& h) { return ecostep_set_state(h.cells, h.state.data(), size, wrong); });

  static std::uint32_t checksums[n_cells];
  add("ecostep_state_checksum", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_state_checksum(nullptr, checksums, n_cells); });
  add("ecostep_state_checksum", "checksum null", ECOSTEP_INVALID_ARGUMENT, {"checksum", "null pointer"},
      [](Host& h) { return ecostep_state_checksum(h.cells, nullptr, n_cells); });
  add("ecostep_state_check", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_state_check(nullptr, checksums, n_cells); });
  add("ecostep_state_check", "checksum of another state", ECOSTEP_CORRUPT, {"cell 67 of 67", "(1 such cells)"}, [](Host& h) {
    ecostep_state_checksum(h.cells, checksums, n_cells);
    checksums[n_cells - 1] ^= 1;
    return ecostep_state_check(h.cells, checksums, n_cells);
  });
  for (const std::size_t wrong : {n_cells - 1, n_cells + 1, std::size_t{0}}) {
    const std::vector<std::string> says = {"checksums", std::to_string(wrong), std::to_string(n_cells)};
    add("ecostep_state_checksum", "ncell " + std::to_string(wrong), ECOSTEP_WRONG_SIZE, says,
        [wrong](Host& h) { return ecostep_state_checksum(h.cells, checksums, wrong); });
    add("ecostep_state_check", "ncell " + std::to_string(wrong), ECOSTEP_WRONG_SIZE, says,
        [wrong](Host& h) { return ecostep_state_check(h.cells, checksums, wrong); });
  }

  add("ecostep_set_calendar", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_set_calendar(nullptr, "noleap"); });
  add("ecostep_set_calendar", "calendar null", ECOSTEP_INVALID_ARGUMENT, {"calendar", "null pointer"},
      [](Host& h) { return ecostep_set_calendar(h.cells, nullptr); });
  for (const char* calendar : {"", "julian", "366_day", "noleap "})
    add("ecostep_set_calendar", "calendar unknown", ECOSTEP_BAD_DATE, {std::string("'") + calendar + "'", "noleap"},
        [calendar](Host& h) { return ecostep_set_calendar(h.cells, calendar); });
  add("ecostep_set_staging", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_set_staging(nullptr, 1 << 20); });
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::numeric_limits<std::size_t>::max()})
    add_harmless("ecostep_set_staging", "bytes " + std::to_string(bytes), [bytes](Host& h) {
      const ecostep_status status = ecostep_set_staging(h.cells, bytes);
      return status == ECOSTEP_OK || status == ECOSTEP_INVALID_ARGUMENT;
    });
  add("ecostep_init_state", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_init_state(nullptr); });
  add("ecostep_write_outputs", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_write_outputs(nullptr); });
  add("ecostep_reset_date", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_reset_date(nullptr); });
}

void add_mask_and_policy_rows(const ecostep_model* model) {
  static std::int32_t mask[n_cells + 1];
  for (std::int32_t& active : mask) active = 1;
  const auto mask_row = [](const std::string& wrong, ecostep_status status, std::vector<std::string> says, const void* active,
                           int type, std::size_t ncell, std::ptrdiff_t stride) {
    add("ecostep_set_mask", wrong, status, std::move(says),
        [=](Host& h) { return ecostep_set_mask(h.cells, active, static_cast<ecostep_type>(type), ncell, stride); });
  };
  add("ecostep_set_mask", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_set_mask(nullptr, mask, ECOSTEP_I32, n_cells, 1); });
  mask_row("active null", ECOSTEP_OK, {}, nullptr, ECOSTEP_I32, n_cells, 1);
  mask_row("active misaligned", ECOSTEP_INVALID_ARGUMENT, {"mask", "multiple"}, reinterpret_cast<char*>(mask) + 1, ECOSTEP_I32,
           n_cells, 1);
  for (const int type : {0, 6, -1, 1000})
    mask_row("type " + std::to_string(type), ECOSTEP_INVALID_ARGUMENT, {"type"}, mask, type, n_cells, 1);
  for (const int type : {ECOSTEP_F32, ECOSTEP_F64})
    mask_row("type real", ECOSTEP_INVALID_ARGUMENT, {"mask", "ECOSTEP_I32"}, mask, type, n_cells, 1);
  for (const std::size_t n : {n_cells - 1, n_cells + 1, std::size_t{0}})
    mask_row("ncell " + std::to_string(n), ECOSTEP_WRONG_SIZE, {"mask", std::to_string(n), std::to_string(n_cells)}, mask,
             ECOSTEP_I32, n, 1);
  mask_row("stride beyond memory", ECOSTEP_INVALID_ARGUMENT, {"mask", "stride"}, mask, ECOSTEP_I32, n_cells,
           std::numeric_limits<std::ptrdiff_t>::max() / 100);
  static double hours[n_cells + 1];
  const auto local_time_row = [](const std::string& wrong, ecostep_status status, std::vector<std::string> says, const char* units,
                                 const void* offset, int type, std::size_t ncell, std::ptrdiff_t stride) {
    add("ecostep_set_local_time", wrong, status, std::move(says),
        [=](Host& h) { return ecostep_set_local_time(h.cells, units, offset, static_cast<ecostep_type>(type), ncell, stride); });
  };
  add("ecostep_set_local_time", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_set_local_time(nullptr, "h", hours, ECOSTEP_F64, n_cells, 1); });
  local_time_row("units null", ECOSTEP_INVALID_ARGUMENT, {"units", "null pointer"}, nullptr, hours, ECOSTEP_F64, n_cells, 1);
  local_time_row("units of no time", ECOSTEP_BAD_UNITS, {"local time", "K"}, "K", hours, ECOSTEP_F64, n_cells, 1);
  local_time_row("offset null", ECOSTEP_INVALID_ARGUMENT, {"local time", "null pointer"}, "h", nullptr, ECOSTEP_F64, n_cells, 1);
  local_time_row("type 0", ECOSTEP_INVALID_ARGUMENT, {"type"}, "h", hours, 0, n_cells, 1);
  for (const std::size_t n : {n_cells - 1, n_cells + 1})
    local_time_row("ncell " + std::to_string(n), ECOSTEP_WRONG_SIZE, {"local time", std::to_string(n), std::to_string(n_cells)},
                   "h", hours, ECOSTEP_F64, n, 1);
  local_time_row("stride beyond memory", ECOSTEP_INVALID_ARGUMENT, {"local time", "stride"}, "h", hours, ECOSTEP_F64, n_cells,
                 std::numeric_limits<std::ptrdiff_t>::max() / 100);
  // No cell is active: nothing is read or written, whatever the date.
  table.push_back({"ecostep_step",
                   "cells all masked",
                   ECOSTEP_OK,
                   {},
                   [](Host& h) {
                     static const std::int8_t none = 0;
                     must(ecostep_set_mask(h.cells, &none, ECOSTEP_I8, n_cells, 0), "mask");
                     return ecostep_step(h.cells, 1999, 12, 31, 0, dt);
                   },
                   [](Host& h) { must(ecostep_set_mask(h.cells, nullptr, ECOSTEP_I8, n_cells, 0), "no mask"); }});

  ecostep_variable input;
  must(ecostep_variable_info(model, ECOSTEP_INPUT, 0, &input), "input");
  add("ecostep_set_policy", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [input](Host&) { return ecostep_set_policy(nullptr, input.name, ECOSTEP_POLICY_WARN); });
  for (const char* name : {"t2m", ""})
    add("ecostep_set_policy", "name unknown", ECOSTEP_UNKNOWN_NAME, {std::string("'") + name + "'"},
        [name](Host& h) { return ecostep_set_policy(h.cells, name, ECOSTEP_POLICY_ERROR); });
  for (const int policy : {-1, 4, 1000})
    add("ecostep_set_policy", "policy " + std::to_string(policy), ECOSTEP_INVALID_ARGUMENT, {"policy", std::to_string(policy)},
        [input, policy](Host& h) { return ecostep_set_policy(h.cells, input.name, static_cast<ecostep_policy>(policy)); });
  add("ecostep_range_count", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"}, [input](Host&) {
    std::size_t count;
    return ecostep_range_count(nullptr, input.name, &count);
  });
  add("ecostep_range_count", "name unknown", ECOSTEP_UNKNOWN_NAME, {"'t2m'"}, [](Host& h) {
    std::size_t count;
    return ecostep_range_count(h.cells, "t2m", &count);
  });
  add("ecostep_range_count", "count null", ECOSTEP_INVALID_ARGUMENT, {"count", "null pointer"},
      [input](Host& h) { return ecostep_range_count(h.cells, input.name, nullptr); });
  add_harmless("ecostep_range_message", "cells null", [](Host&) { return std::strcmp(ecostep_range_message(nullptr), "") == 0; });
}

}  // namespace bad_calls
