// The test that each value of a host passes before a network sees it: finite, in the valid range, one of the classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/finite_math.h"
#include "core/artefact.h"
#include "cells/host_array.h"

namespace ecostep {

// Throw Error(ECOSTEP_BAD_VALUE) saying what is wrong with `value` (in the artefact's units) of a variable in cell `cell` (from 0).
[[noreturn]] void refuse_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell);

// Whether no value is NaN or infinite.
inline bool all_finite(const float* values, std::size_t n) {
  constexpr std::uint32_t exponent = 0x7f800000;
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    bad |= (bits & exponent) == exponent ? 1u : 0u;
  }
  return bad == 0;
}

// Largest magnitude that is taken: times the seconds of a day still a float.
constexpr double largest_value = 3.9e33;

// Whether a value of an input or a static may be used.
inline bool acceptable(const Variable& variable, double value) {
  if (!(value >= variable.valid_min && value <= variable.valid_max && value >= -largest_value && value <= largest_value))
    return false;
  if (variable.flag_values.empty()) return true;
  for (const double flag : variable.flag_values)
    if (value == flag) return true;
  return false;
}

// Find the limits between which values of the host's array pass `acceptable` for sure, so that whole arrays can be tested fast.
void set_sure_limits(HostArray& array, const Variable& variable);

// Whether a variable goes round: after 180 degrees east comes 180 degrees west.
bool goes_round(const Variable& variable);

// "input 'tas' is 312 K in cell 3 of 70 (counted from 1)"
std::string describe_value(const char* role, const Variable& variable, double value, std::size_t cell, std::size_t ncell);

// Throw unless the values of these cells are acceptable. Where they will be clipped, any finite value is, unless the
// variable goes round: the end of its range that lies next by number is then not the nearest.
void check_values(const char* role, const Variable& variable, const HostArray& array, const CellList& cells, std::size_t ncell,
                  bool clipped);

}  // namespace ecostep
