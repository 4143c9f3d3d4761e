#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh [release|debug|asan|tsan] [target…]
# The sanitizers' builds take from the release build what they do not watch.
set -euo pipefail
cd "$(dirname "$0")/.."
preset="${1:-release}"
shift || true
case "$preset" in asan | tsan) ./scripts/build.sh release burnish_unit_tests ;; esac
log="build/$preset.configure.log"
mkdir -p build
cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
# Ninja would start two compilers more than there are cores; on a few cores they are in each other's way.
cmake --build --preset "$preset" -- -j"${BURNISH_JOBS:-$(nproc)}" ${*:+"$@"}
