#include "backends/registry.h"

#include <algorithm>

#include "core/error.h"

namespace ecostep {

namespace {

struct Registered {
  const char* name;
  std::unique_ptr<Backend> (*make)(const Artefact& artefact, const Archive& archive, bool trusted);
};

#define ECOSTEP_BACKEND_ROW(name) {#name, make_##name##_backend},
constexpr Registered registry[] = {ECOSTEP_BACKENDS(ECOSTEP_BACKEND_ROW)};
#undef ECOSTEP_BACKEND_ROW

void append(std::string& list, const std::string& name) {
  list += (list.empty() ? "" : ", ") + name;
}

std::unique_ptr<Backend> make_backend(const std::string& name, const Artefact& artefact, const Archive& archive, bool trusted) {
  if (std::find(artefact.backends.begin(), artefact.backends.end(), name) == artefact.backends.end()) {
    std::string list;
    for (const std::string& backend : artefact.backends) append(list, backend);
    fail(ECOSTEP_NO_BACKEND, artefact.path, ": the artefact has no backend '", name, "' (it has: ", list, ")");
  }
  std::string names;
  for (const Registered& backend : registry) {
    if (name == backend.name) return backend.make(artefact, archive, trusted);
    append(names, backend.name);
  }
  fail(ECOSTEP_NO_BACKEND, artefact.path, ": backend '", name, "' is not known to this ecostep (known: ", names, ")");
}

}  // namespace

Choice choose_backend(const std::string& named, const Artefact& artefact, const Archive& archive, bool trusted) {
  if (!named.empty()) return {named, "", make_backend(named, artefact, archive, trusted)};
  std::vector<std::string> order = artefact.backends;
  std::stable_partition(order.begin(), order.end(), [](const std::string& name) { return name == "native"; });
  std::string reason;
  if (order.front() == "torchscript") reason = "the artefact has no native program";
  for (std::size_t i = 0; i < order.size(); ++i) {
    try {
      return {order[i], reason, make_backend(order[i], artefact, archive, trusted)};
    } catch (const Error& error) {
      if (error.status() != ECOSTEP_NO_BACKEND) throw;
      if (i + 1 == order.size())
        fail(ECOSTEP_NO_BACKEND, error.what(), reason.empty() ? "" : " (", reason, reason.empty() ? "" : ")");
      reason += (reason.empty() ? "" : "; ") + order[i] + ": " + error.what();
    }
  }
  fail(ECOSTEP_INTERNAL, artefact.path, ": no backend");
}

}  // namespace ecostep
