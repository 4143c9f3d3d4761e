#!/usr/bin/env bash
# Everything that must hold, from a bare clone: installs, builds, tests. CI runs just this.
#
#   scripts/test.sh                 all stages
#   scripts/test.sh unit models     only these: unit node python models serve precision asan tsan lint
#   scripts/test.sh --rerun …       also what has passed with the very programs, tests and data that are here now
set -euo pipefail
cd "$(dirname "$0")/.."
rerun=""
if [ "${1:-}" = --rerun ]; then
  rerun=1
  shift
fi
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

# Whole models and sanitizers take minutes: where nothing of them, the system's libraries included, has changed since they
# passed, they are not run again.
once() {  # once STAGE 'PROGRAMS' COMMAND…
  local stamp="build/passed/$1" key
  # shellcheck disable=SC2086  # the programs are a pattern
  key=$({ printf '%s\n' $2 scripts/test.sh .venv/.installed; find tests examples -type f -not -path '*/__pycache__/*' | sort
    ldd $2 2>/dev/null | sed -n 's|.* => \(/[^ ]*\) .*|\1|p' | sort -u; } | xargs -d '\n' sha256sum | sha256sum)
  if [ -z "$rerun" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
    echo "passed before with the same programs, tests and data; scripts/test.sh --rerun $1 repeats it"
    return 0
  fi
  "${@:3}" || return 1
  mkdir -p build/passed && echo "$key" >"$stamp"
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
models() { build release && once models build/release/bin/burnish "$python" tests/models/test_models.py --jobs 2; }
# The server as its users meet it: processes, Triton's clients, gateways.
serve() { build release burnish && "$python" -m unittest discover -s tests/serve; }
precision() { build release && once precision build/release/bin/burnish "$python" tests/models/test_precision.py; }
# The fast tests: whole models, builds with trials and the program's own tests are left to the release build, and so are
# products in every combination, whose code others run.
slow='*AllocatesNothing*:PrecisionBuild.*:BuildTest.EveryLevelBuilds:*EveryActivationWithEveryResidual*:*/float16'
slow+=':*ReadsAndWritesAnyEncoding:*ReadAndWriteAnyEncoding'
# Long simulations, whose code short ones run.
slow+=':WorkedCase.*:*PoissonQueues*:PoissonAudit.*:*TheoryStandsBesideTheSimulation:*InstancesThatShareAQueueCarryMoreEach'
slow+=':Report.Sensitivity*:Report.GrowthPaysSooner:Report.PaybackByHand'
fuzzers=(import_fuzzer engine_fuzzer grpc_fuzzer http_request_fuzzer http_infer_fuzzer http_endpoints_fuzzer http_inflate_fuzzer)
asan() {
  build asan burnish_unit_tests "${fuzzers[@]}" &&
    once asan 'build/asan/bin/*' env GTEST_FILTER="-$slow" ctest --preset asan -j2 -E '^(node|cli|bench)'
}
# What damaged engines reach is a matter of memory, not of threads.
single_threaded='*SurvivesDamagedPlans*:*Damage.*'
tsan() {
  build tsan test_base test_runtime test_server test_server_http &&
    once tsan 'build/tsan/bin/*' env GTEST_FILTER="-$single_threaded" ctest --preset tsan -j2 -R '^(base|runtime|server|server_http)$'
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
