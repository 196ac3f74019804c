#!/bin/bash
# Julia in a folder of its own, for the tests of the Julia binding, where the machine has none.
# usage: install-julia.sh DIR      then DIR/bin/julia
# Debian 12 has no Julia package; its predecessor's 1.5.3 runs on it. The mirror is the one that apt uses. Needs root.
set -euo pipefail
dir=$(realpath -m "${1:?usage: install-julia.sh DIR}")
if [ -x "$dir/bin/julia" ] && "$dir/bin/julia" -e 'using Libdl' >/dev/null 2>&1; then
    echo "install-julia: there already, $dir"; exit 0
fi
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
         sed -nE 's/^(URIs:|deb( \[[^]]*\])?) *([a-z]+:[^ ]*\/debian)\/?( .*)?$/\3/p' | head -n 1)
[ -n "$mirror" ] || { echo "install-julia: apt is not configured with a Debian mirror" >&2; exit 1; }

# An apt of its own, which knows that release alone and believes nothing to be installed.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists,cache/archives,debs}/partial "$dir/bin"
echo "deb $mirror bullseye main" >"$work/sources.list"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root "$@"
}
apt update
# The system's own C and Fortran run-time libraries are newer and serve as well.
own='^(libc6|libcrypt1|dpkg|perl-base|debconf|tar|gcc-10-base|libgcc-s1|libstdc\+\+6|libgfortran5|libquadmath0)$'
mapfile -t packages < <(apt install --no-install-recommends -s julia | awk '/^Inst/ { print $2 }' | grep -vE "$own")
(cd "$work/debs" && apt download "${packages[@]}")
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$dir"; done
ldconfig -p | grep -q libgfortran.so.5 || apt-get install -qq -y --no-install-recommends libgfortran5 >/dev/null

cat >"$dir/bin/julia" <<'WRAPPER'
#!/bin/sh
root=$(cd "$(dirname "$0")/.." && pwd)
libraries=$(ls -d "$root"/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu/julia 2>/dev/null | paste -sd:)
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$root/usr/bin/julia" "$@"
WRAPPER
chmod +x "$dir/bin/julia"
"$dir/bin/julia" -e 'println("install-julia: Julia ", VERSION)'
