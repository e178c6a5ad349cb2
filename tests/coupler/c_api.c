/* c_api ARTEFACT: what only a C host can see. Null pointers, statuses, floating-point environment, threads. */
#define _GNU_SOURCE
#include <dirent.h>
#include <ecostep.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#define NCELL 70

static int failures = 0;

static void check(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "FAILED: %s (last error: %s)\n", what, ecostep_last_error());
  ++failures;
}

static void check_status(ecostep_status status, ecostep_status expected, const char* text, const char* what) {
  check(status == expected && strstr(ecostep_last_error(), text) != NULL, what);
}

typedef struct {
  double tas[NCELL], pr[NCELL], lat[NCELL];
  float wtd[NCELL], gpp[NCELL];
  double fch4[NCELL];
  float* state;
  size_t size;
  ecostep_cells* cells;
} host;

static host make_host(const ecostep_model* model) {
  host h;
  int i;
  memset(&h, 0, sizeof h);
  h.size = ecostep_state_size(model);
  h.state = calloc(NCELL * h.size, sizeof(float));
  for (i = 0; i < NCELL; ++i) {
    h.tas[i] = 270.0 + 0.3 * i;
    h.pr[i] = 1e-5 * (i % 4);
    h.wtd[i] = 0.01f * (float)i;
    h.lat[i] = 40.0 + 0.4 * i;
  }
  return h;
}

static void connect(host* h, const ecostep_model* model) {
  check(ecostep_cells_create(model, NCELL, &h->cells) == ECOSTEP_OK, "create");
  check(ecostep_set_input(h->cells, "tas", "K", h->tas, ECOSTEP_F64, NCELL, 1) == ECOSTEP_OK, "tas");
  check(ecostep_set_input(h->cells, "pr", "kg m-2 s-1", h->pr, ECOSTEP_F64, NCELL, 1) == ECOSTEP_OK, "pr");
  check(ecostep_set_input(h->cells, "wtd", "m", h->wtd, ECOSTEP_F32, NCELL, 1) == ECOSTEP_OK, "wtd");
  check(ecostep_set_static(h->cells, "lat", "degrees_north", h->lat, ECOSTEP_F64, NCELL, 1) == ECOSTEP_OK, "lat");
  check(ecostep_set_output(h->cells, "gpp", "kg m-2 s-1", h->gpp, ECOSTEP_F32, NCELL, 1) == ECOSTEP_OK, "gpp");
  check(ecostep_set_output(h->cells, "fch4", "mg m-2 day-1", h->fch4, ECOSTEP_F64, NCELL, 1) == ECOSTEP_OK, "fch4");
  check(ecostep_set_state(h->cells, h->state, h->size, NCELL) == ECOSTEP_OK, "state");
  check(ecostep_init_state(h->cells) == ECOSTEP_OK, "init_state");
}

static void disconnect(host* h) {
  ecostep_cells_destroy(h->cells);
  free(h->state);
}

static int same_result(const host* a, const host* b) {
  return memcmp(a->state, b->state, NCELL * a->size * sizeof(float)) == 0 && memcmp(a->fch4, b->fch4, sizeof a->fch4) == 0 &&
         memcmp(a->gpp, b->gpp, sizeof a->gpp) == 0;
}

static void test_null_pointers(const char* path) {
  ecostep_model* model = NULL;
  ecostep_cells* cells = NULL;
  ecostep_variable info;
  float x = 0;
  check_status(ecostep_open(NULL, NULL, &model), ECOSTEP_INVALID_ARGUMENT, "path: null pointer", "open without path");
  check_status(ecostep_open(path, NULL, NULL), ECOSTEP_INVALID_ARGUMENT, "model: null pointer", "open without result");
  check_status(ecostep_cells_create(NULL, 1, &cells), ECOSTEP_INVALID_ARGUMENT, "model: null", "create without model");
  check(cells == NULL && model == NULL, "results are null after a failure");
  check_status(ecostep_variable_info(NULL, ECOSTEP_INPUT, 0, &info), ECOSTEP_INVALID_ARGUMENT, "model: null", "info without model");
  check_status(ecostep_set_input(NULL, "tas", "K", &x, ECOSTEP_F32, 1, 1), ECOSTEP_INVALID_ARGUMENT, "cells: null", "input");
  check_status(ecostep_set_state(NULL, &x, 1, 1), ECOSTEP_INVALID_ARGUMENT, "cells: null", "state");
  check_status(ecostep_init_state(NULL), ECOSTEP_INVALID_ARGUMENT, "cells: null", "init_state");
  check_status(ecostep_step(NULL, 2001, 1, 1, 0, 86400), ECOSTEP_INVALID_ARGUMENT, "cells: null", "step");
  check_status(ecostep_verify(NULL, NULL), ECOSTEP_INVALID_ARGUMENT, "model: null", "verify");
  check(ecostep_state_size(NULL) == 0 && ecostep_variable_count(NULL, ECOSTEP_INPUT) == 0 && ecostep_cells_count(NULL) == 0,
        "counts");
  check(strcmp(ecostep_model_name(NULL), "") == 0 && strcmp(ecostep_status_name((ecostep_status)99), "UNKNOWN_STATUS") == 0,
        "texts");
  ecostep_close(NULL);
  ecostep_cells_destroy(NULL);
}

static void test_arguments(const ecostep_model* model) {
  host h = make_host(model);
  connect(&h, model);
  check_status(ecostep_set_input(h.cells, NULL, "K", h.tas, ECOSTEP_F64, NCELL, 1), ECOSTEP_INVALID_ARGUMENT, "name: null", "name");
  check_status(ecostep_set_input(h.cells, "tas", NULL, h.tas, ECOSTEP_F64, NCELL, 1), ECOSTEP_INVALID_ARGUMENT, "units: null",
               "units");
  check_status(ecostep_set_input(h.cells, "tas", "K", NULL, ECOSTEP_F64, NCELL, 1), ECOSTEP_INVALID_ARGUMENT, "null pointer",
               "data");
  check_status(ecostep_set_input_2d(NULL, "tas", "K", h.tas, ECOSTEP_F64, NCELL, 1, 1, 1), ECOSTEP_INVALID_ARGUMENT, "cells: null",
               "tile without cells");
  check_status(ecostep_set_input_2d(h.cells, "tas", "K", h.tas, ECOSTEP_F64, (size_t)-1, 1, 3, 1), ECOSTEP_WRONG_SIZE, "too large",
               "tile larger than memory");
  check_status(ecostep_set_input_2d(h.cells, "tas", "K", h.tas, ECOSTEP_F64, NCELL, 1, 2, NCELL), ECOSTEP_WRONG_SIZE, "values for",
               "tile of two rows");
  check_status(ecostep_set_output_2d(h.cells, "gpp", "kg m-2 s-1", h.gpp, ECOSTEP_F32, 10, 1, 7, 1), ECOSTEP_INVALID_ARGUMENT,
               "cannot share", "outputs of rank 2 whose rows overlap");
  check_status(ecostep_set_output_2d(h.cells, "gpp", "kg m-2 s-1", h.gpp, ECOSTEP_F32, 10, 0, 7, 1), ECOSTEP_INVALID_ARGUMENT,
               "cannot share", "outputs of rank 2 that share one value along a row");
  check(ecostep_set_output_2d(h.cells, "gpp", "kg m-2 s-1", h.gpp, ECOSTEP_F32, 10, 7, 7, 1) == ECOSTEP_OK,
        "outputs of rank 2, the other index first");
  check(ecostep_set_output(h.cells, "gpp", "kg m-2 s-1", h.gpp, ECOSTEP_F32, NCELL, 1) == ECOSTEP_OK, "outputs of rank 1 again");
  check_status(ecostep_set_input_2d(h.cells, "tas", "K", h.tas, ECOSTEP_F64, 10, 1, 7, (ptrdiff_t)1 << 58),
               ECOSTEP_INVALID_ARGUMENT, "and one of 288230376151711744 do not fit", "rows beyond memory");
  check_status(ecostep_set_local_time(h.cells, NULL, NULL, ECOSTEP_F64, 0, 1), ECOSTEP_OK, "", "local time taken back");
  check_status(ecostep_set_input(h.cells, "tas", "K", h.tas, (ecostep_type)7, NCELL, 1), ECOSTEP_INVALID_ARGUMENT, "type 7",
               "type");
  check_status(ecostep_set_output(h.cells, "gpp", "kg m-2 s-1", h.gpp, ECOSTEP_F32, NCELL, 0), ECOSTEP_INVALID_ARGUMENT, "stride 0",
               "broadcast output");
  check_status(ecostep_set_output(h.cells, "gpp", "kg m-2 s-1", h.gpp, ECOSTEP_I32, NCELL, 1), ECOSTEP_INVALID_ARGUMENT,
               "ECOSTEP_F32", "integer output");
  check_status(ecostep_set_state(h.cells, h.state, h.size - 1, NCELL), ECOSTEP_WRONG_SIZE, "the model needs", "state size");
  disconnect(&h);
}

/* A host that traps, rounds upwards and has flags of its own finds all that again, and gets the same bits as any other host. */
static void test_floating_point_environment(const ecostep_model* model) {
  host plain = make_host(model), trapping = make_host(model);
  const int wanted = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW;
  int traps;
  connect(&plain, model);
  check(ecostep_step(plain.cells, 2001, 1, 1, 0, 86400) == ECOSTEP_OK, "plain step");

  feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(wanted);
  traps = fegetexcept(); /* none on processors that cannot trap, as many of ARM */
  fesetround(FE_UPWARD);
  connect(&trapping, model);
  check(ecostep_step(trapping.cells, 2001, 1, 1, 0, 86400) == ECOSTEP_OK, "trapping step");
  check(fegetround() == FE_UPWARD, "rounding mode kept");
  check(fegetexcept() == traps, "traps kept");
  check(fetestexcept(wanted) == 0, "no flags left behind");
  trapping.tas[3] = NAN;
  check_status(ecostep_step(trapping.cells, 2001, 1, 2, 0, 86400), ECOSTEP_BAD_VALUE, "input 'tas' is NaN", "NaN with traps");
  check(fegetexcept() == traps && fegetround() == FE_UPWARD, "kept after a failure");
  fedisableexcept(traps);
  fesetround(FE_TONEAREST);
  check(memcmp(plain.state, trapping.state, NCELL * plain.size * sizeof(float)) == 0, "same bits with traps");
  disconnect(&plain);
  disconnect(&trapping);
}

static void test_nothing_written_on_error(const ecostep_model* model) {
  host h = make_host(model), before = make_host(model);
  float* saved_state = before.state;
  connect(&h, model);
  check(ecostep_step(h.cells, 2001, 1, 1, 0, 86400) == ECOSTEP_OK, "good step");
  memcpy(saved_state, h.state, NCELL * h.size * sizeof(float));
  memcpy(before.fch4, h.fch4, sizeof h.fch4);
  memcpy(before.gpp, h.gpp, sizeof h.gpp);
  h.pr[68] = -1e-3; /* in the last block: the first block must not have been written */
  check_status(ecostep_step(h.cells, 2001, 1, 2, 0, 86400), ECOSTEP_BAD_VALUE, "input 'pr' is -0.001 kg m-2 s-1 in cell 69 of 70",
               "value out of range");
  check(same_result(&h, &before), "nothing written after a bad value");
  h.pr[68] = 0.0;
  check_status(ecostep_step(h.cells, 2001, 1, 3, 0, 86400), ECOSTEP_BAD_DATE, "ready for 2001-01-02", "skipped day");
  check_status(ecostep_step(h.cells, 2001, 1, 2, 0, 7000), ECOSTEP_BAD_DATE, "7000 s does not divide", "odd step");
  check_status(ecostep_step(h.cells, 2001, 2, 29, 0, 86400), ECOSTEP_BAD_DATE, "2001-02-29 is not a date", "no such day");
  h.state[69 * h.size + 1] = NAN; /* a damaged restart file: seen only when the network has run */
  memcpy(saved_state, h.state, NCELL * h.size * sizeof(float));
  check_status(ecostep_step(h.cells, 2001, 1, 2, 0, 86400), ECOSTEP_BACKEND_FAILED, "in cell 70 of 70", "NaN in the state");
  check(same_result(&h, &before), "nothing written after a bad flux");
  disconnect(&h);
  free(saved_state);
}

static int count_threads(void) {
  DIR* tasks = opendir("/proc/self/task");
  int n = 0;
  if (tasks == NULL) return 1;
  while (readdir(tasks) != NULL) ++n;
  closedir(tasks);
  return n - 2;
}

static void test_threads(const ecostep_model* model) {
  host h = make_host(model);
  int day, before;
#ifdef _OPENMP
  omp_set_num_threads(3);
#endif
  before = count_threads(); /* an emulator of processors has threads of its own */
  connect(&h, model);
  for (day = 1; day <= 20; ++day) check(ecostep_step(h.cells, 2001, 1, day, 0, 86400) == ECOSTEP_OK, "step");
#ifdef _OPENMP
  check(omp_get_max_threads() == 3, "the host's OpenMP setting kept");
#endif
  check(count_threads() == before, "the library started no thread");
  disconnect(&h);
}

int main(int argc, char** argv) {
  ecostep_model* model = NULL;
  if (argc != 2) return 2;
  test_null_pointers(argv[1]);
  if (ecostep_open(argv[1], "", &model) != ECOSTEP_OK) {
    fprintf(stderr, "%s\n", ecostep_last_error());
    return 1;
  }
  test_arguments(model);
  test_floating_point_environment(model);
  test_nothing_written_on_error(model);
  test_threads(model);
  ecostep_close(model);
  return failures != 0;
}
