// long_run ARTEFACT STEPS [BACKEND]: so many steps of a few cells, hourly and daily, with models opened and closed and calls
// refused in between; memory must not grow and results stay finite.
#if __has_include(<malloc.h>)
#include <malloc.h>
#endif
#include <unistd.h>

#include "host.h"

namespace {

// Sanitizers keep what was freed for a while, and find leaks themselves.
#if !defined(__has_feature)
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
constexpr bool instrumented = true;
#else
constexpr bool instrumented = false;
#endif

// Resident memory in kB; 0 where the system does not tell. It settles late: freed memory stays with the allocator.
long resident() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  long total = 0, pages = 0;
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld %ld", &total, &pages) != 2) pages = 0;
  std::fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

// Bytes that were allocated and not freed; -1 where the C library does not tell.
long allocated() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const struct mallinfo2 info = mallinfo2();
  return static_cast<long>(info.uordblks + info.hblkhd);
#else
  return -1;
#endif
}

// What happens now and then in a long run.
void open_and_close(const char* path, const char* backend, Host& daily) {
  ecostep_model* other = open_or_exit(path, backend);
  {
    Host fresh(other, 70);
    check(fresh.step() == ECOSTEP_OK && fresh.finite(), "a fresh host");
  }
  ecostep_close(other);
  check(ecostep_step(daily.cells, 1999, 1, 1, 0, 86400) == ECOSTEP_BAD_DATE, "a refused step");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const char *path = argv[1], *backend = argc > 3 ? argv[3] : nullptr;
  const long n_steps = std::atol(argv[2]), round = n_steps / 20;
  ecostep_model* model = open_or_exit(path, backend);
  Host daily(model, 3), hourly(model, 2, 100);
  long settled = 0, settled_bytes = 0;
  for (long step = 0; step < n_steps && failures == 0; step += 2) {
    check(daily.step() == ECOSTEP_OK, "daily step");
    check(hourly.step(3600) == ECOSTEP_OK, "hourly step");
    if (step % round != 0) continue;
    open_and_close(path, backend, daily);
    check(daily.finite() && hourly.finite(), "finite results");
    if (step == 4 * round) settled = resident(), settled_bytes = allocated();
  }
  const long grown = resident() - settled, grown_bytes = allocated() - settled_bytes;
  std::printf(
      "%ld steps to %d-%02d-%02d, %ld kB resident; grown after the first fifth: resident by %ld kB, allocated by %ld bytes\n",
      n_steps, daily.year, daily.month, daily.day, resident(), grown, grown_bytes);
  const bool long_enough = n_steps >= 50000;  // valgrind takes memory of its own in a short run
  // One byte more a step shows at 10^5 steps. What was allocated otherwise is seen in pages, among those that the allocator keeps.
  check(instrumented || !long_enough || grown_bytes <= 65536, "allocated memory grew by " + std::to_string(grown_bytes) + " bytes");
  check(instrumented || !long_enough || grown <= (allocated() < 0 ? 512 : 4096),
        "resident memory grew by " + std::to_string(grown) + " kB");
  ecostep_close(model);
  return failures != 0;
}
