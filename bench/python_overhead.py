#!/usr/bin/env python3
"""What a call from Python costs over the same call from C++, on an engine that does next to nothing.

    PYTHONPATH=build/release/python .venv/bin/python bench/python_overhead.py [--rounds 20000] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np

import burnish
from burnish import _core

BAR_US = 5.0


def tiny_model(num_inputs: int) -> bytes:
    """The sum of its inputs, four floats each."""
    writer = _core.ModelWriter("tiny")
    names = [f"x{i}" for i in range(num_inputs)]
    for name in names:
        writer.add_input(name, _core.DataType.FLOAT32, [1, 4])
    writer.add_node("Sum", names, ["y"])
    writer.mark_output("y")
    return writer.serialize()


def median_us(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1e3


def measure(num_inputs: int, rounds: int) -> dict[str, float]:
    engine = burnish.build(tiny_model(num_inputs), threads=1, opt_level=1)
    arrays = [np.ones((1, 4), np.float32) for _ in range(num_inputs)]
    named = {f"x{i}": array for i, array in enumerate(arrays)}
    out = np.empty((1, 4), np.float32)
    clock = median_us(lambda: None, rounds)
    native = engine.time_native_call(named, rounds)
    calls: dict[str, Callable[[], object]] = {"engine(x)": lambda: engine(*arrays),
                                              "engine(x, out=y)": lambda: engine(*arrays, out=out),
                                              "engine.run({…})": lambda: engine.run(named)}
    figures = {name: median_us(call, rounds) - clock - native for name, call in calls.items()}
    return {"C++ call": native, **figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {n: measure(n, options.rounds) for n in (1, 2, 4)}
    if options.json:
        print(json.dumps(results))
        return
    names = list(results[1])
    print(f"{'inputs':<8}{names[0]:>12}" + "".join(f"{'+ ' + name:>24}" for name in names[1:]))
    for n, figures in results.items():
        print(f"{n:<8}{figures[names[0]]:>9.2f} µs" + "".join(f"{figures[name]:>21.2f} µs" for name in names[1:]))
    print(f"over the C++ call; the bar is {BAR_US:.0f} µs for engine(x)")


if __name__ == "__main__":
    main()
