#!/usr/bin/env python3
"""Burnish beside ONNX Runtime and OpenVINO: the same models, the same threads, interleaved rounds in one run.

    bench/peers.py                                     FP32: the four models at batch 1 and 8, two threads
    bench/peers.py --bf16 --int8                       and in low precision, the peers with their own quantisers' models
    bench/peers.py --contexts 2                        two callers at once, each of two threads: who shares cores well?
    bench/peers.py --models resnet50 --batches 1 --rounds 9 --json peers.json

Every column (a product at a precision) runs in a process of its own, so that nobody's idle threads disturb the others;
a round gives each in turn the same wall time, and rounds follow each other A B C A B C …. Reported are the medians over
all rounds' medians, ratios as the median of the ratios within a round, and each process's peak memory less that of the
bare process before it loaded the model. A column that fails shows its error and leaves the others alone.

INT8 models are calibrated on the same seeded data by everybody; bench/quantized_peers.py tells how the peers' are made.
Burnish's are built with --best --accuracy-drop none: the weights are random, so speed is the question here and accuracy is not
(tests/models/test_precision.py measures that on trained models).

Needs scripts/setup.sh --bench and a built program (scripts/build.sh).
"""
import argparse
import json
import pathlib
import statistics
import sys

from child_process import ColumnError
from peer_columns import ROOT, TEXT, filled_model, input_shapes, make_column
from peer_tables import column_name, geometric_means, print_row, print_tables, ratios_of

MODELS = ("resnet50", "bert", "yolov5s", "minilm")
PRECISIONS = {"burnish": ("fp32", "bf16", "int8"), "onnxruntime": ("fp32", "int8"), "openvino": ("fp32", "bf16", "int8")}


def parse_args():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--models", default=",".join(MODELS), help=f"comma separated, of {', '.join(MODELS)}")
    ap.add_argument("--exporter", default="legacy", choices=("legacy", "dynamo"))
    ap.add_argument("--int8", action="store_true", help="INT8 columns, too")
    ap.add_argument("--bf16", action="store_true", help="BF16 columns, too, of those who offer it")
    ap.add_argument("--batches", default="1,8")
    ap.add_argument("--sequence", type=int, default=128)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--contexts", type=int, default=1, help="callers at once; the figure is then wall time per inference. "
                    "ONNX Runtime serves them from one session, OpenVINO from as many streams")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=2.0, help="wall time of one column in one round")
    ap.add_argument("--peers", default="onnxruntime,openvino")
    ap.add_argument("--program", default=str(ROOT / "build/release/bin/burnish"))
    ap.add_argument("--work", default=str(ROOT / "build/bench"), help="folder for models and engines")
    ap.add_argument("--peer-work", default=str(ROOT / "build/peers"), help="folder for the peers' quantised models")
    ap.add_argument("--json", help="write every figure to this file")
    return ap.parse_args()


def wanted_columns(args):
    precisions = ["fp32"] + ["bf16"] * args.bf16 + ["int8"] * args.int8
    products = ["burnish"] + [p for p in args.peers.split(",") if p]
    return [(product, p) for product in products for p in precisions if p in PRECISIONS[product]]


def made_columns(args, model, shapes):
    """Column name -> runner, and column name -> error of those that could not be made."""
    float_path = filled_model(args.work, model, args.exporter)
    runners, errors = {}, {}
    for product, precision in wanted_columns(args):
        name = column_name(product, precision)
        try:
            runners[name] = make_column(product, precision, model, float_path, shapes, args)
        except ColumnError as e:
            errors[name] = str(e)
    return runners, errors


def run_rounds(runners, errors, rounds):
    """Column name -> one time per round in milliseconds; a column that fails moves to the errors."""
    times = {name: [] for name in runners}
    for _ in range(rounds):
        for name in [n for n in runners if n not in errors]:
            try:
                times[name].append(runners[name].round())
            except ColumnError as e:
                errors[name] = str(e)
    for runner in runners.values():
        runner.close()
    return {n: t for n, t in times.items() if n not in errors}


def measure(args, model, batch):
    row = {"model": model, "batch": batch, "sequence": args.sequence if model in TEXT else None, "columns": {}, "ratios": {}}
    try:
        runners, errors = made_columns(args, model, input_shapes(model, batch, args.sequence))
    except (ColumnError, OSError) as e:
        return {**row, "errors": {model: str(e)}}
    times = run_rounds(runners, errors, args.rounds)
    for name, rounds in times.items():
        row["columns"][name] = {"median_ms": statistics.median(rounds), "least_ms": min(rounds), "rounds_ms": rounds,
                                "memory_mb": runners[name].peak_kb / 1024, **runners[name].details}
    return {**row, "ratios": ratios_of(times), "errors": errors}


def main():
    args = parse_args()
    for folder in (args.work, args.peer_work):
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    names = [column_name(*c) for c in wanted_columns(args)]
    callers = f"{args.contexts} callers of " if args.contexts > 1 else ""
    print(f"{callers}{args.threads} threads, {args.rounds} rounds of {args.seconds} s for each column; random weights")
    if args.int8:
        print("Burnish INT8 is built with --best --accuracy-drop none: with random weights, speed alone is the question")
    rows = []
    for model in args.models.split(","):
        for batch in map(int, args.batches.split(",")):
            rows.append(measure(args, model, batch))
            print_row(rows[-1], names)
            if args.json:  # after every row: a run that is stopped keeps what it has
                summary = {"rows": rows, "geometric_means": geometric_means(rows)}
                pathlib.Path(args.json).write_text(json.dumps(summary, indent=1))
    print_tables(rows, names, args.contexts)
    return 1 if any(row["errors"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
