#!/usr/bin/env bash
# Gathers in build/gpu what a machine with a GPU needs to check and time Burnish: programs, the libraries that they are
# linked to, test models without their weights. That machine needs a driver, CUDA's NVRTC (cuBLASLt and cuDNN for their
# tactics), and Python with numpy and onnx; nothing is installed there. Then, there: scripts/gpu_check.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/gpu
programs=(build/release/bin/burnish build/release/bin/test_cuda build/release/bin/test_builder)
./scripts/build.sh release burnish test_cuda test_builder
rm -rf "$out"
mkdir -p "$out/bin" "$out/lib"
for program in "${programs[@]}"; do
  install -s "$program" "$out/bin/"
  # Not the C and C++ libraries: the machine's own serve.
  ldd "$program" | awk '$3 ~ /^\// {print $3}' | grep -vE '/(libc|libm|libstdc\+\+|libgcc_s|ld-linux[^/]*|libdl|libpthread|librt)\.so' |
    while read -r library; do cp -L "$library" "$out/lib/"; done
done
if [ -d "${BURNISH_CACHE_DIR:-$HOME/.cache/burnish}/cubins" ] && [ "${1-}" = --cubins ]; then
  cp -r "${BURNISH_CACHE_DIR:-$HOME/.cache/burnish}/cubins" "$out/cubins"
fi
du -sh "$out"
