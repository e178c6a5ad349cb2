#!/usr/bin/env bash
# The coupler under sanitizers and valgrind, in long runs, and fuzzed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'TEXT'
Usage: bash scripts/check_robustness.sh [--quick] [--fuzz SECONDS]

Compiles the coupler several times under build/robustness and runs its C, C++ and Fortran
tests (wrong calls, damaged artefacts, threads, long runs, the fuzzers' corpus; stub and
native backend) under AddressSanitizer with UndefinedBehaviorSanitizer, ThreadSanitizer
and valgrind, then 10^6 steps of each backend and every damaged byte, then the fuzzers
(docs/robustness.md). Nothing is installed. Exits with a status other than 0 if anything
is found.

  --quick          AddressSanitizer with UndefinedBehaviorSanitizer alone
  --fuzz SECONDS   how long each of the three fuzzers runs, default 60; 0 for not at all
  -h, --help       this text

Needs valgrind for its part and clang with libclang-rt for the fuzzers; what is absent is
left out and named. ECOSTEP_JOBS is the number of compilations at a time, default 2.
TEXT
    exit 0
}

say() { printf 'ecostep: %s\n' "$*"; }

quick=0
fuzz_seconds=60
while [[ $# -gt 0 ]]; do
    case "$1" in
        -h | --help) usage ;;
        --quick) quick=1 ;;
        --fuzz)
            [[ "${2:-}" =~ ^[0-9]+$ ]] || { say '--fuzz takes a number of seconds' >&2; exit 2; }
            fuzz_seconds="$2"
            shift
            ;;
        *) say "unknown argument '$1'; see --help" >&2; exit 2 ;;
    esac
    shift
done

base=build/robustness
corpus=tests/coupler/fuzz/corpus
failed=0
mkdir -p "$base"

# compiled NAME OPTIONS...: the programs of `targets` in build/robustness/NAME.
targets=(coupler_robustness)
compiled() {
    local name="$1" generator=()
    shift
    say "compiling $base/$name"
    if command -v ninja >/dev/null; then generator=(-G Ninja); fi
    {
        cmake -S . -B "$base/$name" "${generator[@]}" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON -DECOSTEP_TORCH=OFF \
            -DECOSTEP_PYTHON=OFF -DECOSTEP_ECOSYS=OFF "$@" && cmake --build "$base/$name" --parallel "${ECOSTEP_JOBS:-2}" --target "${targets[@]}"
    } >"$base/$name.log" 2>&1 || { tail -n 30 "$base/$name.log"; exit 1; }
}

# tested NAME [CTEST OPTIONS...]: the tests of build/robustness/NAME.
tested() {
    local name="$1"
    shift
    say "$name: tests"
    ctest --test-dir "$base/$name" "$@" -R '^coupler_(c_api|fortran_host|tile_host|bad_calls|corruption|long_run|threads|fuzz)' --output-on-failure \
        --no-tests=error || failed=1
}

# quietly NAME COMMAND...: its output on failure alone.
quietly() {
    local name="$1"
    shift
    if "$@" >"$base/$name.log" 2>&1; then
        say "$name: clean"
    else
        tail -n 40 "$base/$name.log"
        say "$name: FAILED ($base/$name.log)"
        failed=1
    fi
}

export UBSAN_OPTIONS=print_stacktrace=1
compiled address '-DECOSTEP_SANITIZE=address;undefined'
tested address
[[ "$quick" == 0 ]] || exit "$failed"

compiled thread -DECOSTEP_SANITIZE=thread
tested thread -E fortran_host # libgfortran's own units take their locks in two orders

compiled plain
stub="$base/plain/coupler/stub.pt"
native="$corpus/archive/native"
if command -v valgrind >/dev/null; then
    # Valgrind knows neither AVX-512 nor the flags of the floating-point environment, which c_api and bad_calls test.
    export ECOSTEP_SIMD=avx2
    memcheck=(valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite)
    for artefact in "$stub" "$native"; do
        name="$(basename "$artefact" .pt)"
        quietly "valgrind-threads-$name" "${memcheck[@]}" "$base/plain/bin/coupler_threads" "$artefact"
        quietly "valgrind-corruption-$name" "${memcheck[@]}" "$base/plain/bin/coupler_corruption" "$artefact" 97
        quietly "valgrind-long_run-$name" "${memcheck[@]}" "$base/plain/bin/coupler_long_run" "$artefact" 2000
    done
    for fuzzer in archive artefact calls; do
        quietly "valgrind-fuzz_$fuzzer" "${memcheck[@]}" "$base/plain/bin/coupler_fuzz_$fuzzer" "$corpus/$fuzzer"
    done
    unset ECOSTEP_SIMD
else
    say 'valgrind is absent: left out (Debian: apt install valgrind)'
fi

for artefact in "$stub" "$native"; do
    name="$(basename "$artefact" .pt)"
    quietly "steps-$name" "$base/plain/bin/coupler_long_run" "$artefact" 1000000
    quietly "every-byte-$name" "$base/plain/bin/coupler_corruption" "$artefact" 1
done

clang="$(command -v clang++ || compgen -c 'clang++-' | sort -V | tail -n 1 || true)"
if [[ "$fuzz_seconds" == 0 ]]; then
    say 'no fuzzing'
elif [[ -z "$clang" ]]; then
    say 'clang is absent: the fuzzers are left out, their corpus was replayed (Debian: apt install clang-14 libclang-rt-14-dev)'
else
    targets=(coupler_fuzz_archive coupler_fuzz_artefact coupler_fuzz_calls) # clang does not link the C tests with UBSan for C++
    compiled fuzz -DECOSTEP_FUZZ=ON '-DECOSTEP_SANITIZE=address;undefined' "-DCMAKE_CXX_COMPILER=$clang" "-DCMAKE_C_COMPILER=${clang/++/}"
    for fuzzer in archive artefact calls; do
        mkdir -p "$base/found/$fuzzer"
        quietly "fuzz-$fuzzer" "$base/fuzz/bin/coupler_fuzz_$fuzzer" -max_total_time="$fuzz_seconds" -max_len=20000 -timeout=30 \
            -rss_limit_mb=4000 -dict=tests/coupler/fuzz/artefact.dict -artifact_prefix="$base/found/$fuzzer-" "$base/found/$fuzzer" \
            "$corpus/$fuzzer"
        grep -h '^Done' "$base/fuzz-$fuzzer.log" || true
    done
fi
exit "$failed"
