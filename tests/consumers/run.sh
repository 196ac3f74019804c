#!/bin/bash
# Builds and runs the consumers: programs in C, C++, Julia and Python that use the library as installed.
# usage: run.sh FOLDER     an installation's prefix, or a build folder that holds libmcd.so
#
# Julia is taken from $JULIA or the PATH, else installed into .peers/julia; Python is .venv's, which makes a wheel of
# the library and installs it into an environment of its own. What is missing is said.
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
        grep -E '^(unit|instrument|julia|valgrind|skipped): .*[^d]$' "$log" | sed 's/^/        /'
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
    step "instrument builds with -fsanitize=$sanitizer" build instrument "instrument-$sanitizer" g++ -std=c++17 -O1 -g "-fsanitize=$sanitizer" -fno-sanitize-recover=all
    sanitized=(env ASAN_OPTIONS=handle_segv=0:detect_leaks=1 TSAN_OPTIONS=handle_segv=0:ignore_noninstrumented_modules=1 UBSAN_OPTIONS=print_stacktrace=1)
    step "unit with -fsanitize=$sanitizer" "${sanitized[@]}" "$work/unit-$sanitizer" "$here/reference" "$work"
    mkdir "$work/instrument-files-$sanitizer"
    step "instrument with -fsanitize=$sanitizer" "${sanitized[@]}" "$work/instrument-$sanitizer" "$work/instrument-files-$sanitizer"
done

# ------------------------------------------------------------------------------------------------------------------ C
step "C99" env MCD_INCLUDE="$include" "$here/c/run.sh" "$lib"

# -------------------------------------------------------------------------------------------------------------- Julia
julia=${JULIA:-$(command -v julia || echo "$root/.peers/julia/bin/julia")}
export JULIA_DEPOT_PATH=${JULIA_DEPOT_PATH:-$work/depot}
[ -x "$julia" ] || "$root/scripts/install-julia.sh" "$root/.peers/julia" || skip "Julia is not there and could not be installed"
run_julia=("$julia" --startup-file=no "--project=$root/bindings/julia")
[ -x "$julia" ] && step "MCD.jl" "${run_julia[@]}" "$root/bindings/julia/test/runtests.jl"

packed() { # the package takes the library from where Pkg unpacks the artifact, whose name is the sum of its contents
    "$root/scripts/julia-artifact.sh" "$folder" "$work/julia" || return 1
    local tree depot=$work/artifact-depot
    tree=$(sed -n 's/^git-tree-sha1 = "\(.*\)"/\1/p' "$work/julia/MCD/Artifacts.toml")
    mkdir -p "$depot/artifacts/$tree" && tar -xzf "$work/julia/libmcd.tar.gz" -C "$depot/artifacts/$tree" || return 1
    (cd / && env -u MCD_LIBRARY JULIA_DEPOT_PATH="$depot" "$julia" --startup-file=no --project="$work/julia/MCD" -e '
        using MCD, Libdl, Pkg
        folder = joinpath(DEPOT_PATH[1], "artifacts", ARGS[1])
        @assert joinpath(folder, "lib", "libmcd.so.1") in dllist()
        @assert bytes2hex(Pkg.GitTools.tree_hash(folder)) == ARGS[1]
        wire = Wire(2, 3, [0.0])
        @assert conductance(wire, clean(wire))[1] > 0' "$tree")
}
if ! command -v git >/dev/null; then # it names artifacts by their contents
    skip "the library as Julia's artifact: git is not installed"
elif [ -x "$julia" ] && [ "$lib" != "$folder" ]; then
    step "the library as Julia's artifact" packed
fi

# ------------------------------------------------------------------------------------------------------------- Python
# In an environment that holds the wheel and what it asks for, in another folder, without Go, a compiler or MCD_LIBRARY.
maker=$root/.venv/bin/python
[ -x "$maker" ] || maker=${PYTHON:-python3}
python=$work/venv/bin/python
bare() { # bare COMMAND...
    (cd "$work" && env -i HOME="$work" PATH="$work/venv/bin" LANG=C.UTF-8 "$@")
}
install_wheel() {
    "$maker" -m venv "$work/venv" &&
        "$maker" -m pip wheel --disable-pip-version-check -q --no-deps --no-build-isolation -w "$work/wheel" "$root/bindings/python" &&
        "$python" -m pip install --disable-pip-version-check -q "$work"/wheel/*.whl
}
if "$maker" -c 'import hatchling' 2>/dev/null; then
    step "the wheel, in a bare environment" install_wheel
else
    skip "Python with hatchling: make venv"
fi

# ----------------------------------------------------------------------------------- from hand to hand, and the documents
exchanging() { # exchanging LANGUAGE ARGUMENTS...: the language's exchange program
    local language=$1
    shift
    case $language in
        C) "$work/exchange-c" "$@" ;;
        C++) "$work/exchange" "$@" ;;
        Julia) "${run_julia[@]}" "$here/julia/exchange.jl" "$@" ;;
        Python) bare "$python" "$here/python/exchange.py" "$@" ;;
    esac
}
build_c() { "${CC:-cc}" -std=c99 -pedantic -Wall -Wextra -Werror -I"$include" "$here/c/exchange.c" -L"$lib" -lmcd -Wl,-rpath,"$lib" -o "$work/exchange-c"; }
readings() { # what LANGUAGE says of all files: like what the first said
    exchanging "$1" read "${files[@]}" >"$work/read-$1" && cat "$work/read-$1" && diff "$work/read-C" "$work/read-$1"
}
step "exchange builds" build exchange exchange g++ -std=c++17 -O1
step "exchange builds in C" build_c
languages=(C C++) files=()
[ -x "$julia" ] && languages+=(Julia)
[ -x "$python" ] && languages+=(Python)
for language in "${languages[@]}"; do
    step "a problem and a result from $language" exchanging "$language" write "$work/$language-problem.mcd" "$work/$language-result.mcd"
    files+=("$work/$language-problem.mcd" "$work/$language-result.mcd")
done
for language in "${languages[@]}"; do step "$language reads those of all" readings "$language"; done
same() { # all languages wrote the same: two different lines, one of problems, one of results
    [ "$(sed 's/^[^ ]*-//' "$work/read-C" | sort -u | wc -l)" = 2 ] || { cat "$work/read-C"; return 1; }
}
step "all wrote the same" same
if [ -x "$python" ]; then
    step "reference texts are the reference" "$python" "$here/reference.py" --check
    step "docs/tasks.md" "$python" "$here/tasks.py" "$include" "$lib" "$julia"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
