#!/usr/bin/env bash
# One dialect for all Fortran of the repository.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<'TEXT'
Usage: bash scripts/format_fortran.sh [--check] [FILE ...]

Indents Fortran files (all of the repository, or those named) with findent: two columns a
level and for continuation lines. Spells what may be spelled in two ways in one: `only:`,
`allocate(`, `character(*)`. Lines are not broken or joined; what is longer than 100 columns
is for `fortitude check`.

Documentation is `!<` beside what it is of, in lower case and without a full stop, where the
line has room for it; else `!>` above it, as a sentence. Procedures, types and modules have
theirs above.

  --check      change nothing; list the files that would change and exit with status 1
  -h, --help   this text
TEXT
    exit 0
}

check=false
case "${1:-}" in
    -h | --help) usage ;;
    --check) check=true && shift ;;
esac

cd "$ECOSTEP_ROOT"
findent="$ECOSTEP_VENV/bin/findent"
[[ -x $findent ]] || findent=findent
if [[ $# -gt 0 ]]; then
    files=("$@")
else
    mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.f90')
fi

spell=(
    -e 's/^( *use .*), *only *: */\1, only: /'
    -e 's/\b(de)?allocate \(/\1allocate(/'
    -e 's/\bcharacter\(len=([^()]*)\)/character(\1)/g'
    -e 's/\bcharacter\(len=([^()]*), *kind=/character(\1, kind=/'
)
unlike=0
formatted=$(mktemp)
trap 'rm -f "$formatted"' EXIT
for file in "${files[@]}"; do
    "$findent" -ifree -i2 -c2 -C2 -k2 <"$file" | sed -E "${spell[@]}" >"$formatted"
    cmp -s "$formatted" "$file" && continue
    unlike=1
    if $check; then
        printf '%s\n' "$file"
    else
        cat "$formatted" >"$file"
    fi
done
if $check; then exit "$unlike"; fi
