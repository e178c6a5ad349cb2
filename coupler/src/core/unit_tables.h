// Made from unit_tables.h.fypp and the tables of foundations/units by scripts/generate.sh; edit those.
// Units, prefixes, substances, and what variables measure: the same for C++ and Python.
// clang-format off
#pragma once

#include "core/unit.h"

namespace ecostep::unit_tables {

// A spelling of a unit.
struct Symbol {
  const char* spelling;
  Prefixes prefixes;  // that it takes
  Powers powers;
  Kinds kind;
  double factor, offset;  // SI value = factor * value + offset
};

struct Prefix {
  const char* spelling;
  Prefixes kind;
  double factor;
};

// A spelling of a substance.
struct SubstanceSpelling {
  const char* spelling;
  Substance substance;
};

// What a variable is a mass of, what its numbers are a ratio of, and the depth of its layer, m (0: none).
struct Quantity {
  const char* variable;
  const char* substance;
  Kinds ratio;
  double depth;
};

// What messages call a unit of these powers.
struct Meaning {
  Powers powers;
  const char* text;
};

// What a character beyond ASCII stands for.
struct Character {
  const char* utf8;
  const char* spelling;
};

constexpr Symbol symbols[] = {
    {"-", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"~", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"(0 - 1)", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"0-1", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"none", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"unitless", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"dimensionless", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"fraction", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"proportion", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"ratio", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1, 0},
    {"%", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 0.01, 0},
    {"percent", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 0.01, 0},
    {"ppm", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1e-6, 0},
    {"ppmv", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1e-6, 0},
    {"ppb", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1e-9, 0},
    {"ppbv", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1e-9, 0},
    {"ppt", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1e-12, 0},
    {"pptv", Prefixes::none, {{0, 0, 0, 0, 0, 0}}, Kinds::none, 1e-12, 0},
    {"g", Prefixes::of_symbols, {{1, 0, 0, 0, 0, 0}}, Kinds::mass, 1e-3, 0},
    {"gram", Prefixes::of_names, {{1, 0, 0, 0, 0, 0}}, Kinds::mass, 1e-3, 0},
    {"gramme", Prefixes::of_names, {{1, 0, 0, 0, 0, 0}}, Kinds::mass, 1e-3, 0},
    {"t", Prefixes::none, {{1, 0, 0, 0, 0, 0}}, Kinds::mass, 1000, 0},
    {"tonne", Prefixes::none, {{1, 0, 0, 0, 0, 0}}, Kinds::mass, 1000, 0},
    {"m", Prefixes::of_symbols, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 1, 0},
    {"metre", Prefixes::of_names, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 1, 0},
    {"meter", Prefixes::of_names, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 1, 0},
    {"micron", Prefixes::none, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 1e-6, 0},
    {"in", Prefixes::none, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 0.0254, 0},
    {"inch", Prefixes::none, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 0.0254, 0},
    {"ft", Prefixes::none, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 0.3048, 0},
    {"foot", Prefixes::none, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 0.3048, 0},
    {"feet", Prefixes::none, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 0.3048, 0},
    {"mile", Prefixes::none, {{0, 1, 0, 0, 0, 0}}, Kinds::length, 1609.344, 0},
    {"s", Prefixes::of_symbols, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 1, 0},
    {"sec", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 1, 0},
    {"second", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 1, 0},
    {"min", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 60, 0},
    {"minute", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 60, 0},
    {"h", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 3600, 0},
    {"hr", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 3600, 0},
    {"hrs", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 3600, 0},
    {"hour", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 3600, 0},
    {"d", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 86400, 0},
    {"day", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 86400, 0},
    {"week", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 604800, 0},
    {"yr", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 31556925.9747, 0},
    {"yrs", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 31556925.9747, 0},
    {"year", Prefixes::none, {{0, 0, 1, 0, 0, 0}}, Kinds::none, 31556925.9747, 0},
    {"K", Prefixes::of_symbols, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"kelvin", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"Kelvin", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"degK", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"deg_K", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"degree_K", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"degrees_K", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"deg K", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"degree K", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"degrees K", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 0},
    {"C", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"oC", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degC", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"deg_C", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"deg C", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degree_C", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degree C", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degrees_C", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degrees C", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"Celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degree_Celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degree_celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degrees_Celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degrees_celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degree Celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degree celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degrees Celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degrees celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"deg Celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"deg celsius", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 1, 273.15},
    {"degF", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 0.5555555555555556, 255.37222222222223},
    {"deg F", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 0.5555555555555556, 255.37222222222223},
    {"fahrenheit", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 0.5555555555555556, 255.37222222222223},
    {"Fahrenheit", Prefixes::none, {{0, 0, 0, 1, 0, 0}}, Kinds::none, 0.5555555555555556, 255.37222222222223},
    {"mol", Prefixes::of_symbols, {{0, 0, 0, 0, 1, 0}}, Kinds::amount, 1, 0},
    {"mole", Prefixes::of_names, {{0, 0, 0, 0, 1, 0}}, Kinds::amount, 1, 0},
    {"rad", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 1, 0},
    {"radian", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 1, 0},
    {"deg", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degree", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degree_north", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degrees_north", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degree_N", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degrees_N", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degree_east", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degrees_east", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degree_E", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"degrees_E", Prefixes::none, {{0, 0, 0, 0, 0, 1}}, Kinds::none, 0.017453292519943295, 0},
    {"ha", Prefixes::none, {{0, 2, 0, 0, 0, 0}}, Kinds::length, 1e4, 0},
    {"hectare", Prefixes::none, {{0, 2, 0, 0, 0, 0}}, Kinds::length, 1e4, 0},
    {"l", Prefixes::of_symbols, {{0, 3, 0, 0, 0, 0}}, Kinds::length, 1e-3, 0},
    {"L", Prefixes::of_symbols, {{0, 3, 0, 0, 0, 0}}, Kinds::length, 1e-3, 0},
    {"litre", Prefixes::of_names, {{0, 3, 0, 0, 0, 0}}, Kinds::length, 1e-3, 0},
    {"liter", Prefixes::of_names, {{0, 3, 0, 0, 0, 0}}, Kinds::length, 1e-3, 0},
    {"knot", Prefixes::none, {{0, 1, -1, 0, 0, 0}}, Kinds::none, 0.5144444444444445, 0},
    {"mph", Prefixes::none, {{0, 1, -1, 0, 0, 0}}, Kinds::none, 0.44704, 0},
    {"Hz", Prefixes::of_symbols, {{0, 0, -1, 0, 0, 0}}, Kinds::none, 1, 0},
    {"N", Prefixes::of_symbols, {{1, 1, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"newton", Prefixes::of_names, {{1, 1, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"Pa", Prefixes::of_symbols, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"pascal", Prefixes::of_names, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"Pascal", Prefixes::of_names, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"bar", Prefixes::of_symbols, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 1e5, 0},
    {"millibar", Prefixes::none, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 100, 0},
    {"mb", Prefixes::none, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 100, 0},
    {"atm", Prefixes::none, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 101325, 0},
    {"mmHg", Prefixes::none, {{1, -1, -2, 0, 0, 0}}, Kinds::none, 133.322387415, 0},
    {"J", Prefixes::of_symbols, {{1, 2, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"joule", Prefixes::of_names, {{1, 2, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"Joule", Prefixes::of_names, {{1, 2, -2, 0, 0, 0}}, Kinds::none, 1, 0},
    {"Wh", Prefixes::of_symbols, {{1, 2, -2, 0, 0, 0}}, Kinds::none, 3600, 0},
    {"W", Prefixes::of_symbols, {{1, 2, -3, 0, 0, 0}}, Kinds::none, 1, 0},
    {"watt", Prefixes::of_names, {{1, 2, -3, 0, 0, 0}}, Kinds::none, 1, 0},
    {"Watt", Prefixes::of_names, {{1, 2, -3, 0, 0, 0}}, Kinds::none, 1, 0},
};

constexpr Prefix prefixes[] = {
    {"p", Prefixes::of_symbols, 1e-12},
    {"n", Prefixes::of_symbols, 1e-9},
    {"u", Prefixes::of_symbols, 1e-6},
    {"m", Prefixes::of_symbols, 1e-3},
    {"c", Prefixes::of_symbols, 1e-2},
    {"d", Prefixes::of_symbols, 1e-1},
    {"h", Prefixes::of_symbols, 1e2},
    {"k", Prefixes::of_symbols, 1e3},
    {"M", Prefixes::of_symbols, 1e6},
    {"G", Prefixes::of_symbols, 1e9},
    {"T", Prefixes::of_symbols, 1e12},
    {"P", Prefixes::of_symbols, 1e15},
    {"pico", Prefixes::of_names, 1e-12},
    {"nano", Prefixes::of_names, 1e-9},
    {"micro", Prefixes::of_names, 1e-6},
    {"milli", Prefixes::of_names, 1e-3},
    {"centi", Prefixes::of_names, 1e-2},
    {"deci", Prefixes::of_names, 1e-1},
    {"hecto", Prefixes::of_names, 1e2},
    {"kilo", Prefixes::of_names, 1e3},
    {"mega", Prefixes::of_names, 1e6},
    {"giga", Prefixes::of_names, 1e9},
    {"tera", Prefixes::of_names, 1e12},
    {"peta", Prefixes::of_names, 1e15},
};

constexpr SubstanceSpelling substances[] = {
    {"CO2-C", {"C", 'C', 12.011e-3, 1}},
    {"CH4-C", {"C", 'C', 12.011e-3, 1}},
    {"N2O-N", {"N", 'N', 14.007e-3, 1}},
    {"NO3-N", {"N", 'N', 14.007e-3, 1}},
    {"NH4-N", {"N", 'N', 14.007e-3, 1}},
    {"CO2", {"CO2", 'C', 44.01e-3, 1}},
    {"CH4", {"CH4", 'C', 16.043e-3, 1}},
    {"N2O", {"N2O", 'N', 44.013e-3, 2}},
    {"C", {"C", 'C', 12.011e-3, 1}},
    {"N", {"N", 'N', 14.007e-3, 1}},
    {"H2O", {"H2O", 'O', 18.015e-3, 1}},
    {"of water equivalent", {"H2O", 'O', 18.015e-3, 1}},
    {"water equivalent", {"H2O", 'O', 18.015e-3, 1}},
    {"of water", {"H2O", 'O', 18.015e-3, 1}},
    {"water", {"H2O", 'O', 18.015e-3, 1}},
    {"w.e.", {"H2O", 'O', 18.015e-3, 1}},
};

constexpr Quantity quantities[] = {
    {"co2", "CO2", Kinds::amount, 0},
    {"CO2air", "CO2", Kinds::amount, 0},
    {"ch4", "CH4", Kinds::amount, 0},
    {"CH4air", "CH4", Kinds::amount, 0},
    {"huss", "H2O", Kinds::mass, 0},
    {"hus", "H2O", Kinds::mass, 0},
    {"Qair", "H2O", Kinds::mass, 0},
    {"sand", "", Kinds::mass, 0},
    {"clay", "", Kinds::mass, 0},
    {"lai", "", Kinds::length, 0},
    {"pr", "H2O", Kinds::none, 0},
    {"prra", "H2O", Kinds::none, 0},
    {"prsn", "H2O", Kinds::none, 0},
    {"evspsbl", "H2O", Kinds::none, 0},
    {"tran", "H2O", Kinds::none, 0},
    {"irrigation", "H2O", Kinds::none, 0},
    {"snw", "H2O", Kinds::none, 0},
    {"mrso", "H2O", Kinds::none, 0},
    {"mrro", "H2O", Kinds::none, 0},
    {"mrros", "H2O", Kinds::none, 0},
    {"annual_precip", "H2O", Kinds::none, 0},
    {"Rainf", "H2O", Kinds::none, 0},
    {"Snowf", "H2O", Kinds::none, 0},
    {"mrsos", "H2O", Kinds::none, 0.1},
    {"gpp", "C", Kinds::none, 0},
    {"npp", "C", Kinds::none, 0},
    {"ra", "C", Kinds::none, 0},
    {"rh", "C", Kinds::none, 0},
    {"nee", "C", Kinds::none, 0},
    {"nep", "C", Kinds::none, 0},
    {"nbp", "C", Kinds::none, 0},
    {"reco", "C", Kinds::none, 0},
    {"ter", "C", Kinds::none, 0},
    {"harvest", "C", Kinds::none, 0},
    {"yield", "C", Kinds::none, 0},
    {"c_ham", "C", Kinds::none, 0},
    {"c_grain", "C", Kinds::none, 0},
    {"c_leaf", "C", Kinds::none, 0},
    {"c_wood", "C", Kinds::none, 0},
    {"c_root", "C", Kinds::none, 0},
    {"c_nsc", "C", Kinds::none, 0},
    {"c_metabolic", "C", Kinds::none, 0},
    {"c_structural", "C", Kinds::none, 0},
    {"c_active", "C", Kinds::none, 0},
    {"c_slow", "C", Kinds::none, 0},
    {"c_passive", "C", Kinds::none, 0},
    {"c_substrate", "C", Kinds::none, 0},
    {"fch4", "CH4", Kinds::none, 0},
    {"fch4_diff", "CH4", Kinds::none, 0},
    {"fch4_ebul", "CH4", Kinds::none, 0},
    {"fch4_plant", "CH4", Kinds::none, 0},
    {"ch4_production", "CH4", Kinds::none, 0},
    {"ch4_oxidation", "CH4", Kinds::none, 0},
    {"ch4_uptake_ham", "CH4", Kinds::none, 0},
    {"fn2o", "N2O", Kinds::none, 0},
    {"fertilisation", "N", Kinds::none, 0},
    {"n_ammonium", "N", Kinds::none, 0},
    {"n_nitrate", "N", Kinds::none, 0},
    {"n_plant", "N", Kinds::none, 0},
    {"n_mineralisation", "N", Kinds::none, 0},
    {"n_uptake", "N", Kinds::none, 0},
    {"n_leaching", "N", Kinds::none, 0},
    {"n_denitrification", "N", Kinds::none, 0},
    {"n_input", "N", Kinds::none, 0},
    {"n_harvest", "N", Kinds::none, 0},
};

constexpr Meaning meanings[] = {
    {{{0, 0, 0, 0, 0, 0}}, "a plain number"},
    {{{1, 0, 0, 0, 0, 0}}, "a mass"},
    {{{0, 1, 0, 0, 0, 0}}, "a length"},
    {{{0, 0, 1, 0, 0, 0}}, "a time"},
    {{{0, 0, 0, 1, 0, 0}}, "a temperature"},
    {{{0, 0, 0, 0, 1, 0}}, "an amount of substance"},
    {{{0, 0, 0, 0, 0, 1}}, "an angle"},
    {{{0, 2, 0, 0, 0, 0}}, "an area"},
    {{{0, 3, 0, 0, 0, 0}}, "a volume"},
    {{{0, 1, -1, 0, 0, 0}}, "a speed"},
    {{{0, 0, -1, 0, 0, 0}}, "a rate"},
    {{{1, 1, -2, 0, 0, 0}}, "a force"},
    {{{1, -1, -2, 0, 0, 0}}, "a pressure"},
    {{{1, 2, -2, 0, 0, 0}}, "an energy"},
    {{{1, 2, -3, 0, 0, 0}}, "a power"},
    {{{1, 0, -3, 0, 0, 0}}, "an energy flux"},
    {{{1, 0, -2, 0, 0, 0}}, "an energy per area"},
    {{{1, -2, -1, 0, 0, 0}}, "a mass flux"},
    {{{1, -2, 0, 0, 0, 0}}, "a mass per area"},
    {{{1, -3, 0, 0, 0, 0}}, "a mass per volume"},
    {{{0, -2, -1, 0, 1, 0}}, "a flux of amount of substance"},
    {{{0, -2, 0, 0, 1, 0}}, "an amount of substance per area"},
    {{{0, -3, 0, 0, 1, 0}}, "an amount of substance per volume"},
};

constexpr Character characters[] = {
    {"\xc2\xb5", "u"},
    {"\xce\xbc", "u"},
    {"\xc2\xb7", "."},
    {"\xe2\x8b\x85", "."},
    {"\xc3\x97", "*"},
    {"\xe2\x88\x92", "-"},
    {"\xe2\x80\x93", "-"},
    {"\xe2\x81\xbb", "-"},
    {"\xe2\x81\xb0", "0"},
    {"\xc2\xb9", "1"},
    {"\xc2\xb2", "2"},
    {"\xc2\xb3", "3"},
    {"\xe2\x81\xb4", "4"},
    {"\xe2\x81\xb5", "5"},
    {"\xe2\x81\xb6", "6"},
    {"\xe2\x81\xb7", "7"},
    {"\xe2\x81\xb8", "8"},
    {"\xe2\x81\xb9", "9"},
    {"\xe2\x84\x83", "degC"},
    {"\xc2\xb0", "deg"},
    {"\xc2\xba", "deg"},
    {"\xc2\xa0", " "},
    {"\xe2\x80\xaf", " "},
};

}  // namespace ecostep::unit_tables
