#!/bin/bash
# The GPU engine on this machine's GPU: conformance, compute-sanitizer where it is installed, timings, and JAX on the same GPU
# where that is installed. Everything goes into one report: scripts/gpu.sh [REPORT], docs/gpu/report.md if not given.
#
# Needs no network and, once build/gpu/engine.test is there (scripts/gpu.sh --build), no compiler either: the tests are one
# program. JAX is looked for with $PYTHON, .peers/jax and python3.
set -uo pipefail
cd "$(dirname "$0")/.."
program=build/gpu/engine.test

build() {
    mkdir -p build/gpu
    CGO_CFLAGS="-O2 $(cuda/driver/flags.sh)" CGO_LDFLAGS="-O2 -L$PWD/cuda/driver/link" go test -tags cuda -c -o "$program" ./cuda
}

if [ "${1:-}" = --build ]; then
    build
    exit
fi
[ -e /dev/nvidiactl ] || command -v nvidia-smi >/dev/null || { echo "no NVIDIA GPU here: nothing is measured" >&2; exit 1; }
if command -v go >/dev/null; then build || exit; fi
[ -x "$program" ] || { echo "neither Go nor $program is here: run scripts/gpu.sh --build where Go is" >&2; exit 1; }

report=${1:-docs/gpu/report.md}
mkdir -p "$(dirname "$report")"
logs=build/gpu/logs
mkdir -p "$logs"
export MCD_GPU=1
failed=0

# fenced LOG: a log as a block of the report.
fenced() { printf '```\n'; cat "$1"; printf '```\n\n'; }

# stage NAME LOG COMMAND...: runs a command from ./cuda, as go test would, and notes whether it passed.
stage() {
    local name=$1 log=$logs/$2
    shift 2
    if (cd cuda && "$@") >"$log" 2>&1; then echo "- $name: passed"; else echo "- $name: FAILED, see below"; failed=1; fi
}

tested=$PWD/$program
{
    echo "# Report"
    echo
    echo "$(date -u +%Y-%m-%d), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
    echo
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>&1 | sed 's/^/- GPU: /'
    echo "- host: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors"
    stage "conformance on the device" conformance.log "$tested" -test.v -test.timeout 10m
    if command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck synccheck initcheck; do
            stage "compute-sanitizer $tool" "$tool.log" compute-sanitizer --tool "$tool" --error-exitcode 9 "$tested" \
                -test.run 'TestOneCall|TestTinyPivot|TestSteps' -test.timeout 5m
        done
    else
        echo "- compute-sanitizer: not installed here"
    fi
    stage "timings" timings.log "$tested" -test.run '^$' -test.bench . -test.benchtime 1s -test.timeout 10m
    echo
    echo "## Timings"
    echo
    grep -E '^(Benchmark|cpu|FAIL|panic)' "$logs/timings.log" >"$logs/timings.txt"
    fenced "$logs/timings.txt"
    echo "## JAX on the same GPU"
    echo
    for python in ${PYTHON:-} .peers/jax/bin/python python3; do
        "$python" -c 'import jax, numpy; assert jax.devices("cuda")' 2>/dev/null || continue
        "$python" tests/bench/gpu.py 2>&1
        echo
        measured=yes
        break
    done
    [ -n "${measured:-}" ] || printf 'Not measured: no Python here has a JAX that finds the GPU.\n\n'
    echo "## Conformance"
    echo
    grep -E '^ *(---|ok|PASS|FAIL)|Error:|cuda: |panic' "$logs/conformance.log" >"$logs/conformance.txt"
    fenced "$logs/conformance.txt"
    for tool in memcheck racecheck synccheck initcheck; do
        [ -f "$logs/$tool.log" ] && { echo "## $tool"; echo; tail -n 30 "$logs/$tool.log" >"$logs/tail.txt"; fenced "$logs/tail.txt"; }
    done
    exit $failed
} >"$report"
status=$?
echo "$report"
exit $status
