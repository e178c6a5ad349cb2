// Failure inside the library: a status and a message, turned into a return value at the C boundary (ecostep.cpp).
#pragma once

#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>

#include "core/finite_math.h"
#include "ecostep.h"

namespace ecostep {

class Error : public std::runtime_error {
 public:
  Error(ecostep_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  ecostep_status status() const { return status_; }

 private:
  ecostep_status status_;
};

// Text of a message, the same whatever locale the host has set for its own streams.
class MessageStream : public std::ostringstream {
 public:
  MessageStream() {
    imbue(std::locale::classic());
    precision(9);
  }
};

// Throw an Error whose message is the parts written one after the other.
template <class... Parts>
[[noreturn]] void fail(ecostep_status status, const Parts&... parts) {
  MessageStream message;
  (message << ... << parts);
  throw Error(status, message.str());
}

}  // namespace ecostep
