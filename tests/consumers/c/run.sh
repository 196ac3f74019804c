#!/bin/sh
# Compiles and runs the C consumer against the library in a folder: tests/consumers/c/run.sh LIBRARY_FOLDER
# As it is, under the address and undefined-behaviour sanitizers, and in small under valgrind, where nothing may be lost.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
include=${MCD_INCLUDE:-$here/../../../include}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile() { # compile NAME OPTIONS...
    out=$work/$1
    shift
    "${CC:-cc}" -std=c99 -pedantic -Wall -Wextra -Wconversion -Werror -g "$@" -I"$include" -o "$out" "$here/demo.c" \
        -L"$build" -lmcd -lm -Wl,-rpath,"$build"
}
compile demo
timeout 300 "$work/demo" "$work/run.mcd"
compile sanitized -fsanitize=address,undefined -fno-sanitize-recover=all
ASAN_OPTIONS=handle_segv=0:detect_leaks=1 timeout 300 "$work/sanitized" "$work/run.mcd" >"$work/log"

command -v valgrind >/dev/null || { echo "skipped: valgrind is not installed"; exit 0; }
compile small -DSMALL
# Values that Go's assembly reads beyond their end and masks out would be reported as undefined: they are not looked for.
timeout 500 valgrind -q --fair-sched=yes --leak-check=full --show-leak-kinds=definite,indirect \
    --errors-for-leak-kinds=definite,indirect --error-exitcode=9 --undef-value-errors=no \
    --suppressions="$here/valgrind.supp" "$work/small" "$work/run.mcd" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
echo "valgrind: no invalid access, nothing lost"
