#!/bin/sh
# Prints what CGO_CFLAGS needs for the tag cuda: where our cuda.h is, and its sum, which makes Go's build cache notice a change.
#
#   CGO_CFLAGS="-O2 $(cuda/driver/flags.sh)" CGO_LDFLAGS="-L$PWD/cuda/driver/link" go test -tags cuda ./cuda/...
include=$(cd "$(dirname "$0")/include" && pwd)
echo "-I$include -DMCD_CUDA_SUM=$(cksum <"$include/cuda.h" | cut -d' ' -f1)"
