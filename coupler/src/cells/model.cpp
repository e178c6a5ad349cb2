#include "cells/model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/registry.h"
#include "cells/value_check.h"
#include "core/error.h"
#include "core/printable.h"

namespace ecostep {

Model::Model(const std::string& path, const std::string& name, bool trusted) : Model(path, name, trusted, Archive(path)) {}

Model::Model(const std::string& path, const std::string& name, bool trusted, const Archive& archive)
    : artefact(read_artefact(path, archive)), layout(artefact) {
  for (const Variable& target : artefact.targets)
    limits.push_back({static_cast<float>(target.valid_min), static_cast<float>(target.valid_max)});
  if (name == no_backend) {
    backend_name = name;
    return;
  }
  Choice choice = choose_backend(name, artefact, archive, trusted);
  backend_name = std::move(choice.name);
  backend_reason = printable(choice.reason);
  backend = std::move(choice.backend);
}

void Model::require_backend() const {
  if (backend == nullptr)
    fail(ECOSTEP_NO_BACKEND, artefact.path, ": opened with backend 'none', to be described only; open it with another to compute");
}

Model::Outcome Model::step(const CalendarRow& calendar, const Block& block) const {
  backend->step(calendar, block);
  const std::size_t n = n_targets();
  bool sound = all_finite(block.changed, block.used * block.width);
  for (std::size_t c = 0; c < n; ++c) {
    float* const flux = block.flux + c * block.stride;
    if (!all_finite(flux, block.used))
      sound = false;
    else if (limits[c].lowest > -std::numeric_limits<float>::infinity() ||
             limits[c].highest < std::numeric_limits<float>::infinity())
      for (std::size_t i = 0; i < block.used; ++i) flux[i] = std::min(std::max(flux[i], limits[c].lowest), limits[c].highest);
  }
  if (sound) return {block.used, nullptr};
  for (std::size_t i = 0; i < block.used; ++i) {
    for (std::size_t c = 0; c < n; ++c)
      if (!std::isfinite(block.flux[c * block.stride + i])) return {i, artefact.targets[c].name.c_str()};
    if (!all_finite(block.changed + i * block.width, block.width)) return {i, "state"};
  }
  return {block.used, nullptr};
}

}  // namespace ecostep
