#!/bin/sh
# usage: build.sh OUTPUT [COMPILER FLAGS…]   the kernels' emulation as a shared library; nothing is done if OUTPUT is up to date
set -e
here=$(cd "$(dirname "$0")" && pwd)
output=$1
shift
if [ -f "$output" ] && [ -z "$(find "$here" "$here/.." -maxdepth 1 -type f \( -name '*.h' -o -name '*.cu' -o -name '*.cpp' -o -name build.sh \) -newer "$output")" ]; then
    exit 0
fi
mkdir -p "$(dirname "$output")"
${CXX:-c++} -std=c++17 -O2 -fno-strict-aliasing -Wall -Wextra -Wno-unknown-pragmas -fPIC -shared -fvisibility=hidden "$@" -o "$output.$$" "$here/emulate.cpp"
mv "$output.$$" "$output"
