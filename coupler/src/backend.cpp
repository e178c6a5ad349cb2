// Choice of a backend, and the TorchScript one as the core sees it: a plugin opened only when an artefact asks for it, so that
// neither this library nor hosts that use another backend ever load libtorch.
#include "backend.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "error.h"
#include "plugin.h"

namespace ecostep {
namespace {

#ifdef __APPLE__
constexpr char plugin_file[] = "libecostep_torch.dylib";
#else
constexpr char plugin_file[] = "libecostep_torch.so";
#endif

std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&ecostep_open), &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string file = info.dli_fname;
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

const ecostep_plugin& load_torch_plugin() {
  const char* chosen = std::getenv("ECOSTEP_PLUGIN_DIR");
  const std::string file = (chosen != nullptr && *chosen != '\0' ? std::string(chosen) : own_folder()) + "/" + plugin_file;
  if (access(file.c_str(), F_OK) != 0)
    fail(ECOSTEP_NO_BACKEND, "torchscript backend not built or not found: expected ", file,
         "; build ecostep with -DECOSTEP_TORCH=ON, or set ECOSTEP_PLUGIN_DIR to the folder of ", plugin_file);
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays open: libtorch cannot be unloaded
  if (library == nullptr) {
    const char* reason = dlerror();
    fail(ECOSTEP_NO_BACKEND, "torchscript backend cannot be loaded: ", reason != nullptr ? reason : file.c_str(),
         "; is the torch that ecostep was built with still installed?");
  }
  const auto entry = reinterpret_cast<decltype(&ecostep_plugin_entry)>(dlsym(library, "ecostep_plugin_entry"));
  if (entry == nullptr || entry()->abi != ECOSTEP_PLUGIN_ABI)
    fail(ECOSTEP_NO_BACKEND, file, " belongs to another version of ecostep; install both from the same build");
  return *entry();
}

class PluginBackend final : public Backend {
 public:
  PluginBackend(const ecostep_plugin& plugin, const Artefact& artefact, const Archive& archive) : plugin_(plugin) {
    const ecostep_plugin_sizes sizes{artefact.inputs.size(), artefact.statics.size(), artefact.targets.size(), artefact.state_size,
                                     artefact.past_flux != "none"};
    Message message{};
    const int status =
        plugin_.open(archive.bytes().data(), archive.bytes().size(), &sizes, &model_, message.data(), message.size());
    if (status == 2)
      fail(ECOSTEP_NO_BACKEND, "torchscript backend: ", message.data(), "; build ecostep again with the present torch");
    if (status != 0) fail(ECOSTEP_CORRUPT, artefact.path, ": ", message.data());
  }
  ~PluginBackend() override { plugin_.close(model_); }
  PluginBackend(const PluginBackend&) = delete;
  PluginBackend& operator=(const PluginBackend&) = delete;

  void init_state(std::size_t rows, const float* statics, float* state) const override {
    Message message{};
    if (plugin_.init_state(model_, rows, statics, state, message.data(), message.size()) != 0)
      fail(ECOSTEP_BACKEND_FAILED, "torchscript: init_state: ", message.data());
  }

  void step(std::size_t rows, const float* drivers, const std::int64_t* calendar, const float* observed, const float* state,
            float* flux, float* new_state) const override {
    Message message;
    message[0] = '\0';
    if (plugin_.step(model_, rows, drivers, calendar, observed, state, flux, new_state, message.data(), message.size()) != 0)
      fail(ECOSTEP_BACKEND_FAILED, "torchscript: step: ", message.data());
  }

 private:
  using Message = std::array<char, 1024>;
  const ecostep_plugin& plugin_;
  void* model_ = nullptr;
};

}  // namespace

std::unique_ptr<Backend> make_torchscript_backend(const Artefact& artefact, const Archive& archive) {
  return std::make_unique<PluginBackend>(load_torch_plugin(), artefact, archive);
}

std::unique_ptr<Backend> make_backend(const std::string& name, const Artefact& artefact, const Archive& archive) {
  if (std::find(artefact.backends.begin(), artefact.backends.end(), name) == artefact.backends.end()) {
    std::string list;
    for (const std::string& backend : artefact.backends) list += (list.empty() ? "" : ", ") + backend;
    fail(ECOSTEP_NO_BACKEND, artefact.path, ": the artefact has no backend '", name, "' (it has: ", list, ")");
  }
  if (name == "torchscript") return make_torchscript_backend(artefact, archive);
  if (name == "stub") return make_stub_backend(artefact);
  fail(ECOSTEP_NO_BACKEND, artefact.path, ": backend '", name, "' is not known to this ecostep (known: torchscript, stub)");
}

}  // namespace ecostep
