#!/usr/bin/env bash
# Fetches Triton's perf_analyzer, the load generator that tests and benchmarks of the server use unchanged, and prints
# where it stands. PyPI's package of that name is an empty placeholder; tritonclient 2.41.0 is the last wheel that holds
# the program and runs with OpenSSL 3. It needs libb64 (scripts/setup.sh --tests) and CUDA's runtime, which comes along.
set -euo pipefail
cd "$(dirname "$0")/.."
folder="$PWD/build/perf_analyzer"
program="$folder/perf_analyzer"
if [ ! -x "$program" ]; then
  mkdir -p "$folder/wheels"
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder/wheels" \
    tritonclient==2.41.0 nvidia-cuda-runtime-cu12==12.1.105
  .venv/bin/python - "$folder" <<'UNPACK'
import pathlib, sys, zipfile

folder = pathlib.Path(sys.argv[1])
for wheel in (folder / "wheels").glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("bin/perf_analyzer") or name.endswith("libcudart.so.12"):
                (folder / ("program" if name.endswith("perf_analyzer") else "libcudart.so.12")).write_bytes(archive.read(name))
UNPACK
  chmod +x "$folder/program"
  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s:$LD_LIBRARY_PATH" exec "%s/program" "$@"\n' "$folder" "$folder" >"$program"
  chmod +x "$program"
  rm -r "$folder/wheels"
fi
echo "$program"
