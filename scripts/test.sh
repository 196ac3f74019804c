#!/bin/bash
# Every test of mcd, and at the end what passed, what failed and what was skipped and why. Logs: build/test.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=build/test
mkdir -p "$logs"
rm -f "$logs"/*
summary=()
failed=0

# stage NAME COMMAND...: runs it, logs it, shows what matters.
stage() {
    local name=$1 log=$logs/${1// /-}.log begin=$SECONDS
    shift
    echo "== $name"
    if "$@" >"$log" 2>&1; then
        local verdict=passed
    else
        local verdict=FAILED
        failed=1
    fi
    if [ "$verdict" = passed ]; then show "$log"; else grep -vE '^ *(--- PASS|=== |PASS|\?)' "$log" | tail -n 200; fi
    summary+=("$(printf '%-22s %-7s %5d s' "$name" "$verdict" $((SECONDS - begin)))")
}

# show LOG: the closing lines of the test runners.
show() { grep -E '^ok|[0-9]+ (passed|failed)' "$1" || true; }

formatted() {
    local wrong
    wrong=$(find adjoint capi core cuda tests -name '*.go' -exec gofmt -l {} +)
    [ -z "$wrong" ] || { echo "not formatted by gofmt: $wrong"; return 1; }
}

# installed COMMAND...: after installing the library into build/prefix.
installed() { make -s install PREFIX="$PWD/build/prefix" && "$@"; }

scripts/install-clang.sh # for the comparison of the GPU kernels with their source
scripts/install-tools.sh | tee "$logs/tools.log"
mapfile -t packages < <(go list ./... | grep -v '^mcd/build/')
stage "Kwant" scripts/install-kwant.sh .peers/kwant # a few minutes once; its own tests meet mcd's solver
stage "gofmt" formatted
stage "go vet" go vet "${packages[@]}"
stage "go with cgo" go test -timeout 20m -v "${packages[@]}"
stage "go without cgo" env CGO_ENABLED=0 go test -timeout 20m -short -v ./adjoint/... ./core/...
command -v qemu-aarch64 >/dev/null && stage "go on arm64" scripts/test-arm64.sh
stage "python" .venv/bin/python -m pytest -q -rs tests/python
stage "gallery" .venv/bin/python -m pytest -q -rs tests/gallery
stage "abi" tests/abi/run.sh
stage "cuda" tests/cuda/run.sh
stage "consumers" installed tests/consumers/run.sh build/prefix

echo
echo "== skipped, and why"
grep -hE -A1 '^ *--- SKIP' "$logs"/go-*.log 2>/dev/null | grep -v '^--$' | sort -u
grep -hE '^SKIPPED|^skipped:' "$logs"/*.log 2>/dev/null | sort -u
echo
echo "== summary"
printf '%s\n' "${summary[@]}"
exit $failed
