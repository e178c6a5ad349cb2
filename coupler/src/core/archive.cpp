#include "core/archive.h"

#include <sys/stat.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "core/error.h"
#include "core/sha256.h"

namespace ecostep {
namespace {

// Parts of a zip file: how each begins, how long it is without names and comments, and where its fields lie. (APPNOTE of PKWARE,
// sections 4.3.7 to 4.3.16)
constexpr ZipField signature{0, 4};
namespace local {  // before the bytes of each entry
constexpr std::uint64_t mark = 0x04034b50;
constexpr std::size_t size = 30;
constexpr ZipField method{8, 2}, name_size{26, 2}, extra_size{28, 2};
}  // namespace local
namespace central {  // of each entry in the directory
constexpr std::uint64_t mark = 0x02014b50;
constexpr std::size_t size = 46;
constexpr ZipField flags{8, 2}, method{10, 2}, crc{16, 4}, packed{20, 4}, unpacked{24, 4}, name_size{28, 2}, extra_size{30, 2},
    comment_size{32, 2}, attributes{38, 4}, local_header{42, 4};
constexpr std::uint64_t folder = 0x10;  // attribute
}  // namespace central
namespace end {
constexpr std::uint64_t mark = 0x06054b50;
constexpr std::size_t size = 22, longest_comment = 65535;
constexpr ZipField entries{10, 2}, directory_size{12, 4}, directory{16, 4}, comment_size{20, 2};
}  // namespace end
namespace end64 {
constexpr std::uint64_t mark = 0x06064b50;
constexpr std::size_t size = 56;
constexpr ZipField entries{32, 8}, directory_size{40, 8}, directory{48, 8};
}  // namespace end64
namespace locator64 {  // right before the end record, where there is an end64
constexpr std::uint64_t mark = 0x07064b50;
constexpr std::size_t size = 20;
constexpr ZipField end64{8, 8};
}  // namespace locator64
namespace extra {  // a piece of the extra field
constexpr std::size_t size = 4;
constexpr ZipField kind{0, 2}, length{2, 2};
constexpr std::uint64_t zip64 = 1;              // kind: holds the numbers that are too large for their own field
constexpr std::uint64_t in_zip64 = 0xffffffff;  // what stands in that field
constexpr ZipField large_number{0, 8};
}  // namespace extra
constexpr std::uint64_t encrypted = 1;  // flag

constexpr std::uint64_t stored = 0, deflated = 8;
// What the directory may promise, tested before anything is unpacked: compressed entries are texts, never weights, and those of
// exported networks shrink to a fifth. (Formats that unpack without end: Fifield 2019, "A better zip bomb", WOOT '19)
constexpr std::uint64_t max_entries = 50000, max_unpacked = 256u << 20, max_ratio = 200, any_ratio_below = 1u << 20;

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
  struct stat about;
  if (stat(path.c_str(), &about) != 0) fail(ECOSTEP_FILE_ERROR, path, ": cannot be opened: ", std::strerror(errno));
  if (!S_ISREG(about.st_mode))  // told before it is opened, since a pipe would wait there for its other end
    fail(ECOSTEP_FILE_ERROR, path, ": cannot be read: a folder, a pipe or a device, not a file; expected an artefact");
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) fail(ECOSTEP_FILE_ERROR, path, ": cannot be opened: ", std::strerror(errno));
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');  // the host's stack may be small: no buffer there
  const std::size_t read = std::fread(&bytes[0], 1, bytes.size(), file.get());
  if (std::ferror(file.get())) fail(ECOSTEP_FILE_ERROR, path, ": cannot be read: ", std::strerror(errno));
  bytes.resize(read);
  return bytes;
}

}  // namespace

Archive::Archive(const std::string& path) : path_(path), bytes_(read_file(path)) {
  if (bytes_.size() < static_cast<std::size_t>(signature.bytes) || number(0, signature) != local::mark)
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

std::string Archive::fingerprint() const {
  MessageStream list;
  for (const auto& [name, crc] : checksums_) {
    const std::size_t slash = name.find('/');
    list << (slash == std::string::npos ? name : name.substr(slash + 1)) << ' ' << entries_.at(name).size() << ' ' << crc << '\n';
  }
  return sha256(list.str());
}

void Archive::corrupt(const std::string& what) const {
  fail(ECOSTEP_CORRUPT, path_, ": damaged or truncated artefact: ", what, "; copy or export it again");
}

template <class... Parts>
void Archive::refuse(const Parts&... parts) const {
  fail(ECOSTEP_CORRUPT, path_, ": not unpacked, since no artefact is like this: ", parts..., "; export it again");
}

std::uint64_t Archive::number(std::size_t at, const ZipField& field) const {
  const std::size_t begin = at + field.offset;
  if (begin > bytes_.size() || bytes_.size() - begin < static_cast<std::size_t>(field.bytes)) corrupt("the file ends too early");
  std::uint64_t value = 0;
  for (int i = field.bytes - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes_[begin + i]);
  return value;
}

// The end record lies at the end, before a comment.
std::size_t Archive::find_end_record() const {
  if (bytes_.size() < end::size) corrupt("the zip directory is missing");
  for (std::size_t comment = 0; comment <= end::longest_comment && comment + end::size <= bytes_.size(); ++comment) {
    const std::size_t at = bytes_.size() - end::size - comment;
    if (number(at, signature) == end::mark && number(at, end::comment_size) == comment) return at;
  }
  corrupt("the zip directory is missing");
}

Archive::Directory Archive::find_directory() const {
  const std::size_t at = find_end_record();
  std::uint64_t entries = number(at, end::entries), size = number(at, end::directory_size), start = number(at, end::directory);
  std::size_t limit = at;
  if (at >= locator64::size && number(at - locator64::size, signature) == locator64::mark) {
    const std::size_t locator = at - locator64::size;
    const std::uint64_t at64 = number(locator, locator64::end64);
    if (at64 > locator || locator - at64 < end64::size || number(at64, signature) != end64::mark)
      corrupt("the zip64 directory is missing");
    entries = number(at64, end64::entries), size = number(at64, end64::directory_size), start = number(at64, end64::directory);
    limit = at64;
  }
  if (start > limit || size > limit - start || entries > size / central::size) corrupt("the zip directory lies outside the file");
  if (entries > max_entries) refuse(entries, " entries, more than ", max_entries);
  return {static_cast<std::size_t>(start), static_cast<std::size_t>(size), static_cast<std::size_t>(entries)};
}

void Archive::read_entries(const Directory& directory) {
  std::size_t at = directory.start;
  const std::size_t directory_end = directory.start + directory.size;
  for (std::size_t i = 0; i < directory.entries; ++i) {
    if (directory_end - at < central::size || number(at, signature) != central::mark) corrupt("bad entry in the zip directory");
    const std::size_t name_size = number(at, central::name_size), extra_size = number(at, central::extra_size);
    const std::size_t comment_size = number(at, central::comment_size);
    if (directory_end - at - central::size < name_size + extra_size + comment_size) corrupt("bad entry in the zip directory");
    Entry entry{bytes_.substr(at + central::size, name_size), number(at, central::packed), number(at, central::unpacked),
                number(at, central::local_header)};
    read_large_numbers(at + central::size + name_size, extra_size, entry);
    if (number(at, central::flags) & encrypted) corrupt("entry '" + entry.name + "' is encrypted");
    if (number(at, central::attributes) & central::folder)  // torch would read nothing, and take what the memory held before
      corrupt("entry '" + entry.name + "' is marked as a folder");
    const std::string_view data = read_entry(entry, number(at, central::method), directory.start);
    if (checksum(data) != number(at, central::crc)) corrupt("checksum of entry '" + entry.name + "' does not match");
    checksums_[entry.name] = number(at, central::crc);
    if (!entries_.emplace(entry.name, data).second) corrupt("entry '" + entry.name + "' occurs twice");
    at += central::size + name_size + extra_size + comment_size;
  }
  if (at != directory_end) corrupt("the zip directory has the wrong size");
}

// zip64: numbers too large for their field stand in a piece of the extra field, in this order.
void Archive::read_large_numbers(std::size_t at, std::size_t size, Entry& entry) const {
  for (const std::size_t extra_end = at + size; at + extra::size <= extra_end;) {
    const std::uint64_t kind = number(at, extra::kind), length = number(at, extra::length);
    std::size_t next = at + extra::size;
    if (length > extra_end - next) break;
    if (kind == extra::zip64)
      for (std::uint64_t* value : {&entry.unpacked, &entry.packed, &entry.local_header})
        if (*value == extra::in_zip64 && next + extra::large_number.bytes <= at + extra::size + length)
          *value = number(next, extra::large_number), next += extra::large_number.bytes;
    at += extra::size + length;
  }
}

std::string_view Archive::read_entry(const Entry& entry, std::uint64_t method, std::size_t limit) {
  const std::string_view data = find_bytes(entry, method, limit);
  if (method == deflated) {
    if (entry.unpacked > max_unpacked - unpacked_bytes_ || entry.packed > max_unpacked)
      refuse("compressed entries of more than ", max_unpacked >> 20, " MiB in all, with '", entry.name, "'");
    if (entry.unpacked > any_ratio_below && entry.unpacked / max_ratio > entry.packed)
      refuse("entry '", entry.name, "', which is packed to less than one part in ", max_ratio);
    unpacked_bytes_ += entry.unpacked;
    if (!unpack(data, entry.unpacked, unpacked_.emplace_back())) corrupt("entry '" + entry.name + "' cannot be unpacked");
    return unpacked_.back();
  }
  if (method != stored || entry.packed != entry.unpacked) corrupt("entry '" + entry.name + "' is packed in an unknown way");
  return data;
}

std::string_view Archive::find_bytes(const Entry& entry, std::uint64_t method, std::size_t limit) const {
  const std::size_t at = entry.local_header;
  if (at > limit || limit - at < local::size || number(at, signature) != local::mark || number(at, local::method) != method)
    corrupt("bad header of entry '" + entry.name + "'");
  const std::size_t name_size = number(at, local::name_size), extra_size = number(at, local::extra_size);
  const std::size_t room = limit - at - local::size;
  if (name_size + extra_size > room || entry.packed > room - name_size - extra_size)
    corrupt("entry '" + entry.name + "' lies outside the file");
  if (bytes_.compare(at + local::size, name_size, entry.name) != 0) corrupt("bad header of entry '" + entry.name + "'");
  return std::string_view(bytes_).substr(at + local::size + name_size + extra_size, entry.packed);
}

}  // namespace ecostep
