#include "core/archive.h"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "core/error.h"

namespace ecostep {
namespace {

constexpr std::uint64_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                        end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::size_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;
constexpr std::uint64_t in_extra32 = 0xffffffff;

constexpr std::uint64_t stored = 0, deflated = 8;
constexpr std::uint64_t max_unpacked = 256u << 20;  // of a compressed entry: texts, never weights

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// Raw deflate; false unless exactly `size` bytes come out.
bool unpack(std::string_view packed, std::size_t size, std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  out.resize(size + 1);  // one more, so that too much is noticed
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.total_out == size && stream.avail_in == 0;
  inflateEnd(&stream);
  out.resize(size);
  return whole;
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
    std::string_view data = read_entry(name, method, local, packed, directory.start);
    if (method == deflated) {
      if (size > max_unpacked || packed > max_unpacked || !unpack(data, size, unpacked_.emplace_back()))
        corrupt("entry '" + name + "' cannot be unpacked");
      data = unpacked_.back();
    } else if (method != stored || packed != size) {
      corrupt("entry '" + name + "' is packed in an unknown way");
    }
    if (checksum(data) != crc) corrupt("checksum of entry '" + name + "' does not match");
    if (!entries_.emplace(name, data).second) corrupt("entry '" + name + "' occurs twice");
  }
  if (at != end) corrupt("the zip directory has the wrong size");
}

std::string_view Archive::read_entry(const std::string& name, std::uint64_t method, std::size_t local, std::size_t size,
                                     std::size_t limit) const {
  if (local > limit || limit - local < local_size || number(local, 4) != local_signature || number(local + 8, 2) != method)
    corrupt("bad header of entry '" + name + "'");
  const std::size_t name_size = number(local + 26, 2), extra_size = number(local + 28, 2);
  const std::size_t room = limit - local - local_size;
  if (name_size + extra_size > room || size > room - name_size - extra_size) corrupt("entry '" + name + "' lies outside the file");
  if (bytes_.compare(local + local_size, name_size, name) != 0) corrupt("bad header of entry '" + name + "'");
  return std::string_view(bytes_).substr(local + local_size + name_size + extra_size, size);
}

}  // namespace ecostep
