// Operations of native programs by number.
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
constexpr bool has_one_operand(Code code) {
  return code <= Code::not_;
}
constexpr bool has_two_operands(Code code) {
  return code >= Code::add && code <= Code::or_;
}

enum class Activation { none, tanh, sigmoid, relu, gelu, softplus };
enum class Reduction { sum, mean, max };
enum class Input { drivers, observed, statics, calendar };

}  // namespace ecostep::native
