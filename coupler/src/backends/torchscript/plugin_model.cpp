#include "backends/torchscript/plugin_model.h"

#include <array>
#include <type_traits>

#include "backends/backend.h"
#include "core/error.h"

namespace ecostep {
namespace {

static_assert(sizeof(StateSpan) == sizeof(ecostep_plugin_span) && std::is_standard_layout<StateSpan>::value,
              "the same two numbers");
static_assert(CalendarRow::n_columns == ECOSTEP_PLUGIN_CALENDAR_COLUMNS, "the same calendar on both sides");

// Not cleared as a whole: a message is made for each step.
struct Message {
  Message() { text[0] = '\0'; }
  std::array<char, 1024> text;
};

// Whether each column changes; kept by each thread, so that the hot loop allocates nothing.
std::vector<unsigned char>& column_flags(std::size_t state_size) {
  thread_local std::vector<unsigned char> columns;
  columns.resize(state_size);
  return columns;
}

}  // namespace

PluginModel::PluginModel(const ecostep_plugin& plugin, const Artefact& artefact, const Archive& archive, bool trusted)
    : plugin_(plugin),
      sizes_{artefact.inputs.size(), artefact.statics.size(), artefact.targets.size(), artefact.state_size,
             artefact.past_flux != "none"},
      changed_columns_(artefact.state_size) {
  Message message;
  const ecostep_plugin_status status = plugin_.open(archive.bytes().data(), archive.bytes().size(), &sizes_, trusted ? 1 : 0,
                                                    &model_, message.text.data(), message.text.size());
  if (status == ECOSTEP_PLUGIN_OTHER_TORCH)
    fail(ECOSTEP_NO_BACKEND, "torchscript backend: ", message.text.data(), "; build ecostep again with the present torch");
  if (status == ECOSTEP_PLUGIN_NOT_TRUSTED)
    fail(ECOSTEP_NOT_TRUSTED, artefact.path, ": ", message.text.data(),
         ", so that its TorchScript code is not run; if you would run a program from its source, set ECOSTEP_TRUST=1, or use "
         "--trust "
         "of the command or ecostep_open_trusted (docs/security.md)");
  if (status != ECOSTEP_PLUGIN_OK) fail(ECOSTEP_CORRUPT, artefact.path, ": ", message.text.data());
}

void PluginModel::init_state(std::size_t rows, const float* statics, float* state) const {
  Message message;
  if (plugin_.init_state(model_, rows, statics, state, message.text.data(), message.text.size()) != ECOSTEP_PLUGIN_OK)
    fail(ECOSTEP_BACKEND_FAILED, "torchscript: init_state: ", message.text.data());
}

void PluginModel::step(std::size_t rows, std::size_t used, const Arguments& arguments, const CalendarRow& calendar,
                       const std::vector<StateSpan>& spans, float* flux, float* changed) const {
  Message message;
  std::vector<unsigned char>& columns = column_flags(sizes_.state_size);
  const ecostep_plugin_step step{rows,
                                 used,
                                 arguments.drivers,
                                 calendar.data(),
                                 arguments.observed,
                                 arguments.state,
                                 reinterpret_cast<const ecostep_plugin_span*>(spans.data()),
                                 spans.size(),
                                 total_size(spans),
                                 flux,
                                 changed,
                                 columns.data()};
  const ecostep_plugin_status status = plugin_.step(model_, &step, message.text.data(), message.text.size());
  if (status == ECOSTEP_PLUGIN_FAILED) fail(ECOSTEP_BACKEND_FAILED, "torchscript: step: ", message.text.data());
  const bool whole_state = spans.size() == 1 && spans[0].size == sizes_.state_size;
  if (status == ECOSTEP_PLUGIN_CHANGES_GREW || whole_state) changed_columns_.add(calendar, arguments.observed != nullptr, columns);
  if (status == ECOSTEP_PLUGIN_CHANGES_GREW) throw ChangesGrew();
}

void PluginModel::gradient(std::size_t rows, const Arguments& arguments, const CalendarRow& calendar, const float* flux_weight,
                           const float* state_weight, float* driver_gradient, float* state_gradient) const {
  Message message;
  if (plugin_.gradient(model_, rows, arguments.drivers, calendar.data(), arguments.observed, arguments.state, flux_weight,
                       state_weight, driver_gradient, state_gradient, message.text.data(),
                       message.text.size()) != ECOSTEP_PLUGIN_OK)
    fail(ECOSTEP_BACKEND_FAILED, "torchscript: derivative: ", message.text.data());
}

}  // namespace ecostep
