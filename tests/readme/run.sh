#!/usr/bin/env bash
# Builds the first program of README.md against the build tree, trains with it for a few steps and looks at its picture;
# checks that docs/adding-an-op.md quotes tests/consumer/main.cpp, which is itself compiled and run, word for word; that
# docs/recipes.md shows what the command prints; and that the programs of docs/examples reach what they promise.
# usage: run.sh BUILD_DIR [COMPILER [FLAGS...]]
set -euo pipefail

build=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- c++
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "run.sh: $1" >&2
    exit 1
}

# The lines of the block of C++ number $2 in a page, nothing if there are fewer.
block() { awk -v wanted="$2" '/^```cpp$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside && n == wanted' "$1"; }

block "$source/README.md" 1 >"$work/example.cpp"
[ -s "$work/example.cpp" ] || fail "README.md has no block of C++"
lines=$(wc -l <"$work/example.cpp")
[ "$lines" -le 40 ] || fail "the example in README.md has $lines lines; it promises at most 40"

PKG_CONFIG_PATH=$build/meson-uninstalled
export PKG_CONFIG_PATH
read -ra flags <<<"$(pkg-config --cflags --libs duet)"
"$@" -Wall -Wextra -Werror -O1 "$work/example.cpp" -o "$work/example" "${flags[@]}"
LD_LIBRARY_PATH=$build "$work/example" "$source/data/mnist" "$work/digits.png" 20
python3 - "$work/digits.png" <<'PYTHON'
import struct
import sys

png = open(sys.argv[1], "rb").read()
assert png[:8] == b"\x89PNG\r\n\x1a\n", "digits.png is not a PNG file"
width, height = struct.unpack(">II", png[16:24])
assert (width, height) == (16 * 30 + 2, 8 * 30 + 2), f"digits.png has {width} x {height} pixels"
PYTHON

page=$source/docs/adding-an-op.md
program=$(cat "$source/tests/consumer/main.cpp")
number=1
while quoted=$(block "$page" "$number") && [ -n "$quoted" ]; do
    [[ $program == *"$quoted"* ]] || fail "block $number of docs/adding-an-op.md is not in tests/consumer/main.cpp:
$quoted"
    number=$((number + 1))
done
[ "$number" -gt 5 ] || fail "docs/adding-an-op.md has only $((number - 1)) blocks of C++"

# A sanitizer's build takes fifty times as long: it runs a few steps, which reach nothing.
short=
[[ " $* " != *-fsanitize=* ]] || short=yes

example() {
    local name=$1 most=$2
    shift 2
    lines=$(wc -l <"$source/docs/examples/$name.cpp")
    [ "$lines" -le "$most" ] || fail "docs/examples/$name.cpp has $lines lines; it promises at most $most"
    "${compile[@]}" "$source/docs/examples/$name.cpp" -o "$work/$name" "${flags[@]}"
    LD_LIBRARY_PATH=$build "$work/$name" "$source/data/mnist" "$@" >"$work/$name.log" ||
        [ -n "$short" ] || fail "docs/examples/$name.cpp does not reach what it promises: $(tail -n 1 "$work/$name.log")"
    tail -n 1 "$work/$name.log"
}

compile=("$@" -Wall -Wextra -Werror -O1)
example own_term 59 20
example relativistic 79 "$work/relativistic.png" 20
example classifier 79 ${short:+20}
example vae 79 ${short:+1}
example known_samplers 79 "$work"

# The recipe in the page is what the command prints, but for where the data lie.
awk '/^```toml$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source/docs/recipes.md" >"$work/shown.toml"
[ -s "$work/shown.toml" ] || fail "docs/recipes.md shows no recipe"
(cd "$source" && LD_LIBRARY_PATH=$build "$build/tools/duet" train --preset wgan-gp --data data/mnist --epochs 30 --print-recipe) |
    sed "s|$source/data/mnist|/home/you/duet/data/mnist|" >"$work/printed.toml"
diff "$work/shown.toml" "$work/printed.toml" || fail "docs/recipes.md does not show what the command prints"
