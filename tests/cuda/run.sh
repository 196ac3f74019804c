#!/bin/sh
# Tests of the GPU engine that need no GPU.
set -eu
cd "$(dirname "$0")/../.."
export CGO_CFLAGS="-O2 $(cuda/driver/flags.sh)" CGO_LDFLAGS="-O2 -L$PWD/cuda/driver/link"
go vet -tags cuda ./cuda ./cuda/driver
go test -tags cuda ./cuda ./cuda/driver
.venv/bin/python -m pytest -q -rs tests/cuda
