#!/bin/sh
# Make the virtual environment that the Makefile's targets run in, or bring it up to date.
#
#   sh tools/make_environment.sh .venv
#
# TensorFlow 2.15.1 and the pins around it need Python 3.11. It is taken from the machine
# (PYTHON, python3.11, python3), else through uv, which any Python with pip can fetch.
# The stamp is written last, so that a set-up cut off at any point is made anew.

set -eu

cd "$(dirname "$0")/.."
venv=${1:-.venv}
stamp=$venv/psgan_tf-installed
unfinished=$venv/psgan_tf-unfinished

fail() {
    printf 'psgan_tf: %s\n' "$1" >&2
    exit 1
}

# What the stamp holds: the checkout that `-e .` points to and everything that decides the versions.
wanted() {
    pwd
    cat requirements.txt requirements-render.txt requirements-dev.txt constraints.txt pyproject.toml
}

is_python_311() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1
}

# The first Python 3.11 by its usual names, or nothing. It is run, since a name may be a dead shim.
find_python() {
    for candidate in "${PYTHON:-python3.11}" python3.11 python3 python; do
        if is_python_311 "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

# A uv that runs, or nothing. Where there is none, the machine's Python fetches it into build/uv.
find_uv() {
    for candidate in uv "${HOME:-}/.local/bin/uv" "${HOME:-}/.cargo/bin/uv" build/uv/bin/uv; do
        if "$candidate" --version >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    rm -rf build/uv
    pinned_uv=$(grep '^uv==' constraints.txt)
    for python in "${PYTHON:-python3}" python3 python; do
        if "$python" -m pip install --quiet --target build/uv "$pinned_uv" >/dev/null 2>&1 ||
            { "$python" -m venv build/uv && build/uv/bin/pip install --quiet "$pinned_uv"; } \
                >/dev/null 2>&1; then
            printf '%s\n' build/uv/bin/uv
            return
        fi
    done
}

# An empty environment with pip in it, at $venv.
make_venv() {
    python=$(find_python)
    if [ -n "$python" ] && "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$python" -m venv "$venv"
        return
    fi
    uv=$(find_uv)
    if [ -n "$uv" ]; then
        "$uv" venv --quiet --allow-existing --python "${python:-3.11}" "$venv" ||
            fail "uv could not get Python 3.11. Install python3.11 with its venv module, then run make again."
        "$venv/bin/python" -m ensurepip >/dev/null 2>&1 ||
            "$uv" pip install --quiet --python "$venv/bin/python" pip
    elif [ -n "$python" ]; then
        fail "$python cannot make virtual environments. Install its venv module (Debian: apt install python3-venv) or uv, then run make again."
    else
        fail "Python 3.11 is needed and was not found. Install python3.11 with its venv module, or uv (pip install uv), then run make again."
    fi
}

# Whether $venv is an environment of Python 3.11 that runs, whoever made it.
is_usable() {
    [ -f "$venv/pyvenv.cfg" ] && is_python_311 "$venv/bin/python"
}

if [ -f "$stamp" ] && wanted | cmp -s - "$stamp" && is_usable; then
    exit 0
fi

if [ -e "$unfinished" ]; then
    echo "psgan_tf: an earlier set-up of $venv was cut off; making it anew"
    rm -rf "$venv"
elif [ -e "$stamp" ] && ! is_usable; then
    echo "psgan_tf: the Python behind $venv is gone; making it anew"
    rm -rf "$venv"
elif [ -n "$(ls -A "$venv" 2>/dev/null)" ] && ! is_usable; then
    fail "$venv holds other things than an environment of Python 3.11. Move it away, or say make VENV=folder."
fi

mkdir -p "$venv"
: >"$unfinished"
rm -f "$stamp"
is_usable || (make_venv) || { rm -rf "$venv"; exit 1; }
echo "psgan_tf: setting up $venv (600 MB to fetch, 2 GB on disk; a few minutes)"
if [ -t 1 ]; then quiet=''; else quiet=yes; fi # progress bars only where somebody watches
"$venv/bin/python" -m pip install --disable-pip-version-check ${quiet:+--quiet} \
    -r requirements.txt -r requirements-render.txt -r requirements-dev.txt ||
    fail "the packages could not be installed; pip's own words are above. Run make again to go on."
wanted >"$stamp.new"
mv "$stamp.new" "$stamp"
rm -f "$unfinished"
