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
# A file of ops compiled with the flags meant for it: all of its loops are vectorised, and no product and sum contracted.
op_cflags=$(pkg-config --variable=op_cflags duet)
if [ -z "$op_cflags" ] ||
    [ "$op_cflags" != "$(PKG_CONFIG_PATH=$build/meson-uninstalled pkg-config --variable=op_cflags duet)" ]; then
    echo "run.sh: duet.pc has no op_cflags, or others than that of the build tree" >&2
    exit 1
fi
read -ra op_flags <<<"$(pkg-config --cflags duet) $op_cflags"
"$@" -c "$here/gate.cpp" -o "$root/gate.o" "${op_flags[@]}"
if [[ $* != *-fsanitize* ]] && "$@" "${op_flags[@]}" -dM -E -x c++ /dev/null | grep -q __AVX__; then
    code=$(objdump -d "$root/gate.o")
    loops=6 # of floats and of doubles: both arguments arrays, the first one number, the second one number
    roots=$(grep -cE 'vsqrtp[sd] .*%[yz]mm' <<<"$code" || true)
    contracted=$(grep -cE 'vfn?m(add|sub)' <<<"$code" || true)
    if [ "$roots" -lt "$loops" ] || [ "$contracted" -gt 0 ]; then
        echo "run.sh: ${op_flags[*]}: $roots vectorised square roots in $loops loops, $contracted contracted operations" >&2
        exit 1
    fi
fi

read -ra flags <<<"$(pkg-config --cflags --libs duet)"
"$@" -O1 "$here/main.cpp" -o "$root/consumer" "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir duet) "$root/consumer"

# Where binaries of the build run here, the command says of itself how to complete it, and has its page.
if [ -x "$build/tools/duet" ] && "$build/tools/duet" --version >/dev/null 2>&1; then
    completion=$(find "$root" -path '*/bash-completion/completions/duet')
    page=$(find "$root" -path '*/man1/duet.1')
    [ -n "$completion" ] && bash -n "$completion" || { echo "run.sh: no completion for bash is installed" >&2; exit 1; }
    [ -n "$page" ] && grep -q '^.TH DUET 1' "$page" || { echo "run.sh: no man page is installed" >&2; exit 1; }
fi
