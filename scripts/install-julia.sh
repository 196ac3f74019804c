#!/bin/bash
# Julia in a folder of its own, for the tests of the Julia binding, where the machine has none.
# usage: install-julia.sh DIR      then DIR/bin/julia
# Debian 12 and later have no Julia package; their predecessor's 1.5.3 runs on them and on Ubuntu. Nothing outside the folder is
# changed, and root is not needed.
set -euo pipefail
dir=$(realpath -m "${1:?usage: install-julia.sh DIR}")
if [ -x "$dir/bin/julia" ] && "$dir/bin/julia" -e 'using Libdl' >/dev/null 2>&1; then
    echo "install-julia: there already, $dir"; exit 0
fi
command -v apt-get >/dev/null || { echo "install-julia: no apt here: install Julia 1.5 or newer, or set JULIA to its path" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# The mirror is the one that apt uses. Where that is not Debian's, two small packages know where Debian is and who signs it.
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
         sed -nE 's/^(URIs:|deb( \[[^]]*\])?) *([a-z]+:[^ ]*\/debian)\/?( .*)?$/\3/p' | head -n 1)
signed=
if [ -z "$mirror" ]; then
    (cd "$work" && apt-get -qq download debootstrap debian-archive-keyring)
    for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/debian"; done
    mirror=$(grep -rhoE 'https?://deb\.[a-z.]+/debian' "$work/debian/usr" | sort | head -n 1)
    signed=" [signed-by=$work/debian/usr/share/keyrings/debian-archive-keyring.gpg]"
fi

# An apt of its own, which knows that release alone and believes nothing to be installed.
mkdir -p "$work"/{lists,cache/archives,debs}/partial "$dir/bin"
echo "deb$signed $mirror bullseye main" >"$work/sources.list"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}
apt update
# The system's own C and C++ run-time libraries are newer and serve as well.
own='^(libc6|libcrypt1|dpkg|perl-base|debconf|tar|gcc-10-base|libgcc-s1|libstdc\+\+6)$'
mapfile -t packages < <(apt install --no-install-recommends -s julia | awk '/^Inst/ { print $2 }' | grep -vE "$own")
(cd "$work/debs" && apt download "${packages[@]}")
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$dir"; done

cat >"$dir/bin/julia" <<'WRAPPER'
#!/bin/sh
root=$(cd "$(dirname "$0")/.." && pwd)
libraries=$(ls -d "$root"/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu/julia 2>/dev/null | paste -sd:)
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$root/usr/bin/julia" "$@"
WRAPPER
chmod +x "$dir/bin/julia"
"$dir/bin/julia" -e 'println("install-julia: Julia ", VERSION)'
