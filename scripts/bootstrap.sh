#!/bin/sh
# Sees to it that this machine can build mcd: a C compiler, Python with venv, and Go as new as go.mod asks for.
# usage: bootstrap.sh TOOLCHAIN_DIR     afterwards TOOLCHAIN_DIR/bin holds go and gofmt
#
# What is missing comes from the distribution's packages: installed at once by root, named with the command otherwise.
# Where the distribution's Go is too old it serves to download the official toolchain that go.mod names, a Go module like
# any other: checked against the checksum database, kept in TOOLCHAIN_DIR, nothing outside is changed.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "$1/bin"
dir=$(cd "$1" && pwd)
say() { echo "bootstrap: $*" >&2; }

# have_go GO: GO runs and is at least the version of go.mod.
wanted=$(awk '$1 == "go" { print $2 }' go.mod)
have_go() {
    found=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" = "$wanted" ]
}

missing=
echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
command -v g++ >/dev/null || missing="$missing g++" # the tests' C++ programs
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
"${PYTHON:-python3}" -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3 python3-venv"
have_go "$dir/go/bin/go" || command -v go >/dev/null || missing="$missing golang-go"
if [ -n "$missing" ]; then
    install="apt-get install -y --no-install-recommends$missing"
    if ! command -v apt-get >/dev/null; then
        say "this machine lacks what Debian calls$missing: install it, then run make again"; exit 1
    elif [ "$(id -u)" != 0 ]; then
        say "this machine lacks some packages. Run the following, then make again:"
        say "    sudo apt-get update && sudo $install"; exit 1
    fi
    say "installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $install >"$dir/apt.log" 2>&1 || { tail -n 20 "$dir/apt.log" >&2; exit 1; }
fi

# download_go: the toolchain module, made ready as the go command itself does it: programs executable, _go.mod renamed.
download_go() {
    case $(uname -m) in
        x86_64) arch=amd64 ;;
        aarch64) arch=arm64 ;;
        *) say "no Go toolchain is known for $(uname -m): install Go $wanted, then run make again"; exit 1 ;;
    esac
    say "downloading Go $wanted ($(go version | awk '{ print $3 }') is too old)"
    module=golang.org/toolchain@v0.0.1-go$wanted.linux-$arch
    # From /: an old Go refuses even to start beside a go.mod that asks for a newer one.
    (cd / && GOFLAGS='' GOTOOLCHAIN=local GOMODCACHE=$dir/cache go mod download "$module")
    chmod -R u+w "$dir/cache"
    rm -rf "$dir/go"
    mv "$dir/cache/$module" "$dir/go"
    rm -rf "$dir/cache"
    chmod -R a+x "$dir/go/bin" "$dir/go/pkg/tool"
    find "$dir/go/src" -name _go.mod | while read -r file; do mv "$file" "${file%_go.mod}go.mod"; done
}

if have_go "$dir/go/bin/go"; then
    go=$dir/go/bin/go
elif have_go go; then
    go=$(command -v go)
else
    download_go
    go=$dir/go/bin/go
fi
root=$(GOTOOLCHAIN=local "$go" env GOROOT)
ln -sf "$root/bin/go" "$root/bin/gofmt" "$dir/bin/"
