#!/usr/bin/env bash
# A case that is often told: a model takes 10 ms, optimised 2.6 ms, at 100,000 and 1,000,000 requests a day. The pure sum of
# compute is 0.278 and 2.78 hours a day, and 0.722 at 2.6 ms (not 2.8, 28 and 7.2). What a latency target, a daily peak and a
# spare make of it is a plan; docs/cost.md reads it. More options may follow, such as --html cost.html.
set -euo pipefail
cd "$(dirname "$0")/../.."
build/release/bin/burnish cost --variant before=1:10ms --variant after=1:2.6ms --requests-per-day 100k \
  --requests-per-day 1M --requests-per-day 10M --p99 50ms --profile office --peak-factor 1.5 --spare 1 \
  --prices examples/cost/prices.toml --machine gpu --one-off-cost 5000USD "$@"
