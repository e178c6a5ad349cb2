// The TorchScript backend, built as a plugin: the only C++ file that knows torch.
#include <dlfcn.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/script.h>
#include <torch/version.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <cstdio>
#include <cstring>
#include <istream>
#include <memory>
#include <streambuf>
#include <string>

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

struct Model {
  ecostep_plugin_sizes sizes;
  torch::jit::Module module;
  std::unique_ptr<torch::jit::Method> init_state, step, step_observed;
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

void copy_out(const c10::IValue& value, const char* what, std::size_t rows, std::size_t columns, float* out) {
  TORCH_CHECK(value.isTensor(), what, " is not a tensor");
  const at::Tensor& tensor = value.toTensor();
  TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.device().is_cpu(), what, " is not float32 on the CPU");
  TORCH_CHECK(tensor.dim() == 2 && tensor.size(0) == static_cast<int64_t>(rows) && tensor.size(1) == static_cast<int64_t>(columns),
              what, " has shape ", tensor.sizes(), ", the artefact says [", rows, ", ", columns, "]");
  const at::Tensor packed = tensor.contiguous();
  std::memcpy(out, packed.data_ptr<float>(), rows * columns * sizeof(float));
}

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
    *handle = model.release();
  });
}

int init_state(void* handle, std::size_t rows, const float* statics, float* state, char* message, std::size_t n_message) {
  return reported(message, n_message, [&] {
    Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
    const Conditions conditions;
    copy_out((*model.init_state)({block(statics, rows, n.n_statics)}), "the state", rows, n.state_size, state);
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

int step(void* handle, std::size_t rows, const float* drivers, const int64_t* calendar, const float* observed, const float* state,
         float* flux, float* new_state, char* message, std::size_t n_message) {
  return reported(message, n_message, [&] {
    const Model& model = *static_cast<Model*>(handle);
    const ecostep_plugin_sizes& n = model.sizes;
    const Conditions conditions;
    const auto result =
        call_step(model, rows, block(drivers, rows, n.n_inputs), calendar, observed, block(state, rows, n.state_size));
    copy_out(result->elements()[0], "the flux", rows, n.n_targets, flux);
    copy_out(result->elements()[1], "the state", rows, n.state_size, new_state);
  });
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
      copy_out(values.defined() ? values : at::zeros_like(like), what, rows, columns, out);
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
