#!/bin/sh
# usage: build.sh [OUTPUT]   compiles kernels.cu to PTX, compressed, by the pinned compiler; default: the committed file
#
# PTX is for the oldest architecture served; the driver compiles it for the GPU at hand. The compiler is named to the last digit
# because the committed file is compared with what it makes; a CUDA toolkit that it found would change the version of the PTX.
set -e
cd "$(dirname "$0")"
output=${1:-kernels.ptx.gz}
${CLANG:-clang++-19} --version | grep -q 'version 19\.1\.7' || { echo "build.sh: clang 19.1.7 is needed" >&2; exit 2; }
${CLANG:-clang++-19} -x cuda --cuda-device-only --cuda-gpu-arch=sm_70 --cuda-path=/nowhere -nocudainc -nocudalib -std=c++17 -Wall -Wextra -O3 -fno-unroll-loops \
    -S -o "$output.$$" kernels.cu
gzip -9 -n <"$output.$$" >"$output.$$.gz"
rm "$output.$$"
mv "$output.$$.gz" "$output"
