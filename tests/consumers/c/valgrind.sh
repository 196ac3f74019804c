#!/bin/sh
# Runs the C consumer under valgrind and asks that it loses nothing of its own: tests/consumers/c/valgrind.sh BUILDDIR
# Blocks that only the library or the loader know are not counted; the library counts its own handles and buffers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -std=c99 -g -I"$here/../../../include" -o "$work/demo" "$here/demo.c" -L"$build" -lmcd -lm -Wl,-rpath,"$build"
timeout 900 valgrind --quiet --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=9 \
    --suppressions="$here/go.supp" "$work/demo" "$work/run.mcd"
