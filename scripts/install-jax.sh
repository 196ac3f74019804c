#!/bin/bash
# JAX for the CPU, NumPy, SciPy and OpenBLAS in a Python environment of its own: peers for benchmarks.
# usage: install-jax.sh DIR
set -euo pipefail
dir=${1:?usage: install-jax.sh DIR}
[ -x "$dir/bin/python" ] || "${PYTHON:-python3}" -m venv "$dir"
"$dir/bin/python" -m pip install --disable-pip-version-check -q 'jax[cpu]' numpy scipy scipy-openblas32
"$dir/bin/python" -c 'import jax, numpy; print("install-jax: JAX", jax.__version__, "NumPy", numpy.__version__)'
