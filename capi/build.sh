#!/bin/sh
# Builds libmcd.so.1 and the link libmcd.so in a folder: capi/build.sh OUTDIR
#
# The same source gives the same bits wherever it stands (-trimpath, no build ids). The library asks for no symbol newer than
# GLIBC 2.17: glibc.h binds the few whose default version is newer to their old one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$here"
export CGO_ENABLED=1
root=$(cd .. && pwd)
# Go's build cache does not look into included files: their sum makes it notice a change.
export CGO_CFLAGS="-O2 -g0 -DMCD_GLIBC=$(cksum <glibc.h | cut -d' ' -f1) -include $here/glibc.h -ffile-prefix-map=$root=mcd $("$root/cuda/driver/flags.sh")"
# The folder with an empty libcuda.a stands first, so that no driver found on this machine is linked.
export CGO_LDFLAGS="-O2 -L$root/cuda/driver/link"
go build -buildmode=c-shared -trimpath -buildvcs=false -tags netgo,osusergo,cuda \
    -ldflags "-s -w -buildid= -extldflags '-Wl,-soname,libmcd.so.1 -Wl,--version-script=$here/mcd.map -Wl,-z,defs -Wl,-z,nodelete -Wl,--build-id=none -Wl,--no-as-needed -l:libpthread.so.0 -l:libdl.so.2 -Wl,--as-needed -lm'" \
    -o "$out/libmcd.so.1" .
rm -f "$out/libmcd.so.h" "$out/libmcd.h"
ln -sf libmcd.so.1 "$out/libmcd.so"
