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

// Where this library lies, or the program that it is a part of; empty where the system does not tell. A program that was found on
// the PATH is known by its bare name, and the working directory is no place to load code from.
std::string library_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&ecostep_open), &info) == 0 || info.dli_fname == nullptr) return {};
  std::string file = info.dli_fname;
  if (file.find('/') == std::string::npos) {
    char program[4096];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program);
    if (length <= 0 || static_cast<std::size_t>(length) >= sizeof program) return {};
    file.assign(program, static_cast<std::size_t>(length));
  }
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? std::string() : file.substr(0, slash);
}

bool exists(const std::string& file) {
  return access(file.c_str(), F_OK) == 0;
}

// Empty where no folder is known. In the folder that the user names, else beside this library or, where that is a part of the
// program, where it was installed.
std::string plugin_path() {
  const char* const folder = std::getenv("ECOSTEP_PLUGIN_DIR");
  if (folder != nullptr && *folder != '\0') return std::string(folder) + "/" + plugin_file;
  const std::string own = library_folder();
  std::string beside = own.empty() ? std::string() : own + "/" + plugin_file;
#ifdef ECOSTEP_PLUGIN_FOLDER
  if (beside.empty() || !exists(beside)) return std::string(ECOSTEP_PLUGIN_FOLDER) + "/" + plugin_file;
#endif
  return beside;
}

}  // namespace

const ecostep_plugin& load_torch_plugin() {
  const std::string file = plugin_path();
  if (file.empty() || !exists(file))
    fail(ECOSTEP_NO_BACKEND, "torchscript backend not built or not found: expected ", file.empty() ? plugin_file : file.c_str(),
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
