#!/usr/bin/env bash
# Checks and times the CUDA target on a machine with a GPU, from what scripts/gpu_bundle.sh gathered.
#
#   scripts/gpu_check.sh                          all of it but the sanitizers
#   scripts/gpu_check.sh tactics 'CudaGemm*'      only tactics, of this test filter
#   scripts/gpu_check.sh sanitize 'CudaGemm*'     tactics under compute-sanitizer: memcheck, racecheck, initcheck
#   scripts/gpu_check.sh engines                  contexts, streams, memory, threads (BURNISH_SOAK_SECONDS=60)
#   scripts/gpu_check.sh serve                    the server: instances on GPUs, clients' GPU memory, metrics
#   scripts/gpu_check.sh models                   whole models against ONNX Runtime
#   scripts/gpu_check.sh peers [arguments]        bench/gpu_peers.py
# Logs go to $OUT, or build/gpu/log.
set -uo pipefail
cd "$(dirname "$0")/.."
bundle=build/gpu
log="${OUT:-$bundle/log}"
mkdir -p "$log"
export LD_LIBRARY_PATH="$PWD/$bundle/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -d "$bundle/cubins" ] && export BURNISH_CACHE_DIR="$PWD/$bundle"
export BURNISH_PROGRAM="$PWD/$bundle/bin/burnish"
failed=()

step() {  # step NAME COMMAND…
  local name="$1" start=$SECONDS
  shift
  echo "== $name: $*"
  "$@" 2>&1 | tee "$log/$name.log" | grep -vE '^\[ +(OK|RUN) |^\[---' | tail -n "${LINES_SHOWN:-60}"
  local rc=${PIPESTATUS[0]}
  echo "== $name: rc $rc, $((SECONDS - start)) s"
  [ "$rc" = 0 ] || failed+=("$name")
}

tactics() { step tactics "$bundle/bin/test_cuda" --gtest_filter="${1:-*}"; }
sanitize() {
  for tool in memcheck racecheck initcheck; do
    step "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 "$bundle/bin/test_cuda" --gtest_filter="${1:-*}"
  done
}
engines() { step engines "$bundle/bin/test_builder" --gtest_filter='CudaEngine.*:BuildTarget.*'; }
serve() { step serve env BURNISH="$PWD/$bundle/bin/burnish" python3 tests/serve/test_gpu.py -v; }
models() {
  local precision
  for precision in ${PRECISIONS:-fp32 fp16}; do
    step "models_$precision" python3 tests/models/test_models.py --target cuda --precision "$precision" \
      --program "$bundle/bin/burnish" "$@"
  done
}
peers() { step peers python3 bench/gpu_peers.py "$@"; }

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
case "${1:-all}" in
  all) tactics && engines && serve && models && peers ;;
  tactics | sanitize | engines | serve | models | peers) "$@" ;;
  *) echo "gpu_check.sh: unknown part '$1'" >&2; exit 2 ;;
esac
((${#failed[@]} == 0)) || { echo "FAILED: ${failed[*]}"; exit 1; }
