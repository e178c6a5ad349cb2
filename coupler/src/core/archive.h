// Reading of the zip file that an artefact is, every bound and every checksum tested: torch itself tests no checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace ecostep {

// A number in a part of a zip file: where it lies in that part, and how long it is.
struct ZipField {
  std::size_t offset;
  int bytes;
};

class Archive {
 public:
  // Read and test the whole file. Throws Error: FILE_ERROR (cannot be read), NOT_AN_ARTEFACT (no zip file), CORRUPT (also where
  // it would unpack to far more than it holds).
  explicit Archive(const std::string& path);

  // Bytes of the entry `name` below whatever folder the archive has at its top ("model/extra/x" answers to "extra/x");
  // empty pointer where there is none. Valid as long as the archive.
  std::string_view find(const std::string& name) const;

  // SHA-256 of the names, sizes and CRC-32 of all entries, without the folder at the top: the same for a copy, another for any
  // other content.
  std::string fingerprint() const;

  // The file as it lies on disk.
  std::string_view bytes() const { return bytes_; }

 private:
  struct Directory {
    std::size_t start, size, entries;
  };
  struct Entry {
    std::string name;
    std::uint64_t packed, unpacked, local_header;  // sizes in bytes, and where the header lies
  };
  Directory find_directory() const;
  std::size_t find_end_record() const;
  void read_entries(const Directory& directory);
  void read_large_numbers(std::size_t at, std::size_t size, Entry& entry) const;
  std::string_view read_entry(const Entry& entry, std::uint64_t method, std::size_t limit);
  std::string_view find_bytes(const Entry& entry, std::uint64_t method, std::size_t limit) const;
  std::uint64_t number(std::size_t at, const ZipField& field) const;  // little-endian, bounds-checked
  [[noreturn]] void corrupt(const std::string& what) const;
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const;  // what would unpack to more than any artefact does

  std::string path_;
  std::string bytes_;
  std::uint64_t unpacked_bytes_ = 0;
  std::deque<std::string> unpacked_;  // of compressed entries, such as the code of a TorchScript module
  std::map<std::string, std::string_view> entries_;
  std::map<std::string, std::uint64_t> checksums_;
};

}  // namespace ecostep
