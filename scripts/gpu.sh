#!/bin/bash
# The GPU engine on this machine's GPU: a first look, timings, JAX on the same GPU where it is installed, conformance, and
# compute-sanitizer where it is installed. Everything goes into one report, stage by stage, so that a run that is cut short
# leaves what it has found:
#
#   scripts/gpu.sh [REPORT]             docs/gpu/report.md if not given
#   scripts/gpu.sh --build              makes build/gpu: the tests as programs, for machines without Go
#   scripts/gpu.sh --rehearse [REPORT]  all stages in small with the stand-in for the driver, build/gpu/rehearsal.md if not given
#
# Needs no network and, once build/gpu is there, no compiler either. LIMIT is how many seconds all stages may take together,
# 1500 if not given; a first run needs about a minute for the first look and the timings. JAX is looked for with $PYTHON,
# .peers/jax and python3; compute-sanitizer on the path and in .peers/sanitizer.
set -uo pipefail
cd "$(dirname "$0")/.."
program=$PWD/build/gpu/engine.test
begin=$SECONDS

build() {
    mkdir -p build/gpu
    CGO_CFLAGS="-O2 $(cuda/driver/flags.sh)" CGO_LDFLAGS="-O2 -L$PWD/cuda/driver/link" go test -tags cuda -c -o "$program" ./cuda
}

rehearsal=
case ${1:-} in
--build)
    build
    exit
    ;;
--rehearse)
    rehearsal=yes
    shift
    report=${1:-build/gpu/rehearsal.md}
    tests/cuda/standin/build.sh build/standin || exit
    export LD_LIBRARY_PATH=$PWD/build/standin
    small=(-test.short) bench=1x
    ;;
*)
    report=${1:-docs/gpu/report.md}
    [ -e /dev/nvidiactl ] || command -v nvidia-smi >/dev/null || { echo "no NVIDIA GPU here: nothing is measured" >&2; exit 1; }
    small=() bench=0.3s
    ;;
esac
if command -v go >/dev/null; then build || exit; fi
[ -x "$program" ] || { echo "neither Go nor $program is here: run scripts/gpu.sh --build where Go is" >&2; exit 1; }

mkdir -p "$(dirname "$report")"
export MCD_GPU=1
# Compiled kernels are kept here by the driver, so that only the first process waits for them.
export CUDA_CACHE_PATH=$PWD/build/gpu/cache
log=build/gpu/stage.log
failed=0

# stage SECONDS NAME FILTER COMMAND...: runs a command from ./cuda, as go test would, for so long at most; prints whether it
# passed, how long it took, and the lines that FILTER matches, or the last ones if it failed.
stage() {
    local most=$1 name=$2 filter=$3 left=$((${LIMIT:-1500} - SECONDS + begin)) from=$SECONDS code
    shift 3
    printf '## %s\n\n' "$name"
    if [ "$left" -lt 5 ]; then
        printf 'Not run: the time is up.\n\n'
        failed=1
        return 1
    fi
    (cd cuda && exec timeout -k 5 $((most < left ? most : left)) "$@") >"$log" 2>&1
    code=$?
    if [ $code = 0 ]; then echo "Passed in $((SECONDS - from)) s."; else
        failed=1
        echo "FAILED with code $code after $((SECONDS - from)) s$([ $code = 124 ] && echo ', the limit')."
    fi
    printf '\n```\n'
    if [ $code = 0 ]; then grep -E "$filter" "$log" | tail -n 200; else tail -n 60 "$log"; fi
    printf '```\n\n'
    return $code
}

stages() {
    printf '# Report\n\n%s, commit %s\n\n' "$(date -u +%Y-%m-%d)" "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
    [ -z "$rehearsal" ] || printf '**A rehearsal with the stand-in for the driver: no figure below is of a GPU.**\n\n'
    if command -v nvidia-smi >/dev/null; then nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>&1 | sed 's/^/- GPU: /'; fi
    printf -- '- host: %s, %s processors\n\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)"
    stage 120 "First look" '^(---|ok|PASS)|devices' "$program" "${small[@]}" -test.v -test.run 'TestDevices|TestOneCall|TestTinyPivot|TestWidths'
    stage 300 "Timings" '^(Benchmark|cpu)' "$program" "${small[@]}" -test.run '^$' -test.bench . -test.benchtime "$bench"
    printf '## JAX on the same GPU\n\n'
    local python measured=
    [ -n "$rehearsal" ] || for python in ${PYTHON:-} .peers/jax/bin/python python3; do
        "$python" -c 'import jax, numpy; assert jax.devices("cuda")' 2>/dev/null || continue
        timeout 300 "$python" tests/bench/gpu.py 2>&1
        echo
        measured=yes
        break
    done
    [ -n "$measured" ] || printf 'Not measured: no Python here has a JAX that finds the GPU.\n\n'
    stage 400 "Conformance" '^ *--- |^(ok|PASS)' "$program" "${small[@]}" -test.v
    local sanitizer tool
    sanitizer=$(command -v compute-sanitizer || ls "$PWD"/.peers/sanitizer/nvidia/*/bin/compute-sanitizer 2>/dev/null | head -n 1)
    if [ -n "$sanitizer" ] && [ -z "$rehearsal" ]; then
        for tool in memcheck racecheck synccheck initcheck; do
            stage 120 "compute-sanitizer $tool" '=========|^(ok|PASS)' "$sanitizer" --tool "$tool" --error-exitcode 9 "$program" \
                -test.run 'TestOneCall|TestTinyPivot|TestSteps/sites|TestAgreesWithCPU/^[12]x'
        done
    else
        printf '## compute-sanitizer\n\nNot installed here.\n\n'
    fi
    return $failed
}

stages >"$report"
status=$?
echo "$report"
exit $status
