#!/bin/bash
# Builds and runs the consumers: programs in C, C++, Julia and Python that use the library as installed.
# usage: run.sh FOLDER     an installation's prefix, or a build folder that holds libmcd.so
#
# Julia is taken from $JULIA, the PATH or .peers/julia, Python with NumPy from $PYTHON or .venv; what is missing is said.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$(cd "${1:?usage: run.sh PREFIX_OR_BUILD_FOLDER}" && pwd)
if [ -e "$folder/lib/libmcd.so" ]; then lib=$folder/lib include=$folder/include; else lib=$folder include=$root/include; fi
[ -e "$lib/libmcd.so" ] || { echo "run.sh: no libmcd.so in $folder: run make first"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MCD_LIBRARY=$lib/libmcd.so.1
passed=0 failed=0

# step NAME COMMAND...: one test; shows what the command says, and all of it when it fails.
step() {
    local name=$1 log=$work/log
    shift
    local limit=(timeout 600)
    [ "$(type -t "$1")" = function ] && limit=()
    if "${limit[@]}" "$@" >"$log" 2>&1; then
        passed=$((passed + 1)); echo "passed  $name"
        grep -E '^(unit|instrument|julia): .*[^d]$' "$log" | sed 's/^/        /'
    else
        failed=$((failed + 1)); echo "FAILED  $name"; tail -n 60 "$log" | sed 's/^/        /'
    fi
}
skip() { echo "skipped: $1"; }

# ---------------------------------------------------------------------------------------------------------------- C++
flags=(-Wall -Wextra -Wconversion -Wpedantic -Wshadow -Werror -pthread -I"$include" -L"$lib" -Wl,-rpath,"$lib")
build() { # build NAME COMPILER OPTIONS...: $work/NAME-LABEL
    local source=$1 out=$2 compiler=$3
    shift 3
    "$compiler" "$@" "${flags[@]}" "$here/cpp/$source.cpp" -lmcd -o "$work/$out"
}
everything() { # every function of mcd.h is in mcd.hpp
    local f missing=0
    for f in $(grep -oE '\bmcd_[a-z_]+\(' "$include/mcd.h" | tr -d '(' | sort -u); do
        grep -q "\b$f\b" "$include/mcd.hpp" || { echo "mcd.hpp lacks $f"; missing=1; }
    done
    return $missing
}
step "mcd.hpp has all of mcd.h" everything
for compiler in g++ clang++; do
    command -v "$compiler" >/dev/null || { skip "$compiler is not installed"; continue; }
    for standard in 17 20; do
        step "unit, $compiler, C++$standard, builds" build unit "unit-$compiler-$standard" "$compiler" "-std=c++$standard" -O1
        step "unit, $compiler, C++$standard" "$work/unit-$compiler-$standard" "$here/reference" "$work"
    done
done
step "instrument builds" build instrument instrument g++ -std=c++17 -O2
mkdir "$work/instrument-files"
step "instrument" "$work/instrument" "$work/instrument-files"
# The library is not instrumented: TSan cannot see how Go orders its threads, so only what happens in the consumer is judged.
# Go and the sanitizers must not fight over SIGSEGV.
for sanitizer in address,undefined thread; do
    step "unit builds with -fsanitize=$sanitizer" build unit "unit-$sanitizer" g++ -std=c++17 -O1 -g "-fsanitize=$sanitizer" -fno-sanitize-recover=all
    step "unit with -fsanitize=$sanitizer" env ASAN_OPTIONS=handle_segv=0:detect_leaks=1 TSAN_OPTIONS=handle_segv=0:ignore_noninstrumented_modules=1 \
        UBSAN_OPTIONS=print_stacktrace=1 "$work/unit-$sanitizer" "$here/reference" "$work"
done

# ------------------------------------------------------------------------------------------------------------------ C
if [ -x "$here/c/run.sh" ]; then step "C99" env MCD_INCLUDE="$include" "$here/c/run.sh" "$lib"; fi

# -------------------------------------------------------------------------------------------------------------- Julia
julia=${JULIA:-$(command -v julia || echo "$root/.peers/julia/bin/julia")}
export JULIA_DEPOT_PATH=${JULIA_DEPOT_PATH:-$work/depot}
if [ -x "$julia" ]; then
    step "MCD.jl" "$julia" --startup-file=no --project="$root/bindings/julia" "$root/bindings/julia/test/runtests.jl"
else
    skip "Julia is not installed: scripts/install-julia.sh .peers/julia"
fi

# ----------------------------------------------------------------------------------- from hand to hand, and the documents
python=${PYTHON:-$root/.venv/bin/python}
export PYTHONPATH=$root/bindings/python
have_python=0
if "$python" -c 'import numpy, tqdm' 2>/dev/null; then have_python=1; else skip "Python with NumPy: make venv"; fi
files=()
exchange() { # exchange LANGUAGE COMMAND...
    local language=$1
    shift
    step "a result written in $language" "$@" write "$work/$language.mcd"
    files+=("$work/$language.mcd")
}
step "exchange builds" build exchange exchange g++ -std=c++17 -O1
exchange C++ "$work/exchange"
run_julia=("$julia" --startup-file=no "--project=$root/bindings/julia")
[ -x "$julia" ] && exchange Julia "${run_julia[@]}" "$here/julia/exchange.jl"
[ $have_python = 1 ] && exchange Python "$python" "$here/python/exchange.py"
step "C++ reads them all" "$work/exchange" read "${files[@]}"
[ -x "$julia" ] && step "Julia reads them all" "${run_julia[@]}" "$here/julia/exchange.jl" read "${files[@]}"
if [ $have_python = 1 ]; then
    step "Python reads them all" "$python" "$here/python/exchange.py" read "${files[@]}"
    step "reference texts are the reference" "$python" "$here/reference.py" --check
    step "docs/tasks.md" "$python" "$here/tasks.py" "$include" "$lib" "$julia"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
