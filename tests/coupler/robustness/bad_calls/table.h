// The table of wrong calls: what each does wrong and what must come of it.
#pragma once

#include <ecostep.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../host.h"

namespace bad_calls {

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

inline std::vector<Row> table;
inline const char* artefact_path = "";

template <class Call>
void add(const char* function, const std::string& wrong, ecostep_status status, std::vector<std::string> says, Call&& call) {
  table.push_back({function, wrong, status, std::move(says), call});
}

// Functions that return something else than a status: `call` tells whether they did what they should.
template <class Call>
void add_harmless(const char* function, const std::string& wrong, Call&& call) {
  add(function, wrong, ECOSTEP_OK, {}, [call](Host& h) { return call(h) ? ECOSTEP_OK : ECOSTEP_INTERNAL; });
}

// Rows by what is wrong.
void add_model_rows();
void add_registration_rows(const ecostep_model* model);
void add_mask_and_policy_rows(const ecostep_model* model);
void add_tile_rows(const ecostep_model* model);
void add_value_rows(const ecostep_model* model);
void add_state_rows(const ecostep_model* model);
void add_day_rows();
void add_step_rows();
void add_unregistered_rows(const ecostep_model* model);

}  // namespace bad_calls
