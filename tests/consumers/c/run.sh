#!/bin/sh
# Compiles and runs the C consumer against the library in a folder: tests/consumers/c/run.sh BUILDDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
include=${MCD_INCLUDE:-$here/../../../include}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -std=c99 -pedantic -Wall -Wextra -Wconversion -Werror -I"$include" -o "$work/demo" "$here/demo.c" -L"$build" -lmcd -lm -Wl,-rpath,"$build"
timeout 300 "$work/demo" "$work/run.mcd"
