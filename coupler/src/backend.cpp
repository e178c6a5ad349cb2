// Choice of a backend, and the TorchScript one as the core sees it: a plugin opened only when an artefact asks for it, so that
// neither this library nor hosts that use another backend ever load libtorch.
#include "backend.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "aligned_floats.h"
#include "calendar.h"
#include "error.h"
#include "model.h"
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

// Matrix kernels of torch choose their order of summation by the number of rows and by alignment, so results depend on how cells
// are grouped unless the groups are of certain sizes: blocks of 64 rows on 64-byte boundaries, filled up with a repeated row, are
// what every result is measured by. Other sizes are taken where they give the same bits, which is tried before a size is used for
// the first time. Only multiples of 32 are tried: elementwise kernels compute what is left beyond a multiple of 32 numbers with
// other code, whose results differ so rarely that trying would not find it.
class PluginBackend final : public Backend {
 public:
  PluginBackend(const ecostep_plugin& plugin, const Artefact& artefact, const Archive& archive)
      : plugin_(plugin),
        d_(artefact.inputs.size()),
        p_(artefact.statics.size()),
        c_(artefact.targets.size()),
        s_(artefact.state_size) {
    const ecostep_plugin_sizes sizes{d_, p_, c_, s_, artefact.past_flux != "none"};
    Message message{};
    const int status =
        plugin_.open(archive.bytes().data(), archive.bytes().size(), &sizes, &model_, message.data(), message.size());
    if (status == 2)
      fail(ECOSTEP_NO_BACKEND, "torchscript backend: ", message.data(), "; build ecostep again with the present torch");
    if (status != 0) fail(ECOSTEP_CORRUPT, artefact.path, ": ", message.data());
    try {
      if (rows_are_alike(artefact.reference)) {
        most_ = std::max(usual_block, std::min(most_rows, most_bytes / (s_ * sizeof(float))) / usual_block * usual_block);
        reference_ = artefact.reference;
      } else {
        most_ = 1;
      }
    } catch (...) {
      plugin_.close(model_);
      throw;
    }
  }
  ~PluginBackend() override { plugin_.close(model_); }
  PluginBackend(const PluginBackend&) = delete;
  PluginBackend& operator=(const PluginBackend&) = delete;

  std::size_t block() const override { return most_; }

  // What is known to change on days of this kind; everything until there was one.
  void changes(const std::int64_t* calendar, bool observed, std::vector<Range>& ranges) const override {
    const std::lock_guard<std::mutex> lock(learning_);
    const std::vector<Range>& known = changes_[kind(calendar, observed)];
    if (known.empty())
      ranges.assign(1, {0, s_});
    else
      ranges = known;
  }

  void init_state(std::size_t used, std::size_t stride, const float* statics, float* state,
                  std::size_t state_stride) const override {
    in_parts(used, false, [&](std::size_t first, std::size_t cells, std::size_t rows) {
      Scratch& scratch = sized_scratch(rows);
      take_columns(statics + first, p_, cells, stride, rows, scratch.drivers.data());
      run_init_state(rows, scratch.drivers.data(), scratch.state.data());
      for (std::size_t i = 0; i < cells; ++i) std::copy_n(scratch.state.data() + i * s_, s_, state + (first + i) * state_stride);
    });
  }

  void step(const std::int64_t* calendar, const Block& block) const override {
    std::vector<Range>& ranges = own_scratch().ranges;
    changes(calendar, block.observed != nullptr, ranges);
    if (total_size(ranges) != block.width) throw ChangesGrew();  // since the caller asked
    in_parts(block.used, block.observed != nullptr, [&](std::size_t first, std::size_t cells, std::size_t rows) {
      Scratch& scratch = sized_scratch(rows);
      const Arguments in = take(block, first, cells, rows, scratch);
      run_step(rows, cells, in, calendar, ranges, scratch.flux.data(), block.changed + first * block.width);
      for (std::size_t c = 0; c < c_; ++c)
        for (std::size_t i = 0; i < cells; ++i) block.flux[c * block.stride + first + i] = scratch.flux[i * c_ + c];
    });
  }

  // In blocks of the usual size: nobody has tried whether derivatives have the same bits in others.
  void gradient(const std::int64_t* calendar, const Block& block, const Adjoint& adjoint) const override {
    const std::size_t rows = std::min(most_, usual_block);
    for (std::size_t first = 0; first < block.used; first += rows) {
      const std::size_t cells = std::min(rows, block.used - first);
      Scratch& scratch = sized_scratch(rows);
      scratch.new_state.resize(std::max(scratch.new_state.size(), rows * s_));
      const Arguments in = take(block, first, cells, rows, scratch);
      AlignedFloats flux(rows * c_), state(rows * s_), drivers(rows * d_);  // weights of the rows that fill up stay 0
      std::copy_n(adjoint.flux + first * c_, cells * c_, flux.data());
      if (adjoint.state != nullptr) std::copy_n(adjoint.state + first * s_, cells * s_, state.data());
      Message message;
      message[0] = '\0';
      if (plugin_.gradient(model_, rows, in.drivers, calendar, in.observed, in.state, flux.data(),
                           adjoint.state != nullptr ? state.data() : nullptr, drivers.data(), scratch.new_state.data(),
                           message.data(), message.size()) != 0)
        fail(ECOSTEP_BACKEND_FAILED, "torchscript: derivative: ", message.data());
      std::copy_n(drivers.data(), cells * d_, adjoint.drivers + first * d_);
      std::copy_n(scratch.new_state.data(), cells * s_, adjoint.old_state + first * s_);
    }
  }

 private:
  using Message = std::array<char, 1024>;

  // One block as torch takes it, (rows, variable). Kept by each thread, so that the hot loop allocates nothing of its own.
  struct Scratch {
    AlignedFloats drivers, observed, state, flux, new_state;
    std::vector<Range> ranges;
    std::vector<unsigned char> columns;
  };
  struct Arguments {
    const float *drivers, *observed, *state;
  };

  static Scratch& own_scratch() {
    thread_local Scratch scratch;
    return scratch;
  }

  Scratch& sized_scratch(std::size_t n) const {
    Scratch& scratch = own_scratch();
    const auto grow = [](AlignedFloats& floats, std::size_t size) {
      if (floats.size() < size) floats.resize(size);
    };
    grow(scratch.drivers, n * std::max(d_, p_)), grow(scratch.observed, n * c_), grow(scratch.flux, n * c_);
    grow(scratch.state, n * s_);
    return scratch;
  }

  // (variable, cell) -> (rows, variable), the last cell repeated.
  static void take_columns(const float* columns, std::size_t n, std::size_t used, std::size_t stride, std::size_t rows,
                           float* out) {
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t v = 0; v < n; ++v) out[i * n + v] = columns[v * stride + std::min(i, used - 1)];
  }

  Arguments take(const Block& block, std::size_t first, std::size_t cells, std::size_t rows, Scratch& scratch) const {
    take_columns(block.drivers + first, d_, cells, block.stride, rows, scratch.drivers.data());
    if (block.observed != nullptr) take_columns(block.observed + first, c_, cells, block.stride, rows, scratch.observed.data());
    for (std::size_t i = 0; i < rows; ++i)
      std::copy_n(block.state + (first + std::min(i, cells - 1)) * block.state_stride, s_, scratch.state.data() + i * s_);
    return {scratch.drivers.data(), block.observed != nullptr ? scratch.observed.data() : nullptr, scratch.state.data()};
  }

  // Calls work(first cell, cells, rows) for parts of `used` cells: one, where the number of rows that holds them may be used.
  template <class Work>
  void in_parts(std::size_t used, bool observed, Work&& work) const {
    if (most_ == 1) {
      for (std::size_t i = 0; i < used; ++i) work(i, std::size_t{1}, std::size_t{1});
      return;
    }
    const std::size_t rows = used <= usual_block / 2 ? usual_block / 2 : (used + usual_block - 1) / usual_block * usual_block;
    if (may_use(rows, observed)) {
      work(std::size_t{0}, used, rows);
      return;
    }
    for (std::size_t first = 0; first < used; first += usual_block) work(first, std::min(usual_block, used - first), usual_block);
  }

  bool may_use(std::size_t rows, bool observed) const {
    if (rows == usual_block) return true;
    std::atomic<char>& known = sizes_[observed][rows / 32];
    char found = known.load(std::memory_order_acquire);
    if (found == unknown) {
      const std::lock_guard<std::mutex> lock(trying_);
      found = known.load(std::memory_order_relaxed);
      if (found == unknown) {
        found = same_as_usual(rows, observed) ? same : other;
        known.store(found, std::memory_order_release);
      }
    }
    return found == same;
  }

  // Whether blocks of `rows` give each row the bits that it has in a block of the usual size: rows that all differ, on ordinary
  // days and on those on which a month and a year end.
  bool same_as_usual(std::size_t rows, bool observed) const {
    const std::size_t n = std::max(rows, 2 * usual_block), m = usual_block;
    AlignedFloats statics(n * p_), drivers(n * d_), seen(observed ? n * c_ : 0), flux(n * c_), state(n * s_), new_state(n * s_);
    AlignedFloats usual_flux(m * c_), usual_state(m * s_);
    const auto same = [](const AlignedFloats& usual, const float* other) {
      return std::memcmp(usual.data(), other, usual.size() * sizeof(float)) == 0;
    };
    mix(reference_.statics, p_, n, 1, statics);
    for (std::size_t i = 0; i < n; i += rows) run_init_state(rows, statics.data() + i * p_, state.data() + i * s_);
    for (std::size_t i = 0; i < n; i += m) {
      run_init_state(m, statics.data() + i * p_, usual_state.data());
      if (!same(usual_state, state.data() + i * s_)) return false;
    }
    std::uint32_t day = 2;
    for (const Date& date : tried_dates(reference_.start.year)) {
      mix(reference_.inputs, d_, n, day++, drivers);
      mix(reference_.targets, c_, observed ? n : 0, day, seen);
      const auto calendar = calendar_row(reference_.calendar, date);
      const auto run = [&](std::size_t size, std::size_t i, float* fluxes, float* states) {
        run_step(size, {drivers.data() + i * d_, observed ? seen.data() + i * c_ : nullptr, state.data() + i * s_}, calendar.data(),
                 fluxes, states);
      };
      for (std::size_t i = 0; i < n; i += rows) run(rows, i, flux.data() + i * c_, new_state.data() + i * s_);
      for (std::size_t i = 0; i < n; i += m) {
        run(m, i, usual_flux.data(), usual_state.data());
        if (!same(usual_flux, flux.data() + i * c_) || !same(usual_state, new_state.data() + i * s_)) return false;
      }
      state.swap(new_state);
    }
    return true;
  }

  // n rows whose values are drawn, each by itself, from those that the column has in `rows`.
  static void mix(const std::vector<float>& rows, std::size_t columns, std::size_t n, std::uint32_t seed, AlignedFloats& out) {
    const std::size_t known = rows.size() / std::max<std::size_t>(columns, 1);
    std::uint32_t random = 2654435761u * seed;
    for (std::size_t i = 0; i < n * columns; ++i) {
      random = 1664525u * random + 1013904223u;
      out[i] = rows[(random >> 8) % known * columns + i % columns];
    }
  }

  // Some ordinary days, and those on which a month and a year end.
  static std::array<Date, 7> tried_dates(int year) {
    return {{{year, 1, 14}, {year, 1, 15}, {year, 1, 31}, {year, 2, 1}, {year, 12, 31}, {year + 1, 1, 1}, {year + 1, 1, 2}}};
  }

  void run_init_state(std::size_t rows, const float* statics, float* state) const {
    Message message;
    message[0] = '\0';
    if (plugin_.init_state(model_, rows, statics, state, message.data(), message.size()) != 0)
      fail(ECOSTEP_BACKEND_FAILED, "torchscript: init_state: ", message.data());
  }

  void run_step(std::size_t rows, std::size_t used, const Arguments& in, const std::int64_t* calendar,
                const std::vector<Range>& ranges, float* flux, float* changed) const {
    static_assert(sizeof(Range) == sizeof(ecostep_plugin_range) && std::is_standard_layout<Range>::value, "the same two numbers");
    Message message;
    message[0] = '\0';
    std::vector<unsigned char>& columns = own_scratch().columns;
    columns.resize(s_);
    const ecostep_plugin_step step{rows,
                                   used,
                                   in.drivers,
                                   calendar,
                                   in.observed,
                                   in.state,
                                   reinterpret_cast<const ecostep_plugin_range*>(ranges.data()),
                                   ranges.size(),
                                   total_size(ranges),
                                   flux,
                                   changed,
                                   columns.data()};
    const int status = plugin_.step(model_, &step, message.data(), message.size());
    if (status == 1) fail(ECOSTEP_BACKEND_FAILED, "torchscript: step: ", message.data());
    const bool whole = ranges.size() == 1 && ranges[0].size == s_;
    if (status == 3 || whole) learn(calendar, in.observed != nullptr, columns);
    if (status == 3) throw ChangesGrew();
  }

  // A step of all columns of the state.
  void run_step(std::size_t rows, const Arguments& in, const std::int64_t* calendar, float* flux, float* new_state) const {
    run_step(rows, rows, in, calendar, {{0, s_}}, flux, new_state);
  }

  // Days on which a model may do more than on others. What a step changes is looked at every time; kinds only tell what to expect.
  static std::size_t kind(const std::int64_t* calendar, bool observed) {
    const bool first_of_month = calendar[2] == 1, last_of_month = calendar[2] == calendar[4];
    const bool first_of_year = calendar[3] == 1, last_of_year = calendar[3] == calendar[5];
    return first_of_month | last_of_month << 1 | first_of_year << 2 | last_of_year << 3 | observed << 4;
  }

  // Adds columns to those that change on days of a kind.
  void learn(const std::int64_t* calendar, bool observed, const std::vector<unsigned char>& columns) const {
    const std::lock_guard<std::mutex> lock(learning_);
    std::vector<Range>& known = changes_[kind(calendar, observed)];
    std::vector<unsigned char> all = columns;
    for (const Range& range : known) std::fill_n(all.begin() + range.begin, range.size, static_cast<unsigned char>(1));
    std::vector<Range> ranges;
    for (std::size_t i = 0; i < s_; ++i) {
      if (all[i] == 0) continue;
      if (ranges.empty() || ranges.back().begin + ranges.back().size != i) ranges.push_back({i, 0});
      ++ranges.back().size;
    }
    if (ranges.empty()) ranges.push_back({0, std::min<std::size_t>(s_, 1)});  // not "unknown"
    known = std::move(ranges);
  }

  // Whether a full block of one and the same cell gives the same bits in each row. (MKL sums short rows in an order that depends on
  // where they lie in memory, as in a matrix of a few columns whose number of rows is no multiple of 4.) Tried on the artefact's
  // reference run; without one there is nothing to try with.
  bool rows_are_alike(const Reference& reference) const {
    const std::size_t n = usual_block;
    AlignedFloats statics(n * p_), drivers(n * d_), flux(n * c_), state(n * s_), new_state(n * s_);
    const auto fill = [&](const float* row, std::size_t columns, AlignedFloats& block) {
      for (std::size_t i = 0; i < n; ++i) std::copy_n(row, columns, block.data() + i * columns);
    };
    const auto alike = [&](const AlignedFloats& block, std::size_t columns) {
      for (std::size_t i = 1; i < n; ++i)
        if (std::memcmp(block.data(), block.data() + i * columns, columns * sizeof(float)) != 0) return false;
      return true;
    };
    for (std::size_t cell = 0; cell < std::min<std::size_t>(reference.ncell, 4); ++cell) {
      fill(reference.statics.data() + cell * p_, p_, statics);
      run_init_state(n, statics.data(), state.data());
      if (!alike(state, s_)) return false;
      std::size_t day = 0;
      for (const Date& date : tried_dates(reference.start.year)) {
        fill(reference.inputs.data() + (day++ % reference.nstep * reference.ncell + cell) * d_, d_, drivers);
        run_step(n, {drivers.data(), nullptr, state.data()}, calendar_row(reference.calendar, date).data(), flux.data(),
                 new_state.data());
        if (!alike(flux, c_) || !alike(new_state, s_)) return false;
        state.swap(new_state);
      }
    }
    return reference.ncell > 0;
  }

  const ecostep_plugin& plugin_;
  const std::size_t d_, p_, c_, s_;
  void* model_ = nullptr;
  static constexpr std::size_t most_rows = 256, most_bytes = 2u << 20;  // of a block, and of the state in it
  std::size_t most_ = usual_block;  // cells that torch is given at a time: 1 where the rows of a block do not come out alike
  Reference reference_;             // what sizes of blocks are tried with
  enum : char { unknown, same, other };
  mutable std::array<std::array<std::atomic<char>, most_rows / 32 + 1>, 2> sizes_{};  // by `observed` and rows / 32
  mutable std::mutex trying_;
  mutable std::array<std::vector<Range>, 32> changes_;  // by kind of day; empty: not known yet
  mutable std::mutex learning_;
};

}  // namespace

std::unique_ptr<Backend> make_torchscript_backend(const Artefact& artefact, const Archive& archive) {
  return std::make_unique<PluginBackend>(load_torch_plugin(), artefact, archive);
}

void Backend::gradient(const std::int64_t*, const Block&, const Adjoint&) const {
  fail(ECOSTEP_NOT_AVAILABLE, "this backend has no derivatives: open the artefact with the backend 'torchscript' for them");
}

namespace {

std::unique_ptr<Backend> make_backend(const std::string& name, const Artefact& artefact, const Archive& archive) {
  if (std::find(artefact.backends.begin(), artefact.backends.end(), name) == artefact.backends.end()) {
    std::string list;
    for (const std::string& backend : artefact.backends) list += (list.empty() ? "" : ", ") + backend;
    fail(ECOSTEP_NO_BACKEND, artefact.path, ": the artefact has no backend '", name, "' (it has: ", list, ")");
  }
#ifdef ECOSTEP_HAVE_NATIVE
  if (name == "native") return make_native_backend(artefact, archive);
#endif
  if (name == "torchscript") return make_torchscript_backend(artefact, archive);
  if (name == "stub") return make_stub_backend(artefact);
  fail(ECOSTEP_NO_BACKEND, artefact.path, ": backend '", name, "' is not known to this ecostep (known: native, torchscript, stub)");
}

}  // namespace

Choice choose_backend(const std::string& wanted, const Artefact& artefact, const Archive& archive) {
  if (!wanted.empty()) return {wanted, "", make_backend(wanted, artefact, archive)};
  std::vector<std::string> order = artefact.backends;
  std::stable_partition(order.begin(), order.end(), [](const std::string& name) { return name == "native"; });
  std::string reason;
  if (order.front() == "torchscript") reason = "the artefact has no native program";
  for (std::size_t i = 0; i < order.size(); ++i) {
    try {
      return {order[i], reason, make_backend(order[i], artefact, archive)};
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
