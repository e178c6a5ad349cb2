// Operations of native programs, and what they are told, by number. Plain types only: kernels include this (task.h).
#pragma once

namespace ecostep::native {

// Those of one operand, then those of two, elementwise; then the others.
enum class Code {
  copy,
  cast,
  neg,
  abs,
  sqrt,
  exp,
  log,
  log1p,
  sin,
  cos,
  tanh,
  sigmoid,
  relu,
  gelu,
  softplus,
  sinh,
  asinh,
  round,
  reciprocal,
  isfinite,
  not_,
  add,
  sub,
  mul,
  div,
  max,
  min,
  pow,
  remainder,
  copysign,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  and_,
  or_,
  where,
  linear,
  lstm,
  gru,
  contract,
  reduce,
  cholesky_solve,
  krige,
  input,
  load,
  store,
  flux
};
enum { n_codes = static_cast<int>(Code::flux) + 1 };
constexpr bool has_one_operand(Code code) {
  return code <= Code::not_;
}
constexpr bool has_two_operands(Code code) {
  return code >= Code::add && code <= Code::or_;
}

enum class Type { f32, f64 };
constexpr unsigned bytes_of(Type type) {
  return type == Type::f32 ? 4 : 8;
}

enum class Activation { none, tanh, sigmoid, relu, gelu, softplus };
enum { n_activations = static_cast<int>(Activation::softplus) + 1 };

enum class Reduction { sum, mean, max };
enum { n_reductions = static_cast<int>(Reduction::max) + 1 };

enum class Input { drivers, observed, statics, calendar };
enum { n_inputs = static_cast<int>(Input::calendar) + 1 };

}  // namespace ecostep::native
