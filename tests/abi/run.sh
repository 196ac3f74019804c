#!/bin/sh
# Tests of the C boundary from Python (ctypes).
set -eu
cd "$(dirname "$0")/../.."
exec .venv/bin/python -m pytest -q -rs -W error::pytest.PytestUnraisableExceptionWarning tests/abi
