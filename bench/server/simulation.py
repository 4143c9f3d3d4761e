#!/usr/bin/env python3
"""Is the batching simulator right? A real server and its simulation under the same Poisson arrivals.

    .venv/bin/python bench/server/simulation.py [--seconds 20] [--delay 0ms] [--server-core 1] [--load-core 0]

A model of some milliseconds on one thread behind `burnish serve` with dynamic batching, on a core of its own; the load
generator has another, and the machine must be quiet otherwise. Measured first: the time of every batch size (`burnish
bench`) and what else the server's core does for batches and requests. Then 30, 60 and 85 % of the capacity that follows.
Prints both sides and their ratio; the exit code tells whether throughput and mean batch are within 5 %, p99 within 15 %.
Needs a release build and scripts/setup.sh --tests.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import numpy as np
from bars import BIN, HTTP, WORK, Server, instances, repository, save
from onnx import helper, numpy_helper

WIDTH, LAYERS, MAX_BATCH = 1024, 128, 8
SIZES = (1, 2, 3, 4, 6, 8)
LOADS = (0.30, 0.60, 0.85)
BARS = {"requests/s": 0.05, "mean batch": 0.05, "p99 ms": 0.15}
QUIET_US, QUIET_SHARE = 20, 0.005  # above, others held the load generator or the server up


def make_model():
    """Products with one matrix, again and again: it stays in the caches, so that the times of batches do not depend on what
    else uses the memory."""
    if (WORK / "products.engine").exists():
        return
    WORK.mkdir(parents=True, exist_ok=True)
    matrix = np.random.default_rng(0).standard_normal((WIDTH, WIDTH)) / WIDTH**0.5
    names = ["x", *(f"h{i}" for i in range(LAYERS - 1)), "y"]
    save("products", [helper.make_node("MatMul", [names[i], "w"], [names[i + 1]]) for i in range(LAYERS)],
         [numpy_helper.from_array(matrix.astype(np.float32), "w")], WIDTH)
    profile = f"x=1x{WIDTH}:{MAX_BATCH}x{WIDTH}:{MAX_BATCH}x{WIDTH}"
    subprocess.run([BIN / "burnish", "build", WORK / "products.onnx", "-o", WORK / "products.engine", "--profile", profile,
                    "--threads", "1", "--quiet"], check=True)


def output_of(*words):
    return json.loads(subprocess.run([str(w) for w in words], check=True, stdout=subprocess.PIPE, text=True).stdout)


def batch_times(core):
    """Median milliseconds of a batch by its size, as `burnish cost` takes them."""
    times = {}
    for size in SIZES:
        bench = output_of("taskset", "-c", core, BIN / "burnish", "bench", WORK / "products.engine", "--threads", 1,
                          "--duration", 2, "--shape", f"x={size}x{WIDTH}", "--json")
        times[size] = bench["median_ms"]
        print(f"batch {size}: {times[size]:.3f} ms (p99 {bench['p99_ms']:.3f})", flush=True)
    return times


def serve(args):
    batching = {"max_queue_delay_microseconds": round(float(args.delay.removesuffix("ms")) * 1e3)}
    config = {"max_batch_size": MAX_BATCH, **instances(1, 1), "dynamic_batching": batching}
    return Server(repository("simulation", WORK / "products.engine", config), args.server_core)


def counters():
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/v2/models/m/stats") as answer:
        stats = json.load(answer)["model_stats"][0]
    return stats["inference_count"], stats["execution_count"]


def thread_ms(server):
    """CPU time of all the server's threads but the instance's, and how long the instance's waited for its core."""
    protocol, waited = 0.0, 0.0
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        ran, queued, _ = map(int, (task / "schedstat").read_text().split())  # nanoseconds
        if (task / "comm").read_text().startswith("m_0_0"):
            waited += queued / 1e6
        else:
            protocol += ran / 1e6
    return np.array([protocol, waited])


def load(args, rate, seconds, seed, times, overhead_us=(0.0, 0.0)):
    typed = ",".join(f"{size}:{ms:.6f}ms" for size, ms in times.items())
    return output_of(BIN / "bench_simulation", "--port", HTTP, "--model", "m", "--input", "x", "--shape", f"1,{WIDTH}",
                     "--rate", rate, "--requests", int(rate * seconds), "--seed", seed, "--times", typed,
                     "--max-batch", MAX_BATCH, "--queue-delay", args.delay, "--batch-overhead", f"{overhead_us[0]:.3f}us",
                     "--request-overhead", f"{overhead_us[1]:.3f}us")


def overhead_us(args, server, times):
    """What the server's core does beside the model, for a batch and for a request: its CPU time at two loads. Batches differ
    in size between them; the first request after a model's execution finds cold caches and sleeping threads."""
    seconds, best = 5, max(size / ms * 1e3 for size, ms in times.items())
    counts, spent_us = [], []
    for share in (0.15, 0.75):
        before, threads = counters(), thread_ms(server)
        load(args, share * best, seconds, args.seed + 1, times)
        after = counters()
        counts.append([after[1] - before[1], after[0] - before[0]])
        spent_us.append((thread_ms(server) - threads)[0] * 1e3)
    return np.maximum(np.linalg.solve(counts, spent_us), 0)


def at_load(args, server, rate, times, overhead):
    """{figure: (real, simulated)}"""
    before, threads = counters(), thread_ms(server)
    run = load(args, rate, args.seconds, args.seed, times, overhead)
    after, (protocol, waited) = counters(), thread_ms(server) - threads
    real, simulated, late_us = run["measured"], run["simulated"], run["sent_late_us"]
    held_up = max(0.0, waited - protocol) / args.seconds / 1e3
    noisy = late_us > QUIET_US or held_up > QUIET_SHARE
    print(f"{rate:.0f}/s: sent {late_us:.1f} us late on average, others had the server's core for {held_up:.1%} or more"
          f"{': NOT A QUIET MACHINE' if noisy else ''}; mean latency {real['mean_ms']:.3f} ms, simulated "
          f"{simulated['mean_ms']:.3f}", flush=True)
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
    args = ap.parse_args()
    os.sched_setaffinity(0, {args.load_core})  # and of all that is started here; the server is told otherwise
    make_model()
    times = batch_times(args.server_core)
    with serve(args) as server:
        overhead = overhead_us(args, server, times)
        capacity = max(size / (ms / 1e3 + (overhead[0] + size * overhead[1]) / 1e6) for size, ms in times.items())
        print(f"beside the model a batch costs the server {overhead[0]:.1f} us, a request {overhead[1]:.1f}; capacity "
              f"{capacity:.0f} requests/s", flush=True)
        results = {share: at_load(args, server, share * capacity, times, overhead) for share in LOADS}
    missed = 0
    print(f"\n{'load':>5} {'figure':<11}{'real':>9}{'simulated':>11}{'ratio':>8}{'bar':>7}")
    for share, figures in results.items():
        for figure, (real, simulated) in figures.items():
            ratio, bar = simulated / real, BARS[figure]
            missed += abs(ratio - 1) > bar
            print(f"{share:>5.0%} {figure:<11}{real:>9.2f}{simulated:>11.2f}{ratio:>8.3f}{f'±{bar:.0%}':>7}"
                  f"{'  MISSED' if abs(ratio - 1) > bar else ''}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
