// The kernels of one instruction set: this file is compiled once for each, with ECOSTEP_KERNELS the name of its table.
#include "backends/native/gates.h"
#include "backends/native/linear.h"
#include "backends/native/host_transfer.h"
#include "backends/native/operation_codes.h"
#include "backends/native/reductions.h"

namespace ecostep::native {
namespace {

template <class F>
Kernel unary(Type type, bool single) {
  if (type == Type::f64) return single ? unary_single<F, double> : unary_lanes<F, double>;
  return single ? unary_single<F, float> : unary_lanes<F, float>;
}

template <class F>
Kernel binary(Type type, bool single) {
  if (type == Type::f64) return single ? binary_single<F, double> : binary_lanes<F, double>;
  return single ? binary_single<F, float> : binary_lanes<F, float>;
}

Kernel find(Code code, Type type, bool single) {
  const bool wide = type == Type::f64;
  switch (code) {  // no default: the compiler asks for each
    case Code::copy:
      if (single) return wide ? copy_single<double> : copy_single<float>;
      return wide ? copy_lanes<double> : copy_lanes<float>;
    case Code::cast:
      return wide ? cast_any<double, float> : cast_any<float, double>;
    case Code::neg:
      return unary<Neg>(type, single);
    case Code::abs:
      return unary<Abs>(type, single);
    case Code::sqrt:
      return unary<Sqrt>(type, single);
    case Code::exp:
      return unary<Exp>(type, single);
    case Code::log:
      return unary<Log>(type, single);
    case Code::log1p:
      return unary<Log1p>(type, single);
    case Code::sin:
      return unary<Sin>(type, single);
    case Code::cos:
      return unary<Cos>(type, single);
    case Code::tanh:
      return unary<Tanh>(type, single);
    case Code::sigmoid:
      return unary<Sigmoid>(type, single);
    case Code::relu:
      return unary<Relu>(type, single);
    case Code::gelu:
      return unary<Gelu>(type, single);
    case Code::softplus:
      return unary<Softplus>(type, single);
    case Code::sinh:
      return unary<Sinh>(type, single);
    case Code::asinh:
      return unary<Asinh>(type, single);
    case Code::round:
      return unary<Round>(type, single);
    case Code::reciprocal:
      return unary<Reciprocal>(type, single);
    case Code::isfinite:
      return unary<IsFinite>(type, single);
    case Code::not_:
      return unary<Not>(type, single);
    case Code::add:
      return binary<Add>(type, single);
    case Code::sub:
      return binary<Sub>(type, single);
    case Code::mul:
      return binary<Mul>(type, single);
    case Code::div:
      return binary<Div>(type, single);
    case Code::max:
      return binary<Max>(type, single);
    case Code::min:
      return binary<Min>(type, single);
    case Code::pow:
      return binary<Pow>(type, single);
    case Code::remainder:
      return binary<Remainder>(type, single);
    case Code::copysign:
      return binary<CopySign>(type, single);
    case Code::eq:
      return binary<Eq>(type, single);
    case Code::ne:
      return binary<Ne>(type, single);
    case Code::lt:
      return binary<Lt>(type, single);
    case Code::le:
      return binary<Le>(type, single);
    case Code::gt:
      return binary<Gt>(type, single);
    case Code::ge:
      return binary<Ge>(type, single);
    case Code::and_:
      return binary<And>(type, single);
    case Code::or_:
      return binary<Or>(type, single);
    case Code::where:
      return wide ? where_any<double> : where_any<float>;
    case Code::linear:
      return wide ? linear_double : single ? linear_single : linear_lanes;
    case Code::lstm:
      return wide ? lstm_any<double> : lstm_any<float>;
    case Code::gru:
      return wide ? gru_any<double> : gru_any<float>;
    case Code::contract:
      if (single) return wide ? contract_single<double> : contract_single<float>;
      return wide ? contract_lanes<double> : contract_lanes<float>;
    case Code::reduce:
      if (single) return wide ? reduce_single<double> : reduce_single<float>;
      return wide ? reduce_lanes<double> : reduce_lanes<float>;
    case Code::input:
      return input_any;
    case Code::load:
      return load_any;
    case Code::store:
      return store_any;
    case Code::flux:
      return flux_any;
    case Code::cholesky_solve:
    case Code::krige:
      return nullptr;  // cell_by_cell.cpp
  }
  return nullptr;
}

}  // namespace

extern const Kernels ECOSTEP_KERNELS;
const Kernels ECOSTEP_KERNELS = {ECOSTEP_KERNELS_NAME, find};

}  // namespace ecostep::native
