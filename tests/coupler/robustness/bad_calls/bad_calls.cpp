// bad_calls ARTEFACT ECOSTEP_H [BACKEND]: every function of the header with every parameter wrong in turn.
//
// Each row of the table is called on a host in the middle of a day whose floating-point traps, rounding and flags are its own. The
// status and the message must be as the row says, no array of the host may change by a bit, the floating-point environment must
// come back, and the run must go on as if the call had not been made. Every parameter that the header declares must have a row.
#define _GNU_SOURCE 1
#define _GNU_SOURCE 1
#include <cstdio>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "table.h"
#include "trapping_host.h"

namespace bad_calls {
namespace {

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
}  // namespace bad_calls

int main(int argc, char** argv) {
  using namespace bad_calls;
  if (argc < 3) return 2;
  artefact_path = argv[1];
  const char* backend = argc > 3 ? argv[3] : nullptr;
  ecostep_model* model = open_or_exit(artefact_path, backend);
  add_model_rows();
  add_registration_rows(model);
  add_mask_and_policy_rows(model);
  add_tile_rows(model);
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
