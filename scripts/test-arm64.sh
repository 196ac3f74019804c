#!/bin/sh
# Builds and runs the tests of the portable packages for arm64, under qemu's user emulation: the path of machines that have
# none of the accelerated kernels. Arguments: packages (default: the kernels).
set -eu
cd "$(dirname "$0")/.."
command -v qemu-aarch64 >/dev/null || { echo "test-arm64: qemu-aarch64 is missing; install qemu-user" >&2; exit 1; }
[ $# -gt 0 ] || set -- ./core/kernel
export CGO_ENABLED=0 GOARCH=arm64
go vet "$@"
go test -exec qemu-aarch64 "$@"
