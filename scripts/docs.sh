#!/usr/bin/env bash
# The documentation as web pages: build/docs/index.html.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
    cat <<'TEXT'
Usage: bash scripts/docs.sh

Sets up what is missing, with Sphinx, and makes the documentation as web pages in build/docs. A warning, such as a
link that leads nowhere, is an error.

  -h, --help   this text

TEXT
    exit 0
}
[[ $# -eq 0 ]] || usage

ensure_environment
cd "$ECOSTEP_ROOT"
python=$ECOSTEP_VENV/bin/python
if ! "$python" -c 'import sphinx, furo, myst_parser' 2>/dev/null; then
    say 'installing Sphinx'
    logged docs-install "$python" -m pip install 'sphinx>=8' 'furo>=2024.8' 'myst-parser>=4'
fi
"$python" -m sphinx -W --keep-going -q -b html -d build/docs-doctrees docs build/docs
say 'ready: build/docs/index.html'
