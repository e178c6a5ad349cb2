#!/usr/bin/env bash
# clang-format over all C++, cppcheck and clang-tidy over coupler/src; about a minute on one core. scripts/lint.sh calls it.
# The TorchScript plugin is left to the compiler's warnings: the headers of torch alone take clang-tidy minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sources() { git ls-files --cached --others --exclude-standard "$@" | grep -E '\.(c|cpp|h)$'; }
mapfile -t formatted < <(sources coupler tests/coupler)
clang-format --dry-run --Werror "${formatted[@]}"

flags=(-Icoupler/src -Icoupler/include '-DECOSTEP_VERSION="0"')
cppcheck --quiet --std=c++17 --language=c++ --enable=warning,performance,portability --inline-suppr \
    --suppressions-list=.cppcheck-suppressions --error-exitcode=1 "${flags[@]}" coupler/src

if ! command -v clang-tidy >/dev/null; then
    echo 'clang-tidy is not on this machine and is left out (Debian: sudo apt-get install clang-tidy)'
    exit
fi
# A room at a time, as one file that includes its sources: the standard headers are read five times instead of forty.
rooms=$(mktemp -d)
trap 'rm -rf "$rooms"' EXIT
for room in core cells backends; do
    sources "coupler/src/$room" | grep '\.cpp$' | grep -vE '/plugin/|/kernels\.cpp$' |
        sed 's|^coupler/src/\(.*\)$|#include "\1"|' >"$rooms/$room.cpp"
done
echo '#include "ecostep.cpp"' >"$rooms/interface.cpp"
echo '#include "backends/native/kernels.cpp"' >"$rooms/kernels.cpp"
for room in "$rooms"/*.cpp; do
    clang-tidy --quiet --config-file=.clang-tidy "$room" -- -std=c++17 -Wall -Wextra "${flags[@]}" -DECOSTEP_X86 \
        -DECOSTEP_KERNELS=kernels_baseline '-DECOSTEP_KERNELS_NAME="baseline"' 2>&1 |
        { grep -vE '^[0-9]+ warnings? generated' || true; }
done
