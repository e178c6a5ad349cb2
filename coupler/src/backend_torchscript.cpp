// The TorchScript backend, built as a plugin: the only C++ file that knows torch.
#include <dlfcn.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/script.h>
#include <torch/version.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/common_subexpression_elimination.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/lower_tuples.h>
#include <torch/csrc/jit/passes/peephole.h>
#include <torch/csrc/jit/passes/remove_dropout.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <istream>
#include <memory>
#include <optional>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugin.h"

namespace {

// Holds torch to one thread during a call and gives the host its own setting back. torch and the host share one OpenMP runtime,
// whose functions are looked up in libtorch_cpu rather than linked, so that it is the same one. MKL, within libtorch_cpu, has a
// number of its own (MKL_NUM_THREADS), which goes before that of OpenMP; it is held for the calling thread only.
class OneThread {
 public:
  OneThread() : host_threads_(omp().get != nullptr ? omp().get() : 0) {
    at::get_num_threads();  // torch sets up each thread on first use; let that happen here, not within the call
    if (omp().set != nullptr) omp().set(1);
    if (omp().set_mkl != nullptr) host_mkl_threads_ = omp().set_mkl(1);
  }
  ~OneThread() {
    if (omp().set_mkl != nullptr) omp().set_mkl(host_mkl_threads_);
    if (omp().set != nullptr && host_threads_ > 0) omp().set(host_threads_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  struct OpenMP {
    int (*get)() = nullptr;
    void (*set)(int) = nullptr;
    int (*set_mkl)(int) = nullptr;  // for the calling thread; returns what was set before. Null in a torch without MKL
  };
  static const OpenMP& omp() {
    static const OpenMP functions = [] {
      OpenMP found;
      Dl_info info;
      void* torch = dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &info) != 0
                        ? dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD)
                        : nullptr;
      if (torch == nullptr) return found;
      found.get = reinterpret_cast<int (*)()>(dlsym(torch, "omp_get_max_threads"));
      found.set = reinterpret_cast<void (*)(int)>(dlsym(torch, "omp_set_num_threads"));
      found.set_mkl = reinterpret_cast<int (*)(int)>(dlsym(torch, "MKL_Set_Num_Threads_Local"));  // lower case is the Fortran one
      return found;
    }();
    return functions;
  }
  const int host_threads_;
  int host_mkl_threads_ = 0;
};

// Conditions under which every method runs: no gradients, one thread, and the plain executor, because the profiling one runs
// its first calls with other kernels than later ones, and a restarted host would see other bits.
struct Conditions {
  c10::InferenceMode inference;
  torch::jit::GraphOptimizerEnabledGuard plain{false};
  OneThread one_thread;
};

// A method as a graph with the module's parameters and settings as constants and all that follows from them computed once. The new
// state is left in the parts that the method puts together, so that those which are parts of the old one need not be written.
using Program = torch::jit::Code;

struct Model {
  ecostep_plugin_sizes sizes;
  torch::jit::Module module;
  std::unique_ptr<torch::jit::Method> init_state, step, step_observed;
  std::optional<Program> fast_step, fast_step_observed;  // where the graph could be made
};

class ByteStream : public std::streambuf {
 public:
  ByteStream(const char* bytes, std::size_t n) {
    char* start = const_cast<char*>(bytes);
    setg(start, start, start + n);
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir way, std::ios_base::openmode) override {
    char* from = way == std::ios_base::beg ? eback() : way == std::ios_base::cur ? gptr() : egptr();
    if (offset < eback() - from || offset > egptr() - from) return pos_type(off_type(-1));
    setg(eback(), from + offset, egptr());
    return gptr() - eback();
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
    return seekoff(off_type(position), std::ios_base::beg, mode);
  }
};

// A caller's block as a tensor, not copied.
at::Tensor block(const float* data, std::size_t rows, std::size_t columns) {
  return torch::from_blob(const_cast<float*>(data), {static_cast<int64_t>(rows), static_cast<int64_t>(columns)}, at::kFloat);
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

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = c10::prim;
namespace aten = c10::aten;

// Attributes of the module become constants of the graph.
void fix_attributes(Graph& graph, torch::jit::Block* block, std::unordered_map<Value*, c10::IValue>& known) {
  for (Node* node : block->nodes()) {
    if (node->kind() == prim::GetAttr) {
      const auto owner = known.find(node->input());
      if (owner == known.end()) continue;
      c10::IValue value = owner->second.toObjectRef().getAttr(node->s(c10::attr::name));
      if (!value.isObject()) {
        const torch::jit::WithInsertPoint here(node);
        if (const auto constant = torch::jit::tryInsertConstant(graph, value)) node->output()->replaceAllUsesWith(*constant);
      }
      known.emplace(node->output(), std::move(value));
    }
    for (torch::jit::Block* inner : node->blocks()) fix_attributes(graph, inner, known);
  }
}

// The inputs of a step are matrices, and its calendar a vector.
void fix_dimensions(Graph& graph, Value* value, std::int64_t dimensions) {
  const std::vector<torch::jit::Use> uses = value->uses();
  for (const torch::jit::Use& use : uses) {
    if (use.user->kind() != aten::dim) continue;
    const torch::jit::WithInsertPoint here(use.user);
    use.user->output()->replaceAllUsesWith(graph.insertConstant(dimensions));
  }
}

void take_apart(Value* value, torch::jit::Block* block, std::vector<Value*>& parts);

// The tensors of a list that nothing else uses, in order; lists that come from elsewhere stay as they are.
void take_list_apart(Value* list, torch::jit::Block* block, std::vector<Value*>& parts) {
  Node* const node = list->node();
  const bool own = node->owningBlock() == block && list->uses().size() == 1;
  if (own && node->kind() == prim::ListConstruct) {
    for (Value* part : node->inputs()) take_apart(part, block, parts);
  } else if (own && node->kind() == aten::add) {
    for (Value* some : node->inputs()) take_list_apart(some, block, parts);
  } else {
    parts.push_back(list);
  }
}

// What `value` is put together from along its columns, appended to `parts`: tensors and lists of tensors.
void take_apart(Value* value, torch::jit::Block* block, std::vector<Value*>& parts) {
  Node* const node = value->node();
  const bool joined = node->owningBlock() == block && node->kind() == aten::cat;
  const std::optional<c10::IValue> axis = joined ? torch::jit::toIValue(node->input(1)) : std::nullopt;
  if (axis && axis->isInt() && (axis->toInt() == 1 || axis->toInt() == -1))
    take_list_apart(node->input(0), block, parts);
  else
    parts.push_back(value);
}

bool writes_tensors(const torch::jit::Block* block) {
  for (const Node* node : block->nodes()) {
    for (const torch::jit::Block* inner : node->blocks())
      if (writes_tensors(inner)) return true;
    const c10::FunctionSchema* const schema = node->maybeSchema();
    if (schema == nullptr) continue;
    for (const c10::Argument& argument : schema->arguments())
      if (argument.alias_info() != nullptr && argument.alias_info()->isWrite() &&
          argument.type()->kind() != c10::TypeKind::ListType)
        return true;
  }
  return false;
}

// A method (drivers, calendar[, observed], state) -> (fluxes, state), or nothing where its graph is not one that this understands.
// No operation is changed or put elsewhere, only left out or done once, so that results have the bits of the method's.
std::optional<Program> make_program(const torch::jit::Module& module, const torch::jit::Method& method) try {
  const std::shared_ptr<Graph> original = torch::jit::toGraphFunction(method.function()).graph();
  std::shared_ptr<Graph> graph = original->copy();
  for (int depth = 0; depth < 64; ++depth) torch::jit::Inline(*graph);  // each goes one call deeper
  std::unordered_map<Value*, c10::IValue> known{{graph->inputs()[0], module._ivalue()}};
  fix_attributes(*graph, graph->block(), known);
  for (std::size_t i = 1; i < graph->inputs().size(); ++i) fix_dimensions(*graph, graph->inputs()[i], i == 2 ? 1 : 2);
  torch::jit::removeDropout(graph);
  for (int round = 0; round < 3; ++round) {
    torch::jit::LowerSimpleTuples(graph);
    torch::jit::ConstantPropagation(graph);
    torch::jit::PeepholeOptimize(graph, true);
    torch::jit::EliminateCommonSubexpression(graph);
    torch::jit::EliminateDeadCode(graph);
  }
  if (writes_tensors(graph->block())) return std::nullopt;
  if (graph->inputs()[0]->hasUses() || graph->outputs().size() != 1) return std::nullopt;
  Node* const result = graph->outputs()[0]->node();
  if (result->kind() != prim::TupleConstruct || result->inputs().size() != 2) return std::nullopt;
  std::vector<Value*> outputs{result->input(0)};
  take_apart(result->input(1), graph->block(), outputs);
  graph->eraseOutput(0);
  for (Value* output : outputs) graph->registerOutput(output);
  graph->eraseInput(0);
  torch::jit::EliminateDeadCode(graph);
  torch::jit::ConstantPooling(graph);
  return Program(graph, method.name());
} catch (const std::exception&) {
  return std::nullopt;
}

// Writes parts of the new state, checking their shapes, and notes which columns are not those of the old one.
class StateWriter {
 public:
  StateWriter(const ecostep_plugin_step& step, std::size_t state_size, bool may_keep)
      : step_(step), size_(state_size), may_keep_(may_keep) {
    std::memset(step.columns, 0, state_size);
  }

  void write(const at::Tensor& part) {
    TORCH_CHECK(part.scalar_type() == at::kFloat && part.device().is_cpu(), "the state is not float32 on the CPU");
    TORCH_CHECK(part.dim() == 2 && part.size(0) == static_cast<std::int64_t>(step_.rows), "a part of the state has shape ",
                part.sizes(), " for ", step_.rows, " rows");
    const std::size_t columns = static_cast<std::size_t>(part.size(1));
    TORCH_CHECK(begin_ + columns <= size_, "the new state has more than the ", size_, " columns that the artefact says");
    const at::Tensor rows = part.stride(1) == 1 ? part : part.contiguous();
    const float* const values = rows.data_ptr<float>();
    const std::size_t stride = static_cast<std::size_t>(rows.stride(0));
    const bool kept = may_keep_ && values == step_.state + begin_ && (stride == size_ || step_.rows == 1);
    if (!kept) std::memset(step_.columns + begin_, 1, columns);
    std::size_t offset = 0;
    for (std::size_t r = 0; r < step_.n_ranges; ++r) {
      const ecostep_plugin_range& range = step_.ranges[r];
      const std::size_t first = std::max(begin_, range.begin), last = std::min(begin_ + columns, range.begin + range.size);
      if (first < last) {
        for (std::size_t i = 0; i < step_.used; ++i)
          std::memcpy(step_.changed + i * step_.width + offset + (first - range.begin), values + i * stride + (first - begin_),
                      (last - first) * sizeof(float));
        if (!kept) written_ += last - first;
      }
      offset += range.size;
    }
    if (!kept) changed_ += columns;
    begin_ += columns;
  }

  // Whether all that changed was in the ranges.
  bool complete() const {
    TORCH_CHECK(begin_ == size_, "the new state has ", begin_, " columns, the artefact says ", size_);
    return written_ == changed_;
  }

 private:
  const ecostep_plugin_step& step_;
  const std::size_t size_;
  const bool may_keep_;
  std::size_t begin_ = 0, changed_ = 0, written_ = 0;
};

std::unique_ptr<torch::jit::Method> find_method(const torch::jit::Module& module, const char* name) {
  auto method = module.find_method(name);
  TORCH_CHECK(method.has_value(), "the TorchScript module has no method '", name, "'");
  return std::make_unique<torch::jit::Method>(*method);
}

// Run `work`; an exception becomes a message and status 1.
template <class Work>
int reported(char* message, std::size_t n_message, Work&& work) {
  try {
    work();
    return 0;
  } catch (const c10::Error& error) {
    std::snprintf(message, n_message, "%s", error.what_without_backtrace());
  } catch (const std::exception& error) {
    std::snprintf(message, n_message, "%s", error.what());
  } catch (...) {
    std::snprintf(message, n_message, "unknown failure in libtorch");
  }
  return 1;
}

constexpr char built_with[] = "TORCH_VERSION=" TORCH_VERSION;  // as at::show_config() says it

// The interface of torch changes between versions in ways that the loader does not see.
bool same_torch(char* message, std::size_t n_message) {
  const std::string config = at::show_config();
  const std::size_t start = config.find("TORCH_VERSION=");
  const std::string found = start == std::string::npos ? "" : config.substr(start, config.find_first_of(", \n", start) - start);
  if (found == built_with) return true;
  std::snprintf(message, n_message, "built with %s, but the torch found at run time has %s", built_with,
                found.empty() ? "no TORCH_VERSION" : found.c_str());
  return false;
}

int open(const char* bytes, std::size_t n_bytes, const ecostep_plugin_sizes* sizes, void** handle, char* message,
         std::size_t n_message) {
  if (!same_torch(message, n_message)) return 2;
  return reported(message, n_message, [&] {
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

int init_state(void* handle, std::size_t rows, const float* statics, float* state, char* message, std::size_t n_message) {
  return reported(message, n_message, [&] {
    Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
    const Conditions conditions;
    copy_out((*model.init_state)({block(statics, rows, n.n_statics)}), "the state", rows, n.state_size, rows, state);
  });
}

c10::intrusive_ptr<c10::ivalue::Tuple> call_step(const Model& model, std::size_t rows, const at::Tensor& drivers,
                                                 const int64_t* calendar, const float* observed, const at::Tensor& state) {
  std::vector<c10::IValue> arguments{drivers, torch::from_blob(const_cast<int64_t*>(calendar), {6}, at::kLong)};
  if (observed != nullptr) arguments.emplace_back(block(observed, rows, model.sizes.n_targets));
  arguments.emplace_back(state);
  const c10::IValue result =
      observed != nullptr ? (*model.step_observed)(std::move(arguments)) : (*model.step)(std::move(arguments));
  TORCH_CHECK(result.isTuple() && result.toTupleRef().elements().size() == 2, "the result is not (fluxes, state)");
  return result.toTuple();
}

int step(void* handle, const ecostep_plugin_step* in, char* message, std::size_t n_message) {
  bool complete = true;
  const int status = reported(message, n_message, [&] {
    const Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
    const Conditions conditions;
    const at::Tensor drivers = block(in->drivers, in->rows, n.n_inputs), state = block(in->state, in->rows, n.state_size);
    const std::optional<Program>& program = in->observed != nullptr ? model.fast_step_observed : model.fast_step;
    StateWriter writer(*in, n.state_size, program.has_value());
    if (program) {
      torch::jit::Stack stack;
      stack.reserve(4);
      stack.emplace_back(drivers);
      stack.emplace_back(torch::from_blob(const_cast<std::int64_t*>(in->calendar), {6}, at::kLong));
      if (in->observed != nullptr) stack.emplace_back(block(in->observed, in->rows, n.n_targets));
      stack.emplace_back(state);
      torch::jit::InterpreterState(*program).run(stack);
      copy_out(stack[0], "the flux", in->rows, n.n_targets, in->used, in->flux);
      for (std::size_t i = 1; i < stack.size(); ++i) {
        if (stack[i].isTensorList()) {
          for (const at::Tensor& part : stack[i].toTensorVector()) writer.write(part);
        } else {
          TORCH_CHECK(stack[i].isTensor(), "the state is not a tensor");
          writer.write(stack[i].toTensor());
        }
      }
    } else {
      const auto result = call_step(model, in->rows, drivers, in->calendar, in->observed, state);
      copy_out(result->elements()[0], "the flux", in->rows, n.n_targets, in->used, in->flux);
      TORCH_CHECK(result->elements()[1].isTensor(), "the state is not a tensor");
      writer.write(result->elements()[1].toTensor());
    }
    complete = writer.complete();
  });
  return status != 0 ? status : complete ? 0 : 3;
}

int gradient(void* handle, std::size_t rows, const float* drivers, const int64_t* calendar, const float* observed,
             const float* state, const float* flux_weight, const float* state_weight, float* driver_gradient, float* state_gradient,
             char* message, std::size_t n_message) {
  return reported(message, n_message, [&] {
    const Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
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
    std::vector<at::Tensor> found(2);
    if (!outputs.empty()) found = torch::autograd::grad(outputs, {inputs, memory}, weights, false, false, true);
    const auto give = [&](const at::Tensor& values, const at::Tensor& like, const char* what, std::size_t columns, float* out) {
      copy_out(values.defined() ? values : at::zeros_like(like), what, rows, columns, rows, out);
    };
    give(found[0], inputs.detach(), "the derivative", n.n_inputs, driver_gradient);
    give(found[1], memory.detach(), "the derivative", n.state_size, state_gradient);
  });
}

void close(void* handle) {
  delete static_cast<Model*>(handle);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const ecostep_plugin* ecostep_plugin_entry(void) {
  static const ecostep_plugin plugin{ECOSTEP_PLUGIN_ABI, open, init_state, step, gradient, close};
  return &plugin;
}
