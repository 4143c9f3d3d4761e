#!/usr/bin/env python3
"""INT8 with an entropy calibrator of one's own, which keeps its cache in a file.

    examples/python/tensorrt/int8_calibration.py [--cache calibration.cache]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

import burnish as trt

FASHION = Path(__file__).resolve().parents[2] / "fashion"
TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
Images = npt.NDArray[np.float32]


def normalized(pixels: npt.NDArray[np.uint8]) -> Images:
    return np.ascontiguousarray((pixels / 255 - 0.286) / 0.353, np.float32)


class FashionCalibrator(trt.IInt8EntropyCalibrator2):
    """Gives batches of training images."""

    def __init__(self, images: Images, cache_file: str, batch_size: int = 32) -> None:
        super().__init__()
        self.images = images
        self.cache_file = cache_file
        self.batch_size = batch_size
        self.current_index = 0

    def get_batch_size(self) -> int:
        return self.batch_size

    def get_batch(self, names: list[str]) -> list[int] | None:
        if self.current_index + self.batch_size > len(self.images):
            return None
        batch = self.images[self.current_index : self.current_index + self.batch_size]
        self.current_index += self.batch_size
        return [batch.ctypes.data]

    def read_calibration_cache(self) -> bytes | None:
        if not os.path.exists(self.cache_file):
            return None
        with open(self.cache_file, "rb") as f:
            return f.read()

    def write_calibration_cache(self, cache: bytes) -> None:
        with open(self.cache_file, "wb") as f:
            f.write(cache)


def build_engine(calibrator: trt.IInt8Calibrator | None) -> trt.ICudaEngine:
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network()
    parser = trt.OnnxParser(network, TRT_LOGGER)
    if not parser.parse_from_file(str(FASHION / "fashion_resnet.onnx")):
        raise SystemExit("\n".join(str(parser.get_error(i)) for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    profile.set_shape("image", (1, 1, 28, 28), (32, 1, 28, 28), (100, 1, 28, 28))
    config.add_optimization_profile(profile)
    if calibrator is not None:
        config.set_flag(trt.BuilderFlag.INT8)
        config.int8_calibrator = calibrator
        config.set_calibration_profile(profile)
    engine = builder.build_engine(network, config)
    if engine is None:
        raise SystemExit("the build failed")
    return engine


def logits_of(engine: trt.ICudaEngine, images: Images) -> Images:
    context = engine.create_execution_context()
    logits = np.empty((len(images), 10), np.float32)
    for begin in range(0, len(images), 100):
        batch, out = images[begin : begin + 100], logits[begin : begin + 100]
        context.set_input_shape("image", batch.shape)
        if not context.execute_v2([batch.ctypes.data, out.ctypes.data]):
            raise SystemExit("the execution failed")
    return logits


def int8_layers(engine: trt.ICudaEngine) -> int:
    """Layers that read 8-bit integers."""
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return text.count('"Format/Datatype": "uint8"')


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cache")
    given = arguments.parse_args().cache
    test = np.load(FASHION / "fashion_test.npz")
    images, labels = normalized(test["image"][:1000]), test["label"][:1000]
    samples = normalized(np.load(FASHION / "fashion_calib.npz")["image"])
    float_logits = logits_of(build_engine(None), images)
    print(f"FP32: {np.mean(float_logits.argmax(1) == labels):.2%} right")
    with tempfile.TemporaryDirectory() as folder:
        cache = given or os.path.join(folder, "calibration.cache")
        for run in ("calibrated", "from the cache"):
            calibrator = FashionCalibrator(samples, cache)
            engine = build_engine(calibrator)
            classes = logits_of(engine, images).argmax(1)
            print(f"INT8, {run}: {np.mean(classes == labels):.2%} right, {np.mean(classes == float_logits.argmax(1)):.2%} as "
                  f"FP32, {int8_layers(engine)} tensors of integers, {calibrator.current_index} samples read")


if __name__ == "__main__":
    main()
