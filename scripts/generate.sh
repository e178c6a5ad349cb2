#!/usr/bin/env bash
# Makes the generated sources from their templates (*.fypp) and tables: after a change of either, commit what this writes.
#   bash scripts/generate.sh           write them
#   bash scripts/generate.sh --check   write nothing; exit 1 and show the difference where a source is not what its template makes
set -euo pipefail
cd "$(dirname "$0")/.."

fypp=fypp
[ -x .venv/bin/fypp ] && fypp=.venv/bin/fypp

# The folder of a template is where Python modules of its tables are; `-m` names one.
generate() { # TEMPLATE SOURCE
  local folder modules=()
  case $1 in *.h.fypp) modules=(--no-folding) ;; esac
  folder=$(dirname "$1")
  [ -f "$folder/tables.py" ] && modules+=(-M "$folder" -m tables)
  PYTHONDONTWRITEBYTECODE=1 "$fypp" "${modules[@]}" "$1" "$2"
}

status=0
while read -r template; do
  source=${template%.fypp}
  case $source in *.h) ;; *) source=$source.f90 ;; esac
  if [ "${1:-}" = --check ]; then
    fresh=$(mktemp)
    generate "$template" "$fresh"
    diff -u --label "$source" --label "made from $template" "$source" "$fresh" || status=1
    rm -f "$fresh"
  else
    generate "$template" "$source"
  fi
done < <(git ls-files --cached --others --exclude-standard '*.fypp')
exit $status
