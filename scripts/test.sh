#!/usr/bin/env bash
# Everything that must hold, from a bare clone: installs, builds, tests. CI runs just this.
#
#   scripts/test.sh                 all stages
#   scripts/test.sh unit models     only these: unit node python models serve precision asan tsan lint
set -euo pipefail
cd "$(dirname "$0")/.."
stages=("$@")
((${#stages[@]})) || stages=(unit node python models serve precision asan tsan lint)
./scripts/setup.sh --tests
python=.venv/bin/python
passed=0
failed=()

stage() {  # stage NAME COMMAND…: runs it, remembers how it ended
  local name="$1" start=$SECONDS
  shift
  echo
  echo "== $name"
  if "$@"; then
    echo "== $name: ok, $((SECONDS - start)) s"
    passed=$((passed + 1))
  else
    echo "== $name: FAILED, $((SECONDS - start)) s"
    failed+=("$name")
  fi
}

build() { ./scripts/build.sh "$@" | tail -n 3; return "${PIPESTATUS[0]}"; }
# Of the GPU programs, where there is no GPU, each test compiles its first: all of them take two minutes more.
unit() { build release && BURNISH_COMPILE_FIRST=1 ctest --preset release -j2 -E '^node'; }
node() {
  build release && "$python" tests/node/export_cases.py build/node_cases &&
    build/release/bin/test_node_runner --cases build/node_cases --excluded tests/node/excluded.txt
}
# In two processes, one a core. The wheel is made of what the release build has compiled already.
python() {
  build release && printf '%s\n' 'test_b*.py' 'test_[!b]*.py' |
    PYTHONPATH=build/release/python xargs -P 2 -I{} "$python" -m unittest discover -s tests/python -p {} &&
    "$python" tests/python/check_wheel.py build/release
}
models() { build release && "$python" tests/models/test_models.py --jobs 2; }
# The server as its users meet it: processes, Triton's clients, gateways.
serve() { build release burnish && "$python" -m unittest discover -s tests/serve; }
precision() { build release && "$python" tests/models/test_precision.py; }
# The fast tests: whole models, builds with trials and the program's own tests are left to the release build, and so are
# products in every combination, whose code others run.
slow='*AllocatesNothing*:PrecisionBuild.*:BuildTest.EveryLevelBuilds:*EveryActivationWithEveryResidual*:*/float16'
slow+=':*ReadsAndWritesAnyEncoding:*ReadAndWriteAnyEncoding'
# Long simulations, whose code short ones run.
slow+=':WorkedCase.*:*PoissonQueues*:PoissonAudit.*:*TheoryStandsBesideTheSimulation:*InstancesThatShareAQueueCarryMoreEach'
slow+=':Report.Sensitivity*:Report.GrowthPaysSooner:Report.PaybackByHand'
fuzzers=(import_fuzzer engine_fuzzer grpc_fuzzer http_request_fuzzer http_infer_fuzzer http_endpoints_fuzzer http_inflate_fuzzer)
asan() {
  build asan burnish_unit_tests "${fuzzers[@]}" && GTEST_FILTER="-$slow" ctest --preset asan -j2 -E '^(node|cli|bench)'
}
tsan() {
  build tsan test_base test_runtime test_server test_server_http &&
    ctest --preset tsan -j2 -R '^(base|runtime|server|server_http)$'
}
# All files take eight minutes: scripts/lint.sh without arguments does them.
lint() { ./scripts/lint.sh --recent; }

for s in "${stages[@]}"; do
  case "$s" in
    unit | node | python | models | serve | precision | asan | tsan | lint) stage "$s" "$s" ;;
    *) echo "test.sh: unknown stage '$s'" >&2; exit 2 ;;
  esac
done
echo
((${#failed[@]} == 0)) || echo "failed stages: ${failed[*]}"
echo "$passed passed, ${#failed[@]} failed"
((${#failed[@]} == 0))
