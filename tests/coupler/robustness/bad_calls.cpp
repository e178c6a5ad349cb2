// bad_calls ARTEFACT ECOSTEP_H [BACKEND]: every function of the header with every parameter wrong in turn.
//
// Each row of the table is called on a host in the middle of a day whose floating-point traps, rounding and flags are its own. The
// status and the message must be as the row says, no array of the host may change by a bit, the floating-point environment must
// come back, and the run must go on as if the call had not been made. Every parameter that the header declares must have a row.
#define _GNU_SOURCE 1
#include <cfenv>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "host.h"

namespace {

constexpr std::size_t n_cells = 67;  // more than a block
constexpr int dt = 21600;
constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

struct Row {
  const char* function;
  std::string wrong;  // the parameter that is wrong, and how after a blank
  ecostep_status status;
  std::vector<std::string> says;  // what the message must hold
  std::function<ecostep_status(Host&)> call;
  std::function<void(Host&)> undo = [](Host&) {};  // puts the host's own mistake right
};

std::vector<Row> table;
const char* artefact_path = "";

// ---- the host's floating-point environment ----

constexpr int traps = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW;

// What the processor does with numbers below the normal ones.
#if defined(__SSE__)
unsigned control_word() {
  return _mm_getcsr();
}
void flush_denormals() {
  _mm_setcsr(_mm_getcsr() | 0x8040);
}
#elif defined(__aarch64__)
std::uint64_t control_word() {
  std::uint64_t fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  return fpcr;
}
void flush_denormals() {
  __asm__ volatile("msr fpcr, %0" : : "r"(control_word() | 1u << 24));
}
#else
unsigned control_word() {
  return 0;
}
void flush_denormals() {}
#endif

struct Environment {
  int rounding = fegetround(), trapped = fegetexcept(), flags = fetestexcept(FE_ALL_EXCEPT);
  std::uint64_t control = control_word();
  bool operator==(const Environment& other) const {
    return rounding == other.rounding && trapped == other.trapped && flags == other.flags && control == other.control;
  }
};

// Calls `work` as a host does that traps, rounds upwards, flushes denormals and has a flag raised.
template <class Work>
auto as_trapping_host(const std::string& what, Work&& work) {
  std::fenv_t own;
  std::fegetenv(&own);
  std::feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(traps);
  std::fesetround(FE_UPWARD);
  std::feraiseexcept(FE_INEXACT);
  flush_denormals();
  const Environment before;
  const auto result = work();
  const bool kept = Environment() == before;
  std::fesetenv(&own);
  check(kept, what + ": the floating-point environment changed");
  return result;
}

// ---- the header ----

struct Function {
  std::string name;
  std::vector<std::string> parameters;
};

std::vector<Function> read_header(const char* path) {
  std::ifstream file(path);
  std::stringstream stream;
  stream << file.rdbuf();
  const std::string text = std::regex_replace(stream.str(), std::regex("/\\*[^]*?\\*/"), "");
  const std::regex declaration("ECOSTEP_API[\\s\\w*]*?[\\s*](ecostep_\\w+)\\(([^)]*)\\)"),
      last_word("(\\w+)\\s*(\\[[^\\]]*\\])?\\s*$");
  std::vector<Function> functions;
  for (std::sregex_iterator at(text.begin(), text.end(), declaration), end; at != end; ++at) {
    Function function{(*at)[1], {}};
    std::stringstream list((*at)[2]);
    for (std::string parameter; std::getline(list, parameter, ',');) {
      std::smatch name;
      if (std::regex_search(parameter, name, last_word) && name[1] != "void") function.parameters.push_back(name[1]);
    }
    functions.push_back(function);
  }
  return functions;
}

void test_table_is_complete(const char* header) {
  const std::vector<Function> functions = read_header(header);
  check(functions.size() >= 20, std::string(header) + ": no functions found");
  std::set<std::string> covered;
  for (const Row& row : table) covered.insert(std::string(row.function) + " " + row.wrong.substr(0, row.wrong.find(' ')));
  for (const Function& function : functions)
    for (const std::string& parameter : function.parameters)
      check(covered.count(function.name + " " + parameter) == 1, "no row for a wrong '" + parameter + "' of " + function.name);
}

// ---- the table ----

template <class Call>
void add(const char* function, const std::string& wrong, ecostep_status status, std::vector<std::string> says, Call&& call) {
  table.push_back({function, wrong, status, std::move(says), call});
}

// Functions that return something else than a status: `call` tells whether they did what they should.
template <class Call>
void add_harmless(const char* function, const std::string& wrong, Call&& call) {
  add(function, wrong, ECOSTEP_OK, {}, [call](Host& h) { return call(h) ? ECOSTEP_OK : ECOSTEP_INTERNAL; });
}

void add_model_rows() {
  add("ecostep_open", "path null", ECOSTEP_INVALID_ARGUMENT, {"path", "null pointer"}, [](Host&) {
    ecostep_model* model = nullptr;
    return ecostep_open(nullptr, nullptr, &model);
  });
  add("ecostep_open", "path missing", ECOSTEP_FILE_ERROR, {"no_such_file.pt"}, [](Host&) {
    ecostep_model* model = nullptr;
    return ecostep_open("no_such_file.pt", nullptr, &model);
  });
  add("ecostep_open", "path empty", ECOSTEP_FILE_ERROR, {"cannot be opened"}, [](Host&) {
    ecostep_model* model = nullptr;
    return ecostep_open("", nullptr, &model);
  });
  add("ecostep_open", "path folder", ECOSTEP_FILE_ERROR, {"/"}, [](Host&) {
    ecostep_model* model = nullptr;
    return ecostep_open("/", nullptr, &model);
  });
  add("ecostep_open", "backend unknown", ECOSTEP_NO_BACKEND, {"quantum"}, [](Host&) {
    ecostep_model* model = nullptr;
    return ecostep_open(artefact_path, "quantum", &model);
  });
  add("ecostep_open", "model null", ECOSTEP_INVALID_ARGUMENT, {"model", "null pointer"},
      [](Host&) { return ecostep_open(artefact_path, nullptr, nullptr); });

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
  for (const int status : {-1, 18, 1000})
    add_harmless("ecostep_status_name", "status " + std::to_string(status), [status](Host&) {
      return std::strcmp(ecostep_status_name(static_cast<ecostep_status>(status)), "UNKNOWN_STATUS") == 0;
    });
  using Text = const char* (*)(const ecostep_model*);
  const std::pair<const char*, Text> texts[] = {{"ecostep_model_name", ecostep_model_name},
                                                {"ecostep_model_kind", ecostep_model_kind},
                                                {"ecostep_model_backend", ecostep_model_backend},
                                                {"ecostep_model_past_flux", ecostep_model_past_flux},
                                                {"ecostep_model_backend_reason", ecostep_model_backend_reason},
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

// The functions that register an array have the same parameters but for their constness.
struct Registration {
  const char* function;
  const char* name_parameter;
  const char* name;
  const char* units;
  bool written;  // by the library
  std::function<ecostep_status(ecostep_cells*, const char*, const char*, void*, ecostep_type, std::size_t, std::ptrdiff_t)> call;
};

void add_registration_rows(const Registration& r, bool nullable) {
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

void add_cells_rows(const ecostep_model* model) {
  ecostep_variable input, fixed, target;
  must(ecostep_variable_info(model, ECOSTEP_INPUT, 0, &input), "input");
  must(ecostep_variable_info(model, ECOSTEP_STATIC, 0, &fixed), "static");
  must(ecostep_variable_info(model, ECOSTEP_TARGET, 0, &target), "target");
  add_registration_rows({"ecostep_set_input", "name", input.name, input.units, false, ecostep_set_input}, false);
  add_registration_rows({"ecostep_set_static", "name", fixed.name, fixed.units, false, ecostep_set_static}, false);
  add_registration_rows({"ecostep_set_output", "target", target.name, target.units, true, ecostep_set_output}, false);
  if (std::strcmp(ecostep_model_past_flux(model), "none") != 0) {
    add_registration_rows({"ecostep_set_observed", "target", target.name, target.units, false, ecostep_set_observed}, true);
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

  add("ecostep_set_calendar", "cells null", ECOSTEP_INVALID_ARGUMENT, {"cells", "null pointer"},
      [](Host&) { return ecostep_set_calendar(nullptr, "noleap"); });
  add("ecostep_set_calendar", "calendar null", ECOSTEP_INVALID_ARGUMENT, {"calendar", "null pointer"},
      [](Host& h) { return ecostep_set_calendar(h.cells, nullptr); });
  for (const char* calendar : {"", "julian", "NOLEAP", "noleap "})
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

void add_value_rows(const ecostep_model* model) {
  const auto add_values = [&](const char* function, const char* parameter, ecostep_role role, Host::Arrays Host::*arrays,
                              ecostep_status (*call)(Host&)) {
    for (std::size_t v = 0; v < ecostep_variable_count(model, role); ++v) {
      ecostep_variable info;
      must(ecostep_variable_info(model, role, v, &info), "variable");
      for (const std::size_t cell : {std::size_t{0}, std::size_t{30}, n_cells - 1})
        for (const BadValue& bad : bad_values(info)) {
          auto kept = std::make_shared<double>();
          const auto place = [=](Host& h) -> double& { return (h.*arrays)[v][cell]; };
          const std::string where = "cell " + std::to_string(cell + 1) + " of " + std::to_string(n_cells);
          table.push_back({function,
                           std::string(parameter) + " " + info.name + " " + bad.says,
                           ECOSTEP_BAD_VALUE,
                           {std::string("'") + info.name + "'", where, bad.says},
                           [=](Host& h) {
                             *kept = place(h);
                             place(h) = bad.value;
                             return call(h);
                           },
                           [=](Host& h) { place(h) = *kept; }});
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

// A state that the host has spoilt; the date lies in the last two values of a row.
void add_state_rows(const ecostep_model* model) {
  const std::size_t size = ecostep_state_size(model);
  for (const std::size_t cell : {std::size_t{0}, n_cells - 1})
    for (const std::size_t column : {size - 1, size - 2})
      for (const float value :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3.0f, 1e30f, 0.5f}) {
        auto kept = std::make_shared<float>();
        table.push_back({"ecostep_step",
                         "cells with a spoilt date",
                         ECOSTEP_BAD_DATE,
                         {"cell " + std::to_string(cell + 1)},
                         [=](Host& h) {
                           *kept = h.state[cell * size + column];
                           h.state[cell * size + column] = value;
                           return ecostep_step(h.cells, h.year, h.month, h.day, h.seconds, dt);
                         },
                         [=](Host& h) { h.state[cell * size + column] = *kept; }});
      }
}

// ---- the trial of one row ----

void advance(Host& host, int steps, const std::string& what) {
  for (int i = 0; i < steps; ++i)
    if (host.step(dt) != ECOSTEP_OK) return check(false, what + ": a step");
}

void test_row(const Row& row, const ecostep_model* model, const Host& undisturbed) {
  const std::string what = std::string(row.function) + ", wrong " + row.wrong;
  Host host(model, n_cells);
  advance(host, 9, what);
  host.force();
  const auto state = host.state;
  const auto inputs = host.inputs, statics = host.statics, outputs = host.outputs;
  const std::string message_before = ecostep_last_error();
  const ecostep_status status = as_trapping_host(what, [&] { return row.call(host); });
  check(status == row.status, what + ": status " + ecostep_status_name(status));
  const std::string message = ecostep_last_error();
  if (status != ECOSTEP_OK)
    for (const std::string& part : row.says)
      check(message.find(part) != std::string::npos, what + ": the message lacks \"" + part + "\"");
  row.undo(host);
  check(Host::same(host.state, state), what + ": the state changed");
  check(Host::same(host.outputs, outputs), what + ": outputs changed");
  check(Host::same(host.inputs, inputs) && Host::same(host.statics, statics), what + ": inputs changed");
  advance(host, 7, what + ": afterwards");
  check(host.same_results(undisturbed), what + ": later steps differ");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  artefact_path = argv[1];
  const char* backend = argc > 3 ? argv[3] : nullptr;
  ecostep_model* model = open_or_exit(artefact_path, backend);
  add_model_rows();
  add_cells_rows(model);
  add_mask_and_policy_rows(model);
  add_value_rows(model);
  add_day_rows();
  add_step_rows();
  add_unregistered_rows(model);
  add_state_rows(model);
  test_table_is_complete(argv[2]);

  Host undisturbed(model, n_cells);
  advance(undisturbed, 16, "no mistake");
  for (const Row& row : table) {
    if (failures >= 30) break;
    test_row(row, model, undisturbed);
  }
  std::printf("%zu wrong calls\n", table.size());
  ecostep_close(model);
  return failures != 0;
}
