#!/usr/bin/env bash
# Installs the build into a fresh folder, builds main.cpp against that copy as an outside user would, and runs it.
# usage: run.sh BUILD_DIR [COMPILER [FLAGS...]]
set -euo pipefail

build=$1
shift
[ $# -gt 0 ] || set -- c++
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

meson install -C "$build" --no-rebuild --quiet --destdir "$root"
package=$(find "$root" -name duet.pc)
[ -n "$package" ] || { echo "run.sh: the installed copy has no duet.pc" >&2; exit 1; }
prefix=$(sed -n 's/^prefix=//p' "$package")
sed -i "s|^prefix=.*|prefix=$root$prefix|" "$package"

PKG_CONFIG_PATH=$(dirname "$package")
export PKG_CONFIG_PATH
if pkg-config --cflags duet | grep -E 'march|XSIMD'; then
    echo "run.sh: duet.pc forces flags of its own build on its users" >&2
    exit 1
fi
read -ra flags <<<"$(pkg-config --cflags --libs duet)"
"$@" -O1 "$here/main.cpp" -o "$root/consumer" "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir duet) "$root/consumer"
