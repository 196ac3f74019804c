#!/bin/sh
# Builds the stand-in for the CUDA driver: tests/cuda/standin/build.sh OUTDIR makes OUTDIR/libcuda.so.1, unless it is up to date.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
library=$1/libcuda.so.1
mkdir -p "$1"
if [ -f "$library" ] && [ -z "$(find "$here" "$root/cuda/kernels" "$root/cuda/driver/include" -type f ! -name '*.go' -newer "$library")" ]; then
    exit 0
fi
${CXX:-c++} -std=c++17 -O2 -g1 -Wall -fPIC -shared -fvisibility=hidden -Wl,-soname,libcuda.so.1 ${STANDIN_FLAGS:-} \
    -I"$root/cuda/driver/include" -I"$root/cuda/kernels/emulation" -I"$root/cuda/kernels" \
    -o "$library.$$" "$here/standin.cpp" "$root/cuda/kernels/emulation/emulate.cpp"
mv "$library.$$" "$library"
