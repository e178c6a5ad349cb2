// The words of native.json and what they mean.
#pragma once

#include <cstddef>
#include <string_view>

#include "backends/native/operation_codes.h"

namespace ecostep::native {

template <class Meaning>
struct Word {
  std::string_view text;
  Meaning meaning;
};

// Whether a table has a word for each enumerator, in order.
template <class Meaning, std::size_t n_meanings, std::size_t n_words>
constexpr bool complete(const Word<Meaning> (&words)[n_words]) {
  if (n_words != n_meanings) return false;
  for (std::size_t i = 0; i < n_words; ++i)
    if (static_cast<std::size_t>(words[i].meaning) != i) return false;
  return true;
}

constexpr Word<Code> operation_words[] = {{"copy", Code::copy},
                                          {"cast", Code::cast},
                                          {"neg", Code::neg},
                                          {"abs", Code::abs},
                                          {"sqrt", Code::sqrt},
                                          {"exp", Code::exp},
                                          {"log", Code::log},
                                          {"log1p", Code::log1p},
                                          {"sin", Code::sin},
                                          {"cos", Code::cos},
                                          {"tanh", Code::tanh},
                                          {"sigmoid", Code::sigmoid},
                                          {"relu", Code::relu},
                                          {"gelu", Code::gelu},
                                          {"softplus", Code::softplus},
                                          {"sinh", Code::sinh},
                                          {"asinh", Code::asinh},
                                          {"round", Code::round},
                                          {"reciprocal", Code::reciprocal},
                                          {"isfinite", Code::isfinite},
                                          {"not", Code::not_},
                                          {"add", Code::add},
                                          {"sub", Code::sub},
                                          {"mul", Code::mul},
                                          {"div", Code::div},
                                          {"max", Code::max},
                                          {"min", Code::min},
                                          {"pow", Code::pow},
                                          {"remainder", Code::remainder},
                                          {"copysign", Code::copysign},
                                          {"eq", Code::eq},
                                          {"ne", Code::ne},
                                          {"lt", Code::lt},
                                          {"le", Code::le},
                                          {"gt", Code::gt},
                                          {"ge", Code::ge},
                                          {"and", Code::and_},
                                          {"or", Code::or_},
                                          {"where", Code::where},
                                          {"linear", Code::linear},
                                          {"lstm", Code::lstm},
                                          {"gru", Code::gru},
                                          {"contract", Code::contract},
                                          {"reduce", Code::reduce},
                                          {"cholesky_solve", Code::cholesky_solve},
                                          {"krige", Code::krige},
                                          {"input", Code::input},
                                          {"load", Code::load},
                                          {"store", Code::store},
                                          {"flux", Code::flux}};
static_assert(complete<Code, n_codes>(operation_words), "each of Code, in order");

constexpr Word<Activation> activation_words[] = {{"none", Activation::none},       {"tanh", Activation::tanh},
                                                 {"sigmoid", Activation::sigmoid}, {"relu", Activation::relu},
                                                 {"gelu", Activation::gelu},       {"softplus", Activation::softplus}};
static_assert(complete<Activation, n_activations>(activation_words), "each of Activation, in order");

constexpr Word<Reduction> reduction_words[] = {{"sum", Reduction::sum}, {"mean", Reduction::mean}, {"max", Reduction::max}};
static_assert(complete<Reduction, n_reductions>(reduction_words), "each of Reduction, in order");

constexpr Word<Input> input_words[] = {
    {"drivers", Input::drivers}, {"observed", Input::observed}, {"statics", Input::statics}, {"calendar", Input::calendar}};
static_assert(complete<Input, n_inputs>(input_words), "each of Input, in order");

constexpr Word<Type> type_words[] = {{"f32", Type::f32}, {"f64", Type::f64}};
static_assert(complete<Type, 2>(type_words), "each of Type, in order");

}  // namespace ecostep::native
