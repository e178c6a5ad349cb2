#!/usr/bin/env bash
# The main job: simulate, learn, couple, report. Sets up what is missing first.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<'TEXT'
Usage: bash scripts/quickstart.sh [--out DIR] [options]

Simulates sites over the globe with the Fortran process model, trains the emulators
lstm, cham_net and raci on them, lets the land model call one at every time step, and
writes a report that opens from disk. Sets up what is missing first. Some ten minutes on
two cores. Stopped at any moment, the same command goes on from there; when all is done
it does nothing.

  --small          one model, cham_net, on fewer sites and years: under two minutes of
                   processor time, the same report (default DIR: runs/quickstart_small)
  --out DIR        folder of the results (default runs/quickstart): report.html,
                   summary.json, sims/, models/, coupled/
  --overwrite      discard results in DIR that other options or configurations made
  --sites N, --years N, --epochs N, --coupled-sites N
                   a smaller or larger trial than configs/sims/quickstart.yaml and
                   configs/quickstart.yaml say
  --workers N      processes that simulate; default: all processors
  -h, --help       this text

TEXT
    exit 0
}

# Nothing is set up for an option that is not there.
arguments=("$@")
while [[ $# -gt 0 ]]; do
    case "$1" in
        -h | --help) usage ;;
        --overwrite | --small) shift ;;
        --out | --sites | --years | --epochs | --coupled-sites | --workers)
            [[ $# -ge 2 ]] || fail "option $1 needs a value; see bash scripts/quickstart.sh --help"
            shift 2
            ;;
        *) fail "unknown option '$1'; see bash scripts/quickstart.sh --help" ;;
    esac
done

ensure_environment
exec "$ECOSTEP_VENV/bin/python" "$ECOSTEP_ROOT/scripts/quickstart.py" "${arguments[@]}"
