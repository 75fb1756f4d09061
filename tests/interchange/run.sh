#!/usr/bin/env bash
# Reads what Duet writes with onnx, onnxruntime, tensorboard, safetensors and numpy (check.py), in a virtual environment
# within the build folder that is made once. Where it cannot be made, says why and exits 77: skipped.
# usage: run.sh BUILD_DIR WRITE_FILES
set -euo pipefail

build=$(cd "$1" && pwd)
write_files=$2
source=$(cd "$(dirname "$0")/../.." && pwd)
packages=(onnx onnxruntime tensorboard safetensors numpy)
environment=$build/interchange-venv

skip() {
    echo "SKIP: $1"
    exit 77
}

if [ ! -e "$environment/complete" ]; then
    command -v python3 >/dev/null || skip "there is no python3"
    rm -rf "$environment"
    python3 -m venv "$environment" >"$build/interchange-venv.log" 2>&1 ||
        skip "python3 -m venv fails: is python3-venv installed? $(tail -n 1 "$build/interchange-venv.log")"
    "$environment/bin/python" -m pip install --quiet --retries 1 --timeout 20 "${packages[@]}" >"$build/interchange-venv.log" 2>&1 ||
        skip "pip cannot install ${packages[*]}: $(tail -n 1 "$build/interchange-venv.log")"
    touch "$environment/complete"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH=$build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
"$environment/bin/python" "$source/tests/interchange/check.py" "$build/tools/duet" "$write_files" "$source" "$work"
