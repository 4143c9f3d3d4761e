#!/usr/bin/env python3
"""What low precision costs, through the program with its defaults, on trained models and on models that carry Q/DQ.

    tests/models/test_precision.py [--only fashion,minilm,calibration,qdq] [--program build/release/bin/burnish]

Bars, all against FP32 in ONNX Runtime unless said otherwise:
  fashion      INT8 top-1 on 10,000 images loses at most 0.2 points (residual net) and 0.5 points (depthwise net, at least
               90 % of whose multiply-adds run in INT8); BF16 at most 0.1 points
  minilm       cosines of all pairs of 640 real sentences rank as in FP32: Spearman 0.995 (INT8), 0.999 (BF16)
  calibration  data that do not represent the model's inputs are called so, and the build holds its budget or says why not
  qdq          ONNX Runtime's quantised models give its integers, 99.9 % within one step, in every piece of the model
"""
import argparse
import contextlib
import functools
import json
import subprocess
import sys
import time

import numpy as np

from quantized_models import FLAVOURS, cut_model, exact_session, output_step, quantized, samples, values_at_cuts
from sentences import encoded, sentences
from test_models import ROOT, model_file, run, session

WORK = ROOT / "build/precision"
PRECISIONS = ("int8", "bf16")
FASHION_LOSS = {("fashion_resnet", "int8"): 0.2, ("fashion_mobile", "int8"): 0.5, ("fashion_resnet", "bf16"): 0.1,
                ("fashion_mobile", "bf16"): 0.1}
INT8_SHARE = 0.9
SPEARMAN = {"int8": 0.995, "bf16": 0.999}
TEST_SENTENCES, CALIBRATION_SENTENCES, LENGTH, BATCH = 640, 512, 32, 64
DEFAULT_BUDGET = 1.0  # points of top-1, the default of --accuracy-drop
WARNING = "unrepresentative"
QDQ_SHARE, QDQ_CORRELATION = 0.999, 0.999


class Failures(list):
    def require(self, holds, text):
        if not holds:
            self.append(text)


@contextlib.contextmanager
def attempt(failures, label):
    """What goes wrong inside is a failure of this label alone; the rest of the check goes on."""
    try:
        yield
    except (RuntimeError, subprocess.CalledProcessError, KeyError) as e:
        failures.append(f"{label}: {type(e).__name__}: {e}")


def build(program, model, engine, profile, *options):
    """The finished build; its messages are in .stderr, whether it succeeded or not."""
    command = [program, "build", model, "-o", engine, "--profile", profile, "--threads", "2", "--timing-cache",
               WORK / "timing.cache", *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def checked_build(*args):
    done = build(*args)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise RuntimeError("build failed: " + next((line for line in lines if line.startswith("error:")), "".join(lines[-1:])))
    return done


def options_for(precision, calibration):
    return ["--int8", "--calibrate", calibration] if precision == "int8" else [f"--{precision}"]


def int8_share(program, engine):
    """Share of the multiply-adds that run in INT8, as `inspect` tells it."""
    text = subprocess.run([program, "inspect", engine, "--json"], capture_output=True, text=True, check=True).stdout
    macs = {}
    for step in json.loads(text)["plans"][0]["steps"]:
        macs[step["precision"]] = macs.get(step["precision"], 0) + step.get("macs", 0)
    return sum(m for p, m in macs.items() if p in ("int8", "uint8")) / max(sum(macs.values()), 1)


# --- trained image classifiers

FASHION_PROFILE = "image=1x1x28x28:8x1x28x28:500x1x28x28"


def normalised(pixels):
    return ((pixels.astype(np.float32) / 255 - 0.286) / 0.353).astype(np.float32)


def fashion_images(file):
    return normalised(np.load(ROOT / "examples/fashion" / file)["image"])


def calibration_file(name, **arrays):
    np.savez(WORK / name, **arrays)
    return WORK / name


def top1_percent(logits_of):
    data = np.load(ROOT / "examples/fashion/fashion_test.npz")
    images, right = normalised(data["image"]), 0
    for start in range(0, len(images), 500):
        right += int((logits_of(images[start:start + 500]).argmax(1) == data["label"][start:start + 500]).sum())
    return 100 * right / len(images)


@functools.cache
def reference_top1(name):
    reference = session(model_file(name))
    return top1_percent(lambda images: reference.run(None, {"image": images})[0])


def engine_top1(program, engine):
    return top1_percent(lambda images: run(program, engine, {"image": images})["logits"])


def check_fashion_precision(program, name, precision, calibration, failures):
    """What was found, as text."""
    engine = WORK / f"{name}_{precision}.engine"
    done = checked_build(program, model_file(name), engine, FASHION_PROFILE, *options_for(precision, calibration))
    failures.require(WARNING not in done.stderr, f"{name} {precision}: good calibration data are called {WARNING}")
    loss = reference_top1(name) - engine_top1(program, engine)
    failures.require(loss <= FASHION_LOSS[name, precision] + 1e-9, f"{name} {precision} loses {loss:.2f} points")
    if precision != "int8":
        return f"{name} {precision} {0 - loss:+.2f} points"
    share = int8_share(program, engine)
    failures.require(name != "fashion_mobile" or share >= INT8_SHARE, f"{name}: only {100 * share:.1f} % of its work is INT8")
    return f"{name} int8 {0 - loss:+.2f} points with {100 * share:.0f} % of its multiply-adds in INT8"


def check_fashion(program):
    failures, found = Failures(), []
    calibration = calibration_file("fashion_calibration.npz", image=fashion_images("fashion_calib.npz"))
    for name in ("fashion_resnet", "fashion_mobile"):
        for precision in PRECISIONS:
            with attempt(failures, f"{name} {precision}"):
                found.append(check_fashion_precision(program, name, precision, calibration, failures))
    return failures, ", ".join(found)


# --- a trained sentence encoder

def embeddings(states_of, feeds):
    """Mean of the last hidden states over the tokens that the mask keeps, normalised: [sentences, width]."""
    rows = []
    for start in range(0, len(feeds["input_ids"]), BATCH):
        batch = {n: a[start:start + BATCH] for n, a in feeds.items()}
        mask = batch["attention_mask"][:, :, None]
        rows.append((states_of(batch) * mask).sum(1) / mask.sum(1))
    rows = np.concatenate(rows)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def pair_cosines(vectors):
    return (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]


def spearman(a, b):
    ranks = [np.argsort(np.argsort(x)) for x in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def check_minilm(program):
    failures, found = Failures(), []
    texts = sentences()
    feeds = encoded(texts[:TEST_SENTENCES], LENGTH)
    calibration = calibration_file("minilm_calibration.npz", **encoded(texts[TEST_SENTENCES:][:CALIBRATION_SENTENCES], LENGTH))
    model = model_file("minilm_trained")
    reference = session(model)
    want = pair_cosines(embeddings(lambda batch: reference.run(["last_hidden_state"], batch)[0], feeds))
    profile = ",".join(f"{n}=1x{LENGTH}:{BATCH}x{LENGTH}:{BATCH}x{LENGTH}" for n in feeds)
    for precision in PRECISIONS:
        engine = WORK / f"minilm_{precision}.engine"
        with attempt(failures, precision):
            checked_build(program, model, engine, profile, *options_for(precision, calibration))
            got = pair_cosines(embeddings(lambda batch: run(program, engine, batch)["last_hidden_state"], feeds))
            correlation = spearman(want, got)
            found.append(f"{precision} {correlation:.5f}")
            failures.require(correlation >= SPEARMAN[precision], f"{precision}: Spearman {correlation:.5f} over {len(want)} pairs")
    return failures, "Spearman " + ", ".join(found)


# --- calibration data that represent nothing

def broken_calibrations():
    random = np.random.default_rng(4)
    images = fashion_images("fashion_calib.npz")[:256]
    yield "constant images", np.full_like(images, images.mean())
    yield "raw pixels", images * 0.353 * 255 + 0.286 * 255
    yield "another data set", (0.05 * random.standard_normal(images.shape) - 0.5).astype(np.float32)


def has_table(text):
    """A heading and rows of numbers: which layers cost how much."""
    return sum(any(c.isdigit() for c in line) and len(line.split()) >= 3 for line in text.splitlines()) >= 3


def check_calibration(program):
    failures, found = Failures(), []
    name = "fashion_resnet"
    want = reference_top1(name)
    for label, images in broken_calibrations():
        engine = WORK / "broken.engine"
        engine.unlink(missing_ok=True)
        calibration = calibration_file("broken_calibration.npz", image=images)
        done = build(program, model_file(name), engine, FASHION_PROFILE, "--int8", "--calibrate", calibration)
        failures.require(WARNING in done.stderr, f"{label}: not reported as {WARNING}: {done.stderr.strip()[-200:]}")
        if done.returncode:
            failures.require(has_table(done.stderr + done.stdout), f"{label}: the build failed without a table of layers")
            failures.require(not engine.exists(), f"{label}: the build failed and left an engine")
            found.append(f"{label}: refused")
        else:
            loss = want - engine_top1(program, engine)
            failures.require(loss <= DEFAULT_BUDGET + 1e-9, f"{label}: was accepted and loses {loss:.2f} points")
            found.append(f"{label}: {0 - loss:+.2f} points")
    return failures, ", ".join(found)


# --- models that bring their own Q/DQ

def profile_of(feeds):
    return ",".join(f"{n}=" + "x".join(map(str, a.shape)) for n, a in feeds.items())


def share_within_a_step(program, path, feeds):
    """The least share over the model's pieces."""
    wanted = values_at_cuts(path, feeds)
    pieces, engine = path.with_name(path.stem + "_cut.onnx"), path.with_name("cut.engine")
    inputs = {**feeds, **cut_model(path, pieces, wanted)}
    checked_build(program, pieces, engine, profile_of(feeds))
    got = run(program, engine, inputs)
    return min(float(np.mean(np.abs(got[n.replace("/", "_")].astype(int) - w) <= 1)) for n, w in wanted.items())


def whole_model(program, path, feeds):
    """(correlation of the first output with ONNX Runtime's, mean difference in steps)."""
    exact = exact_session(path)
    name = exact.get_outputs()[0].name
    want = exact.run([name], feeds)[0]
    engine = path.with_suffix(".engine")
    checked_build(program, path, engine, profile_of(feeds))
    got = run(program, engine, feeds)[name.replace("/", "_")]
    difference = np.abs(got.astype(np.float64) - want).mean() / output_step(path, name, want)
    return float(np.corrcoef(got.ravel(), want.ravel())[0, 1]), float(difference)


def check_qdq(program):
    failures, found = Failures(), []
    for name in ("resnet50", "bert"):
        for flavour in FLAVOURS:
            with attempt(failures, f"{name} {flavour}"):
                path, feeds = quantized(name, flavour, WORK), samples(name, 4, 99)
                share = share_within_a_step(program, path, feeds)
                failures.require(share >= QDQ_SHARE, f"{name} {flavour}: only {100 * share:.3f} % within one step in some piece")
                correlation, difference = whole_model(program, path, feeds)
                failures.require(correlation >= QDQ_CORRELATION and difference <= 1,
                                 f"{name} {flavour}: whole model correlates {correlation:.5f}, mean {difference:.2f} steps off")
                found.append(f"{name} {flavour} {100 * share:.3f} %, whole {correlation:.5f}")
    return failures, ", ".join(found)


CHECKS = {"fashion": check_fashion, "minilm": check_minilm, "calibration": check_calibration, "qdq": check_qdq}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", default=",".join(CHECKS), help="comma separated, of " + ", ".join(CHECKS))
    ap.add_argument("--program", default=str(ROOT / "build/release/bin/burnish"))
    args = ap.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for name in args.only.split(","):
        start = time.monotonic()
        failures, summary = Failures(), ""
        with attempt(failures, name):
            failures, summary = CHECKS[name](args.program)
        passed, failed = passed + (not failures), failed + bool(failures)
        print(f"{'FAIL' if failures else 'ok  '} {name:<12} {time.monotonic() - start:6.1f} s  {summary}", flush=True)
        for f in failures:
            print("     " + f)
    print(f"precision: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
