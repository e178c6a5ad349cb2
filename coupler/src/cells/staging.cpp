#include "cells/staging.h"

#include <cstdlib>

namespace ecostep {
namespace {

constexpr unsigned long most_megabytes = 1000000;

std::size_t bytes_of_environment() {
  const char* text = std::getenv("ECOSTEP_STAGING_MB");
  if (text == nullptr || *text == '\0') return Staging::usual_bytes;
  char* end = nullptr;
  const unsigned long megabytes = std::strtoul(text, &end, 10);
  return *end == '\0' && megabytes > 0 && megabytes <= most_megabytes ? megabytes << 20 : Staging::usual_bytes;
}

}  // namespace

Staging::Staging() : bytes_(bytes_of_environment()) {}

float* Staging::reserve(std::size_t floats) {
  if (floats > size_) {
    memory_.reset();
    size_ = 0;
    memory_.reset(new float[floats]);  // make_unique would write zeros
    size_ = floats;
  }
  return memory_.get();
}

}  // namespace ecostep
