#!/usr/bin/env python3
"""Is the batching simulator right? A real server and its simulation under the same Poisson arrivals.

    .venv/bin/python bench/server/simulation.py [--seconds 20] [--delay 0ms] [--server-core 1] [--load-core 0]

A model of three products of 2048x2048 on one thread behind `burnish serve` with dynamic batching, on a core of its own; the
load generator has another, and the machine must be quiet otherwise. Measured first: the time of every batch size (`burnish
bench`) and what the server adds to a request (an identity of the same size, at saturation). Then 30, 60 and 85 % of the
capacity that follows. Prints both sides and their ratio; the exit code tells whether throughput and mean batch are within
5 %, p99 within 15 %. Needs a release build and scripts/setup.sh --tests.
"""
import argparse
import json
import os
import subprocess
import sys
import urllib.request

import numpy as np
from bars import BIN, HTTP, WORK, Server, http_load, instances, repository, save
from onnx import helper, numpy_helper

WIDTH, LAYERS, MAX_BATCH = 2048, 3, 8
SIZES = (1, 2, 3, 4, 6, 8)
LOADS = (0.30, 0.60, 0.85)
BARS = {"requests/s": 0.05, "mean batch": 0.05, "p99 ms": 0.15}


def make_models():
    WORK.mkdir(parents=True, exist_ok=True)
    save("wide_identity", [helper.make_node("Identity", ["x"], ["y"])], [], WIDTH)
    rng = np.random.default_rng(0)
    weights = [numpy_helper.from_array((rng.standard_normal((WIDTH, WIDTH)) / WIDTH**0.5).astype(np.float32), f"w{i}")
               for i in range(LAYERS)]
    names = ["x", *(f"h{i}" for i in range(LAYERS - 1)), "y"]
    save("products", [helper.make_node("MatMul", [names[i], f"w{i}"], [names[i + 1]]) for i in range(LAYERS)], weights, WIDTH)
    for name in ("wide_identity", "products"):
        profile = f"x=1x{WIDTH}:{MAX_BATCH}x{WIDTH}:{MAX_BATCH}x{WIDTH}"
        subprocess.run([BIN / "burnish", "build", WORK / f"{name}.onnx", "-o", WORK / f"{name}.engine", "--profile", profile,
                        "--threads", "1", "--quiet"], check=True)


def output_of(*words):
    return json.loads(subprocess.run([str(w) for w in words], check=True, stdout=subprocess.PIPE, text=True).stdout)


def batch_times(core):
    """Mean milliseconds of a batch by its size."""
    times = {}
    for size in SIZES:
        bench = output_of("taskset", "-c", core, BIN / "burnish", "bench", WORK / "products.engine", "--threads", 1,
                          "--duration", 2, "--shape", f"x={size}x{WIDTH}", "--json")
        times[size] = 1e3 / bench["executions_per_s"]
        print(f"batch {size}: {times[size]:.3f} ms (median {bench['median_ms']:.3f}, p99 {bench['p99_ms']:.3f})", flush=True)
    return times


def serve(name, engine, core, config):
    return Server(repository(name, WORK / engine, {"max_batch_size": MAX_BATCH, **instances(1, 1), **config}), core)


def overhead_us(core):
    """Of a request: everything that the server's core does for it but the model."""
    with serve("overhead", "wide_identity.engine", core, {}):
        return 1e6 / http_load((1, WIDTH), 32, 3)["inferences_per_second"]


def counters():
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/v2/models/m/stats") as answer:
        stats = json.load(answer)["model_stats"][0]
    return stats["inference_count"], stats["execution_count"], stats["batch_stats"]


def at_load(args, load, capacity, times, overhead):
    """{figure: (real, simulated)}"""
    rate = load * capacity
    before = counters()
    typed = ",".join(f"{size}:{ms:.6f}ms" for size, ms in times.items())
    run = output_of(BIN / "bench_simulation", "--port", HTTP, "--model", "m", "--input", "x", "--shape", f"1,{WIDTH}",
                    "--rate", rate, "--requests", int(rate * args.seconds), "--seed", args.seed, "--times", typed,
                    "--max-batch", MAX_BATCH, "--queue-delay", args.delay, "--overhead", f"{overhead:.3f}us")
    after = counters()
    real, simulated = run["measured"], run["simulated"]["prepared_sizes"]
    print(f"{load:.0%} of {capacity:.0f}/s: sent {run['sent_late_us']:.1f} us late on average; "
          f"mean latency {real['mean_ms']:.3f} ms, simulated {simulated['mean_ms']:.3f}", flush=True)
    if args.verbose:
        print(json.dumps(run, indent=1))
        print(json.dumps(after[2]))
    mean_batch = (after[0] - before[0]) / (after[1] - before[1])
    return {"requests/s": (real["requests_per_s"], simulated["requests_per_s"]),
            "mean batch": (mean_batch, simulated["mean_batch"]), "p99 ms": (real["p99_ms"], simulated["p99_ms"])}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--seconds", type=float, default=20, help="at each load")
    ap.add_argument("--delay", default="0ms", help="max_queue_delay_microseconds, such as 2ms")
    ap.add_argument("--server-core", type=int, default=1)
    ap.add_argument("--load-core", type=int, default=0)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--verbose", action="store_true")
    args = ap.parse_args()
    os.sched_setaffinity(0, {args.load_core})  # and of all that is started here; the server is told otherwise
    make_models()
    times = batch_times(args.server_core)
    overhead = overhead_us(args.server_core)
    capacity = max(size / (ms / 1e3 + size * overhead / 1e6) for size, ms in times.items())
    print(f"a request costs the server {overhead:.1f} us; capacity {capacity:.0f} requests/s", flush=True)
    delay_us = round(float(args.delay.removesuffix("ms")) * 1e3)
    batching = {"dynamic_batching": {"max_queue_delay_microseconds": delay_us}}
    with serve("simulation", "products.engine", args.server_core, batching):
        results = {load: at_load(args, load, capacity, times, overhead) for load in LOADS}
    missed = 0
    print(f"\n{'load':>5} {'figure':<11}{'real':>9}{'simulated':>11}{'ratio':>8}{'bar':>7}")
    for load, figures in results.items():
        for figure, (real, simulated) in figures.items():
            ratio, bar = simulated / real, BARS[figure]
            missed += abs(ratio - 1) > bar
            print(f"{load:>5.0%} {figure:<11}{real:>9.2f}{simulated:>11.2f}{ratio:>8.3f}{f'±{bar:.0%}':>7}"
                  f"{'  MISSED' if abs(ratio - 1) > bar else ''}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
