// The C functions of ecostep.h: arguments tested, exceptions turned into statuses, the host's floating-point environment kept.
#include "ecostep.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>

#include "cells/cells.h"
#include "cells/model.h"
#include "cells/verification.h"
#include "core/error.h"
#include "core/floating_point_guard.h"
#include "core/printable.h"
#include "core/units.h"

struct ecostep_model {
  std::shared_ptr<const ecostep::Model> shared;
  std::atomic<std::size_t> owners{1};
};

struct ecostep_cells {
  ecostep::Cells cells;
  std::atomic<std::size_t> owners{1};
};

namespace {

thread_local char last_error[2048] = "";

// Messages name files and quote what is in them.
ecostep_status report(ecostep_status status, const char* message) noexcept {
  try {
    std::snprintf(last_error, sizeof last_error, "%s", ecostep::printable(message, true).c_str());
  } catch (const std::bad_alloc&) {
    std::snprintf(last_error, sizeof last_error, "out of memory");
  }
  return status;
}

template <class Work>
ecostep_status guarded(Work&& work) noexcept {
  const ecostep::FloatingPointGuard floating_point;
  try {
    work();
    return ECOSTEP_OK;
  } catch (const ecostep::Error& error) {
    return report(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ECOSTEP_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return report(ECOSTEP_INTERNAL, error.what());
  } catch (...) {
    return report(ECOSTEP_INTERNAL, "unknown failure");
  }
}

template <class T>
T& required(T* pointer, const char* what) {
  if (pointer == nullptr) ecostep::fail(ECOSTEP_INVALID_ARGUMENT, what, ": null pointer");
  return *pointer;
}

template <class T>
T* share(T* handle) noexcept {
  if (handle != nullptr) ++handle->owners;
  return handle;
}

template <class T>
void give_back(T* handle) noexcept {
  if (handle != nullptr && --handle->owners == 0) delete handle;
}

ecostep::HostArray host_array(const void* data, ecostep_type type, ptrdiff_t stride) {
  const int number = static_cast<int>(type);
  if (data == nullptr && number == 0)  // what the Fortran module gives where null would take an array back
    ecostep::fail(ECOSTEP_INVALID_ARGUMENT,
                  "a component of an array of structures has no address of its own; copy it into an array of its own");
  if (number < ECOSTEP_F32 || number > ECOSTEP_I8) ecostep::fail(ECOSTEP_INVALID_ARGUMENT, "type ", number, " is no ecostep_type");
  ecostep::HostArray array;
  array.data = data, array.type = type, array.stride = stride;
  return array;
}

// An array of rank 2 as the cells see it: of rank 1 where one distance leads from each element to the next.
ecostep::HostArray host_tile(const void* data, ecostep_type type, size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) {
  ecostep::HostArray array = host_array(data, type, n_1 > 1 ? stride_1 : stride_2);
  ptrdiff_t row = 0;
  if (n_1 <= 1 || n_2 <= 1) return array;
  if (!__builtin_mul_overflow(stride_1, n_1, &row) && row == stride_2) return array;
  array.row = n_1;
  array.row_stride = stride_2;
  return array;
}

size_t tile_size(size_t n_1, size_t n_2) {
  size_t n = 0;
  if (__builtin_mul_overflow(n_1, n_2, &n))
    ecostep::fail(ECOSTEP_WRONG_SIZE, "an array of ", n_1, " by ", n_2, " cells is too large");
  return n;
}

const std::vector<ecostep::Variable>* variables(const ecostep_model* model, ecostep_role role) {
  if (model == nullptr) return nullptr;
  switch (role) {
    case ECOSTEP_INPUT:
      return &model->shared->artefact.inputs;
    case ECOSTEP_STATIC:
      return &model->shared->artefact.statics;
    case ECOSTEP_TARGET:
      return &model->shared->artefact.targets;
  }
  return nullptr;
}

// The four ways to register an array differ in a member function.
using Register = void (ecostep::Registration::*)(const std::string&, const std::string&, const ecostep::HostArray&, std::size_t);

ecostep_status register_array(Register how, ecostep_cells* cells, const char* name, const char* units, const void* data,
                              ecostep_type type, size_t ncell, ptrdiff_t stride) noexcept {
  return guarded([&] {
    ecostep::Registration& registration = required(cells, "cells").cells.registration();
    (registration.*how)(&required(name, "name"), &required(units, "units"), host_array(data, type, stride), ncell);
  });
}

ecostep_status register_tile(Register how, ecostep_cells* cells, const char* name, const char* units, const void* data,
                             ecostep_type type, size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) noexcept {
  return guarded([&] {
    ecostep::Registration& registration = required(cells, "cells").cells.registration();
    (registration.*how)(&required(name, "name"), &required(units, "units"), host_tile(data, type, n_1, stride_1, n_2, stride_2),
                        tile_size(n_1, n_2));
  });
}

// Whether the user of the process says that artefacts may run any TorchScript code.
bool trusts_all() noexcept {
  const char* const trust = std::getenv("ECOSTEP_TRUST");
  return trust != nullptr && std::strcmp(trust, "1") == 0;
}

ecostep_status open_model(const char* path, const char* backend, bool trusted, ecostep_model** model) noexcept {
  if (model != nullptr) *model = nullptr;
  return guarded([&] {
    required(model, "model");
    auto shared = std::make_shared<const ecostep::Model>(&required(path, "path"), backend != nullptr ? backend : "", trusted);
    *model = new ecostep_model{std::move(shared), {1}};
  });
}

}  // namespace

extern "C" {

ecostep_status ecostep_open(const char* path, const char* backend, ecostep_model** model) noexcept {
  return open_model(path, backend, trusts_all(), model);
}

ecostep_status ecostep_open_trusted(const char* path, const char* backend, ecostep_model** model) noexcept {
  return open_model(path, backend, true, model);
}

ecostep_model* ecostep_model_share(ecostep_model* model) noexcept {
  return share(model);
}

void ecostep_close(ecostep_model* model) noexcept {
  give_back(model);
}

size_t ecostep_state_size(const ecostep_model* model) noexcept {
  return model != nullptr ? model->shared->layout.size : 0;
}

size_t ecostep_variable_count(const ecostep_model* model, ecostep_role role) noexcept {
  const auto* list = variables(model, role);
  return list != nullptr ? list->size() : 0;
}

ecostep_status ecostep_variable_info(const ecostep_model* model, ecostep_role role, size_t index, ecostep_variable* info) noexcept {
  return guarded([&] {
    required(model, "model");
    required(info, "info");
    const auto* list = variables(model, role);
    if (list == nullptr || index >= list->size())
      ecostep::fail(ECOSTEP_INVALID_ARGUMENT, "there is no variable ", index, " of that role");
    const ecostep::Variable& v = (*list)[index];
    *info = {v.name.c_str(), v.units.c_str(), v.long_name.c_str(), v.accumulate_name.c_str(),
             v.valid_min,    v.valid_max,     v.train_min,         v.train_max};
  });
}

const char* ecostep_model_name(const ecostep_model* model) noexcept {
  return model ? model->shared->artefact.name.c_str() : "";
}
const char* ecostep_model_kind(const ecostep_model* model) noexcept {
  return model ? model->shared->artefact.kind.c_str() : "";
}
const char* ecostep_model_backend(const ecostep_model* model) noexcept {
  return model ? model->shared->backend_name.c_str() : "";
}
const char* ecostep_model_backend_reason(const ecostep_model* model) noexcept {
  return model ? model->shared->backend_reason.c_str() : "";
}
double ecostep_model_flops(const ecostep_model* model) noexcept {
  return model != nullptr && model->shared->backend != nullptr ? model->shared->backend->flops() : 0.0;
}
const char* ecostep_model_past_flux(const ecostep_model* model) noexcept {
  return model ? model->shared->artefact.past_flux.c_str() : "";
}
const char* ecostep_fingerprint(const ecostep_model* model) noexcept {
  return model ? model->shared->artefact.fingerprint.c_str() : "";
}
const char* ecostep_model_metadata(const ecostep_model* model) noexcept {
  return model ? model->shared->artefact.metadata.c_str() : "";
}

size_t ecostep_block_rows(const ecostep_model* model) noexcept {
  return model != nullptr && model->shared->backend != nullptr ? model->shared->backend->block() : 0;
}

ecostep_status ecostep_verify(const ecostep_model* model, double* max_difference) noexcept {
  constexpr double tolerance = 1e-4;
  ecostep::Difference largest;
  const ecostep_status status = guarded([&] { ecostep::verify(*required(model, "model").shared, tolerance, largest); });
  if (max_difference != nullptr) *max_difference = largest.size;
  return status;
}

ecostep_status ecostep_cells_create(const ecostep_model* model, size_t ncell, ecostep_cells** cells) noexcept {
  if (cells != nullptr) *cells = nullptr;
  return guarded([&] {
    required(cells, "cells");
    required(model, "model").shared->require_backend();
    *cells = new ecostep_cells{ecostep::Cells(model->shared, ncell), {1}};
  });
}

ecostep_cells* ecostep_cells_share(ecostep_cells* cells) noexcept {
  return share(cells);
}

void ecostep_cells_destroy(ecostep_cells* cells) noexcept {
  give_back(cells);
}

size_t ecostep_cells_count(const ecostep_cells* cells) noexcept {
  return cells != nullptr ? cells->cells.size() : 0;
}

ecostep_status ecostep_set_input(ecostep_cells* cells, const char* name, const char* units, const void* data, ecostep_type type,
                                 size_t ncell, ptrdiff_t stride) noexcept {
  return register_array(&ecostep::Registration::set_input, cells, name, units, data, type, ncell, stride);
}

ecostep_status ecostep_set_static(ecostep_cells* cells, const char* name, const char* units, const void* data, ecostep_type type,
                                  size_t ncell, ptrdiff_t stride) noexcept {
  return register_array(&ecostep::Registration::set_static, cells, name, units, data, type, ncell, stride);
}

ecostep_status ecostep_set_output(ecostep_cells* cells, const char* target, const char* units, void* data, ecostep_type type,
                                  size_t ncell, ptrdiff_t stride) noexcept {
  return register_array(&ecostep::Registration::set_output, cells, target, units, data, type, ncell, stride);
}

ecostep_status ecostep_set_observed(ecostep_cells* cells, const char* target, const char* units, const void* data,
                                    ecostep_type type, size_t ncell, ptrdiff_t stride) noexcept {
  return register_array(&ecostep::Registration::set_observed, cells, target, units, data, type, ncell, stride);
}

ecostep_status ecostep_set_input_2d(ecostep_cells* cells, const char* name, const char* units, const void* data, ecostep_type type,
                                    size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) noexcept {
  return register_tile(&ecostep::Registration::set_input, cells, name, units, data, type, n_1, stride_1, n_2, stride_2);
}

ecostep_status ecostep_set_static_2d(ecostep_cells* cells, const char* name, const char* units, const void* data, ecostep_type type,
                                     size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) noexcept {
  return register_tile(&ecostep::Registration::set_static, cells, name, units, data, type, n_1, stride_1, n_2, stride_2);
}

ecostep_status ecostep_set_output_2d(ecostep_cells* cells, const char* target, const char* units, void* data, ecostep_type type,
                                     size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) noexcept {
  return register_tile(&ecostep::Registration::set_output, cells, target, units, data, type, n_1, stride_1, n_2, stride_2);
}

ecostep_status ecostep_set_observed_2d(ecostep_cells* cells, const char* target, const char* units, const void* data,
                                       ecostep_type type, size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) noexcept {
  return register_tile(&ecostep::Registration::set_observed, cells, target, units, data, type, n_1, stride_1, n_2, stride_2);
}

ecostep_status ecostep_set_state(ecostep_cells* cells, float* state, size_t state_size, size_t ncell) noexcept {
  return guarded([&] { required(cells, "cells").cells.registration().set_state(state, state_size, ncell); });
}

ecostep_status ecostep_state_checksum(const ecostep_cells* cells, uint32_t* checksum, size_t ncell) noexcept {
  return guarded([&] {
    const ecostep::Cells& set = required(cells, "cells").cells;
    set.state_checksums(ncell > 0 ? &required(checksum, "checksum") : checksum, ncell);
  });
}

ecostep_status ecostep_state_check(ecostep_cells* cells, const uint32_t* checksum, size_t ncell) noexcept {
  return guarded([&] { required(cells, "cells").cells.check_state(checksum, ncell); });
}

ecostep_status ecostep_set_calendar(ecostep_cells* cells, const char* calendar) noexcept {
  return guarded([&] { required(cells, "cells").cells.set_calendar(&required(calendar, "calendar")); });
}

ecostep_status ecostep_set_local_time(ecostep_cells* cells, const char* units, const void* offset, ecostep_type type, size_t ncell,
                                      ptrdiff_t stride) noexcept {
  return ecostep_set_local_time_2d(cells, units, offset, type, ncell, stride, 1, 1);
}

ecostep_status ecostep_set_local_time_2d(ecostep_cells* cells, const char* units, const void* offset, ecostep_type type, size_t n_1,
                                         ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) noexcept {
  return guarded([&] {
    ecostep::Cells& set = required(cells, "cells").cells;
    const size_t ncell = tile_size(n_1, n_2);
    if (offset == nullptr && ncell == 0 && units == nullptr) units = "s";  // taken back
    set.set_local_time(&required(units, "units"), host_tile(offset, type, n_1, stride_1, n_2, stride_2), ncell);
  });
}

ecostep_status ecostep_set_mask(ecostep_cells* cells, const void* active, ecostep_type type, size_t ncell,
                                ptrdiff_t stride) noexcept {
  return ecostep_set_mask_2d(cells, active, type, ncell, stride, 1, 1);
}

ecostep_status ecostep_set_mask_2d(ecostep_cells* cells, const void* active, ecostep_type type, size_t n_1, ptrdiff_t stride_1,
                                   size_t n_2, ptrdiff_t stride_2) noexcept {
  return guarded([&] {
    ecostep::Registration& registration = required(cells, "cells").cells.registration();
    registration.set_mask(host_tile(active, type, n_1, stride_1, n_2, stride_2), tile_size(n_1, n_2));
  });
}

ecostep_status ecostep_set_policy(ecostep_cells* cells, const char* name, ecostep_policy policy) noexcept {
  return guarded([&] {
    const int number = static_cast<int>(policy);
    if (number < ECOSTEP_POLICY_IGNORE || number > ECOSTEP_POLICY_CLIP)
      ecostep::fail(ECOSTEP_INVALID_ARGUMENT, "policy ", number, " is no ecostep_policy");
    required(cells, "cells").cells.set_policy(name, policy);
  });
}

ecostep_status ecostep_range_count(const ecostep_cells* cells, const char* name, size_t* count) noexcept {
  return guarded([&] { required(count, "count") = required(cells, "cells").cells.range_count(name); });
}

const char* ecostep_range_message(const ecostep_cells* cells) noexcept {
  const char* message = "";
  if (cells != nullptr) guarded([&] { message = cells->cells.range_message().c_str(); });
  return message;
}

ecostep_status ecostep_set_staging(ecostep_cells* cells, size_t bytes) noexcept {
  return guarded([&] { required(cells, "cells").cells.set_staging(bytes); });
}

ecostep_status ecostep_init_state(ecostep_cells* cells) noexcept {
  return guarded([&] { required(cells, "cells").cells.init_state(); });
}

ecostep_status ecostep_write_outputs(ecostep_cells* cells) noexcept {
  return guarded([&] { required(cells, "cells").cells.write_outputs(); });
}

ecostep_status ecostep_reset_date(ecostep_cells* cells) noexcept {
  return guarded([&] { required(cells, "cells").cells.reset_date(); });
}

ecostep_status ecostep_step(ecostep_cells* cells, int year, int month, int day, int seconds, int dt) noexcept {
  return guarded([&] { required(cells, "cells").cells.step({year, month, day}, seconds, dt); });
}

ecostep_status ecostep_spin_up(ecostep_cells* cells, int year, int month, int day, size_t nday, ptrdiff_t day_stride) noexcept {
  return guarded([&] { required(cells, "cells").cells.spin_up({year, month, day}, nday, day_stride); });
}

ecostep_status ecostep_step_gradient(ecostep_cells* cells, int year, int month, int day, const double* flux_weight,
                                     const double* state_weight, double* input_gradient, double* state_gradient) noexcept {
  return guarded([&] {
    ecostep::Cells& set = required(cells, "cells").cells;
    if (set.size() == 0) return;
    set.gradient({year, month, day}, {&required(flux_weight, "flux_weight"), state_weight,
                                      &required(input_gradient, "input_gradient"), &required(state_gradient, "state_gradient")});
  });
}

ecostep_status ecostep_unit_conversion(const char* variable, const char* from, const char* to, double interval, double* scale,
                                       double* offset) noexcept {
  return guarded([&] {
    double &factor = required(scale, "scale"), &shift = required(offset, "offset");
    if (!(interval >= 0.0)) ecostep::fail(ECOSTEP_INVALID_ARGUMENT, "interval ", interval, " is no number of seconds");
    const ecostep::Conversion conversion =
        ecostep::convert_units(&required(variable, "variable"), &required(from, "from"), &required(to, "to"), interval);
    factor = conversion.scale, shift = conversion.offset;
  });
}

const char* ecostep_last_error(void) noexcept {
  return last_error;
}

const char* ecostep_status_name(ecostep_status status) noexcept {
  static constexpr const char* names[] = {
      "OK",           "INVALID_ARGUMENT", "FILE_ERROR",    "NOT_AN_ARTEFACT", "NEWER_FORMAT", "CORRUPT",  "NO_BACKEND",
      "UNKNOWN_NAME", "BAD_UNITS",        "WRONG_SIZE",    "NOT_REGISTERED",  "BAD_VALUE",    "BAD_DATE", "BACKEND_FAILED",
      "MISMATCH",     "NOT_AVAILABLE",    "OUT_OF_MEMORY", "INTERNAL",        "NOT_TRUSTED"};
  static_assert(std::size(names) == ECOSTEP_NOT_TRUSTED + 1, "a name for each status");
  const int number = static_cast<int>(status);
  return number >= 0 && number <= ECOSTEP_NOT_TRUSTED ? names[number] : "UNKNOWN_STATUS";
}

const char* ecostep_version(void) noexcept {
  return ECOSTEP_VERSION;
}

}  // extern "C"
