#include "archive.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "error.h"

namespace ecostep {
namespace {

constexpr std::uint64_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                        end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::size_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;
constexpr std::uint64_t in_extra32 = 0xffffffff;

std::uint32_t crc32(std::string_view bytes) {
  static const auto tables = [] {  // eight bytes at a time
    std::array<std::array<std::uint32_t, 256>, 8> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c >> 1) ^ (c & 1 ? 0xedb88320u : 0u);
      t[0][i] = c;
    }
    for (std::size_t k = 1; k < 8; ++k)
      for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
    return t;
  }();
  std::uint32_t crc = 0xffffffffu;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    crc ^= p[0] | p[1] << 8 | p[2] << 16 | std::uint32_t(p[3]) << 24;
    crc = tables[7][crc & 0xff] ^ tables[6][crc >> 8 & 0xff] ^ tables[5][crc >> 16 & 0xff] ^ tables[4][crc >> 24] ^
          tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^ tables[0][p[7]];
  }
  for (; n > 0; --n, ++p) crc = (crc >> 8) ^ tables[0][(crc ^ *p) & 0xff];
  return crc ^ 0xffffffffu;
}

std::string read_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) fail(ECOSTEP_FILE_ERROR, path, ": cannot be opened: ", std::strerror(errno));
  std::string bytes;
  std::array<char, 65536> buffer;
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0;) bytes.append(buffer.data(), n);
  if (std::ferror(file.get())) fail(ECOSTEP_FILE_ERROR, path, ": cannot be read: ", std::strerror(errno));
  return bytes;
}

}  // namespace

Archive::Archive(const std::string& path) : path_(path), bytes_(read_file(path)) {
  if (bytes_.size() < 4 || number(0, 4) != local_signature)
    fail(ECOSTEP_NOT_AN_ARTEFACT, path_, ": not an ecostep artefact (not a zip file); expected a file that emulator.export wrote");
  read_entries(find_directory());
}

std::string_view Archive::find(const std::string& name) const {
  for (const auto& [entry, bytes] : entries_) {
    const std::size_t slash = entry.find('/');
    if (entry == name || (slash != std::string::npos && entry.compare(slash + 1, std::string::npos, name) == 0)) return bytes;
  }
  return {};
}

void Archive::corrupt(const std::string& what) const {
  fail(ECOSTEP_CORRUPT, path_, ": damaged or truncated artefact: ", what, "; copy or export it again");
}

std::uint64_t Archive::number(std::size_t at, int n_bytes) const {
  if (at > bytes_.size() || bytes_.size() - at < static_cast<std::size_t>(n_bytes)) corrupt("the file ends too early");
  std::uint64_t value = 0;
  for (int i = n_bytes - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
  return value;
}

// The end record lies at the end, before a comment of at most 65535 bytes.
std::size_t Archive::find_end_record() const {
  if (bytes_.size() < end_size) corrupt("the zip directory is missing");
  for (std::size_t back = 0; back <= 65535 && back + end_size <= bytes_.size(); ++back) {
    const std::size_t at = bytes_.size() - end_size - back;
    if (number(at, 4) == end_signature && number(at + 20, 2) == back) return at;
  }
  corrupt("the zip directory is missing");
}

Archive::Directory Archive::find_directory() const {
  const std::size_t end = find_end_record();
  std::uint64_t entries = number(end + 10, 2), size = number(end + 12, 4), start = number(end + 16, 4);
  std::size_t limit = end;
  if (end >= locator64_size && number(end - locator64_size, 4) == locator64_signature) {
    const std::uint64_t end64 = number(end - locator64_size + 8, 8);
    if (end64 > end - locator64_size || end - locator64_size - end64 < end64_size || number(end64, 4) != end64_signature)
      corrupt("the zip64 directory is missing");
    entries = number(end64 + 32, 8), size = number(end64 + 40, 8), start = number(end64 + 48, 8);
    limit = end64;
  }
  if (start > limit || size > limit - start || entries > size / central_size) corrupt("the zip directory lies outside the file");
  return {static_cast<std::size_t>(start), static_cast<std::size_t>(size), static_cast<std::size_t>(entries)};
}

void Archive::read_entries(const Directory& directory) {
  std::size_t at = directory.start;
  const std::size_t end = directory.start + directory.size;
  for (std::size_t i = 0; i < directory.entries; ++i) {
    if (end - at < central_size || number(at, 4) != central_signature) corrupt("bad entry in the zip directory");
    const std::uint64_t flags = number(at + 8, 2), method = number(at + 10, 2), crc = number(at + 16, 4);
    std::uint64_t packed = number(at + 20, 4), size = number(at + 24, 4), local = number(at + 42, 4);
    const std::size_t name_size = number(at + 28, 2), extra_size = number(at + 30, 2), comment_size = number(at + 32, 2);
    if (end - at - central_size < name_size + extra_size + comment_size) corrupt("bad entry in the zip directory");
    const std::string name = bytes_.substr(at + central_size, name_size);

    // zip64: numbers too large for their field stand in the extra field of kind 1, in this order.
    std::size_t extra = at + central_size + name_size;
    for (const std::size_t extra_end = extra + extra_size; extra + 4 <= extra_end;) {
      const std::uint64_t kind = number(extra, 2), length = number(extra + 2, 2);
      std::size_t field = extra + 4;
      if (length > extra_end - field) break;
      if (kind == 1)
        for (std::uint64_t* value : {&size, &packed, &local})
          if (*value == in_extra32 && field + 8 <= extra + 4 + length) *value = number(field, 8), field += 8;
      extra += 4 + length;
    }
    at += central_size + name_size + extra_size + comment_size;

    if (flags & 1) corrupt("entry '" + name + "' is encrypted");
    if (method != 0 || packed != size) corrupt("entry '" + name + "' is compressed, artefacts are not");
    const std::string_view data = read_entry(name, local, size, directory.start);
    if (crc32(data) != crc) corrupt("checksum of entry '" + name + "' does not match");
    if (!entries_.emplace(name, data).second) corrupt("entry '" + name + "' occurs twice");
  }
  if (at != end) corrupt("the zip directory has the wrong size");
}

std::string_view Archive::read_entry(const std::string& name, std::size_t local, std::size_t size, std::size_t limit) const {
  if (local > limit || limit - local < local_size || number(local, 4) != local_signature || number(local + 8, 2) != 0)
    corrupt("bad header of entry '" + name + "'");
  const std::size_t name_size = number(local + 26, 2), extra_size = number(local + 28, 2);
  const std::size_t room = limit - local - local_size;
  if (name_size + extra_size > room || size > room - name_size - extra_size) corrupt("entry '" + name + "' lies outside the file");
  if (bytes_.compare(local + local_size, name_size, name) != 0) corrupt("bad header of entry '" + name + "'");
  return std::string_view(bytes_).substr(local + local_size + name_size + extra_size, size);
}

}  // namespace ecostep
