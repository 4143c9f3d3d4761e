#!/usr/bin/env bash
# clang-tidy over the sources of the release build; files that passed with the same content and headers are skipped.
#   scripts/lint.sh [file…]
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/release/compile_commands.json ] || ./scripts/build.sh release
cache=build/lint
mkdir -p "$cache"
headers=$({ cat .clang-tidy; find src include -name '*.h' | sort | xargs cat; } | sha256sum | cut -c1-16)
files=("$@")
((${#files[@]})) || mapfile -t files < <(git ls-files 'src/**/*.cc' 'src/*.cc' | grep -v '/simd/')

check_one() {
  local key
  key="$2/$(cat "$1" | sha256sum | cut -c1-16)-$3"
  [ -f "$key" ] && return 0
  clang-tidy -p build/release --quiet "$1" 2>/dev/null >"$key.log" || { cat "$key.log"; rm -f "$key.log"; return 1; }
  rm -f "$key.log"
  touch "$key"
}
export -f check_one
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -I{} bash -c 'check_one "$@"' _ {} "$cache" "$headers"
echo "lint: ${#files[@]} files clean"
