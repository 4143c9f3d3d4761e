#!/usr/bin/env python3
"""Image classification, as TensorRT's users write it: ONNX → engine file → executions, with one import changed.

    examples/python/tensorrt/classification.py [--images 1000]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

import burnish as trt

FASHION = Path(__file__).resolve().parents[2] / "fashion"
TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
BATCH = 50


def build_engine(onnx_path: Path, engine_path: Path) -> None:
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, TRT_LOGGER)
    if not parser.parse_from_file(str(onnx_path)):
        for error in range(parser.num_errors):
            print(parser.get_error(error))
        raise SystemExit(1)

    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 28)
    profile = builder.create_optimization_profile()
    shape = (BATCH, 1, 28, 28)
    profile.set_shape(network.get_input(0).name, shape, shape, shape)
    config.add_optimization_profile(profile)

    serialized_engine = builder.build_serialized_network(network, config)
    if serialized_engine is None:
        raise SystemExit("the build failed")
    with open(engine_path, "wb") as f:
        f.write(serialized_engine)


def load_engine(engine_path: Path) -> trt.ICudaEngine:
    with open(engine_path, "rb") as f, trt.Runtime(TRT_LOGGER) as runtime:
        engine = runtime.deserialize_cuda_engine(f.read())
    if engine is None:
        raise SystemExit("the engine cannot be loaded")
    return engine


def classify(engine: trt.ICudaEngine, images: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Classes of the images, a batch at a time."""
    buffers: list[npt.NDArray[np.float32]] = []
    bindings: list[int] = []
    for binding in engine:
        dtype = trt.nptype(engine.get_tensor_dtype(binding))
        buffers.append(np.empty(engine.get_tensor_shape(binding), dtype))
        bindings.append(buffers[-1].ctypes.data)

    classes = []
    with engine.create_execution_context() as context:
        for begin in range(0, len(images), BATCH):
            np.copyto(buffers[0], images[begin : begin + BATCH])
            if not context.execute_v2(bindings=bindings):
                raise SystemExit("the execution failed")
            classes.append(buffers[1].argmax(axis=1))
    return np.concatenate(classes)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--images", type=int, default=1000)
    count = arguments.parse_args().images // BATCH * BATCH
    data = np.load(FASHION / "fashion_test.npz")
    images = ((data["image"][:count] / 255 - 0.286) / 0.353).astype(np.float32)

    with tempfile.TemporaryDirectory() as folder:
        engine_path = Path(folder, "fashion.engine")
        build_engine(FASHION / "fashion_resnet.onnx", engine_path)
        classes = classify(load_engine(engine_path), images)
    print(f"{np.mean(classes == data['label'][:count]):.2%} of {count} images right")


if __name__ == "__main__":
    main()
