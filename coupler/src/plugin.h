/* What a backend that lives in a library of its own (libecostep_torch.so) hands to the core. Plain C, so that neither exceptions
 * nor C++ types cross from one library to the other. */
#ifndef ECOSTEP_PLUGIN_H
#define ECOSTEP_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECOSTEP_PLUGIN_ABI 5

/* Sizes that the artefact promises; the plugin checks each result against them. */
typedef struct ecostep_plugin_sizes {
  size_t n_inputs, n_statics, n_targets, state_size;
  int takes_observed; /* the model has step_observed */
} ecostep_plugin_sizes;

/* Some columns of the state. */
typedef struct ecostep_plugin_range {
  size_t begin, size;
} ecostep_plugin_range;

/* What a step reads, (rows, variable), and what it writes of the first `used` rows. */
typedef struct ecostep_plugin_step {
  size_t rows, used;
  const float* drivers;
  const int64_t* calendar;
  const float* observed; /* or null */
  const float* state;
  const ecostep_plugin_range* ranges; /* columns that the step is believed to change */
  size_t n_ranges, width;             /* width: columns in all ranges */
  float* flux;                        /* (used, n_targets) */
  float* changed;                     /* (used, width): these columns of the new state */
  unsigned char* columns;             /* (state_size): set to 1 for each column that the step changes */
} ecostep_plugin_step;

/* Functions return 0, or 1 with a message; `open` 2 where the plugin was built with another torch; `step` 3 where it changes columns
 * outside `ranges`. Arrays are (rows, variable). */
typedef struct ecostep_plugin {
  int abi;
  int (*open)(const char* bytes, size_t n_bytes, const ecostep_plugin_sizes* sizes, void** model, char* message, size_t n_message);
  int (*init_state)(void* model, size_t rows, const float* statics, float* state, char* message, size_t n_message);
  int (*step)(void* model, const ecostep_plugin_step* step, char* message, size_t n_message);
  /* Derivative of sum(flux_weight * flux) + sum(state_weight * new_state), state_weight may be null. */
  int (*gradient)(void* model, size_t rows, const float* drivers, const int64_t* calendar, const float* observed,
                  const float* state, const float* flux_weight, const float* state_weight, float* driver_gradient,
                  float* state_gradient, char* message, size_t n_message);
  void (*close)(void* model);
} ecostep_plugin;

/* The plugin's only symbol. */
const ecostep_plugin* ecostep_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif
