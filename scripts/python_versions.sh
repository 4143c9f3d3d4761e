#!/usr/bin/env bash
# Builds the Python extension for other interpreters than that of .venv, and runs the Python tests with them. Not part of
# CI. With ccache in CMAKE_CXX_COMPILER_LAUNCHER only what depends on Python is compiled again.
#
#   scripts/python_versions.sh                        python3.10 … python3.14, as far as they are there
#   scripts/python_versions.sh PATH_OF_PYTHON…        these
#   scripts/python_versions.sh --build PATH_OF_PYTHON builds only; prints the folder for PYTHONPATH
# From 3.12 on one extension (stable ABI) serves all versions.
set -euo pipefail
cd "$(dirname "$0")/.."

version_of() { "$1" -c 'import sys; print("3.%d" % sys.version_info.minor)'; }
has_stable_abi() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; }

environment() {  # environment PYTHON: the folder of a virtual environment for it
  local venv="build/venv-$(version_of "$1")"
  [ -x "$venv/bin/python" ] || "$1" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check nanobind numpy onnx ml_dtypes mypy
  echo "$venv"
}

build() {  # build PYTHON: the folder that holds the package
  local tree venv
  tree="build/python-$(has_stable_abi "$1" && echo abi3 || version_of "$1")"
  venv="$(environment "$1")"
  [ -f "$tree/CMakeCache.txt" ] && venv="$(sed -n 's/^BURNISH_VENV:PATH=//p' "$tree/CMakeCache.txt")"
  cmake -S . -B "$tree" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBURNISH_VENV="$(realpath "$venv")" \
    -DBURNISH_WITH_TESTS=OFF -DBURNISH_WITH_BENCH=OFF >"$tree.log" || { cat "$tree.log" >&2; return 1; }
  cmake --build "$tree" --target burnish_python burnish_python_stub -- -j"${BURNISH_JOBS:-$(nproc)}" >>"$tree.log" ||
    { tail -n 30 "$tree.log" >&2; return 1; }
  echo "$tree/python"
}

mkdir -p build
if [ "${1-}" = --build ]; then
  build "$2"
  exit
fi
pythons=("$@")
((${#pythons[@]})) || for minor in 10 11 12 13 14; do
  command -v "python3.$minor" >/dev/null && pythons+=("python3.$minor")
done
failed=()
for python in "${pythons[@]}"; do
  version="$(version_of "$python")"
  package="$(build "$python")"
  echo "== Python $version: $package"
  # test_examples.py needs trained models that only .venv has.
  for pattern in 'test_[!e]*.py' 'test_engine.py'; do
    PYTHONPATH="$package" "build/venv-$version/bin/python" -m unittest discover -s tests/python -p "$pattern" ||
      failed+=("$version")
  done
done
((${#failed[@]} == 0)) || { echo "FAILED: ${failed[*]}"; exit 1; }
