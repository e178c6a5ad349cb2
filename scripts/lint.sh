#!/usr/bin/env bash
# Every check of the code that does not run it: style, types, layers, generated files. CI calls it after the tests.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<'TEXT'
Usage: bash scripts/lint.sh [--fix]

Runs ruff, mypy, import-linter, fortitude, the Fortran formatter, clang-format, cppcheck and
clang-tidy, and compares generated files with their templates. All but clang-tidy come from PyPI
with the set-up; where that may not be installed from here, it is left out with a word.

  --fix        let ruff, the Fortran formatter and clang-format mend what they can
  -h, --help   this text
TEXT
    exit 0
}

fix=''
case "${1:-}" in
    '') ;;
    --fix) fix=1 ;;
    -h | --help) usage ;;
    *) fail "lint.sh takes no argument '$1'; see bash scripts/lint.sh --help" ;;
esac

ensure_environment
ensure_clang_tidy
cd "$ECOSTEP_ROOT"
export PATH="$ECOSTEP_VENV/bin:$PATH"
failed=0

# check NAME COMMAND...: a line for a check that holds, its output for one that does not.
check() {
    local name="$1" log="$ECOSTEP_LOGS/lint-$1.log"
    shift
    if "$@" >"$log" 2>&1; then
        say "$name: clean"
    else
        tail -n 60 "$log"
        say "$name: FAILS ($*)"
        failed=1
    fi
}

mapfile -t cpp < <(git ls-files 'coupler/*.cpp' 'coupler/*.h' 'tests/coupler/*.cpp' 'tests/coupler/*.h')

if [[ -n "$fix" ]]; then
    ruff check --fix . && ruff format .
    bash scripts/format_fortran.sh
    clang-format -i "${cpp[@]}"
fi
check ruff ruff check .
check ruff-format ruff format --check .
check mypy mypy
check layers lint-imports
check generated bash scripts/generate.sh --check
check fortran-format bash scripts/format_fortran.sh --check
check fortitude fortitude check
check cpp bash scripts/lint_cpp.sh
exit "$failed"
