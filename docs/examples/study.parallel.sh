#!/bin/sh
# A study in several processes at once, with GNU parallel. Each takes runs that no other works on. With more machines,
# give parallel their names (--sshlogin HOST,HOST --workdir .): file, data and folder must be shared by all.
#   docs/examples/study.parallel.sh study.toml runs/study 4
set -eu
file=$1 out=$2 count=$3
seq "$count" | parallel --quote --jobs "$count" -n0 duet study "$file" --out "$out" --processes 1 --quiet >/dev/null
exec duet study "$file" --out "$out"
