#!/bin/sh
# Tests of the C boundary: from Python (ctypes) and from C.
set -eu
cd "$(dirname "$0")/../.."
.venv/bin/python -m pytest -q -rs tests/abi
tests/consumers/c/run.sh build
