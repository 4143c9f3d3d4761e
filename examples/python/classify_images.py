#!/usr/bin/env python3
"""Image classification: a trained classifier of clothes, in FP32 and in INT8, on test images that it has never seen.

    PYTHONPATH=build/release/python .venv/bin/python examples/python/classify_images.py [--images 2000] [--threads 2]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import burnish

DATA = Path(__file__).resolve().parents[1] / "fashion"
CLASSES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
BATCH = 64
PROFILE = {"image": ((1, 1, 28, 28), (BATCH, 1, 28, 28), (BATCH, 1, 28, 28))}

Images = NDArray[np.float32]


def normalised(images: NDArray[np.uint8]) -> Images:
    """As the network was trained: mean 0, variance 1."""
    scaled: Images = (images.astype(np.float32) / np.float32(255) - np.float32(0.286)) / np.float32(0.353)
    return scaled


def test_images(count: int) -> tuple[Images, NDArray[Any]]:
    data = np.load(DATA / "fashion_test.npz")
    return normalised(data["image"][:count]), data["label"][:count]


def calibration_batches() -> Iterator[dict[str, Images]]:
    """Unlabelled images, a few at a time: nothing but a generator is needed."""
    images = np.load(DATA / "fashion_calib.npz")["image"]
    for begin in range(0, len(images), BATCH):
        yield {"image": normalised(images[begin : begin + BATCH])}


def classify(engine: burnish.Engine, images: Images) -> NDArray[np.int64]:
    batches = [engine(images[begin : begin + BATCH]) for begin in range(0, len(images), BATCH)]
    classes: NDArray[np.int64] = np.concatenate(batches).argmax(axis=1)
    return classes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    images, labels = test_images(options.images)
    model = DATA / "fashion_resnet.onnx"
    engines = {
        "FP32": burnish.build(model, profiles=PROFILE, threads=options.threads),
        "INT8": burnish.build(model, profiles=PROFILE, threads=options.threads, int8=True, calibrate=calibration_batches(),
                              accuracy_drop=0.01),
    }
    for name, engine in engines.items():
        begin = time.perf_counter()
        found = classify(engine, images)
        seconds = time.perf_counter() - begin
        print(f"{name}: {np.mean(found == labels):.2%} of {len(images)} images right, {len(images) / seconds:.0f} images/s")
    print("the first five:", ", ".join(CLASSES[i] for i in classify(engines["FP32"], images[:5])))


if __name__ == "__main__":
    main()
