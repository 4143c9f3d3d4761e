#!/usr/bin/env bash
# Gathers in build/gpu, and packs as build/gpu.tar.xz, what a machine with a GPU needs to check and time Burnish: programs,
# the Python package (where an interpreter of 3.12 or later is at hand: its stable ABI serves whatever that machine has),
# the libraries that they are linked to. That machine needs a driver, CUDA's NVRTC (cuBLASLt and cuDNN for their tactics),
# and Python with numpy and onnx; nothing is installed there. Then, there: scripts/gpu_check.sh.
#
#   scripts/gpu_bundle.sh             all of it
#   scripts/gpu_bundle.sh python      only the Python package
#   scripts/gpu_bundle.sh --cubins    and the machine code that is cached here
# BURNISH_ABI3_PYTHON=/path/python3.12 says which interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/gpu
programs=(burnish test_cuda test_builder)
[ "${1-}" = python ] && programs=()
rm -rf "$out" "$out.tar.xz"
mkdir -p "$out/bin" "$out/lib"

libraries_of() {  # not the C and C++ libraries: the machine's own serve
  ldd "$1" | awk '$3 ~ /^\// {print $3}' | grep -vE '/(libc|libm|libstdc\+\+|libgcc_s|ld-linux[^/]*|libdl|libpthread|librt)\.so' |
    while read -r library; do cp -L "$library" "$out/lib/"; done
}

python() {
  local python="${BURNISH_ABI3_PYTHON:-$(command -v python3.12 python3.13 python3.14 | head -n 1)}" package
  [ -n "$python" ] || { echo "no Python 3.12 or later here: the bundle has no Python package"; return; }
  package="$(./scripts/python_versions.sh --build "$python")"
  cp -rL "$package" "$out/python"
  libraries_of "$out/python/burnish/_core.abi3.so"
  strip "$out/python/burnish/_core.abi3.so"
}

if ((${#programs[@]})); then
  ./scripts/build.sh release "${programs[@]}"
  for program in "${programs[@]}"; do
    install -s "build/release/bin/$program" "$out/bin/"
    libraries_of "build/release/bin/$program"
  done
fi
python
if [ -d "${BURNISH_CACHE_DIR:-$HOME/.cache/burnish}/cubins" ] && [ "${1-}" = --cubins ]; then
  cp -r "${BURNISH_CACHE_DIR:-$HOME/.cache/burnish}/cubins" "$out/cubins"
fi
XZ_OPT="-T0 -3" tar -C build -cJf "$out.tar.xz" gpu
du -sh "$out" "$out.tar.xz"
