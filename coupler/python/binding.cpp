// Python binding over the C functions of ecostep.h, and nothing else: statuses are returned, coupler/python/*.py raises.
#include <ecostep.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <time.h>

#include <chrono>
#include <string>

namespace py = pybind11;

namespace {

// Owner of an ecostep_model.
class Model {
 public:
  Model() = default;
  ~Model() { ecostep_close(handle); }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ecostep_model* handle = nullptr;
};

// Owner of an ecostep_cells; the numpy arrays are kept alive by the Python class around it.
class Cells {
 public:
  Cells() = default;
  ~Cells() { ecostep_cells_destroy(handle); }
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;
  ecostep_cells* handle = nullptr;
};

int open_model(Model& model, const std::string& path, const std::string& backend, bool trust) {
  const py::gil_scoped_release unlocked;
  return (trust ? ecostep_open_trusted : ecostep_open)(path.c_str(), backend.c_str(), &model.handle);
}

py::tuple describe(const Model& model, int role, std::size_t index) {
  ecostep_variable v{};
  if (ecostep_variable_info(model.handle, static_cast<ecostep_role>(role), index, &v) != ECOSTEP_OK)
    throw py::index_error(ecostep_last_error());
  return py::make_tuple(v.name, v.units, v.long_name, v.accumulate, v.valid_min, v.valid_max, v.train_min, v.train_max);
}

py::tuple verify(const Model& model) {
  double difference = 0.0;
  const int status = ecostep_verify(model.handle, &difference);
  return py::make_tuple(status, difference);
}

ecostep_type type_of(const py::array& values) {
  if (values.itemsize() == 1) return ECOSTEP_I8;
  const bool integer = values.dtype().kind() == 'i';
  if (values.itemsize() == 4) return integer ? ECOSTEP_I32 : ECOSTEP_F32;
  return integer ? ECOSTEP_I64 : ECOSTEP_F64;
}

int register_array(Cells& cells, const std::string& role, const std::string& name, const std::string& units,
                   const py::array& values) {
  const auto n = static_cast<std::size_t>(values.shape(0));
  if (values.strides(0) % values.itemsize() != 0)
    throw py::type_error(name + ": the array's stride is no multiple of its item size");
  const std::ptrdiff_t stride = n > 1 ? values.strides(0) / values.itemsize() : 1;
  const ecostep_type type = type_of(values);
  void* data = const_cast<void*>(values.data());
  if (role == "local time") return ecostep_set_local_time(cells.handle, units.c_str(), data, type, n, stride);
  if (role == "mask") return ecostep_set_mask(cells.handle, data, type, n, stride);
  if (role == "input") return ecostep_set_input(cells.handle, name.c_str(), units.c_str(), data, type, n, stride);
  if (role == "static") return ecostep_set_static(cells.handle, name.c_str(), units.c_str(), data, type, n, stride);
  if (role == "output") return ecostep_set_output(cells.handle, name.c_str(), units.c_str(), data, type, n, stride);
  return ecostep_set_observed(cells.handle, name.c_str(), units.c_str(), data, type, n, stride);
}

int set_state(Cells& cells, py::array_t<float, py::array::c_style>& state) {
  return ecostep_set_state(cells.handle, state.mutable_data(), static_cast<std::size_t>(state.shape(1)),
                           static_cast<std::size_t>(state.shape(0)));
}

py::tuple range_count(const Cells& cells, const std::string& name) {
  std::size_t count = 0;
  const int status = ecostep_range_count(cells.handle, name.empty() ? nullptr : name.c_str(), &count);
  return py::make_tuple(status, count);
}

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

// Shapes are tested in cells.py.
int gradient(Cells& cells, int year, int month, int day, const Doubles& flux, const py::object& state, Doubles& to_inputs,
             Doubles& to_state) {
  const Doubles weights = state.is_none() ? Doubles() : state.cast<Doubles>();
  const double* const state_weight = state.is_none() ? nullptr : weights.data();
  double *const inputs = to_inputs.mutable_data(), *const memory = to_state.mutable_data();
  const py::gil_scoped_release unlocked;
  return ecostep_step_gradient(cells.handle, year, month, day, flux.data(), state_weight, inputs, memory);
}

int spin_up(Cells& cells, int year, int month, int day, std::size_t nday, std::ptrdiff_t day_stride) {
  return ecostep_spin_up(cells.handle, year, month, day, nday, day_stride);
}

int step(Cells& cells, int year, int month, int day, int seconds, int dt) {
  return ecostep_step(cells.handle, year, month, day, seconds, dt);
}

// Time of the calling thread, s: other work on the machine does not count.
double thread_seconds() {
#ifdef CLOCK_THREAD_CPUTIME_ID
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
#else
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

// Processor time of `count` steps of a day, of following days of one month, without what Python adds to a call.
py::tuple time_days(Cells& cells, int year, int month, int day, int count) {
  int status = ECOSTEP_OK;
  const double began = thread_seconds();
  {
    const py::gil_scoped_release unlocked;
    for (int i = 0; i < count && status == ECOSTEP_OK; ++i) status = ecostep_step(cells.handle, year, month, day + i, 0, 86400);
  }
  return py::make_tuple(status, thread_seconds() - began);
}

}  // namespace

PYBIND11_MODULE(_binding, m) {
  m.attr("TYPES") = py::make_tuple("float32", "float64", "int32", "int64");
  m.def("last_error", [] {
    return py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
        ecostep_last_error(), static_cast<Py_ssize_t>(std::char_traits<char>::length(ecostep_last_error())), "replace"));
  });
  m.def("status_name", [](int status) { return ecostep_status_name(static_cast<ecostep_status>(status)); });
  m.def("version", &ecostep_version);
  m.def("unit_conversion", [](const std::string& variable, const std::string& from, const std::string& to, double interval) {
    double scale = 1.0, offset = 0.0;
    const int status = ecostep_unit_conversion(variable.c_str(), from.c_str(), to.c_str(), interval, &scale, &offset);
    return py::make_tuple(status, scale, offset);
  });

  py::class_<Model>(m, "Model")
      .def(py::init<>())
      .def("open", &open_model)
      .def("verify", &verify)
      .def("variable", &describe)
      .def("count",
           [](const Model& model, int role) { return ecostep_variable_count(model.handle, static_cast<ecostep_role>(role)); })
      .def("state_size", [](const Model& model) { return ecostep_state_size(model.handle); })
      .def("block_rows", [](const Model& model) { return ecostep_block_rows(model.handle); })
      .def("name", [](const Model& model) { return ecostep_model_name(model.handle); })
      .def("kind", [](const Model& model) { return ecostep_model_kind(model.handle); })
      .def("backend", [](const Model& model) { return ecostep_model_backend(model.handle); })
      .def("backend_reason", [](const Model& model) { return ecostep_model_backend_reason(model.handle); })
      .def("flops", [](const Model& model) { return ecostep_model_flops(model.handle); })
      .def("past_flux", [](const Model& model) { return ecostep_model_past_flux(model.handle); })
      .def("fingerprint", [](const Model& model) { return ecostep_fingerprint(model.handle); })
      .def("metadata", [](const Model& model) { return ecostep_model_metadata(model.handle); });

  py::class_<Cells>(m, "Cells")
      .def(py::init<>())
      .def("create", [](Cells& cells, const Model& model,
                        std::size_t n) { return static_cast<int>(ecostep_cells_create(model.handle, n, &cells.handle)); })
      .def("set_calendar",
           [](Cells& cells, const std::string& calendar) {
             return static_cast<int>(ecostep_set_calendar(cells.handle, calendar.c_str()));
           })
      .def("set_state", &set_state)
      .def("register", &register_array)
      .def("set_policy",
           [](Cells& cells, const std::string& name, int policy) {
             return static_cast<int>(
                 ecostep_set_policy(cells.handle, name.empty() ? nullptr : name.c_str(), static_cast<ecostep_policy>(policy)));
           })
      .def("range_count", &range_count)
      .def("range_message", [](const Cells& cells) { return ecostep_range_message(cells.handle); })
      .def("set_staging",
           [](Cells& cells, std::size_t bytes) { return static_cast<int>(ecostep_set_staging(cells.handle, bytes)); })
      .def("spin_up", &spin_up, py::call_guard<py::gil_scoped_release>())
      .def("gradient", &gradient)
      .def("state_checksum",
           [](const Cells& cells, py::array_t<std::uint32_t, py::array::c_style>& checksum) {
             return static_cast<int>(
                 ecostep_state_checksum(cells.handle, checksum.mutable_data(), static_cast<std::size_t>(checksum.size())));
           })
      .def("check_state",
           [](Cells& cells, const py::object& checksum, std::size_t n) {
             using Checksums = py::array_t<std::uint32_t, py::array::c_style>;
             const Checksums values = checksum.is_none() ? Checksums() : checksum.cast<Checksums>();
             return static_cast<int>(ecostep_state_check(cells.handle, checksum.is_none() ? nullptr : values.data(), n));
           })
      .def("init_state", [](Cells& cells) { return static_cast<int>(ecostep_init_state(cells.handle)); })
      .def("write_outputs", [](Cells& cells) { return static_cast<int>(ecostep_write_outputs(cells.handle)); })
      .def("reset_date", [](Cells& cells) { return static_cast<int>(ecostep_reset_date(cells.handle)); })
      .def("time_days", &time_days)
      .def("step", &step, py::call_guard<py::gil_scoped_release>());
}
