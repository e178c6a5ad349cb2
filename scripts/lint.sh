#!/usr/bin/env bash
# Every check of the code that does not run it: style, types, layers, generated files. CI calls it after the tests.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<'TEXT'
Usage: bash scripts/lint.sh [--fix]

Runs ruff, mypy, import-linter, fortitude, the Fortran formatter, clang-format, cppcheck and
clang-tidy, and compares generated files with their templates. Tools of C++ that this machine
lacks are named and left out, but in CI (CI=true) a missing one is a failure where it may be installed.

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
