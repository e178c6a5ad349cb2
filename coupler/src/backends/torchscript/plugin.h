/* What a backend that lives in a library of its own (libecostep_torch.so) hands to the core. Plain C, so that neither exceptions
 * nor C++ types cross from one library to the other. */
#ifndef ECOSTEP_PLUGIN_H
#define ECOSTEP_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECOSTEP_PLUGIN_ABI 6

/* year, month, day, day of year, days in month, days in year */
#define ECOSTEP_PLUGIN_CALENDAR_COLUMNS 6

typedef enum ecostep_plugin_status {
  ECOSTEP_PLUGIN_OK = 0,
  ECOSTEP_PLUGIN_FAILED = 1,
  ECOSTEP_PLUGIN_OTHER_TORCH = 2,  /* of `open`: the plugin was built with another torch than the one it runs with */
  ECOSTEP_PLUGIN_CHANGES_GREW = 3, /* of `step`: it changes columns outside `spans`; no message */
  ECOSTEP_PLUGIN_NOT_TRUSTED = 4   /* of `open`: the code of the artefact may do more than compute; nothing of it ran */
} ecostep_plugin_status;

/* Sizes that the artefact promises; the plugin checks each result against them. */
typedef struct ecostep_plugin_sizes {
  size_t n_inputs, n_statics, n_targets, state_size;
  int takes_observed; /* the model has step_observed */
} ecostep_plugin_sizes;

/* Columns of the state next to one another. */
typedef struct ecostep_plugin_span {
  size_t begin, size;
} ecostep_plugin_span;

/* What a step reads, (rows, variable), and what it writes of the first `used` rows. */
typedef struct ecostep_plugin_step {
  size_t rows, used;
  const float* drivers;
  const int64_t* calendar;
  const float* observed; /* or null */
  const float* state;
  const ecostep_plugin_span* spans; /* columns that the step is believed to change */
  size_t n_spans, width;            /* width: columns in all spans */
  float* flux;                      /* (used, n_targets) */
  float* changed;                   /* (used, width): these columns of the new state */
  unsigned char* columns;           /* (state_size): set to 1 for each column that the step changes */
} ecostep_plugin_step;

/* Functions that fail leave a message. Arrays are (rows, variable). */
typedef struct ecostep_plugin {
  int abi;
  /* `trusted`: not 0 where the code may use any operation. */
  ecostep_plugin_status (*open)(const char* bytes, size_t n_bytes, const ecostep_plugin_sizes* sizes, int trusted, void** model,
                                char* message, size_t n_message);
  ecostep_plugin_status (*init_state)(void* model, size_t rows, const float* statics, float* state, char* message,
                                      size_t n_message);
  ecostep_plugin_status (*step)(void* model, const ecostep_plugin_step* step, char* message, size_t n_message);
  /* Derivative of sum(flux_weight * flux) + sum(state_weight * new_state), state_weight may be null. */
  ecostep_plugin_status (*gradient)(void* model, size_t rows, const float* drivers, const int64_t* calendar, const float* observed,
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
