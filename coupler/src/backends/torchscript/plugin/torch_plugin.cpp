// The functions of the plugin; the files of this folder are the only ones that know torch.
#include <ATen/Version.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/script.h>
#include <torch/version.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <cstdio>
#include <cstring>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/torchscript/plugin.h"
#include "backends/torchscript/plugin/byte_stream.h"
#include "backends/torchscript/plugin/code_check.h"
#include "backends/torchscript/plugin/one_thread.h"
#include "backends/torchscript/plugin/own_modes.h"
#include "backends/torchscript/plugin/state_writer.h"
#include "backends/torchscript/plugin/step_graph.h"

namespace ecostep::torchscript {
namespace {

// Conditions under which every method runs: none of the host's modes, no gradients, one thread, and the plain executor, because the
// profiling one runs its first calls with other kernels than later ones, and a restarted host would see other bits.
struct Conditions {
  OwnModes modes;
  c10::InferenceMode inference;
  torch::jit::GraphOptimizerEnabledGuard plain{false};
  OneThread one_thread;
};

struct Model {
  ecostep_plugin_sizes sizes;
  torch::jit::Module module;
  std::unique_ptr<torch::jit::Method> init_state, step, step_observed;
  std::optional<Program> fast_step, fast_step_observed;  // where the graph could be made
};

// A caller's block as a tensor, not copied.
at::Tensor block(const float* data, std::size_t rows, std::size_t columns) {
  return torch::from_blob(const_cast<float*>(data), {static_cast<int64_t>(rows), static_cast<int64_t>(columns)}, at::kFloat);
}

at::Tensor calendar_tensor(const std::int64_t* calendar) {
  return torch::from_blob(const_cast<std::int64_t*>(calendar), {ECOSTEP_PLUGIN_CALENDAR_COLUMNS}, at::kLong);
}

// The first `used` rows of what must be (rows, columns).
void copy_out(const c10::IValue& value, const char* what, std::size_t rows, std::size_t columns, std::size_t used, float* out) {
  TORCH_CHECK(value.isTensor(), what, " is not a tensor");
  const at::Tensor& tensor = value.toTensor();
  TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.device().is_cpu(), what, " is not float32 on the CPU");
  TORCH_CHECK(tensor.dim() == 2 && tensor.size(0) == static_cast<int64_t>(rows) && tensor.size(1) == static_cast<int64_t>(columns),
              what, " has shape ", tensor.sizes(), ", the artefact says [", rows, ", ", columns, "]");
  const at::Tensor packed = tensor.contiguous();
  std::memcpy(out, packed.data_ptr<float>(), used * columns * sizeof(float));
}

std::unique_ptr<torch::jit::Method> find_method(const torch::jit::Module& module, const char* name) {
  auto method = module.find_method(name);
  TORCH_CHECK(method.has_value(), "the TorchScript module has no method '", name, "'");
  return std::make_unique<torch::jit::Method>(*method);
}

// Run `work`; an exception becomes a message.
template <class Work>
ecostep_plugin_status reported(char* message, std::size_t n_message, Work&& work) {
  try {
    work();
    return ECOSTEP_PLUGIN_OK;
  } catch (const c10::Error& error) {
    std::snprintf(message, n_message, "%s", error.what_without_backtrace());
  } catch (const std::exception& error) {
    std::snprintf(message, n_message, "%s", error.what());
  } catch (...) {
    std::snprintf(message, n_message, "unknown failure in libtorch");
  }
  return ECOSTEP_PLUGIN_FAILED;
}

constexpr char built_with[] = "TORCH_VERSION=" TORCH_VERSION;  // as at::show_config() says it

// The interface of torch changes between versions in ways that the loader does not see.
bool same_torch(char* message, std::size_t n_message) {
  const std::string config = at::show_config();
  const std::size_t start = config.find("TORCH_VERSION=");
  const std::string present = start == std::string::npos ? "" : config.substr(start, config.find_first_of(", \n", start) - start);
  if (present == built_with) return true;
  std::snprintf(message, n_message, "built with %s, but the torch found at run time has %s", built_with,
                present.empty() ? "no TORCH_VERSION" : present.c_str());
  return false;
}

ecostep_plugin_status open(const char* bytes, std::size_t n_bytes, const ecostep_plugin_sizes* sizes, int trusted, void** handle,
                           char* message, std::size_t n_message) {
  if (!same_torch(message, n_message)) return ECOSTEP_PLUGIN_OTHER_TORCH;
  std::string fault;
  if (trusted == 0) {
    const ecostep_plugin_status status = reported(message, n_message, [&] { fault = beyond_arithmetic(bytes, n_bytes); });
    if (status != ECOSTEP_PLUGIN_OK) return status;
  }
  if (!fault.empty()) {
    std::snprintf(message, n_message, "%s", fault.c_str());
    return ECOSTEP_PLUGIN_NOT_TRUSTED;
  }
  return reported(message, n_message, [&] {
    const OwnModes modes;
    const OneThread one_thread;
    ByteStream buffer(bytes, n_bytes);
    std::istream stream(&buffer);
    auto model = std::make_unique<Model>();
    model->sizes = *sizes;
    model->module = torch::jit::load(stream, at::kCPU);
    model->module.eval();
    for (at::Tensor parameter : model->module.parameters()) parameter.requires_grad_(false);  // gradients are of inputs alone
    model->init_state = find_method(model->module, "init_state");
    model->step = find_method(model->module, "step");
    if (sizes->takes_observed) model->step_observed = find_method(model->module, "step_observed");
    {
      const Conditions conditions;  // constants are computed now, as a step would
      model->fast_step = make_program(model->module, *model->step);
      if (sizes->takes_observed) model->fast_step_observed = make_program(model->module, *model->step_observed);
    }
    *handle = model.release();
  });
}

ecostep_plugin_status init_state(void* handle, std::size_t rows, const float* statics, float* state, char* message,
                                 std::size_t n_message) {
  return reported(message, n_message, [&] {
    Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
    const Conditions conditions;
    copy_out((*model.init_state)({block(statics, rows, n.n_statics)}), "the state", rows, n.state_size, rows, state);
  });
}

c10::intrusive_ptr<c10::ivalue::Tuple> call_step(const Model& model, std::size_t rows, const at::Tensor& drivers,
                                                 const int64_t* calendar, const float* observed, const at::Tensor& state) {
  std::vector<c10::IValue> arguments{drivers, calendar_tensor(calendar)};
  if (observed != nullptr) arguments.emplace_back(block(observed, rows, model.sizes.n_targets));
  arguments.emplace_back(state);
  torch::jit::Method& method = observed != nullptr ? *model.step_observed : *model.step;
  const c10::IValue result = method(std::move(arguments));
  TORCH_CHECK(result.isTuple() && result.toTupleRef().elements().size() == 2, "the result is not (fluxes, state)");
  return result.toTuple();
}

void run_method(const Model& model, const ecostep_plugin_step& in, const at::Tensor& drivers, const at::Tensor& state,
                StateWriter& writer) {
  const auto result = call_step(model, in.rows, drivers, in.calendar, in.observed, state);
  copy_out(result->elements()[0], "the flux", in.rows, model.sizes.n_targets, in.used, in.flux);
  TORCH_CHECK(result->elements()[1].isTensor(), "the state is not a tensor");
  writer.write(result->elements()[1].toTensor());
}

// A program leaves on the stack the fluxes and then the parts of the new state.
void run_program(const Program& program, const Model& model, const ecostep_plugin_step& in, const at::Tensor& drivers,
                 const at::Tensor& state, StateWriter& writer) {
  torch::jit::Stack stack;
  stack.reserve(4);
  stack.emplace_back(drivers);
  stack.emplace_back(calendar_tensor(in.calendar));
  if (in.observed != nullptr) stack.emplace_back(block(in.observed, in.rows, model.sizes.n_targets));
  stack.emplace_back(state);
  torch::jit::InterpreterState(program).run(stack);
  copy_out(stack[0], "the flux", in.rows, model.sizes.n_targets, in.used, in.flux);
  for (std::size_t i = 1; i < stack.size(); ++i) {
    if (stack[i].isTensorList()) {
      for (const at::Tensor& part : stack[i].toTensorVector()) writer.write(part);
    } else {
      TORCH_CHECK(stack[i].isTensor(), "the state is not a tensor");
      writer.write(stack[i].toTensor());
    }
  }
}

ecostep_plugin_status step(void* handle, const ecostep_plugin_step* in, char* message, std::size_t n_message) {
  bool complete = true;
  const ecostep_plugin_status status = reported(message, n_message, [&] {
    const Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
    const Conditions conditions;
    const at::Tensor drivers = block(in->drivers, in->rows, n.n_inputs), state = block(in->state, in->rows, n.state_size);
    const std::optional<Program>& program = in->observed != nullptr ? model.fast_step_observed : model.fast_step;
    StateWriter writer(*in, n.state_size, program.has_value());
    if (program)
      run_program(*program, model, *in, drivers, state, writer);
    else
      run_method(model, *in, drivers, state, writer);
    complete = writer.complete();
  });
  return status == ECOSTEP_PLUGIN_OK && !complete ? ECOSTEP_PLUGIN_CHANGES_GREW : status;
}

ecostep_plugin_status gradient(void* handle, std::size_t rows, const float* drivers, const int64_t* calendar, const float* observed,
                               const float* state, const float* flux_weight, const float* state_weight, float* driver_gradient,
                               float* state_gradient, char* message, std::size_t n_message) {
  return reported(message, n_message, [&] {
    const Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
    const OwnModes modes;
    const OneThread one_thread;
    const torch::jit::GraphOptimizerEnabledGuard plain(false);
    const c10::AutoGradMode with_gradients(true);
    const at::Tensor inputs = block(drivers, rows, n.n_inputs).requires_grad_(true);
    const at::Tensor memory = block(state, rows, n.state_size).requires_grad_(true);
    const auto result = call_step(model, rows, inputs, calendar, observed, memory);
    const at::Tensor flux = result->elements()[0].toTensor(), new_state = result->elements()[1].toTensor();
    std::vector<at::Tensor> outputs, weights;
    const auto weigh = [&](const at::Tensor& output, const float* weight, std::size_t columns) {
      if (!output.requires_grad() || weight == nullptr) return;
      outputs.push_back(output);
      weights.push_back(block(weight, rows, columns));
    };
    weigh(flux, flux_weight, n.n_targets);
    weigh(new_state, state_weight, n.state_size);
    std::vector<at::Tensor> gradients(2);  // of inputs and memory; undefined where there is none
    if (!outputs.empty()) gradients = torch::autograd::grad(outputs, {inputs, memory}, weights, false, false, true);
    const auto copy_gradient = [&](const at::Tensor& gradient, const at::Tensor& like, std::size_t columns, float* out) {
      copy_out(gradient.defined() ? gradient : at::zeros_like(like), "the derivative", rows, columns, rows, out);
    };
    copy_gradient(gradients[0], inputs.detach(), n.n_inputs, driver_gradient);
    copy_gradient(gradients[1], memory.detach(), n.state_size, state_gradient);
  });
}

void close(void* handle) {
  delete static_cast<Model*>(handle);
}

}  // namespace
}  // namespace ecostep::torchscript

extern "C" __attribute__((visibility("default"))) const ecostep_plugin* ecostep_plugin_entry(void) {
  using namespace ecostep::torchscript;
  static const ecostep_plugin plugin{ECOSTEP_PLUGIN_ABI, open, init_state, step, gradient, close};
  return &plugin;
}
