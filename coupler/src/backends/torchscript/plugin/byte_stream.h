// Bytes in memory that torch reads as a file.
#pragma once

#include <cstddef>
#include <streambuf>

namespace ecostep::torchscript {

class ByteStream : public std::streambuf {
 public:
  ByteStream(const char* bytes, std::size_t n) {
    char* start = const_cast<char*>(bytes);
    setg(start, start, start + n);
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir way, std::ios_base::openmode) override {
    char* from = way == std::ios_base::beg ? eback() : way == std::ios_base::cur ? gptr() : egptr();
    if (offset < eback() - from || offset > egptr() - from) return pos_type(off_type(-1));
    setg(eback(), from + offset, egptr());
    return gptr() - eback();
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
    return seekoff(off_type(position), std::ios_base::beg, mode);
  }
};

}  // namespace ecostep::torchscript
