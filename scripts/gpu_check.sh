#!/usr/bin/env bash
# Checks and times the CUDA target on a machine with a GPU, from what scripts/gpu_bundle.sh gathered.
#
#   scripts/gpu_check.sh                          all of it but the sanitizers
#   scripts/gpu_check.sh tactics 'CudaGemm*'      only tactics, of this test filter
#   scripts/gpu_check.sh sanitize 'CudaGemm*'     tactics under compute-sanitizer (TOOLS="memcheck racecheck initcheck")
#   scripts/gpu_check.sh engines                  contexts, streams, memory, threads (BURNISH_SOAK_SECONDS=60)
#   scripts/gpu_check.sh serve                    the server: instances on GPUs, clients' GPU memory, metrics
#   scripts/gpu_check.sh python                   the Python package: memory, streams, PyTorch, TensorRT's API and samples
#   scripts/gpu_check.sh models                   whole models against ONNX Runtime
#   scripts/gpu_check.sh peers [arguments]        bench/gpu_peers.py
# Tests of tactics run in PROCESSES side by side [half of the cores], each at most LIMIT seconds [1200]. Logs go to $OUT, or
# build/gpu/log.
set -uo pipefail
cd "$(dirname "$0")/.."
bundle=build/gpu
log="${OUT:-$bundle/log}"
if [ "$bundle.tar.xz" -nt "$bundle" ]; then
  rm -rf "$bundle"
  python3 -m tarfile -e "$bundle.tar.xz" build  # not every machine has xz
  touch "$bundle"
fi
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

# side_by_side NAME COMMAND…: a Google Test program's tests dealt out to processes, then how each of them ended.
side_by_side() {
  local name="$1" start=$SECONDS i rc=0 processes="${PROCESSES:-$((($(nproc) + 1) / 2))}" jobs=()
  shift
  echo "== $name: $processes × $*"
  for ((i = 0; i < processes; i++)); do
    GTEST_TOTAL_SHARDS=$processes GTEST_SHARD_INDEX=$i timeout "${LIMIT:-1200}" "$@" >"$log/$name.$i.log" 2>&1 &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || rc=$?; done
  cat "$log/$name".*.log >"$log/$name.log"
  rm "$log/$name".*.log
  grep -E '^\[  FAILED|^\[  PASSED|ERROR SUMMARY|RACECHECK SUMMARY|========= (Invalid|Uninit|Error|Race|Program)' "$log/$name.log" |
    sort | uniq -c | head -n "${LINES_SHOWN:-60}"
  echo "== $name: rc $rc, $((SECONDS - start)) s, $(grep -c '^\[       OK' "$log/$name.log") passed," \
    "$(grep -c '^\[  SKIPPED' "$log/$name.log") skipped, $(grep -c '^\[  FAILED.*ms)' "$log/$name.log") failed"
  [ "$rc" = 0 ] || failed+=("$name")
}

tactics() { side_by_side tactics "$bundle/bin/test_cuda" --gtest_filter="${1:-*}"; }
sanitize() {
  export BURNISH_TIMED_RUNS=0 PATH="$PATH:/usr/local/cuda/bin"
  for tool in ${TOOLS:-memcheck racecheck initcheck}; do
    # nvjet…: cuBLASLt's own kernels, in which racecheck takes barriers between blocks of a cluster for races.
    side_by_side "$tool" compute-sanitizer --tool "$tool" --kernel-name-exclude kernel_substring=nvjet --error-exitcode 9 \
      "$bundle/bin/test_cuda" --gtest_filter="${1:-*}"
  done
}
engines() { step engines "$bundle/bin/test_builder" --gtest_filter='CudaEngine.*:CudaFailure.*:BuildTarget.*'; }
python() {
  export PYTHONPATH="$PWD/$bundle/python"
  local script
  step python python3 -m unittest discover -s tests/python -p test_gpu.py -v
  for script in classification dynamic_batch network_by_hand refit; do
    step "sample_$script" python3 "examples/python/tensorrt/$script.py"
  done
  step torch_to_engine python3 examples/python/torch_to_engine.py
}
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
  all) tactics && engines && serve && python && models && peers ;;
  tactics | sanitize | engines | serve | python | models | peers) "$@" ;;
  *) echo "gpu_check.sh: unknown part '$1'" >&2; exit 2 ;;
esac
((${#failed[@]} == 0)) || { echo "FAILED: ${failed[*]}"; exit 1; }
