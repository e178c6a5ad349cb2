#include "backends/torchscript/plugin_loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "core/error.h"

namespace ecostep {
namespace {

#ifdef __APPLE__
constexpr char plugin_file[] = "libecostep_torch.dylib";
#else
constexpr char plugin_file[] = "libecostep_torch.so";
#endif

// Where this library lies.
std::string library_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&ecostep_open), &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string file = info.dli_fname;
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

bool exists(const std::string& file) {
  return access(file.c_str(), F_OK) == 0;
}

// In the folder that the user names, else beside this library or, where that is a part of the program, where it was installed.
std::string plugin_path() {
  const char* const folder = std::getenv("ECOSTEP_PLUGIN_DIR");
  if (folder != nullptr && *folder != '\0') return std::string(folder) + "/" + plugin_file;
  std::string beside = library_folder() + "/" + plugin_file;
#ifdef ECOSTEP_PLUGIN_FOLDER
  if (!exists(beside)) return std::string(ECOSTEP_PLUGIN_FOLDER) + "/" + plugin_file;
#endif
  return beside;
}

}  // namespace

const ecostep_plugin& load_torch_plugin() {
  const std::string file = plugin_path();
  if (!exists(file))
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

}  // namespace ecostep
