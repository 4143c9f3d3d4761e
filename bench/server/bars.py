#!/usr/bin/env python3
"""What the server adds and what its batching gains, client and server on the same machine.

    .venv/bin/python bench/server/bars.py [--resnet model.onnx] [--seconds 4]

A tiny model (identity of 16 floats) over HTTP and gRPC; a model whose weights do not fit the caches (three products of
4096x4096) with and without dynamic batching; with --resnet that model at saturation beside `burnish bench` with the same
contexts. Needs a release build and scripts/setup.sh --tests. Models and engines are made below build/bench/server.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
WORK = ROOT / "build/bench/server"
HTTP, GRPC = 18400, 18401
WIDTH, LAYERS = 4096, 3


def save(name, nodes, initializers, width):
    shape = ["batch", width]
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, WORK / f"{name}.onnx")


def make_models():
    WORK.mkdir(parents=True, exist_ok=True)
    save("identity", [helper.make_node("Identity", ["x"], ["y"])], [], 16)
    rng = np.random.default_rng(0)
    weights = [numpy_helper.from_array((rng.standard_normal((WIDTH, WIDTH)) / 64).astype(np.float32), f"w{i}")
               for i in range(LAYERS)]
    names = ["x", *(f"h{i}" for i in range(LAYERS - 1)), "y"]
    save("wide", [helper.make_node("MatMul", [names[i], f"w{i}"], [names[i + 1]]) for i in range(LAYERS)], weights, WIDTH)


def build(model, engine, profile):
    subprocess.run([BIN / "burnish", "build", model, "-o", engine, "--profile", profile, "--threads", "2", "--quiet"],
                   check=True)


def repository(name, engine, config):
    folder = WORK / name / "m"
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "1/model.engine").write_bytes(pathlib.Path(engine).read_bytes())
    (folder / "config.json").write_text(json.dumps(config))
    return WORK / name


class Server:
    """`burnish serve`, on one core if it is named."""

    def __init__(self, folder, core=None):
        bound = [] if core is None else ["taskset", "-c", str(core)]
        command = [*bound, BIN / "burnish", "serve", folder, "--http-port", str(HTTP), "--grpc-port", str(GRPC)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if line.startswith("ready"):
                return
        sys.exit("bars.py: the server did not become ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def http_load(shape, connections, seconds, name="x"):
    command = [BIN / "bench_http_load", "--port", str(HTTP), "--model", "m", "--input", name, "--shape", *map(str, shape),
               "--connections", str(connections), "--seconds", str(seconds), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def instances(count, threads):
    return {"instance_group": [{"count": count, "kind": "KIND_CPU"}], "parameters": {"threads": {"string_value": str(threads)}}}


def tiny(seconds):
    build(WORK / "identity.onnx", WORK / "identity.engine", "x=1x16:1x16:64x16")
    with Server(repository("tiny", WORK / "identity.engine", {})):
        for connections in (64, 1):
            print(f"tiny model, HTTP, {connections} connections: {http_load((1, 16), connections, seconds)}", flush=True)
        out = subprocess.run([BIN / "bench_grpc_load", "--target", f"127.0.0.1:{GRPC}", "--model", "m"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
        print(f"tiny model, gRPC: {out}", flush=True)


def batching(seconds):
    build(WORK / "wide.onnx", WORK / "wide.engine", f"x=1x{WIDTH}:16x{WIDTH}:32x{WIDTH}")
    for label, extra in (("with", {"dynamic_batching": {"max_queue_delay_microseconds": 2000}}), ("without", {})):
        config = {"max_batch_size": 32, **instances(1, 2), **extra}
        with Server(repository(f"wide_{label}", WORK / "wide.engine", config)):
            print(f"wide model, 32 clients, {label} dynamic batching: {http_load((1, WIDTH), 32, seconds)}", flush=True)
    print(f"wide model, batch 32 alone: {bench(WORK / 'wide.engine', 2, 1, ['--shape', f'x=32x{WIDTH}'])['median_ms']:.2f} ms")


def bench(engine, threads, contexts, more=()):
    command = [BIN / "burnish", "bench", engine, "--threads", str(threads), "--contexts", str(contexts), "--duration", "4",
               "--json", *more]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def saturation(model, seconds):
    build(model, WORK / "resnet.engine", "input=1x3x224x224")
    with Server(repository("resnet", WORK / "resnet.engine", {"max_batch_size": 0, **instances(2, 1)})):
        for _ in range(3):  # in turn, so that both see the same machine
            alone = bench(WORK / "resnet.engine", 1, 2)["executions_per_s"]
            served = http_load((1, 3, 224, 224), 4, max(seconds, 6), "input")
            print(f"ResNet-50, 2 contexts of a thread: bench {alone:.1f}/s, served {served}", flush=True)
            time.sleep(0.5)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--resnet", help="ResNet-50 as ONNX with an input called 'input', such as build/bench/resnet50_legacy.onnx")
    ap.add_argument("--seconds", type=float, default=4)
    args = ap.parse_args()
    make_models()
    tiny(args.seconds)
    batching(args.seconds)
    if args.resnet:
        saturation(args.resnet, args.seconds)


if __name__ == "__main__":
    main()
