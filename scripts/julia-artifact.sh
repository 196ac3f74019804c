#!/bin/sh
# The library as an artifact of Julia's package manager, and the package that takes it.
# usage: julia-artifact.sh PREFIX FOLDER [URL]
# From an installation in PREFIX: FOLDER/libmcd.tar.gz, the artifact with lib and include, and FOLDER/MCD, the package whose
# Artifacts.toml names it by its contents; with the URL at which the archive will be found, Pkg downloads it by itself.
set -eu
prefix=$(cd "$1" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree/lib"
cp -a "$prefix/lib/libmcd.so.1" "$prefix/lib/libmcd.so" "$work/tree/lib/"
cp -r "$prefix/include" "$work/tree/"
export GIT_DIR="$work/git" GIT_WORK_TREE="$work/tree" GIT_CONFIG_GLOBAL=/dev/null
git init -q
git add -A
tree=$(git write-tree)
tar -C "$work/tree" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$work/libmcd.tar" include lib
gzip -n9 "$work/libmcd.tar"
mv "$work/libmcd.tar.gz" "$folder/"
rm -rf "$folder/MCD"
cp -r "$here/bindings/julia" "$folder/MCD"
{
    echo '[[libmcd]]'
    echo "arch = \"$(uname -m)\""
    echo "git-tree-sha1 = \"$tree\""
    echo 'libc = "glibc"'
    echo 'os = "linux"'
    if [ $# -gt 2 ]; then
        printf '\n    [[libmcd.download]]\n    sha256 = "%s"\n    url = "%s"\n' "$(sha256sum "$folder/libmcd.tar.gz" | cut -d' ' -f1)" "$3"
    fi
} >"$folder/MCD/Artifacts.toml"
