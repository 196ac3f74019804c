#!/bin/sh
# The programs that some tests use, as the distribution has them: installed at once by root, named with the command otherwise.
# Tests whose program is missing are skipped, and say so.
set -eu
missing=
for pair in git:git clang++:clang cmake:cmake pkg-config:pkg-config flatc:flatbuffers-compiler abidiff:abigail-tools valgrind:valgrind qemu-aarch64:qemu-user; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
[ -e /usr/include/flatbuffers/flatbuffers.h ] || missing="$missing libflatbuffers-dev"
[ -n "$missing" ] || exit 0
install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null; then
    echo "skipped: tests of what Debian calls$missing: not installed"
elif [ "$(id -u)" != 0 ]; then
    echo "skipped: tests of$missing: not installed. To run them: sudo apt-get update && sudo $install"
else
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $install; } >/dev/null ||
        echo "skipped: tests of$missing: could not be installed"
fi
