/* nextgen LIBRARY CONFIGURATION FLUX: a run of ten days through the functions that NextGen calls; prints the flux of the last day.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_name = 2048, max_inputs = 8, max_cells = 8 };

int initialize(void* handle, const char* config_file);
int update_until(void* handle, const double* time);
int finalize(void* handle);
int get_component_name(void* handle, char* name);
int get_input_item_count(void* handle, int* count);
int get_input_var_names(void* handle, char** names);
int get_var_type(void* handle, const char* name, char* type);
int get_value_double(void* handle, const char* name, double* values);
int set_value_double(void* handle, const char* name, const double* values);

static void must(int status, const char* what) {
  if (status == 0) return;
  fprintf(stderr, "nextgen: %s failed\n", what);
  exit(1);
}

static double driver(const char* name, int day) {
  if (strcmp(name, "land_surface_air__temperature") == 0) return 280.0 + day;
  return strcmp(name, "atmosphere_water__precipitation_mass_flux") == 0 ? 2.0e-5 : 0.1;
}

int main(int argc, char** argv) {
  static char names[max_inputs][max_name], name[max_name], type[max_name];
  char* pointers[max_inputs];
  double values[max_cells];
  void *library, *handle = NULL, *symbol;
  int (*register_bmi)(void*), count = 0, day, i;
  if (argc != 4) return 2;
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  symbol = library == NULL ? NULL : dlsym(library, "register_bmi");
  if (symbol == NULL) {
    fprintf(stderr, "nextgen: %s\n", dlerror());
    return 1;
  }
  memcpy(&register_bmi, &symbol, sizeof symbol);
  must(register_bmi(&handle), "register_bmi");
  must(initialize(&handle, argv[2]), "initialize");
  must(get_component_name(&handle, name), "get_component_name");
  must(get_input_item_count(&handle, &count), "get_input_item_count");
  if (strcmp(name, "ecostep") != 0 || count < 1 || count > max_inputs) return 1;
  for (i = 0; i < count; ++i) pointers[i] = names[i];
  must(get_input_var_names(&handle, pointers), "get_input_var_names");
  must(get_var_type(&handle, names[0], type), "get_var_type");
  if (strcmp(type, "double precision") != 0) return 1;
  for (day = 1; day <= 10; ++day) {
    const double time = 86400.0 * day;
    for (i = 0; i < count; ++i) {
      int k;
      for (k = 0; k < max_cells; ++k) values[k] = driver(names[i], day);
      must(set_value_double(&handle, names[i], values), names[i]);
    }
    must(update_until(&handle, &time), "update_until");
  }
  must(get_value_double(&handle, argv[3], values), argv[3]);
  printf("%s of the last day %.15e\n", argv[3], values[0]);
  must(finalize(&handle), "finalize");
  return 0;
}
