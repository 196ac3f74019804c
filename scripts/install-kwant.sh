#!/bin/bash
# Kwant with MUMPS in a Python environment of its own: a peer for benchmarks, and what tests of the Kwant bindings run in,
# with what mcd needs.
# usage: install-kwant.sh DIR      then DIR/bin/python -c 'import kwant'
# Kwant comes as source and is compiled: a few minutes. Debian 12 with root; elsewhere it runs on SciPy's solver.
set -euo pipefail
dir=$(realpath -m "${1:?usage: install-kwant.sh DIR}")
if [ -x "$dir/bin/python" ] && (cd / && "$dir/bin/python" -c 'import kwant, pytest, tqdm' 2>/dev/null); then
    echo "install-kwant: there already, $dir"; exit 0
fi

# MUMPS's runtime libraries suffice: they are named by file below, so nothing of MPI or Fortran is needed to link them.
packages="gcc g++ libc6-dev python3-dev python3-venv libmumps-scotch-5.5 libmumps-headers-dev libopenblas0-pthread"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
    echo "install-kwant: not root; if the build fails, run: sudo apt-get install -y $packages" >&2
fi

"${PYTHON:-python3}" -m venv "$dir"
pip() { "$dir/bin/python" -m pip --disable-pip-version-check -q "$@"; }
# Kwant 1.5 declares no build requirements, and needs its C files written anew for NumPy 2.
pip install setuptools==80.9.0 wheel cython==3.1.8 numpy==2.2.6 scipy==1.13.1 pytest tqdm
pip install --no-build-isolation tinyarray==1.2.5
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
pip download --no-deps --no-build-isolation --no-binary kwant -d "$source" kwant==1.5.0
tar -xzf "$source"/kwant-1.5.0.tar.gz -C "$source" --strip-components=1
cd "$source"
if ls /usr/lib/*/libzmumps_scotch-5.5.so >/dev/null 2>&1; then
    printf '[mumps]\nlibraries = %s\n' \
        ':libzmumps_scotch-5.5.so :libmumps_common_scotch-5.5.so :libmpiseq_scotch-5.5.so' >build.conf
fi
if ! CFLAGS='-O2 -w' "$dir/bin/python" setup.py --cython build_ext -j "$(nproc)" bdist_wheel >build.log 2>&1; then
    tail -n 30 build.log >&2; exit 1
fi
pip install --no-deps dist/kwant-*.whl
cd / && "$dir/bin/python" -W ignore -c 'import kwant; from kwant.solvers import default
print("install-kwant: Kwant", kwant.__version__, "with", default.smodule.__name__)'
