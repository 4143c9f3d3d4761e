#!/usr/bin/env python3
"""Is the batching simulator right? A real server and its simulation under the same Poisson arrivals.

    .venv/bin/python bench/server/simulation.py [--seconds 20] [--delay 0ms] [--server-core 1] [--load-core 0]

A model of some milliseconds on one thread behind `burnish serve` with dynamic batching, on a core of its own; the load
generator has another, and the machine must be quiet otherwise. Measured first, under arrivals of their own: how long a
batch of every size takes the server's instance, by the server's statistics, which `burnish audit` reads as well. Then 30,
60 and 85 % of the capacity that follows: the simulator gets these times and the arrivals, and nothing of these runs' own.
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
from bars import BIN, HTTP, WORK, Server, http_load, instances, repository, save
from onnx import helper, numpy_helper

WIDTH, LAYERS, MAX_BATCH = 1024, 128, 8
SIZES = (1, 2, 3, 4, 6, 8)
LOADS = (0.85, 0.60, 0.30)  # the highest first: should the machine's speed change, that one would feel it most
CALIBRATION_LOAD, LEAST_SEEN = 0.8, 20  # of what largest batches would do: all sizes form there, each so often
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


def serve(args):
    batching = {"max_queue_delay_microseconds": round(float(args.delay.removesuffix("ms")) * 1e3)}
    config = {"max_batch_size": MAX_BATCH, **instances(1, 1), "dynamic_batching": batching}
    return Server(repository("simulation", WORK / "products.engine", config), args.server_core)


def batch_counters():
    """{size: [batches, nanoseconds that they took the instance]}, so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/v2/models/m/stats") as answer:
        stats = json.load(answer)["model_stats"][0]
    return {b["batch_size"]: np.array([b["busy"]["count"], b["busy"]["ns"]]) for b in stats["batch_stats"]}


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


def load(args, server, rate, seed, times=None):
    """What bench_simulation says, and the server's batches as batch_counters() has them."""
    simulated = ["--times", ",".join(f"{size}:{ms:.6f}ms" for size, ms in times.items())] if times else []
    before, threads = batch_counters(), thread_ms(server)
    run = output_of(BIN / "bench_simulation", "--port", HTTP, "--model", "m", "--input", "x", "--shape", f"1,{WIDTH}",
                    "--rate", rate, "--requests", int(rate * args.seconds), "--seed", seed, "--max-batch", MAX_BATCH,
                    "--queue-delay", args.delay, *simulated)
    batches = {size: counts - before.get(size, 0) for size, counts in batch_counters().items()}
    protocol, waited = thread_ms(server) - threads
    held_up, late_us = max(0.0, waited - protocol) / args.seconds / 1e3, run["sent_late_us"]
    noisy = late_us > QUIET_US or held_up > QUIET_SHARE
    print(f"{rate:.0f}/s: sent {late_us:.1f} us late on average, others had the server's core for {held_up:.1%} or more"
          f"{': NOT A QUIET MACHINE' if noisy else ''}", flush=True)
    return run, batches


def batch_times(args, server):
    """Mean milliseconds that a batch takes the instance, by its size: inputs, execution, answers, and what the server's
    other threads take of the core meanwhile. The arrivals are others than those of the runs that are compared."""
    http_load((1, WIDTH), 2 * MAX_BATCH, 2)  # so many clients always leave the largest batch waiting
    largest, ns = batch_counters()[MAX_BATCH]
    _, batches = load(args, server, CALIBRATION_LOAD * MAX_BATCH * largest / (ns / 1e9), args.seed + 1)
    seldom = [size for size in SIZES if batches.get(size, (0, 0))[0] < LEAST_SEEN]
    if seldom:
        sys.exit(f"simulation.py: fewer than {LEAST_SEEN} batches of {seldom} while times were measured: give more --seconds")
    times = {size: batches[size][1] / batches[size][0] / 1e6 for size in SIZES}
    for size, ms in times.items():
        print(f"batch {size}: {ms:.3f} ms (mean of {batches[size][0]})")
    return times


def mean_batch(batches):
    return sum(size * count for size, count in batches.items()) / sum(batches.values())


def shares(batches):
    return ", ".join(f"{size}: {batches.get(size, 0) / sum(batches.values()):.1%}" for size in SIZES)


def at_load(args, server, rate, times):
    """{figure: (real, simulated)}"""
    run, counters = load(args, server, rate, args.seed, times)
    real, simulated = run["measured"], run["simulated"]
    formed = {size: count for size, (count, _) in counters.items()}
    expected = {int(size): count for size, count in simulated["batches"].items()}
    print(f"  mean latency {real['mean_ms']:.3f} ms, simulated {simulated['mean_ms']:.3f}; sizes of batches\n"
          f"  real      {shares(formed)}\n  simulated {shares(expected)}", flush=True)
    return {"requests/s": (real["requests_per_s"], simulated["requests_per_s"]),
            "mean batch": (mean_batch(formed), mean_batch(expected)), "p99 ms": (real["p99_ms"], simulated["p99_ms"])}


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
    with serve(args) as server:
        times = batch_times(args, server)
        capacity = max(size / ms * 1e3 for size, ms in times.items())
        print(f"capacity {capacity:.0f} requests/s", flush=True)
        results = {share: at_load(args, server, share * capacity, times) for share in LOADS}
    missed = 0
    print(f"\n{'load':>5} {'figure':<11}{'real':>9}{'simulated':>11}{'ratio':>8}{'bar':>7}")
    for share, figures in sorted(results.items()):
        for figure, (real, simulated) in figures.items():
            ratio, bar = simulated / real, BARS[figure]
            missed += abs(ratio - 1) > bar
            print(f"{share:>5.0%} {figure:<11}{real:>9.2f}{simulated:>11.2f}{ratio:>8.3f}{f'±{bar:.0%}':>7}"
                  f"{'  MISSED' if abs(ratio - 1) > bar else ''}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
