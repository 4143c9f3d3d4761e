#!/usr/bin/env bash
# clang-tidy over the sources of the release build; files that passed with the same content and headers are skipped.
#   scripts/lint.sh              every source file
#   scripts/lint.sh --recent     those that the last ten commits touched, the eight latest at most: half a minute
#   scripts/lint.sh FILE…
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/release/compile_commands.json ] || ./scripts/build.sh release
cache=build/lint
mkdir -p "$cache"
# clang cannot read the headers that GCC has compiled beforehand: it reads the sources' own includes instead.
sed -E 's/ -Winvalid-pch| -include [^ ]*cmake_pch\.hxx//g' build/release/compile_commands.json >"$cache/compile_commands.json"
headers=$({ cat .clang-tidy; find src include -name '*.h' | sort | xargs cat; } | sha256sum | cut -c1-16)
# simd/ is compiled by per-instruction-set rules that clang-tidy would mix up.
all_files() { git ls-files 'src/*.cc' | grep -v '/simd/'; }
recent_files() {
  git log -n 10 --name-only --format= -- 'src/*.cc' | awk '!seen[$0]++' | grep -Fxf <(all_files) | head -n 8 || true
}
case "${1:-}" in
  "") mapfile -t files < <(all_files) ;;
  --recent) mapfile -t files < <(recent_files) ;;
  *) files=("$@") ;;
esac

check_one() {
  local key
  key="$2/$(cat "$1" | sha256sum | cut -c1-16)-$3"
  [ -f "$key" ] && return 0
  clang-tidy -p "$2" --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2>/dev/null >"$key.log" || { cat "$key.log"; rm -f "$key.log"; return 1; }
  rm -f "$key.log"
  touch "$key"
}
export -f check_one
((${#files[@]})) || { echo "lint: no files"; exit 0; }
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -I{} bash -c 'check_one "$@"' _ {} "$cache" "$headers"
echo "lint: ${#files[@]} files clean"
