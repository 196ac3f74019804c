#!/bin/sh
# Builds and runs tests of the portable packages for arm64, under qemu's user emulation: the path of machines that have none of
# the accelerated kernels. Arguments: those of go test (default: the suite of the kernels, and strips of few sites against their
# reference data; all packages of the engine take an hour).
set -eu
cd "$(dirname "$0")/.."
command -v qemu-aarch64 >/dev/null || { echo "test-arm64: qemu-aarch64 is missing; install qemu-user" >&2; exit 1; }
export CGO_ENABLED=0 GOARCH=arm64
run() { go test -exec qemu-aarch64 -short -timeout 1h "$@"; }
if [ $# -gt 0 ]; then
    run "$@"
else
    go vet ./core/... ./adjoint
    run -v ./core/kernel
    run -v -run 'TestIdle|TestReference/strip_(chain|closed|column|odd|one_mode|site|spike|units)' ./adjoint
fi
