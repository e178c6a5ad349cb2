#!/usr/bin/env bash
# Every test of the project: the compiled parts' own with ctest, then all others with pytest.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<'TEXT'
Usage: bash scripts/test.sh [--slow] [PYTEST ARGUMENTS]

Sets up what is missing, runs the Fortran, C and C++ tests with ctest in a checking build
(build/checks: array bounds, floating-point traps), then pytest. The tests of emulator/ run
beside all others, in a process of their own, and are printed after them. Exits with a status
other than 0 if any test fails. Arguments after the options go to one pytest, for example
`tests/coupler -k restart`.

  --slow       the slow tests as well
  -h, --help   this text

TEXT
    exit 0
}

pytest_options=()
while [[ $# -gt 0 ]]; do
    case "$1" in
        -h | --help) usage ;;
        --slow) pytest_options+=(--slow) ;;
        *) break ;;
    esac
    shift
done

ensure_environment
ensure_mpi
cd "$ECOSTEP_ROOT"
export PATH="$ECOSTEP_VENV/bin:$PATH"
failed=0

compile_with_checks() {
    say 'compiling with checks into build/checks'
    logged checks-configure cmake -S . -B build/checks -G Ninja -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON -DECOSYS_CHECKS=ON
    logged checks-build cmake --build build/checks
}

compile_with_checks
if [[ $# -gt 0 ]]; then
    say 'ctest'
    ctest --test-dir build/checks --output-on-failure --no-tests=error || failed=1
    say 'pytest'
    python -m pytest "${pytest_options[@]}" "$@" || failed=1
    exit "$failed"
fi

# Two processes of about equal length; the emulator's tests are half of all.
emulator_log="$ECOSTEP_LOGS/pytest-emulator.log"
python -m pytest -o cache_dir=build/pytest_cache_emulator "${pytest_options[@]}" tests/emulator >"$emulator_log" 2>&1 &
emulator_tests=$!
trap 'kill "$emulator_tests" 2>/dev/null; exit 130' INT TERM HUP
say 'ctest'
ctest --test-dir build/checks --output-on-failure --no-tests=error || failed=1
say 'pytest: all but tests/emulator'
python -m pytest "${pytest_options[@]}" tests --ignore=tests/emulator || failed=1
say 'pytest: tests/emulator'
wait "$emulator_tests" || failed=1
cat "$emulator_log"
exit "$failed"
