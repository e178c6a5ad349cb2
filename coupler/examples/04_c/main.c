/* A land model in C: asks the artefact what it wants, checks every status, writes and reads a restart file. */
#include <ecostep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NCELL 3
#define DIGITS 64 /* of a fingerprint */

static void must(ecostep_status status) {
  if (status == ECOSTEP_OK) return;
  fprintf(stderr, "%s: %s\n", ecostep_status_name(status), ecostep_last_error());
  exit(1);
}

static void list(const ecostep_model* model, ecostep_role role, const char* title) {
  size_t i;
  printf("%s:", title);
  for (i = 0; i < ecostep_variable_count(model, role); ++i) {
    ecostep_variable v;
    must(ecostep_variable_info(model, role, i, &v));
    printf(" %s [%s]", v.name, v.units);
  }
  printf("\n");
}

/* Cells whose arrays are registered; the state comes from init_state or from the caller. */
static ecostep_cells* make_cells(const ecostep_model* model, double* tas, double* pr, const float* wtd, const double* lat,
                                 float* ch4, float* state) {
  ecostep_cells* cells;
  must(ecostep_cells_create(model, NCELL, &cells));
  must(ecostep_set_calendar(cells, "noleap"));
  must(ecostep_set_input(cells, "tas", "K", tas, ECOSTEP_F64, NCELL, 1));
  must(ecostep_set_input(cells, "pr", "mm s-1", pr, ECOSTEP_F64, NCELL, 0)); /* stride 0: one value for all cells */
  must(ecostep_set_input(cells, "wtd", "m", wtd, ECOSTEP_F32, NCELL, 1));
  must(ecostep_set_static(cells, "lat", "degrees_north", lat, ECOSTEP_F64, NCELL, 1));
  must(ecostep_set_output(cells, "fch4", "kg m-2 s-1", ch4, ECOSTEP_F32, NCELL, 1));
  must(ecostep_set_state(cells, state, ecostep_state_size(model), NCELL));
  return cells;
}

static void run(ecostep_cells* cells, double* tas, int first_day, int last_day) {
  int day, i;
  for (day = first_day; day <= last_day; ++day) {
    for (i = 0; i < NCELL; ++i) tas[i] = 275.0 + 5.0 * i + 0.1 * day;
    must(ecostep_step(cells, 2001, 6, day, 0, 86400));
  }
}

int main(int argc, char** argv) {
  double tas[NCELL], pr = 2e-5;
  const double lat[NCELL] = {52.0, 61.8, 68.4};
  const float wtd[NCELL] = {0.05f, 0.12f, 0.0f};
  float ch4[NCELL], again[NCELL];
  float *state, *restart;
  uint32_t checksum[NCELL];
  ecostep_model* model;
  ecostep_cells* cells;
  size_t n;
  int i;

  if (argc < 3) {
    fprintf(stderr, "usage: %s ARTEFACT RESTART_FILE\n", argv[0]);
    return 2;
  }
  must(ecostep_open(argv[1], NULL, &model));
  printf("%s, backend %s, %zu floats of state per cell\n", ecostep_model_name(model), ecostep_model_backend(model),
         ecostep_state_size(model));
  list(model, ECOSTEP_INPUT, "inputs");
  list(model, ECOSTEP_STATIC, "statics");
  list(model, ECOSTEP_TARGET, "targets");

  n = NCELL * ecostep_state_size(model);
  state = calloc(n, sizeof *state);
  restart = calloc(n, sizeof *restart);
  if (state == NULL || restart == NULL) return 1;

  cells = make_cells(model, tas, &pr, wtd, lat, ch4, state);
  must(ecostep_init_state(cells));
  run(cells, tas, 1, 10);
  {
    FILE* file = fopen(argv[2], "wb");
    must(ecostep_state_checksum(cells, checksum, NCELL));
    if (file == NULL || fwrite(ecostep_fingerprint(model), 1, DIGITS, file) != DIGITS) return 1;
    if (fwrite(state, sizeof *state, n, file) != n || fwrite(checksum, sizeof *checksum, NCELL, file) != NCELL) return 1;
    if (fclose(file) != 0) return 1;
  }
  run(cells, tas, 11, 20);
  ecostep_cells_destroy(cells);

  {
    FILE* file = fopen(argv[2], "rb");
    char written_with[DIGITS];
    if (file == NULL || fread(written_with, 1, DIGITS, file) != DIGITS) return 1;
    if (memcmp(written_with, ecostep_fingerprint(model), DIGITS) != 0) {
      fprintf(stderr, "%s: written with another artefact\n", argv[2]);
      return 1;
    }
    if (fread(restart, sizeof *restart, n, file) != n || fread(checksum, sizeof *checksum, NCELL, file) != NCELL) return 1;
    fclose(file);
  }
  cells = make_cells(model, tas, &pr, wtd, lat, again, restart);
  must(ecostep_state_check(cells, checksum, NCELL)); /* is it what was written? */
  run(cells, tas, 11, 20);
  ecostep_cells_destroy(cells);

  for (i = 0; i < NCELL; ++i) {
    printf("cell %d: CH4 flux %.9g kg m-2 s-1, after a restart %.9g\n", i + 1, ch4[i], again[i]);
    if (ch4[i] != again[i] || !(ch4[i] > 0.0f)) return 1;
  }
  free(state);
  free(restart);
  ecostep_close(model);
  return 0;
}
