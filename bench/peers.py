#!/usr/bin/env python3
"""Burnish beside ONNX Runtime and OpenVINO: the same models, the same threads, interleaved rounds in one run.

    bench/peers.py                                     the four models at batch 1 and 8, two threads
    bench/peers.py --models resnet50 --batches 1 --rounds 9 --json peers.json

Every peer runs in a process of its own, so that nobody's idle threads disturb the others; a round gives each in turn
the same wall time, and rounds follow each other A B C A B C …. Reported are the medians over all rounds' medians, the
ratio pair by pair (peer's time / Burnish's time in the same round: above 1, Burnish is faster) as its median, and each
process's peak memory less that of the bare process before it loaded the model.

Needs scripts/setup.sh --bench and a built program (scripts/build.sh).
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
MODELS = ("resnet50", "bert", "yolov5s", "minilm")
TEXT = ("bert", "minilm")


def parse_args():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--models", default=",".join(MODELS), help=f"comma separated, of {', '.join(MODELS)}")
    ap.add_argument("--exporter", default="legacy", choices=("legacy", "dynamo"))
    ap.add_argument("--batches", default="1,8")
    ap.add_argument("--sequence", type=int, default=128)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=2.0, help="wall time of one peer in one round")
    ap.add_argument("--peers", default="onnxruntime,openvino")
    ap.add_argument("--program", default=str(ROOT / "build/release/bin/burnish"))
    ap.add_argument("--work", default=str(ROOT / "build/bench"), help="folder for models and engines")
    ap.add_argument("--json", help="write every figure to this file")
    return ap.parse_args()


def shapes_of(model, batch, sequence):
    if model in TEXT:
        return {n: [batch, sequence] for n in ("input_ids", "attention_mask", "token_type_ids")}
    return {"input": [batch, 3, 224, 224]} if model == "resnet50" else {"images": [batch, 3, 640, 640]}


def text_of(shape):
    return "x".join(map(str, shape))


def filled_model(args, model):
    path = pathlib.Path(args.work) / f"{model}_{args.exporter}.onnx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        structure = ROOT / "tests/models/structures" / path.name
        subprocess.run([sys.executable, ROOT / "tests/models/fill_weights.py", structure, path], check=True)
    return path


def build_engine(args, model, onnx_path, shapes, batch):
    engine = onnx_path.with_name(f"{model}_{args.exporter}_b{batch}.engine")
    profile = ",".join(f"{n}={text_of(s)}" for n, s in shapes.items())
    subprocess.run([args.program, "build", onnx_path, "-o", engine, "--profile", profile, "--threads", str(args.threads),
                    "--timing-cache", onnx_path.with_name("timing.cache"), "--quiet"], check=True)
    return engine


class Burnish:
    """One round is one run of `burnish bench`."""

    name = "burnish"

    def __init__(self, args, engine, shapes):
        self.command = [args.program, "bench", str(engine), "--threads", str(args.threads), "--duration",
                        str(args.seconds), "--json"]
        for n, s in shapes.items():
            self.command += ["--shape", f"{n}={text_of(s)}"]
        self.bare_kb = self.run([args.program, "--version"])[1]
        self.peak_kb = 0

    @staticmethod
    def run(command):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            text = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(map(str, command))} failed with {child.returncode}")
        return text, usage.ru_maxrss

    def round(self):
        text, peak = self.run(self.command)
        self.peak_kb = max(self.peak_kb, peak - self.bare_kb)
        return json.loads(text)["median_ms"]

    def close(self):
        pass


class Worker:
    """A peer in a process that stays: it runs when told to and sleeps in between."""

    def __init__(self, args, peer, onnx_path, shapes):
        self.name = peer
        setup = {"peer": peer, "model": str(onnx_path), "shapes": shapes, "threads": args.threads, "seconds": args.seconds}
        self.child = subprocess.Popen([sys.executable, HERE / "peer_worker.py", json.dumps(setup)], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.version = self.answer()["version"]
        self.peak_kb = 0

    def answer(self):
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"peer {self.name} died")
        return json.loads(line)

    def round(self):
        self.child.stdin.write("run\n")
        self.child.stdin.flush()
        answer = self.answer()
        self.peak_kb = answer["peak_kb"]
        return answer["median_ms"]

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def measure(args, model, batch):
    onnx_path = filled_model(args, model)
    shapes = shapes_of(model, batch, args.sequence)
    engine = build_engine(args, model, onnx_path, shapes, batch)
    runners = [Burnish(args, engine, shapes)]
    runners += [Worker(args, p, onnx_path, shapes) for p in args.peers.split(",") if p]
    times = {r.name: [] for r in runners}
    for _ in range(args.rounds):
        for r in runners:
            times[r.name].append(r.round())
    for r in runners:
        r.close()
    row = {"model": model, "batch": batch, "sequence": args.sequence if model in TEXT else None}
    for r in runners:
        row[r.name] = {"median_ms": statistics.median(times[r.name]), "rounds_ms": times[r.name], "memory_mb": r.peak_kb / 1024}
        if r.name != "burnish":
            row[r.name]["version"] = r.version
            row[r.name]["ratio"] = statistics.median(p / b for p, b in zip(times[r.name], times["burnish"]))
    return row


def print_row(row, peers):
    text = f"{row['model']:<10} b{row['batch']:<3} burnish {row['burnish']['median_ms']:9.2f} ms {row['burnish']['memory_mb']:6.0f} MB"
    for p in peers:
        text += f" | {p} {row[p]['median_ms']:9.2f} ms {row[p]['memory_mb']:6.0f} MB  {row[p]['ratio']:5.2f}x"
    print(text, flush=True)


def main():
    args = parse_args()
    peers = [p for p in args.peers.split(",") if p]
    rows = []
    print(f"{args.threads} threads, {args.rounds} rounds of {args.seconds} s each; ratio above 1: Burnish is faster")
    for model in args.models.split(","):
        for batch in map(int, args.batches.split(",")):
            rows.append(measure(args, model, batch))
            print_row(rows[-1], peers)
    summary = {p: math.exp(statistics.mean(math.log(r[p]["ratio"]) for r in rows)) for p in peers}
    for p in peers:
        print(f"geometric mean over {p} {rows[0][p]['version']}: {summary[p]:.3f}x, least {min(r[p]['ratio'] for r in rows):.3f}x")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"rows": rows, "geometric_mean": summary}, indent=1))


if __name__ == "__main__":
    main()
