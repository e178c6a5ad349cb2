#include <cstring>

#include "table.h"

namespace bad_calls {

void add_model_rows() {
  struct Open {
    const char* name;
    ecostep_status (*function)(const char*, const char*, ecostep_model**);
  };
  for (const Open& open : {Open{"ecostep_open", ecostep_open}, Open{"ecostep_open_trusted", ecostep_open_trusted}}) {
    const auto function = open.function;
    const auto opened = [function](const char* path, const char* backend) {
      ecostep_model* model = nullptr;
      return function(path, backend, &model);
    };
    add(open.name, "path null", ECOSTEP_INVALID_ARGUMENT, {"path", "null pointer"},
        [=](Host&) { return opened(nullptr, nullptr); });
    add(open.name, "path missing", ECOSTEP_FILE_ERROR, {"no_such_file.pt"},
        [=](Host&) { return opened("no_such_file.pt", nullptr); });
    add(open.name, "path empty", ECOSTEP_FILE_ERROR, {"cannot be opened"}, [=](Host&) { return opened("", nullptr); });
    add(open.name, "path folder", ECOSTEP_FILE_ERROR, {"/"}, [=](Host&) { return opened("/", nullptr); });
    add(open.name, "backend unknown", ECOSTEP_NO_BACKEND, {"quantum"}, [=](Host&) { return opened(artefact_path, "quantum"); });
    add(open.name, "model null", ECOSTEP_INVALID_ARGUMENT, {"model", "null pointer"},
        [=](Host&) { return function(artefact_path, nullptr, nullptr); });
  }

  add_harmless("ecostep_close", "model null", [](Host&) { return ecostep_close(nullptr), true; });
  add_harmless("ecostep_state_size", "model null", [](Host&) { return ecostep_state_size(nullptr) == 0; });
  add_harmless("ecostep_variable_count", "model null", [](Host&) { return ecostep_variable_count(nullptr, ECOSTEP_INPUT) == 0; });
  for (const int role : {0, 4, 99, -1})
    add_harmless("ecostep_variable_count", "role " + std::to_string(role),
                 [role](Host& h) { return ecostep_variable_count(h.model(), static_cast<ecostep_role>(role)) == 0; });
  add_harmless("ecostep_block_rows", "model null", [](Host&) { return ecostep_block_rows(nullptr) == 0; });
  add_harmless("ecostep_model_flops", "model null", [](Host&) { return ecostep_model_flops(nullptr) == 0.0; });
  add_harmless("ecostep_cells_count", "cells null", [](Host&) { return ecostep_cells_count(nullptr) == 0; });
  add_harmless("ecostep_cells_destroy", "cells null", [](Host&) { return ecostep_cells_destroy(nullptr), true; });
  add_harmless("ecostep_model_share", "model null", [](Host&) { return ecostep_model_share(nullptr) == nullptr; });
  add_harmless("ecostep_cells_share", "cells null", [](Host&) { return ecostep_cells_share(nullptr) == nullptr; });
  for (const int status : {-1, 19, 1000})
    add_harmless("ecostep_status_name", "status " + std::to_string(status), [status](Host&) {
      return std::strcmp(ecostep_status_name(static_cast<ecostep_status>(status)), "UNKNOWN_STATUS") == 0;
    });
  using Text = const char* (*)(const ecostep_model*);
  const std::pair<const char*, Text> texts[] = {{"ecostep_model_name", ecostep_model_name},
                                                {"ecostep_model_kind", ecostep_model_kind},
                                                {"ecostep_model_backend", ecostep_model_backend},
                                                {"ecostep_model_past_flux", ecostep_model_past_flux},
                                                {"ecostep_model_backend_reason", ecostep_model_backend_reason},
                                                {"ecostep_fingerprint", ecostep_fingerprint},
                                                {"ecostep_model_metadata", ecostep_model_metadata}};
  for (const auto& [name, text] : texts)
    add_harmless(name, "model null", [text = text](Host&) { return std::strcmp(text(nullptr), "") == 0; });

  add("ecostep_variable_info", "model null", ECOSTEP_INVALID_ARGUMENT, {"model", "null pointer"}, [](Host&) {
    ecostep_variable info;
    return ecostep_variable_info(nullptr, ECOSTEP_INPUT, 0, &info);
  });
  for (const int role : {0, 4, 99, -1})
    add("ecostep_variable_info", "role " + std::to_string(role), ECOSTEP_INVALID_ARGUMENT, {"role"}, [role](Host& h) {
      ecostep_variable info;
      return ecostep_variable_info(h.model(), static_cast<ecostep_role>(role), 0, &info);
    });
  for (const std::size_t index : {std::size_t{1000}, std::numeric_limits<std::size_t>::max()})
    add("ecostep_variable_info", "index too large", ECOSTEP_INVALID_ARGUMENT, {"no variable"}, [index](Host& h) {
      ecostep_variable info;
      return ecostep_variable_info(h.model(), ECOSTEP_INPUT, index, &info);
    });
  add("ecostep_variable_info", "info null", ECOSTEP_INVALID_ARGUMENT, {"info", "null pointer"},
      [](Host& h) { return ecostep_variable_info(h.model(), ECOSTEP_INPUT, 0, nullptr); });
  static double factor = 0.0, shift = 0.0;
  const auto convert = [](const char* variable, const char* from, const char* to, double interval, double* scale, double* offset) {
    return [=](Host&) { return ecostep_unit_conversion(variable, from, to, interval, scale, offset); };
  };
  const auto bad_conversion = [&](const char* wrong, ecostep_status status, const char* says, auto call) {
    add("ecostep_unit_conversion", wrong, status, {says}, call);
  };
  bad_conversion("variable null", ECOSTEP_INVALID_ARGUMENT, "variable: null", convert(nullptr, "K", "K", 0, &factor, &shift));
  bad_conversion("from null", ECOSTEP_INVALID_ARGUMENT, "from: null", convert("tas", nullptr, "K", 0, &factor, &shift));
  bad_conversion("from unknown", ECOSTEP_BAD_UNITS, "unknown unit 'furlong'", convert("tas", "furlong", "K", 0, &factor, &shift));
  bad_conversion("to null", ECOSTEP_INVALID_ARGUMENT, "to: null", convert("tas", "K", nullptr, 0, &factor, &shift));
  bad_conversion("to of another quantity", ECOSTEP_BAD_UNITS, "a speed", convert("tas", "K", "m/s", 0, &factor, &shift));
  bad_conversion("interval negative", ECOSTEP_INVALID_ARGUMENT, "interval -1", convert("tas", "K", "degC", -1, &factor, &shift));
  bad_conversion("interval NaN", ECOSTEP_INVALID_ARGUMENT, "interval", convert("tas", "K", "degC", nan, &factor, &shift));
  bad_conversion("scale null", ECOSTEP_INVALID_ARGUMENT, "scale: null", convert("tas", "K", "degC", 0, nullptr, &shift));
  bad_conversion("offset null", ECOSTEP_INVALID_ARGUMENT, "offset: null", convert("tas", "K", "degC", 0, &factor, nullptr));
  add("ecostep_verify", "model null", ECOSTEP_INVALID_ARGUMENT, {"model", "null pointer"}, [](Host&) {
    double difference = 0.0;
    return ecostep_verify(nullptr, &difference);
  });
  add_harmless("ecostep_verify", "max_difference null", [](Host& h) {
    const ecostep_status status = ecostep_verify(h.model(), nullptr);
    return status == ECOSTEP_OK || status == ECOSTEP_NOT_AVAILABLE;
  });

  add("ecostep_cells_create", "model null", ECOSTEP_INVALID_ARGUMENT, {"model", "null pointer"}, [](Host&) {
    ecostep_cells* cells = nullptr;
    return ecostep_cells_create(nullptr, 1, &cells);
  });
  for (const std::size_t n : {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() / 4})
    add("ecostep_cells_create", "ncell too large", ECOSTEP_WRONG_SIZE, {"number of cells", "too large"}, [n](Host& h) {
      ecostep_cells* cells = nullptr;
      return ecostep_cells_create(h.model(), n, &cells);
    });
  add_harmless("ecostep_cells_create", "ncell zero", [](Host& h) {
    ecostep_cells* cells = nullptr;
    bool good = ecostep_cells_create(h.model(), 0, &cells) == ECOSTEP_OK && ecostep_cells_count(cells) == 0;
    for (const ecostep_variable& v : h.input_info)
      good &= ecostep_set_input(cells, v.name, v.units, nullptr, ECOSTEP_F64, 0, 1) == 0;
    for (const ecostep_variable& v : h.static_info)
      good &= ecostep_set_static(cells, v.name, v.units, nullptr, ECOSTEP_F64, 0, 1) == 0;
    good &= ecostep_set_state(cells, nullptr, ecostep_state_size(h.model()), 0) == 0 && ecostep_init_state(cells) == 0;
    good &= ecostep_step(cells, 2001, 1, 1, 0, 86400) == 0 && ecostep_reset_date(cells) == 0;
    ecostep_cells_destroy(cells);
    return good;
  });
  add("ecostep_cells_create", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host& h) { return ecostep_cells_create(h.model(), 1, nullptr); });
}

}  // namespace bad_calls
