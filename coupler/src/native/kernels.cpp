// The kernels of one instruction set: this file is compiled once for each, with ECOSTEP_KERNELS the name of its table.
#include "native/gates.h"
#include "native/linear.h"
#include "native/moves.h"
#include "native/program_codes.h"
#include "native/sums.h"

namespace ecostep::native {
namespace {

template <class F>
Kernel unary(bool is_double, bool one) {
  if (is_double) return one ? unary_one<F, double> : unary_many<F, double>;
  return one ? unary_one<F, float> : unary_many<F, float>;
}

template <class F>
Kernel binary(bool is_double, bool one) {
  if (is_double) return one ? binary_one<F, double> : binary_many<F, double>;
  return one ? binary_one<F, float> : binary_many<F, float>;
}

Kernel find(int code, int type, bool one) {
  const bool d = type == 1;
  switch (static_cast<Code>(code)) {
    case Code::copy:
      if (one) return d ? copy_one<double> : copy_one<float>;
      return d ? copy_many<double> : copy_many<float>;
    case Code::cast:
      return d ? cast_any<double, float> : cast_any<float, double>;
    case Code::neg:
      return unary<Neg>(d, one);
    case Code::abs:
      return unary<Abs>(d, one);
    case Code::sqrt:
      return unary<Sqrt>(d, one);
    case Code::exp:
      return unary<Exp>(d, one);
    case Code::log:
      return unary<Log>(d, one);
    case Code::log1p:
      return unary<Log1p>(d, one);
    case Code::sin:
      return unary<Sin>(d, one);
    case Code::cos:
      return unary<Cos>(d, one);
    case Code::tanh:
      return unary<Tanh>(d, one);
    case Code::sigmoid:
      return unary<Sigmoid>(d, one);
    case Code::relu:
      return unary<Relu>(d, one);
    case Code::gelu:
      return unary<Gelu>(d, one);
    case Code::softplus:
      return unary<Softplus>(d, one);
    case Code::sinh:
      return unary<Sinh>(d, one);
    case Code::asinh:
      return unary<Asinh>(d, one);
    case Code::round:
      return unary<Round>(d, one);
    case Code::reciprocal:
      return unary<Reciprocal>(d, one);
    case Code::isfinite:
      return unary<IsFinite>(d, one);
    case Code::not_:
      return unary<Not>(d, one);
    case Code::add:
      return binary<Add>(d, one);
    case Code::sub:
      return binary<Sub>(d, one);
    case Code::mul:
      return binary<Mul>(d, one);
    case Code::div:
      return binary<Div>(d, one);
    case Code::max:
      return binary<Max>(d, one);
    case Code::min:
      return binary<Min>(d, one);
    case Code::pow:
      return binary<Pow>(d, one);
    case Code::remainder:
      return binary<Remainder>(d, one);
    case Code::copysign:
      return binary<CopySign>(d, one);
    case Code::eq:
      return binary<Eq>(d, one);
    case Code::ne:
      return binary<Ne>(d, one);
    case Code::lt:
      return binary<Lt>(d, one);
    case Code::le:
      return binary<Le>(d, one);
    case Code::gt:
      return binary<Gt>(d, one);
    case Code::ge:
      return binary<Ge>(d, one);
    case Code::and_:
      return binary<And>(d, one);
    case Code::or_:
      return binary<Or>(d, one);
    case Code::where:
      return d ? where_any<double> : where_any<float>;
    case Code::linear:
      return d ? linear_double : one ? linear_one : linear_many;
    case Code::lstm:
      return d ? lstm_any<double> : lstm_any<float>;
    case Code::gru:
      return d ? gru_any<double> : gru_any<float>;
    case Code::contract:
      if (one) return d ? contract_one<double> : contract_one<float>;
      return d ? contract_many<double> : contract_many<float>;
    case Code::reduce:
      if (one) return d ? reduce_one<double> : reduce_one<float>;
      return d ? reduce_many<double> : reduce_many<float>;
    case Code::input:
      return input_any;
    case Code::load:
      return load_any;
    case Code::store:
      return store_any;
    case Code::flux:
      return flux_any;
    default:
      return nullptr;  // krige and cholesky_solve are in double.cpp
  }
}

}  // namespace

extern const Kernels ECOSTEP_KERNELS;
const Kernels ECOSTEP_KERNELS = {ECOSTEP_KERNELS_NAME, find};

}  // namespace ecostep::native
