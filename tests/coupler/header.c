#include <ecostep.h>

/* The header alone must compile as C99. */
size_t coupler_header_test(const ecostep_model* model) {
  return ecostep_state_size(model);
}
