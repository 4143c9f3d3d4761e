"""What bench/peers.py measures: one column is one product at one precision, run round by round in a process of its own.

A column that cannot be made or run raises ColumnError with a reason short enough for a table; the others go on.
Nothing large may be imported here: a child's peak memory counts from what its parent held.
"""
import json
import os
import pathlib
import subprocess
import sys

from child_process import HERE, ColumnError, WorkerProcess, checked, last_line

ROOT = HERE.parent
TEXT = ("bert", "minilm")


def input_shapes(model, batch, sequence):
    if model in TEXT:
        return {n: [batch, sequence] for n in ("input_ids", "attention_mask", "token_type_ids")}
    return {"input": [batch, 3, 224, 224]} if model == "resnet50" else {"images": [batch, 3, 640, 640]}


def shape_text(shape):
    return "x".join(map(str, shape))


def burnish_options(precision, calibration):
    """Weights are random here and speed is the question: no accuracy budget makes the build fall back to floats.

    INT8 is --best: integers with FP32 or with BF16 around them, as of the peers the faster of both counts."""
    if precision == "int8":
        return ["--best", "--calibrate", calibration, "--accuracy-drop", "none"]
    return [] if precision == "fp32" else [f"--{precision}"]


def build_burnish(program, onnx_path, engine, shapes, threads, options):
    profile = ",".join(f"{n}={shape_text(s)}" for n, s in shapes.items())
    checked([program, "build", onnx_path, "-o", engine, "--profile", profile, "--threads", threads, "--timing-cache",
             engine.with_name("timing.cache"), "--quiet", *options])


def burnish_recipe(program, engine):
    """What --best chose: {"recipe": "int8, rest bfloat16"}."""
    report = json.loads(checked([program, "inspect", engine, "--accuracy", "--json"]))
    return {"recipe": f"{report['precision']}, rest {report['floats']}"}


class Burnish:
    """One round is one run of `burnish bench`."""

    def __init__(self, program, engine, shapes, args, details):
        self.contexts = args.contexts
        self.command = [program, "bench", str(engine), "--threads", str(args.threads), "--contexts", str(args.contexts),
                        "--duration", str(args.seconds), "--json"]
        for n, s in shapes.items():
            self.command += ["--shape", f"{n}={shape_text(s)}"]
        self.bare_kb = self.run([program, "--version"])[1]
        self.peak_kb = 0
        self.details = {**details, "version": self.run([program, "--version"])[0].split()[-1]}

    @staticmethod
    def run(command):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            text = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise ColumnError(f"{command[1]} ended with {child.returncode}: {last_line(text)}")
        return text, usage.ru_maxrss

    def round(self):
        text, peak = self.run(self.command)
        self.peak_kb = max(self.peak_kb, peak - self.bare_kb)
        times = json.loads(text)
        return times["median_ms"] if self.contexts == 1 else 1e3 / times["executions_per_s"]

    def close(self):
        pass


class Worker(WorkerProcess):
    """A peer in a process that stays: it runs when told to and sleeps in between."""

    def __init__(self, setup, details):
        super().__init__("peer_worker.py", setup)
        self.peak_kb = 0
        self.details = {**details, "version": self.answer()["version"]}

    def round(self):
        self.tell("run")
        answer = self.answer()
        self.peak_kb = answer["peak_kb"]
        return answer["median_ms"]


def filled_model(work, model, exporter):
    """The ONNX model with random weights, below the folder work; made when it is not there."""
    path = pathlib.Path(work) / f"{model}_{exporter}.onnx"
    if not path.exists():
        structure = ROOT / "tests/models/structures" / path.name
        unfinished = path.with_suffix(".unfinished")
        checked([sys.executable, ROOT / "tests/models/fill_weights.py", structure, unfinished])
        unfinished.rename(path)
    return path


def calibration_file(args, model):
    path = pathlib.Path(args.peer_work) / f"{model}_s{args.sequence}_calibration.npz"
    if not path.exists():
        checked([sys.executable, HERE / "calibration_data.py", model, args.sequence, path])
    return path


def quantised(peer, model, float_path, args, batch):
    """The peer's own INT8 model, the fastest of its recipes at this batch: {"file": …, "hint": …, "recipe": …}."""
    record = pathlib.Path(args.peer_work) / f"{model}_{args.exporter}_{peer}_b{batch}.json"
    checked([sys.executable, HERE / "quantized_peers.py", "--peer", peer, "--model", model, "--float", float_path, "--record",
             record, "--batch", batch, "--sequence", args.sequence, "--threads", args.threads])
    return json.loads(record.read_text())


def make_column(product, precision, model, float_path, shapes, args):
    """A Burnish or a Worker, ready to run."""
    batch = next(iter(shapes.values()))[0]
    if product == "burnish":
        engine = pathlib.Path(args.work) / f"{model}_{args.exporter}_b{batch}_{precision}.engine"
        options = burnish_options(precision, calibration_file(args, model) if precision == "int8" else None)
        build_burnish(args.program, float_path, engine, shapes, args.threads, options)
        details = burnish_recipe(args.program, engine) if precision == "int8" else {}
        return Burnish(args.program, engine, shapes, args, details)
    chosen = {"file": str(float_path), "hint": "bf16" if precision == "bf16" else "f32"}
    details = {}
    if precision == "int8":
        chosen = quantised(product, model, float_path, args, batch)
        details = {"recipe": chosen["recipe"], "candidates_ms": chosen["candidates_ms"]}
    log = pathlib.Path(args.peer_work) / f"{product}_{precision}.log"
    return Worker({"peer": product, "model": chosen["file"], "hint": chosen["hint"], "shapes": shapes, "threads": args.threads,
                   "contexts": args.contexts, "seconds": args.seconds, "log": str(log)}, details)
