#include "common.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

MemoryFile::MemoryFile() : file_(memfd_create("artefact", 0)), path_("/proc/self/fd/" + std::to_string(file_)) {
  require(file_ >= 0, "memfd_create");
}

MemoryFile::~MemoryFile() {
  close(file_);
}

void MemoryFile::set(const char* bytes, std::size_t size) {
  if (ftruncate(file_, static_cast<off_t>(size)) != 0 || pwrite(file_, bytes, size, 0) != static_cast<ssize_t>(size)) std::abort();
}

namespace {

void put(std::string& out, std::uint64_t value, int n_bytes) {
  for (int i = 0; i < n_bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint32_t crc_of(const char* bytes, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes), size));
}

std::uint32_t get(const std::string& bytes, std::size_t at, int n_bytes) {
  std::uint32_t value = 0;
  for (int i = n_bytes - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

// Checksum of a deflated entry, if it unpacks.
bool crc_of_deflated(const char* bytes, std::size_t size, std::uint32_t& crc) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes));
  stream.avail_in = static_cast<uInt>(size);
  std::vector<char> piece(65536);
  crc = 0;
  int status = Z_OK;
  while (status == Z_OK && stream.total_out < (1u << 24)) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    status = inflate(&stream, Z_NO_FLUSH);
    crc = static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<Bytef*>(piece.data()), piece.size() - stream.avail_out));
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END;
}

}  // namespace

std::string make_zip(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string zip, directory;
  for (const auto& [name, content] : entries) {
    const std::size_t start = zip.size();
    std::string about;  // what the local header and the directory have in common
    put(about, 20, 2), put(about, 0, 2), put(about, 0, 2), put(about, 0, 4);
    put(about, crc_of(content.data(), content.size()), 4), put(about, content.size(), 4), put(about, content.size(), 4);
    put(about, name.size(), 2), put(about, 0, 2);
    put(zip, 0x04034b50, 4), zip += about + name + content;
    put(directory, 0x02014b50, 4), put(directory, 20, 2), directory += about;
    put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 4), put(directory, start, 4);
    directory += name;
  }
  const std::size_t start = zip.size();
  zip += directory;
  put(zip, 0x06054b50, 4), put(zip, 0, 4), put(zip, entries.size(), 2), put(zip, entries.size(), 2);
  put(zip, directory.size(), 4), put(zip, start, 4), put(zip, 0, 2);
  return zip;
}

std::vector<std::pair<std::string, std::string>> split_entries(const std::string& text) {
  static const char* const names[] = {"ecostep.json", "native.json", "reference.f32", "native.bin"};
  std::vector<std::pair<std::size_t, std::string>> marks;
  for (const char* name : names) {
    const std::size_t at = text.find("%%" + std::string(name) + "\n");
    if (at != std::string::npos) marks.emplace_back(at, name);
  }
  std::sort(marks.begin(), marks.end());
  std::vector<std::pair<std::string, std::string>> entries;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const std::size_t start = marks[i].first + marks[i].second.size() + 3,
                      end = i + 1 < marks.size() ? marks[i + 1].first : text.size();
    entries.emplace_back("artefact/extra/" + marks[i].second, text.substr(start, end > start ? end - start : 0));
  }
  return entries;
}

void repair_checksums(std::string& zip) {
  if (zip.size() < 68) return;
  for (std::size_t at = 0; at + 46 <= zip.size(); ++at) {
    if (get(zip, at, 4) != 0x02014b50) continue;
    const std::size_t method = get(zip, at + 10, 2), size = get(zip, at + 20, 4), local = get(zip, at + 42, 4);
    if (local + 30 > zip.size()) continue;
    const std::size_t data = local + 30 + get(zip, local + 26, 2) + get(zip, local + 28, 2);
    if (data > zip.size() || size > zip.size() - data) continue;
    std::uint32_t crc = crc_of(zip.data() + data, size);
    if (method == 8 && !crc_of_deflated(zip.data() + data, size, crc)) continue;
    for (int i = 0; i < 4; ++i) zip[at + 16 + static_cast<std::size_t>(i)] = static_cast<char>(crc >> (8 * i));
  }
}

namespace {

constexpr std::size_t n_cells = 5;

struct Arrays {
  std::vector<std::unique_ptr<double[]>> list;  // each an allocation of its own, so that reading beyond one is seen
  double* make(double value) {
    list.push_back(std::make_unique<double[]>(n_cells));
    for (std::size_t i = 0; i < n_cells; ++i) list.back()[i] = value;
    return list.back().get();
  }
};

double plausible(const ecostep_variable& v) {
  if (std::isfinite(v.train_min) && v.train_min >= v.valid_min && v.train_min <= v.valid_max) return v.train_min;
  if (std::isfinite(v.valid_min)) return v.valid_min;
  return std::isfinite(v.valid_max) ? v.valid_max : 0.5;
}

void try_step(ecostep_cells* cells, std::unique_ptr<float[]>& state, std::size_t size, const std::vector<double*>& outputs,
              int year, int month, int day, int seconds, int dt) {
  std::vector<float> before(state.get(), state.get() + size);
  const ecostep_status status = ecostep_step(cells, year, month, day, seconds, dt);
  require(status != ECOSTEP_INTERNAL, "a step has status INTERNAL");
  if (status != ECOSTEP_OK) {
    require(std::memcmp(before.data(), state.get(), size * sizeof(float)) == 0, "a step that failed changed the state");
    return;
  }
  for (std::size_t i = 0; i < size; ++i) require(std::isfinite(state[i]), "a state is not finite");
  for (const double* output : outputs)
    for (std::size_t i = 0; i < n_cells; ++i) require(std::isfinite(output[i]), "a flux is not finite");
}

void run_cells(const ecostep_model* model) {
  const std::size_t width = ecostep_state_size(model), size = width * n_cells;
  if (width > 100000) return;  // nothing that is not found with less
  ecostep_cells* cells = nullptr;
  if (ecostep_cells_create(model, n_cells, &cells) != ECOSTEP_OK) return;
  Arrays arrays;
  std::vector<double*> outputs;
  const bool observed = std::strcmp(ecostep_model_past_flux(model), "none") != 0;
  for (const ecostep_role role : {ECOSTEP_INPUT, ECOSTEP_STATIC, ECOSTEP_TARGET})
    for (std::size_t v = 0; v < ecostep_variable_count(model, role); ++v) {
      ecostep_variable info;
      require(ecostep_variable_info(model, role, v, &info) == ECOSTEP_OK, "variable_info");
      double* array = arrays.make(plausible(info));
      ecostep_status status = ECOSTEP_OK;
      if (role == ECOSTEP_INPUT) status = ecostep_set_input(cells, info.name, info.units, array, ECOSTEP_F64, n_cells, 1);
      if (role == ECOSTEP_STATIC) status = ecostep_set_static(cells, info.name, info.units, array, ECOSTEP_F64, n_cells, 1);
      if (role == ECOSTEP_TARGET) {
        outputs.push_back(array);
        status = ecostep_set_output(cells, info.name, info.units, array, ECOSTEP_F64, n_cells, 1);
        if (observed) ecostep_set_observed(cells, info.name, info.units, arrays.make(v == 0 ? NAN : 1.0), ECOSTEP_F64, n_cells, 1);
      }
      require(status == ECOSTEP_OK, "the artefact's own name and unit are refused");
    }
  auto state = std::make_unique<float[]>(size);
  std::vector<float> zero(size);
  require(ecostep_set_state(cells, state.get(), width, n_cells) == ECOSTEP_OK, "set_state");
  const ecostep_status first = ecostep_init_state(cells);
  require(first != ECOSTEP_INTERNAL, "init_state has status INTERNAL");
  if (first != ECOSTEP_OK) {
    require(std::memcmp(zero.data(), state.get(), size * sizeof(float)) == 0, "init_state failed and wrote");
    ecostep_reset_date(cells);
  }
  const auto step = [&](int year, int month, int day, int seconds, int dt) {
    try_step(cells, state, size, outputs, year, month, day, seconds, dt);
  };
  step(2003, 2, 27, 0, 86400);
  step(2003, 2, 28, 0, 43200);
  step(2003, 2, 28, 43200, 43200);
  step(2003, 3, 1, 0, 86400);
  ecostep_reset_date(cells);
  step(2004, 12, 31, 0, 86400);
  step(2005, 1, 1, 0, 86400);
  ecostep_cells_destroy(cells);
}

}  // namespace

void exercise(const char* path) {
  for (const char* backend : {"", "stub", "native"}) {
    ecostep_model* model = nullptr;
    const ecostep_status status = ecostep_open(path, backend, &model);
    require((status == ECOSTEP_OK) == (model != nullptr), "status and model disagree");
    require(status != ECOSTEP_INTERNAL, "open has status INTERNAL");
    if (status != ECOSTEP_OK) {
      require(std::strstr(ecostep_last_error(), path) != nullptr || status == ECOSTEP_OUT_OF_MEMORY ||
                  status == ECOSTEP_BACKEND_FAILED || status == ECOSTEP_NO_BACKEND,
              "the message does not name the file");
      continue;
    }
    require(ecostep_model_backend(model)[0] != '\0' && ecostep_model_metadata(model)[0] != '\0', "a model without texts");
    double difference = 0.0;
    require(ecostep_verify(model, &difference) != ECOSTEP_INTERNAL, "verify has status INTERNAL");
    run_cells(model);
    ecostep_close(model);
  }
}
