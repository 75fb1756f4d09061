#!/usr/bin/env bash
# Runs every fuzzer, as many at a time as there are cores, from its corpus; the last line is 0 crashes, or how many.
# usage: tests/fuzz/run.sh [--build DIR] SECONDS [READER...]
#   --build DIR  the build folder, made with clang, -Dfuzz=true and sanitizers where there is none (default: build-fuzz);
#                what is found is kept in DIR/fuzz and gone on from
#   SECONDS      how long each runs
#   READER...    only these, such as "png npy"
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

build=build-fuzz
[ "${1-}" != --build ] || { build=${2:?--build needs a folder}; shift 2; }
[[ ${1-} =~ ^[0-9]+$ ]] || { sed -n '3,7s/^# //p' "$0"; exit 2; }
export seconds=$1
shift
readers=("$@")
[ $# -gt 0 ] || mapfile -t readers < <(sed -n "s/^    '\([a-z_]*\)': .*/\1/p" tests/fuzz/meson.build)

[ -e "$build/build.ninja" ] ||
    CXX=clang++ meson setup "$build" -Dfuzz=true -Doptimization=1 -Dcpp_args=-g1 -Db_sanitize=address,undefined \
        -Db_lundef=false || exit 1
ninja -C "$build" fuzzers || exit 1

export results=$PWD/$build/fuzz programs=$PWD/$build/tests/fuzz
# What targets write lies in memory.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" duet-fuzz-XXXXXX) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

run_one() {
    local reader=$1 log=$results/$1.log corpora=("$results/$1" "tests/fuzz/corpus/$1") words=("$1") word dictionary=()
    case $reader in
        recipe) corpora+=(models/presets) ;;
        weights) corpora+=(tests/fixtures/version-0.1) ;;&
        weights | checkpoint) words=(safetensors recipe) ;;
        npz) words=(zip npy) ;;
        png_text | image_folder) words=(png) ;;
        run) words=(run metrics recipe) ;;
    esac
    mkdir -p "$results/$reader"
    for word in "${words[@]}"; do
        [ ! -e "tests/fuzz/dictionaries/$word.dict" ] || dictionary=("-dict=$TMPDIR/$reader.dict")
        cat "tests/fuzz/dictionaries/$word.dict" >>"$TMPDIR/$reader.dict" 2>/dev/null
    done
    "$programs/${reader}_fuzzer" -max_total_time="$seconds" -timeout=20 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$results/$reader-" "${dictionary[@]}" "${corpora[@]}" >"$log" 2>&1
    local status=$? executions
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%-14s %10s executions, %s\n' "$reader" "${executions:-?}" "$([ $status -eq 0 ] && echo passed || echo CRASHED)"
    [ $status -eq 0 ] || { tail -n 60 "$log"; echo "$reader" >>"$TMPDIR/crashed"; }
}
export -f run_one

printf '%s\n' "${readers[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run_one {}'
[ -e "$TMPDIR/crashed" ] || { echo "0 crashes"; exit 0; }
echo "$(wc -l <"$TMPDIR/crashed") crashes: $(tr '\n' ' ' <"$TMPDIR/crashed"); inputs and logs are in $results"
exit 1
