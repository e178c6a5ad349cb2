#!/usr/bin/env bash
# Set-up alone; quickstart.sh and test.sh begin with it.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<'TEXT'
Usage: bash scripts/setup.sh

Makes sure of all that ecostep needs: compilers and netCDF (Debian packages), .venv with
the Python packages (torch for CPU), and the compiled process model and coupler in .venv.
What is there already is left alone, so running it again is quick and needs no network.

  -h, --help           this text

Environment:
  ECOSTEP_NO_APT=1     never install system packages; say which command would
  ECOSTEP_PYTHON=PATH  the Python (3.11 to 3.13) that .venv is made from; default python3
TEXT
}

case "${1:-}" in
    '') ;;
    -h | --help) usage && exit 0 ;;
    *) fail "setup.sh takes no argument '$1'; see bash scripts/setup.sh --help" ;;
esac

ensure_environment
say "ready: .venv/bin/python, .venv/bin/ecosys"
