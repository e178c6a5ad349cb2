// Bytes as a sequence of calls of the C functions in any order, on stub and native artefacts. The host's arrays are as long as the
// declared sizes ask for and no longer. A call that fails must leave all of them alone, and none may change the rounding mode.
#include <cfenv>
#include <limits>
#include <memory>

#include "common.h"

namespace {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  std::uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
  std::size_t below(std::size_t n) { return byte() % n; }
  template <class T>
  T raw() {
    T value;
    std::uint8_t bytes[sizeof(T)];
    for (std::uint8_t& b : bytes) b = byte();
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_, at_ = 0;
};

// The artefacts of the corpus, in memory.
std::vector<std::unique_ptr<MemoryFile>>& artefacts() {
  static std::vector<std::unique_ptr<MemoryFile>> files;
  if (!files.empty()) return files;
  for (const char* name : {"stub.txt", "stub_all.txt", "native.txt"}) {
    std::FILE* file = std::fopen((std::string(ECOSTEP_CORPUS) + "/artefact/" + name).c_str(), "rb");
    if (file == nullptr) continue;
    std::string text;
    for (int c; (c = std::fgetc(file)) != EOF;) text.push_back(static_cast<char>(c));
    std::fclose(file);
    const std::string zip = make_zip(split_entries(text));
    files.push_back(std::make_unique<MemoryFile>());
    files.back()->set(zip.data(), zip.size());
  }
  require(!files.empty(), "no artefacts in " ECOSTEP_CORPUS);
  return files;
}

struct Buffer {
  std::unique_ptr<char[]> bytes;
  std::size_t size;
};

struct CellSet {
  ecostep_cells* cells = nullptr;
  const ecostep_model* model = nullptr;  // may have been closed: never used but to compare
  std::vector<ecostep_variable> info[4];
  std::vector<std::string> texts;  // what `info` points to
  std::size_t n = 0, width = 0;
  std::vector<Buffer> buffers;
  Buffer* state = nullptr;
  bool staged = false,
       spoilt = false;  // a small staging area was set; values were changed behind the library's back, or cells masked
  int year = 2001, month = 12, day = 29, seconds = 0;
};

constexpr std::size_t sizes[] = {0, 4, 8, 4, 8, 1};  // of an ecostep_type

class Machine {
 public:
  explicit Machine(Bytes bytes) : in_(bytes) {}
  ~Machine() {
    for (CellSet& set : sets_) ecostep_cells_destroy(set.cells);
    for (ecostep_model* model : models_) ecostep_close(model);
  }

  void run() {
    const int rounding = in_.below(2) == 0 ? FE_TONEAREST : FE_UPWARD;
    std::fesetround(rounding);
    for (int calls = 0; calls < 200 && !in_.empty(); ++calls) {
      one_call();
      require(std::fegetround() == rounding, "the rounding mode changed");
    }
    std::fesetround(FE_TONEAREST);
  }

 private:
  void one_call() {
    CellSet& set = sets_[in_.below(3)];
    ecostep_model*& model = models_[in_.below(2)];
    switch (in_.below(24)) {
      case 0:
        ecostep_close(model);
        open(model);
        break;
      case 1:
        ecostep_close(model);
        model = nullptr;
        break;
      case 2:
      case 3:
        create(set, model);
        break;
      case 4:
        ecostep_cells_destroy(set.cells);
        set = CellSet();
        break;
      case 5:
      case 6:
        connect(set);
        break;
      case 7:
      case 8:
        set_any(set);
        break;
      case 9:
        set_state(set);
        break;
      case 10: {
        static const char* const names[] = {"standard", "noleap", "360_day", "julian", "", nullptr};
        const char* name = names[in_.below(6)];
        guarded(set, [&] { return ecostep_set_calendar(set.cells, name); });
        break;
      }
      case 11:
        guarded(set, [&] { return ecostep_init_state(set.cells); });
        break;
      case 12:
        guarded(set, [&] { return ecostep_reset_date(set.cells); });
        guarded(set, [&] { return ecostep_state_check(set.cells, nullptr, ecostep_cells_count(set.cells)); });
        break;
      case 13:
        describe(model);
        break;
      case 14:
        poke(set);
        break;
      case 15: {
        static const std::size_t bytes[] = {0, 1, 100, 4096, 1 << 20, std::numeric_limits<std::size_t>::max()};
        set.staged = true;
        guarded(set, [&] { return ecostep_set_staging(set.cells, bytes[in_.below(6)]); });
        break;
      }
      case 18:
        set_mask(set);
        break;
      case 19: {
        const char* name = some_name(set);
        const auto policy = static_cast<ecostep_policy>(static_cast<int>(in_.below(7)) - 1);
        guarded(set, [&] { return ecostep_set_policy(set.cells, name, policy); });
        break;
      }
      case 20: {
        const char* name = some_name(set);
        std::size_t count = 0;
        guarded(set, [&] { return ecostep_range_count(set.cells, name, in_.below(8) == 0 ? nullptr : &count); });
        require(ecostep_range_message(set.cells) != nullptr, "a text is null");
        break;
      }
      case 21:
        spin_up(set);
        break;
      case 22:
        gradient(set);
        break;
      default:
        step(set);
    }
  }

  // Of an input or a static, of neither, or null for all.
  const char* some_name(const CellSet& set) {
    const auto& list = set.info[1 + in_.below(2)];
    const std::size_t choice = in_.below(list.size() + 2);
    return choice < list.size() ? list[choice].name : choice == list.size() ? nullptr : "none";
  }

  void set_mask(CellSet& set) {
    const std::uint8_t how = in_.byte();
    const int type = how & 1 ? static_cast<int>(in_.byte()) - 2 : 3 + static_cast<int>(in_.below(3));
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(in_.below(5)) - 2;
    void* data = how & 2 ? nullptr : array(set, type, stride, nullptr);
    if (data != nullptr)
      for (std::size_t i = 0; i < set.buffers.back().size; ++i)
        set.buffers.back().bytes[i] = (how >> 2 & 31) == 0 || in_.below(3) != 0;
    set.spoilt = true;
    const std::size_t n = how & 128 ? in_.raw<std::size_t>() : set.n;
    guarded(set, [&] { return ecostep_set_mask(set.cells, data, static_cast<ecostep_type>(type), n, stride); });
  }

  // The same day again and again: arrays of stride 0 hold a value for each of four days.
  void spin_up(CellSet& set) {
    const std::uint8_t how = in_.byte();
    const bool far = how & 1;
    const int year = how & 2 ? in_.raw<int>() : set.year, day = how & 4 ? in_.raw<int>() : set.day;
    const std::size_t nday = far ? 2 + in_.raw<std::size_t>() / 2 : in_.below(4);
    const std::ptrdiff_t stride = far ? std::numeric_limits<std::ptrdiff_t>::max() : 0;
    const ecostep_status status = ecostep_spin_up(set.cells, year, set.month, day, nday, stride);
    require(status != ECOSTEP_INTERNAL && !(far && status == ECOSTEP_OK), "a spin-up beyond memory");
    for (std::size_t i = 0; status == ECOSTEP_OK && i < nday; ++i) next_day(set);
  }

  void gradient(CellSet& set) {
    const std::uint8_t how = in_.byte();
    const std::size_t n = set.n;
    std::vector<double> fluxes(n * set.info[3].size() + 1, 1.0), weights(n * set.width + 1, 0.5),
        inputs(n * set.info[1].size() + 1), states(n * set.width + 1);
    const int day = how & 1 ? in_.raw<int>() : set.day;
    const ecostep_status status = guarded(set, [&] {
      return ecostep_step_gradient(set.cells, set.year, set.month, day, how & 2 ? nullptr : fluxes.data() + 1,
                                   how & 4 ? nullptr : weights.data() + 1, how & 8 ? nullptr : inputs.data() + 1,
                                   how & 16 ? nullptr : states.data() + 1);
    });
    for (const double value : inputs) require(status != ECOSTEP_OK || std::isfinite(value), "a derivative is not finite");
  }

  // Runs a call and, where it fails, compares all arrays of the host with what they were.
  template <class Call>
  ecostep_status guarded(CellSet& set, Call&& call) {
    std::vector<std::string> before;
    for (const Buffer& buffer : set.buffers) before.emplace_back(buffer.bytes.get(), buffer.size);
    const ecostep_status status = call();
    require(status != ECOSTEP_INTERNAL, "status INTERNAL");
    require(std::strcmp(ecostep_status_name(status), "UNKNOWN_STATUS") != 0, "a status without a name");
    if (status == ECOSTEP_OK) return status;
    require(ecostep_last_error()[0] != '\0', "a failure without a message");
    if (status == ECOSTEP_BACKEND_FAILED && set.staged) return status;  // chunks before the failing one were written
    for (std::size_t i = 0; i < before.size(); ++i)
      require(std::memcmp(before[i].data(), set.buffers[i].bytes.get(), before[i].size()) == 0, "a failed call changed an array");
    return status;
  }

  void open(ecostep_model*& model) {
    static const char* const backends[] = {nullptr, "", "stub", "native", "torchscript", "\xff"};
    const auto& files = artefacts();
    const char* backend = backends[in_.below(6)];
    const ecostep_status status = ecostep_open(files[in_.below(files.size())]->path(), backend, &model);
    require((status == ECOSTEP_OK) == (model != nullptr), "status and model disagree");
    require(status == ECOSTEP_OK || status == ECOSTEP_NO_BACKEND, "a good artefact is refused");
  }

  void create(CellSet& set, ecostep_model* model) {
    static const std::size_t counts[] = {
        0, 1, 2, 3, 17, 64, 65, 130, std::numeric_limits<std::size_t>::max(), std::size_t{1} << 60};
    ecostep_cells_destroy(set.cells);
    set = CellSet();
    const std::size_t n = counts[in_.below(10)];
    const ecostep_status status = ecostep_cells_create(model, n, &set.cells);
    require((status == ECOSTEP_OK) == (set.cells != nullptr), "status and cells disagree");
    if (status != ECOSTEP_OK) return;
    require(ecostep_cells_count(set.cells) == n, "the number of cells");
    set.n = n;
    if (n > 1000) {  // more than there is memory for: nothing can be registered
      ecostep_cells_destroy(set.cells);
      set = CellSet();
      return;
    }
    set.model = model;
    set.width = ecostep_state_size(model);
    for (int role = 1; role <= 3; ++role) {
      set.info[role].resize(ecostep_variable_count(model, static_cast<ecostep_role>(role)));
      for (std::size_t v = 0; v < set.info[role].size(); ++v)
        ecostep_variable_info(model, static_cast<ecostep_role>(role), v, &set.info[role][v]);
    }
    std::size_t n_texts = 0;
    for (auto& list : set.info) n_texts += 2 * list.size();
    set.texts.reserve(n_texts);
    for (auto& list : set.info)
      for (ecostep_variable& v : list) {  // the set outlives the model, its texts do not
        set.texts.emplace_back(v.name), v.name = set.texts.back().c_str();
        set.texts.emplace_back(v.units), v.units = set.texts.back().c_str();
      }
    set.buffers.reserve(4096);
  }

  // An array of the host that is as long as `n` values of that type and stride ask for.
  void* array(CellSet& set, int type, std::ptrdiff_t stride, const ecostep_variable* like) {
    if (set.n == 0 || set.buffers.size() == set.buffers.capacity()) return nullptr;
    const std::size_t size = type >= 1 && type <= 5 ? sizes[type] : 8,
                      step = static_cast<std::size_t>(stride < 0 ? -stride : stride);
    const std::size_t count = stride == 0 ? 4 : (set.n - 1) * step + 1;
    Buffer buffer{std::make_unique<char[]>(count * size), count * size};
    for (std::size_t i = 0; i < count; ++i) store(buffer.bytes.get() + i * size, type, like != nullptr ? plausible(*like) : 0.0);
    char* first = buffer.bytes.get() + (stride < 0 ? (set.n - 1) * step * size : 0);
    set.buffers.push_back(std::move(buffer));
    return first;
  }

  static double plausible(const ecostep_variable& v) {
    if (std::isfinite(v.train_min)) return v.train_min;
    return std::isfinite(v.valid_min) ? v.valid_min : 1.0;
  }

  static void store(char* at, int type, double value) {
    const float single = static_cast<float>(value);
    const bool whole = std::fabs(value) < 1e9;
    const std::int32_t i32 = whole ? static_cast<std::int32_t>(value) : 0;
    const std::int64_t i64 = i32;
    if (type == ECOSTEP_F32) std::memcpy(at, &single, 4);
    if (type == ECOSTEP_F64) std::memcpy(at, &value, 8);
    if (type == ECOSTEP_I32) std::memcpy(at, &i32, 4);
    if (type == ECOSTEP_I64) std::memcpy(at, &i64, 8);
  }

  ecostep_status register_one(CellSet& set, std::size_t role, const char* name, const char* units, void* data, int type,
                              std::size_t n, std::ptrdiff_t stride) {
    const auto kind = static_cast<ecostep_type>(type);
    return guarded(set, [&] {
      if (role == 1) return ecostep_set_input(set.cells, name, units, data, kind, n, stride);
      if (role == 2) return ecostep_set_static(set.cells, name, units, data, kind, n, stride);
      if (role == 3) return ecostep_set_output(set.cells, name, units, data, kind, n, stride);
      return ecostep_set_observed(set.cells, name, units, data, kind, n, stride);
    });
  }

  // Registers everything as a sound host does, with a stride and a type from the input.
  void connect(CellSet& set) {
    if (set.cells == nullptr) return;
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(in_.below(5)) - 2;
    const int type = 1 + static_cast<int>(in_.below(2));
    for (std::size_t role = 1; role <= 3; ++role)
      for (const ecostep_variable& v : set.info[role]) {
        const std::ptrdiff_t used = role == 3 && stride == 0 ? 1 : stride;
        if (set.buffers.size() == set.buffers.capacity()) return;
        const ecostep_status status =
            register_one(set, role, v.name, v.units, array(set, type, used, role < 3 ? &v : nullptr), type, set.n, used);
        require(status == ECOSTEP_OK, "a sound registration is refused");
      }
    add_state(set);
    require(ecostep_set_state(set.cells, state_of(set), set.width, set.n) == ECOSTEP_OK, "a sound state is refused");
  }

  float* state_of(CellSet& set) { return set.state != nullptr ? reinterpret_cast<float*>(set.state->bytes.get()) : nullptr; }

  void add_state(CellSet& set) {
    if (set.state != nullptr || set.buffers.size() == set.buffers.capacity()) return;
    const std::size_t size = set.n * set.width * sizeof(float);
    set.buffers.push_back({std::make_unique<char[]>(size), size});
    set.state = &set.buffers.back();
  }

  void set_any(CellSet& set) {
    static const char* const units[] = {"K", "degC", "1", "", "mm day-1", "kg m-2 s-1", "W/m2", "%", "1e-300^9", "m**-", nullptr};
    static const std::ptrdiff_t far[] = {std::numeric_limits<std::ptrdiff_t>::max(), std::numeric_limits<std::ptrdiff_t>::min()};
    const std::size_t role = 1 + in_.below(4);
    const auto& list = set.info[role == 4 ? 3 : role];
    const ecostep_variable* variable = list.empty() ? nullptr : &list[in_.below(list.size())];
    const std::uint8_t how = in_.byte();
    const char* name = (how & 3) == 3 ? (how & 4 ? nullptr : "none") : variable != nullptr ? variable->name : "";
    std::string own(1 + in_.below(9), ' ');
    const char* unit = variable != nullptr ? variable->units : "K";
    if (how & 8) {
      for (char& c : own) c = static_cast<char>(in_.byte());
      unit = in_.below(2) == 0 ? own.c_str() : units[in_.below(11)];
    }
    const int type = how & 16 ? static_cast<int>(in_.byte()) - 2 : 1 + static_cast<int>(in_.below(4));
    const std::size_t n = how & 32 ? in_.raw<std::size_t>() : set.n;
    std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(in_.below(7)) - 3;
    void* data = how & 64 ? nullptr : array(set, type, stride, variable);
    if (how & 128) stride = set.n > 1 ? far[in_.below(2)] : stride;
    register_one(set, role, name, unit, data, type, n, stride);
  }

  void set_state(CellSet& set) {
    add_state(set);
    const std::uint8_t how = in_.byte();
    float* state = how & 1 ? nullptr : state_of(set);
    const std::size_t width = how & 2 ? in_.raw<std::size_t>() : set.width, n = how & 4 ? in_.raw<std::size_t>() : set.n;
    guarded(set, [&] { return ecostep_set_state(set.cells, state, width, n); });
  }

  // Some value of an array or of the state becomes another one.
  void poke(CellSet& set) {
    static const double values[] = {NAN, INFINITY, -INFINITY, 0.0, -1.0, 1e300, 280.0, 1e-5, 3.5, -1e38};
    if (set.buffers.empty()) return;
    Buffer& buffer = set.buffers[in_.raw<std::uint16_t>() % set.buffers.size()];
    const std::size_t size = in_.below(2) == 0 ? 4 : 8;
    if (buffer.size < size) return;
    const std::size_t at = in_.raw<std::uint16_t>() % (buffer.size / size) * size;
    const double value = in_.below(4) == 0 ? in_.raw<double>() : values[in_.below(10)];
    set.spoilt = true;
    store(buffer.bytes.get() + at, size == 4 ? ECOSTEP_F32 : ECOSTEP_F64, value);
  }

  void describe(ecostep_model* model) {
    ecostep_variable info;
    ecostep_variable_info(model, static_cast<ecostep_role>(in_.below(6)), in_.below(8), &info);
    ecostep_variable_count(model, static_cast<ecostep_role>(in_.below(6)));
    require(ecostep_model_name(model) != nullptr && ecostep_model_kind(model) != nullptr &&
                ecostep_model_backend(model) != nullptr && ecostep_model_past_flux(model) != nullptr &&
                ecostep_model_metadata(model) != nullptr && ecostep_model_backend_reason(model) != nullptr,
            "a text is null");
    ecostep_block_rows(model);
    ecostep_model_flops(model);
    if (in_.below(8) == 0) ecostep_verify(model, nullptr);
  }

  void step(CellSet& set) {
    static const int lengths[] = {86400, 43200, 21600, 3600, 28800, 86400, 7, 0, -5, 86401};
    int dt = lengths[in_.below(10)], year = set.year, month = set.month, day = set.day, seconds = set.seconds;
    const std::uint8_t how = in_.byte();
    if (how < 16) year = in_.raw<int>();
    if (how >= 16 && how < 32) day = in_.raw<int>();
    if (how >= 32 && how < 40) seconds = in_.raw<int>();
    if (how >= 40 && how < 48) dt = in_.raw<int>();
    if (how >= 48 && how < 64) month = in_.raw<std::int8_t>();
    if (dt > 0 && seconds > 0 && how >= 64 && seconds % dt != 0) dt = 86400 - seconds;
    const ecostep_status status = guarded(set, [&] { return ecostep_step(set.cells, year, month, day, seconds, dt); });
    if (status != ECOSTEP_OK || set.n == 0) return;
    const float* state = state_of(set);
    for (std::size_t i = 0; seconds + dt == 86400 && !set.spoilt && i < set.n; ++i)
      for (std::size_t k = 0; k < set.width; ++k) require(std::isfinite(state[i * set.width + k]), "a state is not finite");
    set.year = year, set.month = month, set.day = day, set.seconds = seconds + dt;
    if (set.seconds < 86400) return;
    next_day(set);
  }

  // Whether that day exists is for the calendar to say.
  static void next_day(CellSet& set) {
    set.seconds = 0;
    if (++set.day <= 28) return;
    if (set.month == 12 && set.day > 31) ++set.year, set.month = 1, set.day = 1;
    if (set.month != 12) ++set.month, set.day = 1;
  }

  Bytes in_;
  ecostep_model* models_[2] = {nullptr, nullptr};
  CellSet sets_[3];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Machine(Bytes(data, size)).run();
  return 0;
}
