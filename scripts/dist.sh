#!/bin/sh
# The source as one archive that builds without a network: what git has committed, and the modules it needs in vendor/.
# usage: dist.sh VERSION FOLDER      writes FOLDER/mcd-VERSION.tar.gz, the same bits for the same commit
set -eu
cd "$(dirname "$0")/.."
name=mcd-$1
mkdir -p "$2"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive --format=tar --prefix="$name/" HEAD | tar -x -C "$work"
(cd "$work/$name" && go mod vendor)
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -cf "$work/$name.tar" "$name"
gzip -n9 "$work/$name.tar"
mv "$work/$name.tar.gz" "$2/"
