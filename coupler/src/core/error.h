// Failure inside the library: a status and a message, turned into a return value at the C boundary (ecostep.cpp).
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include "ecostep.h"

namespace ecostep {

class Error : public std::runtime_error {
 public:
  Error(ecostep_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  ecostep_status status() const { return status_; }

 private:
  ecostep_status status_;
};

// Throw an Error whose message is the parts written one after the other.
template <class... Parts>
[[noreturn]] void fail(ecostep_status status, const Parts&... parts) {
  std::ostringstream message;
  message.precision(9);
  (message << ... << parts);
  throw Error(status, message.str());
}

}  // namespace ecostep
