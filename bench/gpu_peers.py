#!/usr/bin/env python3
"""Burnish's CUDA target beside PyTorch: the same models on the same GPU, interleaved rounds in one run.

    bench/gpu_peers.py                                   three models at batch 1, 32 and 128, in about six minutes
    bench/gpu_peers.py --quick --skip-compile            the batches that have a bar, few rounds: a minute and a half
    bench/gpu_peers.py --models bert --batches 1 --profile --json bert.json

Columns: PyTorch eager in FP32 as it comes, FP16 in a captured CUDA graph, torch.compile(mode="reduce-overhead") with frozen
weights, the last two with channels-last images and cuDNN's benchmark mode. Every column runs in a process of its own and
takes the GPU only in its turn; a round gives each in turn the same time, rounds follow each other A B C A B C …. Times are
CUDA events around one execution, inputs on the device: of a round the median, of all rounds the median of those; ratios are
the medians of the ratios within a round. A column that fails shows its error and leaves the others alone.

Weights are random and nothing is fetched. PyTorch gets the easier case where both differ: inputs in FP16 already, BERT
without a padding mask. Burnish builds one engine a batch from the ONNX model; of each model the first is built with the
timing cache and the cache of compiled kernels emptied, then again with both warm (--quick: once, with what is there).

Needs an NVIDIA GPU, a built program, and PyTorch, torchvision, onnx and numpy. bench/gpu_bars.py holds the bars.
"""
import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys
import time

import gpu_tables
from child_process import ColumnError
from gpu_bars import BARS
from gpu_columns import BURNISH, COMPILE, PYTORCH, BurnishColumn, card_peaks, started
from peer_columns import ROOT, filled_model

BATCHES = {"resnet50": (1, 32, 128), "bert": (1, 32, 128), "yolov5s": (1, 32)}
MIN_ROUNDS = 2


def parse_args(argv):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--models", default=",".join(BATCHES), help=f"comma separated, of {', '.join(BATCHES)}")
    ap.add_argument("--batches", help="comma separated [1,32,128, YOLOv5s 1,32; with --quick those that have a bar]")
    ap.add_argument("--precision", default="fp16", choices=("fp16", "bf16", "fp32"), help="of Burnish's engines")
    ap.add_argument("--sequence", type=int, default=128)
    ap.add_argument("--rounds", type=int, help=f"at least {MIN_ROUNDS} [5, with --quick 2]")
    ap.add_argument("--seconds", type=float, help="of one column in one round [0.3, with --quick 0.2]")
    ap.add_argument("--budget", type=float,
                    help="seconds to fit into: rounds are cut short, then rows left out [340, with --quick 80]")
    ap.add_argument("--skip-compile", action="store_true", help="without torch.compile, which takes long")
    ap.add_argument("--compile-seconds", type=float, default=150, help="most that all of torch.compile's columns may take")
    ap.add_argument("--compile-jobs", type=int, default=8, help="columns that torch.compile makes at the same time")
    ap.add_argument("--quick", action="store_true", help="few rounds, caches as they are")
    ap.add_argument("--profile", action="store_true", help="add every step's share of the card's roofline")
    ap.add_argument("--program", default=os.environ.get("BURNISH_PROGRAM", str(ROOT / "build/release/bin/burnish")))
    ap.add_argument("--work", default=str(ROOT / "build/gpu_peers"), help="folder for models, engines, caches and logs")
    ap.add_argument("--json", help="write every figure to this file")
    ap.add_argument("--worker", default="gpu_peer_worker.py", help=argparse.SUPPRESS)
    return checked_args(ap, ap.parse_args(argv))


def checked_args(ap, args):
    """With what --quick stands for filled in, and args.cases: (model, batch) in order."""
    args.models = args.models.split(",")
    for model in args.models:
        if model not in BATCHES:
            ap.error(f"--models: there is no '{model}'; choose of {', '.join(BATCHES)}")
    try:
        batches = [int(b) for b in args.batches.split(",")] if args.batches else None
    except ValueError:
        ap.error(f"--batches '{args.batches}': give whole numbers separated by commas")
    args.rounds = args.rounds or (2 if args.quick else 5)
    args.seconds = args.seconds or (0.2 if args.quick else 0.3)
    args.budget = args.budget or (80 if args.quick else 340)
    if args.rounds < MIN_ROUNDS or args.seconds <= 0 or args.compile_jobs < 1 or any(b < 1 for b in batches or ()):
        ap.error(f"--rounds takes {MIN_ROUNDS} or more; --seconds, --compile-jobs and --batches take positive numbers")
    args.cases = [(m, b) for m in args.models for b in batches or BATCHES[m] if batches or not args.quick or (m, b) in BARS]
    args.caches = pathlib.Path(args.work) / "caches"
    return args


def gpu_text():
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()[0].strip()
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown GPU (nvidia-smi gave none)"


def about(argv):
    return {"date": datetime.date.today().isoformat(), "device": gpu_text(), "host": platform.platform(),
            "command": shlex.join(["bench/gpu_peers.py", *argv])}


def load_all(columns, errors):
    """Waits for the workers, so that nothing runs beside the builds whose seconds are told."""
    for case, of_case in columns.items():
        for name, column in of_case.items():
            if name not in errors[case]:
                with noted(errors[case], name):
                    column.load()


def compile_ahead(args, columns, errors):
    """Makes all torch.compile columns at the same time, before anything is timed: it is mostly work for the CPU."""
    end = time.monotonic() + args.compile_seconds

    def prepare(case):
        with noted(errors[case], COMPILE):
            columns[case][COMPILE].prepare(max(1, end - time.monotonic()))

    with concurrent.futures.ThreadPoolExecutor(args.compile_jobs) as pool:
        list(pool.map(prepare, [c for c in columns if COMPILE in columns[c]]))


def models_of(args):
    """Model -> the ONNX file, or the ColumnError of making it; made at the same time."""
    def make(model):
        try:
            return filled_model(args.work, model, "legacy")
        except ColumnError as e:
            return e

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(zip(args.models, pool.map(make, args.models)))


def cache_folder(args, model):
    """Quick runs use what is there, the user's own cache included."""
    if args.quick:
        return pathlib.Path(os.environ.get("BURNISH_CACHE_DIR", args.caches / "quick"))
    return args.caches / model


def built_burnish(args, onnx_path, case):
    if isinstance(onnx_path, ColumnError):
        raise onnx_path
    column = BurnishColumn(args, onnx_path, *case, cache_folder(args, case[0]))
    is_first = case == next(c for c in args.cases if c[0] == case[0])
    column.build(cold=is_first and not args.quick)
    return column


def ready_columns(args, onnx_path, case, peers, errors):
    """Column name -> column ready for rounds; what fails goes to the errors."""
    ready = {}
    with noted(errors, BURNISH):
        ready[BURNISH] = built_burnish(args, onnx_path, case)
    for name, column in peers.items():
        if name not in errors:
            with noted(errors, name):
                column.prepare()
                ready[name] = column
    return ready


@contextlib.contextmanager
def noted(errors, name):
    """A column's failure is noted and goes no further."""
    try:
        yield
    except (ColumnError, OSError, KeyError, ValueError) as e:
        errors[name] = str(e) if isinstance(e, ColumnError) else repr(e)


def run_rounds(ready, errors, most, until):
    """Column name -> one time per round; no round begins after until, but the first few."""
    times = {name: [] for name in ready}
    for count in range(most):
        if count >= MIN_ROUNDS and time.monotonic() > until:
            break
        for name in [n for n in ready if n not in errors]:
            with noted(errors, name):
                times[name].append(ready[name].round())
    return {n: t for n, t in times.items() if n not in errors}


def measure(args, onnx_path, case, peers, errors, until):
    ready = ready_columns(args, onnx_path, case, peers, errors)
    times = run_rounds(ready, errors, args.rounds, until)
    if BURNISH in times:
        with noted(errors, f"{BURNISH} with host copies"):
            ready[BURNISH].details["from_host_ms"] = ready[BURNISH].from_host_ms()
    columns = {n: {"median_ms": statistics.median(t), "rounds_ms": t, **ready[n].details} for n, t in times.items()}
    row = {"model": case[0], "batch": case[1], "columns": columns, "ratios": gpu_tables.ratios_of(times), "errors": errors}
    for column in peers.values():
        column.release()
    return row, ready.get(BURNISH) if BURNISH in times else None


def left_out(args, case):
    return {"model": case[0], "batch": case[1], "columns": {}, "ratios": {},
            "errors": {"row": f"left out: the {args.budget:.0f} s of --budget were spent"}}


def profile(args, rows, engines):
    """Gives the rows their steps with shares of the roofline; returns the card's peaks, None where they are unknown."""
    peaks, errors = None, rows[0]["errors"]
    with noted(errors, "peaks"):
        peaks = card_peaks(args)
    for row, engine in zip(rows, engines):
        if peaks and engine:
            with noted(row["errors"], "profile"):
                row["steps"] = gpu_tables.with_shares(engine.steps(), peaks)
    return peaks


def save(args, summary):
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(summary, indent=1))


def measure_all(args, names, summary):
    """Rows and their Burnish columns; the summary is saved after every row: a run that is stopped keeps what it has."""
    deadline = time.monotonic() + args.budget
    errors = {case: {} for case in args.cases}
    engines = []
    with started(args, args.cases, names) as columns:
        models = models_of(args)
        compile_ahead(args, columns, errors)
        if not args.quick:
            load_all(columns, errors)
        for done, case in enumerate(args.cases):
            now = time.monotonic()
            if now > deadline:
                row, engine = left_out(args, case), None
            else:
                until = now + (deadline - now) / (len(args.cases) - done)
                row, engine = measure(args, models[case[0]], case, columns[case], errors[case], until)
            summary["rows"].append(row)
            engines.append(engine)
            gpu_tables.print_row(row, [BURNISH, *names])
            save(args, summary)
    return engines


def main(argv):
    args = parse_args(argv)
    pathlib.Path(args.work).mkdir(parents=True, exist_ok=True)
    summary = {**about(argv), "rows": []}
    names = [n for n in PYTORCH if n != COMPILE or not args.skip_compile]
    print(f"{summary['date']}, {summary['device']}\n{summary['command']}\n"
          f"up to {args.rounds} rounds of {args.seconds} s for each column; random weights; Burnish {args.precision.upper()}",
          flush=True)
    start = time.monotonic()
    engines = measure_all(args, names, summary)
    summary["peaks"] = profile(args, summary["rows"], engines) if args.profile else None
    summary["seconds"] = time.monotonic() - start
    gpu_tables.print_tables(summary["rows"], summary["peaks"])
    save(args, summary)
    print(f"\nThe run took {summary['seconds']:.0f} s.")
    return 1 if any(row["errors"] for row in summary["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
