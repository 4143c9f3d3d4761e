#!/usr/bin/env python3
"""Whole models through the program: real exporter output against ONNX Runtime.

    tests/models/test_models.py [--models bert,fashion_resnet] [--program build/release/bin/burnish]
    tests/models/test_models.py --target cuda                  the same on a GPU
    tests/models/test_models.py --target cuda --precision fp16 within 1e-2; 0.05 points of top-1 may be lost

Bars: the trained classifiers give ONNX Runtime's top-1 on all 10,000 images; the eight structures (seeded weights) and
MiniLM with its trained weights stay within 1e-4 of ONNX Runtime, relative to the output's largest magnitude, at batches
1, 3 and 8 and, for text, lengths 7, 128 and 384 with padding masks of different lengths.
"""
import argparse
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime as ort

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/models"
STRUCTURES = [f"{m}_{e}" for m in ("resnet50", "bert", "yolov5s", "minilm") for e in ("legacy", "dynamo")]
BATCHES = (1, 3, 8)
LENGTHS = (7, 128, 384)
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2, "fp16": 1e-2, "bf16": 8e-2}  # BF16: of seeded weights; no bar, a guard
TOP1_LOSS = {"fp32": 0, "tf32": 5e-4, "fp16": 5e-4, "bf16": 5e-3}  # of all images


def parse_args():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--models", default=",".join(["fashion_resnet", "fashion_mobile", *STRUCTURES, "minilm_trained"]))
    ap.add_argument("--target", default="cpu", choices=("cpu", "cuda"))
    ap.add_argument("--precision", default="fp32", choices=TOLERANCE)
    ap.add_argument("--program", default=str(ROOT / "build/release/bin/burnish"))
    ap.add_argument("--jobs", type=int, default=1, help="models at a time; most of the work is in other processes")
    return ap.parse_args()


def is_text(name):
    return name.startswith(("bert", "minilm"))


def model_file(name):
    if name.startswith("fashion"):
        return ROOT / "examples/fashion" / f"{name}.onnx"
    path = WORK / f"{name}.onnx"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        structure = name.replace("trained", "legacy")
        command = [sys.executable, ROOT / "tests/models/fill_weights.py", ROOT / f"tests/models/structures/{structure}.onnx", path]
        subprocess.run(command + (["--trained"] if name == "minilm_trained" else []), check=True)
    return path


def profile_of(name):
    if is_text(name):
        return ",".join(f"{n}=1x7:1x128:8x384" for n in ("input_ids", "attention_mask", "token_type_ids"))
    if name.startswith("fashion"):
        return "image=1x1x28x28:8x1x28x28:500x1x28x28"
    return "input=1x3x224x224:1x3x224x224:8x3x224x224" if name.startswith("resnet") else "images=1x3x640x640:1x3x640x640:8x3x640x640"


def build(args, name, model):
    engine = WORK / f"{name}_{args.target}_{args.precision}.engine"
    WORK.mkdir(parents=True, exist_ok=True)
    options = ["--threads", "2"] if args.target == "cpu" else ["--target", args.target]
    if args.precision != "fp32":
        options.append(f"--{args.precision}")
    subprocess.run([args.program, "build", model, "-o", engine, "--profile", profile_of(name), *options,
                    "--timing-cache", WORK / "timing.cache", "--quiet"], check=True)
    return engine


def run(program, engine, feeds):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "run", engine, "--output-dir", folder, "--threads", "2", "--quiet"]
        for n, a in feeds.items():
            np.save(f"{folder}/in_{n}.npy", a)
            command += ["--input", f"{n}={folder}/in_{n}.npy"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return {p.stem: np.load(p) for p in pathlib.Path(folder).glob("*.npy") if not p.stem.startswith("in_")}


def text_feeds(batch, length, rng):
    mask = np.ones((batch, length), np.int64)
    for row in range(1, batch):  # every row but the first is padded, each to another length
        mask[row, max(1, length - row * max(1, length // batch)):] = 0
    types = (np.arange(length)[None, :] >= length // 2).astype(np.int64) * np.ones((batch, 1), np.int64)
    return {"input_ids": rng.integers(0, 30000, (batch, length)), "attention_mask": mask, "token_type_ids": types}


def cases_of(name):
    rng = np.random.default_rng(len(name))
    for batch in BATCHES:
        if is_text(name):
            for length in LENGTHS:
                yield f"batch {batch} length {length}", text_feeds(batch, length, rng)
        elif name.startswith("resnet"):
            yield f"batch {batch}", {"input": rng.standard_normal((batch, 3, 224, 224)).astype(np.float32)}
        else:
            yield f"batch {batch}", {"images": rng.random((batch, 3, 640, 640)).astype(np.float32)}


def session(model):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def relative_error(got, want):
    if got.shape != want.shape:
        return f"shape {got.shape} instead of {want.shape}"
    if not np.array_equal(np.isfinite(got), np.isfinite(want)):
        return "other infinities or NaNs"
    return float(np.max(np.abs(got.astype(np.float64) - want), initial=0) / max(np.max(np.abs(want), initial=0), 1e-30))


def check_structure(args, name):
    model = model_file(name)
    engine = build(args, name, model)
    reference = session(model)
    names = [o.name for o in reference.get_outputs()]
    worst, failures = 0.0, []
    for label, feeds in cases_of(name):
        outputs = run(args.program, engine, feeds)
        for n, want in zip(names, reference.run(None, feeds)):
            error = relative_error(outputs[n.replace("/", "_")], want)
            if isinstance(error, str) or not error <= TOLERANCE[args.precision]:
                failures.append(f"{label}, {n}: {error}")
            else:
                worst = max(worst, error)
    return failures, f"largest relative error {worst:.1e}"


def check_fashion(args, name):
    model = model_file(name)
    engine = build(args, name, model)
    data = np.load(ROOT / "examples/fashion/fashion_test.npz")
    images = ((data["image"].astype(np.float32) / 255 - 0.286) / 0.353).astype(np.float32)
    reference = session(model)
    differing, right, theirs = 0, 0, 0
    for start in range(0, len(images), 500):
        feeds = {"image": images[start:start + 500]}
        labels = data["label"][start:start + 500]
        ours = run(args.program, engine, feeds)["logits"].argmax(1)
        wanted = reference.run(None, feeds)[0].argmax(1)
        differing += int((ours != wanted).sum())
        right += int((ours == labels).sum())
        theirs += int((wanted == labels).sum())
    loss = (theirs - right) / len(images)
    failures = [f"top-1 differs from ONNX Runtime's on {differing} images"] if args.precision == "fp32" and differing else []
    if loss > TOP1_LOSS[args.precision]:
        failures.append(f"{100 * loss:.2f} points of top-1 are lost")
    return failures, (f"top-1 {100 * right / len(images):.2f} % on {len(images)} images, ONNX Runtime "
                      f"{100 * theirs / len(images):.2f} %, {differing} differ")


def check(args, name):
    """Whether it passed; says so on standard output."""
    start = time.monotonic()
    try:
        failures, summary = (check_fashion if name.startswith("fashion") else check_structure)(args, name)
    except (subprocess.CalledProcessError, KeyError) as e:
        failures, summary = [repr(e)], ""
    lines = [f"{'FAIL' if failures else 'ok  '} {name:<16} {time.monotonic() - start:6.1f} s  {summary}"]
    print("\n     ".join(lines + failures), flush=True)
    return not failures


def main():
    args = parse_args()
    names = args.models.split(",")
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        passed = sum(pool.map(lambda name: check(args, name), names))
    print(f"whole models: {passed} passed, {len(names) - passed} failed")
    return 0 if passed == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
