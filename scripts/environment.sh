# shellcheck shell=bash
# Sourced by the other commands: makes sure of everything that ecostep needs on this machine, and says in one line each thing it does.
#
#   ensure_environment          system packages, .venv, Python packages, compiled parts; nothing is done twice
#
# Read from the environment:
#   ECOSTEP_NO_APT=1            never install system packages; say which command would
#   ECOSTEP_PYTHON=/path        the Python (3.11 to 3.13) that .venv is made from

set -euo pipefail

ECOSTEP_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
ECOSTEP_VENV="$ECOSTEP_ROOT/.venv"
ECOSTEP_LOGS="$ECOSTEP_ROOT/build/log"
TORCH_VERSION=2.13.0
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu

say() { printf 'ecostep: %s\n' "$*"; }

fail() {
    printf 'ecostep: %s\n' "$*" >&2
    exit 1
}

# ---- system packages ------------------------------------------------------------------------------------------------------------

# The Python of .venv where there is one, else one of a version that the packages are made for; empty where there is none.
find_python() {
    local candidate
    local candidates=(python3 python3.11 python3.12 python3.13)
    [[ -z "${ECOSTEP_PYTHON:-}" ]] || candidates=("$ECOSTEP_PYTHON")
    for candidate in "$ECOSTEP_VENV/bin/python" "${candidates[@]}"; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

python_has_headers() {
    "$1" -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

has_cpp_header() { printf '#include <%s>\n' "$1" | g++ -E -x c++ - >/dev/null 2>&1; }

# What is missing, one Debian package a line with the reason it is needed. Capabilities are asked for, not packages, so that
# a compiler or library from elsewhere counts.
missing_packages() {
    local python
    command -v gfortran >/dev/null || echo 'gfortran: compiles the process model and the Fortran interface'
    command -v g++ >/dev/null || echo 'g++: compiles the coupler'
    command -v pkg-config >/dev/null || echo 'pkg-config: finds the libraries'
    pkg-config --exists netcdf-fortran 2>/dev/null || echo 'libnetcdff-dev: netCDF for Fortran'
    has_cpp_header zlib.h || echo 'zlib1g-dev: unpacks an artefact'
    has_cpp_header nlohmann/json.hpp || echo 'nlohmann-json3-dev: reads the metadata of an artefact'
    python="$(find_python)"
    if [[ -z "$python" ]]; then
        printf '%s\n' 'python3: Python 3.11 to 3.13 (another one: ECOSTEP_PYTHON=/path/to/python)' 'python3-venv: makes .venv' 'python3-dev: headers for the binding'
        return
    fi
    "$ECOSTEP_VENV/bin/python" -c 'import pip' 2>/dev/null || "$python" -c 'import ensurepip, venv' 2>/dev/null || echo 'python3-venv: makes .venv'
    python_has_headers "$python" || echo 'python3-dev: headers for the Python binding'
}

ensure_system_packages() {
    local missing packages install reason
    missing="$(missing_packages)"
    [[ -n "$missing" ]] || return 0
    packages="$(cut -d: -f1 <<<"$missing" | tr '\n' ' ')"
    packages="${packages% }"
    install="apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages"
    if ! reason="$(cannot_install)"; then
        say "installing Debian packages: $packages"
        mkdir -p "$ECOSTEP_LOGS"
        as_root apt-get update || true # one source that does not answer need not stop the others
        # shellcheck disable=SC2086  # a list of words
        if as_root $install; then
            missing="$(missing_packages)"
            [[ -z "$missing" ]] && return 0
            reason="apt-get succeeded and they are still not found"
        else
            reason="apt-get failed, see build/log/system-packages.log"
        fi
    fi
    {
        echo 'ecostep: these are missing on this machine:'
        sed 's/^/    /; s/:/ --/' <<<"$missing"
        echo "ecostep: not installed: $reason. Please run this, then the same command again:"
        echo "    sudo apt-get update && sudo $install"
    } >&2
    exit 1
}

# The linter of C++ comes with Debian alone (that of PyPI lacks the compiler's headers); without it the other checks are run.
ensure_clang_tidy() {
    local reason
    command -v clang-tidy >/dev/null && return
    if ! reason="$(cannot_install)"; then
        say 'installing Debian packages: clang-tidy'
        as_root apt-get update || true
        as_root apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends clang-tidy && return
        reason='apt-get failed, see build/log/system-packages.log'
    fi
    say "no clang-tidy: its check is left out ($reason; sudo apt-get install clang-tidy)"
}

# Only tests need MPI, and those skip without it: installed where that may be done from here, else a line says what is missed.
ensure_mpi() {
    local packages='openmpi-bin libopenmpi-dev' reason
    command -v mpirun >/dev/null && command -v mpifort >/dev/null && return
    if ! reason="$(cannot_install)"; then
        say "installing Debian packages: $packages"
        as_root apt-get update || true
        # shellcheck disable=SC2086  # a list of words
        as_root apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages && return
        reason='apt-get failed, see build/log/system-packages.log'
    fi
    say "no MPI: its tests are skipped ($reason; sudo apt-get install $packages)"
}

# Succeeds, saying why, where system packages may not be installed from here.
cannot_install() {
    if [[ -n "${ECOSTEP_NO_APT:-}" ]]; then
        echo 'ECOSTEP_NO_APT is set'
    elif ! command -v apt-get >/dev/null; then
        echo 'this system has no apt-get'
    elif [[ "$(id -u)" != 0 ]] && ! sudo -n true 2>/dev/null; then
        echo 'this needs root, and sudo would ask for a password'
    else
        return 1
    fi
}

as_root() {
    local sudo=()
    [[ "$(id -u)" == 0 ]] || sudo=(sudo -n)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >>"$ECOSTEP_LOGS/system-packages.log" 2>&1
}

# ---- Python ---------------------------------------------------------------------------------------------------------------------

# The scripts in .venv/bin and the package built in place hold the path of the folder that .venv was made for.
venv_is_of_this_folder() {
    local root="$ECOSTEP_VENV/.ecostep-root" shebang
    "$ECOSTEP_VENV/bin/python" -c 'import pip' 2>/dev/null || return
    if [[ -f "$root" ]]; then
        [[ "$(<"$root")" == "$(cd "$ECOSTEP_ROOT" && pwd -P)" ]]
    else # made by an earlier set-up
        shebang="$(head -n 1 "$ECOSTEP_VENV/bin/pip")"
        [[ "$(dirname "${shebang#\#!}")" -ef "$ECOSTEP_VENV/bin" ]]
    fi
}

ensure_venv() {
    local python
    if ! venv_is_of_this_folder; then
        python="$(base_python "$(find_python)")"
        say "making .venv from $python"
        "$python" -m venv --clear "$ECOSTEP_VENV" || fail "'$python -m venv .venv' failed, its message is above; on Debian: sudo apt-get install python3-venv"
    fi
    (cd "$ECOSTEP_ROOT" && pwd -P) >"$ECOSTEP_VENV/.ecostep-root"
}

# The Python that a Python of .venv was made from, which outlives `venv --clear`; any other one as it is.
base_python() {
    if [[ "$1" == "$ECOSTEP_VENV"/* ]]; then
        "$1" -c 'import sys; print(sys._base_executable)'
    else
        printf '%s\n' "$1"
    fi
}

# Requirements of pyproject.toml, one a line: to build, to run, to develop, to compare. torch is installed before them, as a CPU build.
python_requirements() {
    "$ECOSTEP_VENV/bin/python" - "$ECOSTEP_ROOT/pyproject.toml" <<'PYTHON'
import sys, tomllib

with open(sys.argv[1], "rb") as file:
    pyproject = tomllib.load(file)
lists = [pyproject["build-system"]["requires"], pyproject["project"]["dependencies"]]
lists += [pyproject["project"].get("optional-dependencies", {}).get(extra, []) for extra in ("dev", "benchmarks")]
lists += [pyproject.get("dependency-groups", {}).get("dev", [])]
print("\n".join(sorted({requirement for requirements in lists for requirement in requirements})))
PYTHON
}

ensure_python_packages() {
    local requirements stamp="$ECOSTEP_VENV/.ecostep-packages" digest
    requirements="$(python_requirements)"
    digest="$(printf '%s\n' "torch $TORCH_VERSION" "$requirements" | sha256sum)"
    [[ -f "$stamp" && "$(<"$stamp")" == "$digest" ]] && return
    say "installing Python packages into .venv (torch $TORCH_VERSION for CPU is some 200 MB)"
    install_torch
    printf '%s\n' "$requirements" >"$ECOSTEP_LOGS/requirements.txt"
    logged python-packages "$ECOSTEP_VENV/bin/python" -m pip install -r "$ECOSTEP_LOGS/requirements.txt"
    printf '%s\n' "$digest" >"$stamp"
}

# Never a CUDA build: the plain name on PyPI is one, of several gigabytes.
install_torch() {
    local pip=("$ECOSTEP_VENV/bin/python" -m pip install "torch==$TORCH_VERSION+cpu")
    "${pip[@]}" >"$ECOSTEP_LOGS/torch.log" 2>&1 || logged torch "${pip[@]}" --extra-index-url "$TORCH_CPU_INDEX"
}

# ---- compiled parts -------------------------------------------------------------------------------------------------------------

# Digest of all that the compiled parts are made from, and of where they are.
build_digest() {
    (
        cd "$ECOSTEP_ROOT"
        {
            printf '%s\n' "$ECOSTEP_ROOT"
            find pyproject.toml CMakeLists.txt coupler ecosys_sims/fortran -type f \
                \( -name '*.f90' -o -name '*.F90' -o -name '*.inc' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' \
                -o -name '*.in' -o -name '*.cmake' -o -name CMakeLists.txt -o -name pyproject.toml \
                -o -path 'coupler/examples/*.json' \) -print0 |
                sort -z | xargs -0 sha256sum
        } | sha256sum
    )
}

# No network: the requirements are there already.
ensure_build() {
    local stamp="$ECOSTEP_VENV/.ecostep-build" digest
    digest="$(build_digest)"
    [[ -f "$stamp" && "$(<"$stamp")" == "$digest" && -x "$ECOSTEP_VENV/bin/ecosys" ]] && return
    say 'compiling the process model and the coupler into .venv'
    PATH="$ECOSTEP_VENV/bin:$PATH" logged build \
        "$ECOSTEP_VENV/bin/python" -m pip install --no-index --no-deps --no-build-isolation -e "$ECOSTEP_ROOT"
    printf '%s\n' "$digest" >"$stamp"
}

# logged NAME COMMAND...: output into build/log/NAME.log; on failure its end is shown.
logged() {
    local log="$ECOSTEP_LOGS/$1.log"
    shift
    "$@" >"$log" 2>&1 && return
    tail -n 40 "$log" >&2
    fail "failed: $* (whole log: ${log#"$ECOSTEP_ROOT"/})"
}

ensure_environment() {
    mkdir -p "$ECOSTEP_LOGS"
    exec {lock}>"$ECOSTEP_ROOT/build/environment.lock"
    flock --nonblock "$lock" || { say 'waiting for another set-up of this folder'; flock "$lock"; }
    ensure_system_packages
    ensure_venv
    ensure_python_packages
    ensure_build
    exec {lock}>&-
}
