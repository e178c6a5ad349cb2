#!/usr/bin/env bash
# The coupler for 64-bit ARM, compiled and tested on a machine of another kind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
    cat <<'TEXT'
Usage: bash scripts/check_arm.sh [--host BUILD] [ARTEFACT...]

Compiles the coupler without torch and Python for ARM with Debian's cross compilers
(coupler/cmake/aarch64-linux-gnu.cmake) in build/arm, and runs its C, C++ and Fortran
tests under qemu, some three minutes in all. For each artefact it replays the reference
run on ARM, and tests that results do not depend on how many cells are in a call.

  --host BUILD   a build folder of this machine's own coupler (cmake -DBUILD_TESTING=ON),
                 whose results must be the same to the last bit

Where cross compilers or qemu are absent it says so and ends with status 0.
ECOSTEP_JOBS is the number of compilations at a time, default 2.
TEXT
    exit 0
fi

say() { printf 'ecostep: %s\n' "$*"; }

host=
if [[ "${1:-}" == --host ]]; then
    host="${2:?--host takes a build folder}/bin/coupler_grouping"
    [[ -x "$host" ]] || { say "$host is absent: compile the tests there first" >&2; exit 2; }
    shift 2
fi

for program in aarch64-linux-gnu-g++ aarch64-linux-gnu-gfortran qemu-aarch64 cmake; do
    if ! command -v "$program" >/dev/null; then
        say "skipped: $program is absent (Debian: coupler/cmake/aarch64-linux-gnu.cmake tells what to install)"
        exit 0
    fi
done

build=build/arm
mkdir -p "$build"
say "compiling $build"
generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi
{
    cmake -S . -B "$build" "${generator[@]}" -DCMAKE_TOOLCHAIN_FILE="$PWD/coupler/cmake/aarch64-linux-gnu.cmake" -DBUILD_TESTING=ON \
        -DCMAKE_BUILD_TYPE=Release -DECOSTEP_ECOSYS=OFF -DECOSTEP_PYTHON=OFF -DECOSTEP_TORCH=OFF \
        && cmake --build "$build" --parallel "${ECOSTEP_JOBS:-2}"
} >"$build.log" 2>&1 || { tail -n 30 "$build.log"; exit 1; }

failed=0
# Without coupler_threads: qemu 7.2 hangs on newer kernels where a program starts its first thread, also one that does nothing else.
ctest --test-dir "$build" --output-on-failure --no-tests=error --timeout 300 -R '^coupler_(c_api|fortran_host|tile_host|native|bad_calls|corruption|grouping|fuzz)' || failed=1

qemu=(qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu)
for artefact in tests/coupler/fuzz/corpus/archive/native "$@"; do
    there="$("${qemu[@]}" "$build/bin/coupler_grouping" "$artefact")" || failed=1
    say "$there"
    [[ -n "$host" ]] || continue
    here="$("$host" "$artefact")" || failed=1
    if [[ "${here##* }" != "${there##* }" ]]; then
        say "this machine has other results: $here"
        failed=1
    fi
done
exit "$failed"
