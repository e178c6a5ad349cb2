/* ecostep.h - run a trained ecosystem emulator inside a land model.
 *
 * The host registers its own arrays once, by name and unit, and calls ecostep_step every time step. The library keeps no memory per
 * cell: the state lies in an array of the host, `state[ncell][state_size]` (Fortran: state(state_size, ncell)), that the host writes
 * to its restart file and decomposes as it likes. Results do not depend, to the last bit, on how cells are split over calls, ranks or
 * threads, nor on where a run is stopped and restarted.
 *
 *     ecostep_model *model;  ecostep_cells *cells;
 *     ecostep_open("model.pt", NULL, &model);
 *     ecostep_cells_create(model, ncell, &cells);
 *     ecostep_set_input(cells, "tas", "K", tair, ECOSTEP_F64, ncell, 1);          ... every input of the artefact
 *     ecostep_set_static(cells, "lat", "degrees_north", lat, ECOSTEP_F64, ncell, 1);  ... every static
 *     ecostep_set_output(cells, "fch4", "kg m-2 s-1", fch4, ECOSTEP_F64, ncell, 1);   ... the outputs wanted
 *     ecostep_set_state(cells, state, ecostep_state_size(model), ncell);
 *     ecostep_init_state(cells);                                   (or read `state` from the host's restart file)
 *     for (...) ecostep_step(cells, year, month, day, seconds, 1800);
 *     ecostep_cells_destroy(cells);  ecostep_close(model);
 *
 * Every function returns a status and none ends the host: on any status but ECOSTEP_OK, ecostep_last_error() says what was expected,
 * what came and for which variable and cell, and neither state nor outputs were written. Floating-point traps, flags and rounding
 * modes of the host are put back as they were. Messages count cells from 1.
 */
#ifndef ECOSTEP_H
#define ECOSTEP_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ECOSTEP_API
#elif defined(__GNUC__)
#define ECOSTEP_API __attribute__((visibility("default")))
#else
#define ECOSTEP_API
#endif

#ifdef __cplusplus
#define ECOSTEP_NOEXCEPT noexcept
extern "C" {
#else
#define ECOSTEP_NOEXCEPT
#endif

#define ECOSTEP_VERSION_MAJOR 0
#define ECOSTEP_VERSION_MINOR 1
#define ECOSTEP_VERSION_PATCH 0

/* An artefact read into memory. Nothing in it changes after ecostep_open: several threads may share it. */
typedef struct ecostep_model ecostep_model;

/* The cells of one host thread or rank: which host arrays hold what. Used by one thread at a time. */
typedef struct ecostep_cells ecostep_cells;

/* Mirrored in coupler/fortran/ecostep.f90; values never change meaning. */
typedef enum ecostep_status {
  ECOSTEP_OK = 0,
  ECOSTEP_INVALID_ARGUMENT = 1, /* null pointer, index or stride out of bounds */
  ECOSTEP_FILE_ERROR = 2,       /* the artefact cannot be opened or read */
  ECOSTEP_NOT_AN_ARTEFACT = 3,  /* the file is something else */
  ECOSTEP_NEWER_FORMAT = 4,     /* written by a newer ecostep */
  ECOSTEP_CORRUPT = 5,          /* truncated, damaged or contradicting itself */
  ECOSTEP_NO_BACKEND = 6,       /* the artefact's backend is not built, not found or not in the artefact */
  ECOSTEP_UNKNOWN_NAME = 7,     /* the artefact has no such input, static or target */
  ECOSTEP_BAD_UNITS = 8,        /* unit unknown, or not convertible to the artefact's */
  ECOSTEP_WRONG_SIZE = 9,       /* wrong number of cells or state size */
  ECOSTEP_NOT_REGISTERED = 10,  /* an array that the call needs was never registered */
  ECOSTEP_BAD_VALUE = 11,       /* NaN, infinite or outside the valid range */
  ECOSTEP_BAD_DATE = 12,        /* not a date, out of order, or a step that does not divide the day */
  ECOSTEP_BACKEND_FAILED = 13,  /* the network failed or returned something else than the artefact says */
  ECOSTEP_MISMATCH = 14,        /* ecostep_verify: results differ from the reference in the artefact */
  ECOSTEP_NOT_AVAILABLE = 15,   /* the artefact does not hold what was asked for */
  ECOSTEP_OUT_OF_MEMORY = 16,
  ECOSTEP_INTERNAL = 17,
  ECOSTEP_NOT_TRUSTED = 18 /* the TorchScript code of the artefact may do more than compute: see ecostep_open_trusted */
} ecostep_status;

/* Type of the numbers in a host array. */
typedef enum ecostep_type { ECOSTEP_F32 = 1, ECOSTEP_F64 = 2, ECOSTEP_I32 = 3, ECOSTEP_I64 = 4, ECOSTEP_I8 = 5 } ecostep_type;

/* What a variable of the artefact is. */
typedef enum ecostep_role { ECOSTEP_INPUT = 1, ECOSTEP_STATIC = 2, ECOSTEP_TARGET = 3 } ecostep_role;

/* What to do with values outside the range seen in training. */
typedef enum ecostep_policy {
  ECOSTEP_POLICY_IGNORE = 0, /* not looked at */
  ECOSTEP_POLICY_WARN = 1,   /* count them: the default */
  ECOSTEP_POLICY_ERROR = 2,  /* ECOSTEP_BAD_VALUE */
  ECOSTEP_POLICY_CLIP = 3    /* count them and take the nearer end of the range; also for values outside the valid range */
} ecostep_policy;

/* Description of one variable; strings live as long as the model. Limits that the artefact does not give are -Inf or Inf. */
typedef struct ecostep_variable {
  const char *name;
  const char *units;
  const char *long_name;
  const char *accumulate; /* inputs: "mean", "min", "max", "sum" or "last" over the day; otherwise "" */
  double valid_min, valid_max;
  double train_min, train_max;
} ecostep_variable;

/* ---- the artefact ---------------------------------------------------------------------------------------------------------- */

/* Read the artefact at `path`. `backend` NULL or "" takes the first that works: "native" where the artefact has its program, then those
 * that the artefact names, and ecostep_model_backend_reason says why it is not an earlier one. With a name ("native", "torchscript",
 * "stub") it is that one or an error. With "none" nothing of the artefact is prepared to run: the model can be described, but
 * ecostep_cells_create and ecostep_verify give ECOSTEP_NO_BACKEND.
 *
 * An artefact is data to every backend but "torchscript", which runs code from it. That code is searched, before any of it runs, for
 * operations that the project's models do not use, such as those that read or write files: ECOSTEP_NOT_TRUSTED. */
ECOSTEP_API ecostep_status ecostep_open(const char *path, const char *backend, ecostep_model **model) ECOSTEP_NOEXCEPT;

/* The same, but with whatever TorchScript code the artefact has: only for files from a source that you would run a program from.
 * ecostep_open does so where the environment variable ECOSTEP_TRUST is 1. */
ECOSTEP_API ecostep_status ecostep_open_trusted(const char *path, const char *backend, ecostep_model **model) ECOSTEP_NOEXCEPT;

/* Another owner of the model, which is given back when each of them has called ecostep_close. Returns `model`; NULL is allowed. */
ECOSTEP_API ecostep_model *ecostep_model_share(ecostep_model *model) ECOSTEP_NOEXCEPT;

/* Give the model back; NULL is allowed. Cells made from it stay usable. */
ECOSTEP_API void ecostep_close(ecostep_model *model) ECOSTEP_NOEXCEPT;

/* Floats per cell of the state row: the model's memory and the library's accumulators of the running day. 0 for NULL. */
ECOSTEP_API size_t ecostep_state_size(const ecostep_model *model) ECOSTEP_NOEXCEPT;

/* Number of inputs, statics or targets. 0 for NULL. */
ECOSTEP_API size_t ecostep_variable_count(const ecostep_model *model, ecostep_role role) ECOSTEP_NOEXCEPT;

/* Describe variable `index` (from 0) of `role`. */
ECOSTEP_API ecostep_status ecostep_variable_info(const ecostep_model *model, ecostep_role role, size_t index,
                                                 ecostep_variable *info) ECOSTEP_NOEXCEPT;

/* Label, model kind, backend in use, treatment of past flux ("none", "ungauged", "self_fed"); "" for NULL. */
ECOSTEP_API const char *ecostep_model_name(const ecostep_model *model) ECOSTEP_NOEXCEPT;
ECOSTEP_API const char *ecostep_model_kind(const ecostep_model *model) ECOSTEP_NOEXCEPT;
ECOSTEP_API const char *ecostep_model_backend(const ecostep_model *model) ECOSTEP_NOEXCEPT;
ECOSTEP_API const char *ecostep_model_past_flux(const ecostep_model *model) ECOSTEP_NOEXCEPT;

/* Why the backend in use is not the one that would come first; "" where it is, or the host named it. */
ECOSTEP_API const char *ecostep_model_backend_reason(const ecostep_model *model) ECOSTEP_NOEXCEPT;

/* Floating-point operations of an ordinary day's step of one cell, two for each multiply-add; 0 where the backend does not know. */
ECOSTEP_API double ecostep_model_flops(const ecostep_model *model) ECOSTEP_NOEXCEPT;

/* 64 hexadecimal digits that tell this artefact from any other, whatever its file is called: SHA-256 of the names, sizes and checksums of
 * what it holds. A host writes them to its restart file beside the state rows, which mean nothing to another model; "" for NULL. */
ECOSTEP_API const char *ecostep_fingerprint(const ecostep_model *model) ECOSTEP_NOEXCEPT;

/* The whole metadata (extra/ecostep.json) as JSON, in which no control character is left that a terminal would follow; "" for NULL. */
ECOSTEP_API const char *ecostep_model_metadata(const ecostep_model *model) ECOSTEP_NOEXCEPT;

/* Most cells that the backend computes at a time: 64 to 256, or 1 for a model whose rows of a block do not come out alike to the last bit (a layer
 * with few outputs and a number of inputs that is no multiple of 4, for instance). Such a model is right but slow. 0 for NULL. */
ECOSTEP_API size_t ecostep_block_rows(const ecostep_model *model) ECOSTEP_NOEXCEPT;

/* Replay the reference run that the artefact carries. `max_difference` (may be NULL) receives the largest difference of a flux,
 * relative to the largest magnitude of that target in the reference. ECOSTEP_MISMATCH where it exceeds 1e-4;
 * ECOSTEP_NOT_AVAILABLE where the artefact holds no reference. */
ECOSTEP_API ecostep_status ecostep_verify(const ecostep_model *model, double *max_difference) ECOSTEP_NOEXCEPT;

/* ---- cells ------------------------------------------------------------------------------------------------------------------ */

/* Make an empty set of `ncell` cells (0 is allowed: a rank without land). */
ECOSTEP_API ecostep_status ecostep_cells_create(const ecostep_model *model, size_t ncell, ecostep_cells **cells) ECOSTEP_NOEXCEPT;

/* Another owner of the set, which is given back when each of them has called ecostep_cells_destroy. Returns `cells`; NULL is
 * allowed. */
ECOSTEP_API ecostep_cells *ecostep_cells_share(ecostep_cells *cells) ECOSTEP_NOEXCEPT;

/* Give the set back; NULL is allowed. Host arrays are not touched. */
ECOSTEP_API void ecostep_cells_destroy(ecostep_cells *cells) ECOSTEP_NOEXCEPT;

/* Number of cells in the set; 0 for NULL. */
ECOSTEP_API size_t ecostep_cells_count(const ecostep_cells *cells) ECOSTEP_NOEXCEPT;

/* Register host arrays; value i lies at data[i * stride], in elements of `type`. The arrays must stay where they are until the cells
 * are destroyed or registered again. `ncell` is the length the host believes in, and is checked. Inputs and statics may have stride
 * 0 (one value for all cells). Units follow udunits: "K", "degC", "kg m-2 s-1", "mm day-1", "W m-2", "hPa", "1", "%", "ppm", ...
 * Integer arrays serve for classes such as the biome, whose units are not looked at. */
ECOSTEP_API ecostep_status ecostep_set_input(ecostep_cells *cells, const char *name, const char *units, const void *data,
                                             ecostep_type type, size_t ncell, ptrdiff_t stride) ECOSTEP_NOEXCEPT;
ECOSTEP_API ecostep_status ecostep_set_static(ecostep_cells *cells, const char *name, const char *units, const void *data,
                                              ecostep_type type, size_t ncell, ptrdiff_t stride) ECOSTEP_NOEXCEPT;

/* Register where the flux of a target goes (F32 or F64). Targets that are not registered are computed and dropped. */
ECOSTEP_API ecostep_status ecostep_set_output(ecostep_cells *cells, const char *target, const char *units, void *data,
                                              ecostep_type type, size_t ncell, ptrdiff_t stride) ECOSTEP_NOEXCEPT;

/* Optional: measured flux of the day (F32 or F64; NaN = not known), read on the step that completes the day. It changes predictions of
 * later years only. ECOSTEP_NOT_AVAILABLE where the model takes no past flux; data NULL takes the registration back. */
ECOSTEP_API ecostep_status ecostep_set_observed(ecostep_cells *cells, const char *target, const char *units, const void *data,
                                                ecostep_type type, size_t ncell, ptrdiff_t stride) ECOSTEP_NOEXCEPT;

/* Register the state: ncell rows of state_size floats, one after the other. */
ECOSTEP_API ecostep_status ecostep_set_state(ecostep_cells *cells, float *state, size_t state_size, size_t ncell) ECOSTEP_NOEXCEPT;

/* A checksum of each state row, for the host's restart file: CRC-32 of the row's floats as little-endian bytes, the same on every machine
 * and however cells are split. Rows of inactive cells have one, too. */
ECOSTEP_API ecostep_status ecostep_state_checksum(const ecostep_cells *cells, uint32_t *checksum, size_t ncell) ECOSTEP_NOEXCEPT;

/* After a restart: whether the state row of each active cell is the one that its checksum was made of (`checksum` NULL where the restart
 * file has none), and holds finite numbers and a date. ECOSTEP_CORRUPT names the first cell for which that is not so. */
ECOSTEP_API ecostep_status ecostep_state_check(ecostep_cells *cells, const uint32_t *checksum, size_t ncell) ECOSTEP_NOEXCEPT;

/* Optional: which cells are active, as Fortran logical, C bool or integer (ECOSTEP_I8, ECOSTEP_I32 or ECOSTEP_I64): 0 = inactive. The
 * array is read at every call that touches cells. Inactive cells are neither read, tested nor written; a cell that becomes active
 * needs a state row for that date (ecostep_init_state works on the active cells only). NULL makes all cells active. */
ECOSTEP_API ecostep_status ecostep_set_mask(ecostep_cells *cells, const void *active, ecostep_type type, size_t ncell,
                                            ptrdiff_t stride) ECOSTEP_NOEXCEPT;

/* What to do with values of the input or static `name` (NULL: of all) outside the range seen in training. For inputs that range is of
 * daily values, and they are looked at when a day is complete. Values outside the valid range are ECOSTEP_BAD_VALUE under every policy
 * but ECOSTEP_POLICY_CLIP, NaN and infinite ones under every policy. Classes have no range and are never clipped:
 * ECOSTEP_POLICY_CLIP for a class by its name is ECOSTEP_INVALID_ARGUMENT, and leaves classes out where `name` is NULL. */
ECOSTEP_API ecostep_status ecostep_set_policy(ecostep_cells *cells, const char *name, ecostep_policy policy) ECOSTEP_NOEXCEPT;

/* How many values of the input or static `name` (NULL: of all) were warned of or clipped since the cells were made. */
ECOSTEP_API ecostep_status ecostep_range_count(const ecostep_cells *cells, const char *name, size_t *count) ECOSTEP_NOEXCEPT;

/* The first of them, with variable, value, cell and date, and the share of each variable's values so far: for the host's log, once in a
 * while. "" where there was none. Valid until the next call. */
ECOSTEP_API const char *ecostep_range_message(const ecostep_cells *cells) ECOSTEP_NOEXCEPT;

/* "standard" (the default; also "gregorian", "proleptic_gregorian"), "noleap" ("365_day") or "360_day". */
ECOSTEP_API ecostep_status ecostep_set_calendar(ecostep_cells *cells, const char *calendar) ECOSTEP_NOEXCEPT;

/* Days of each cell by its own clock instead of the host's, for hosts that run in UTC. `offset` is how far the cell's clock is
 * ahead, as time ("h", "min", "s"), or the cell's longitude ("degrees_east", -180 to 360: mean solar time, 15 degrees an hour); it is rounded to whole
 * steps. Dates and seconds given to ecostep_step stay the host's; the state holds the local date, so that each cell's day is complete at
 * its own midnight. The array is read at every step and must not change during a run, nor at a restart. ecostep_spin_up,
 * ecostep_step_gradient and steps of a whole day take forcing of local days already. NULL with an `ncell` of 0 takes it back. */
ECOSTEP_API ecostep_status ecostep_set_local_time(ecostep_cells *cells, const char *units, const void *offset, ecostep_type type,
                                                  size_t ncell, ptrdiff_t stride) ECOSTEP_NOEXCEPT;

/* The same for arrays of rank 2, such as a tile (i, j) of a grid with its halo around it or levels between: cell i + n_1 * j lies at
 * data[i * stride_1 + j * stride_2], and there are n_1 * n_2 cells. The state stays a list of rows, one a cell. */
ECOSTEP_API ecostep_status ecostep_set_input_2d(ecostep_cells *cells, const char *name, const char *units, const void *data,
                                                ecostep_type type, size_t n_1, ptrdiff_t stride_1, size_t n_2,
                                                ptrdiff_t stride_2) ECOSTEP_NOEXCEPT;
ECOSTEP_API ecostep_status ecostep_set_static_2d(ecostep_cells *cells, const char *name, const char *units, const void *data,
                                                 ecostep_type type, size_t n_1, ptrdiff_t stride_1, size_t n_2,
                                                 ptrdiff_t stride_2) ECOSTEP_NOEXCEPT;
ECOSTEP_API ecostep_status ecostep_set_output_2d(ecostep_cells *cells, const char *target, const char *units, void *data, ecostep_type type,
                                                 size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) ECOSTEP_NOEXCEPT;
ECOSTEP_API ecostep_status ecostep_set_observed_2d(ecostep_cells *cells, const char *target, const char *units, const void *data,
                                                   ecostep_type type, size_t n_1, ptrdiff_t stride_1, size_t n_2,
                                                   ptrdiff_t stride_2) ECOSTEP_NOEXCEPT;
ECOSTEP_API ecostep_status ecostep_set_mask_2d(ecostep_cells *cells, const void *active, ecostep_type type, size_t n_1, ptrdiff_t stride_1,
                                               size_t n_2, ptrdiff_t stride_2) ECOSTEP_NOEXCEPT;
ECOSTEP_API ecostep_status ecostep_set_local_time_2d(ecostep_cells *cells, const char *units, const void *offset, ecostep_type type,
                                                     size_t n_1, ptrdiff_t stride_1, size_t n_2, ptrdiff_t stride_2) ECOSTEP_NOEXCEPT;

/* Optional: memory in which the results of a step wait until they are known to be sound; 7 MB, or what the environment variable
 * ECOSTEP_STAGING_MB says. Where the results of all cells fit (fluxes, and the part of the state that changes on that day), a step that
 * fails leaves everything untouched. Otherwise cells are computed and written in chunks that fit: inputs, units and dates are still tested
 * for all cells before anything is written, but after ECOSTEP_BACKEND_FAILED the chunks before the failing cell have made the step. */
ECOSTEP_API ecostep_status ecostep_set_staging(ecostep_cells *cells, size_t bytes) ECOSTEP_NOEXCEPT;

/* Fill all state rows for a fresh start from the registered statics. Not called after a restart: the rows are then the host's. */
ECOSTEP_API ecostep_status ecostep_init_state(ecostep_cells *cells) ECOSTEP_NOEXCEPT;

/* After a restart: write the flux that each state row holds, that of its last complete day, to the registered outputs, for a host that
 * needs it before its first step. */
ECOSTEP_API ecostep_status ecostep_write_outputs(ecostep_cells *cells) ECOSTEP_NOEXCEPT;

/* Forget the date in all state rows, and a day begun, but keep the model's memory: for a run that starts at another date from the
 * state of an earlier one. */
ECOSTEP_API ecostep_status ecostep_reset_date(ecostep_cells *cells) ECOSTEP_NOEXCEPT;

/* One host step of `dt` seconds that starts `seconds` after midnight of the given day. dt divides 86400; steps follow one another and
 * each cell's first day begins at its first midnight: steps of a run before that are not used. The network runs on the step that completes a day; outputs are written on every step: the
 * flux of that day on its last step, and held over the next day's steps until that day's own flux is there (0 before the first). */
ECOSTEP_API ecostep_status ecostep_step(ecostep_cells *cells, int year, int month, int day, int seconds, int dt) ECOSTEP_NOEXCEPT;

/* Run `nday` whole days from the given date on, as for a spin-up through forcing of the past: day k of cell i lies at data[k * day_stride
 * + i * stride] of each registered input and measured flux (a spatial stride of 0 means one value a day: data[k]). Outputs receive the
 * last day's flux. Usually called on a set of cells of its own that shares the state array. Stops at the first day that fails; the
 * state is then that of the day before. */
ECOSTEP_API ecostep_status ecostep_spin_up(ecostep_cells *cells, int year, int month, int day, size_t nday,
                                           ptrdiff_t day_stride) ECOSTEP_NOEXCEPT;

/* Derivative of a day's step at the present inputs and state, for calibration and data assimilation (vector-Jacobian product). Nothing but
 * the two results is written. With the weights flux_weight (ncell, C) of the fluxes in the units of their registered outputs (the
 * artefact's where there is none) and, unless NULL, state_weight (ncell, state_size) of the new state, it gives the derivative of the
 * weighted sum with respect to each input in the host's unit, input_gradient (ncell, D), and to the state, state_gradient (ncell,
 * state_size). Chained over days backwards with state_weight = the following day's state_gradient it is the adjoint of a run.
 *
 * A call that fails leaves both untouched where the derivatives of all cells fit into the staging memory (4 (D + state_size) bytes a cell).
 * ECOSTEP_NOT_AVAILABLE where the backend has no derivatives: open the artefact with "torchscript" then. */
ECOSTEP_API ecostep_status ecostep_step_gradient(ecostep_cells *cells, int year, int month, int day, const double *flux_weight,
                                                 const double *state_weight, double *input_gradient,
                                                 double *state_gradient) ECOSTEP_NOEXCEPT;

/* ---- units ------------------------------------------------------------------------------------------------------------------- */

/* Value in `to` = scale * value in `from` + offset, as for a registered array of that name; `variable` "" for any. Where `interval` is
 * not 0, amounts of records so many seconds long are made rates: "mm" of rain, "J m-2" of light. ECOSTEP_BAD_UNITS where the units are
 * not understood or measure different things. */
ECOSTEP_API ecostep_status ecostep_unit_conversion(const char *variable, const char *from, const char *to, double interval,
                                                   double *scale, double *offset) ECOSTEP_NOEXCEPT;

/* ---- errors ----------------------------------------------------------------------------------------------------------------- */

/* Message of the last call of this thread that failed; "" if none did. Valid until the next failure in this thread. */
ECOSTEP_API const char *ecostep_last_error(void) ECOSTEP_NOEXCEPT;

/* Name of a status, such as "BAD_UNITS". */
ECOSTEP_API const char *ecostep_status_name(ecostep_status status) ECOSTEP_NOEXCEPT;

/* Version of the library, "0.1.0". */
ECOSTEP_API const char *ecostep_version(void) ECOSTEP_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* ECOSTEP_H */
