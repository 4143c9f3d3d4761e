#!/usr/bin/env python3
"""Batches of any size with two optimization profiles, through tensor addresses and execute_async_v3.

    examples/python/tensorrt/dynamic_batch.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

import burnish as trt

FASHION = Path(__file__).resolve().parents[2] / "fashion"
TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
PROFILES = [(1, 1, 4), (5, 32, 64)]  # smallest, typical and largest batch
Images = npt.NDArray[np.float32]


def build_engine() -> trt.ICudaEngine:
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, TRT_LOGGER)
    if not parser.parse((FASHION / "fashion_mobile.onnx").read_bytes()):
        raise SystemExit("\n".join(str(parser.get_error(i)) for i in range(parser.num_errors)))

    image = network.get_input(0)
    assert image.shape == (-1, 1, 28, 28)
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # answers of different kernels are compared below
    for low, typical, high in PROFILES:
        profile = builder.create_optimization_profile()
        profile.set_shape(image.name, min=(low, 1, 28, 28), opt=(typical, 1, 28, 28), max=(high, 1, 28, 28))
        config.add_optimization_profile(profile)

    plan = builder.build_serialized_network(network, config)
    engine = None if plan is None else trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(plan)
    if engine is None:
        raise SystemExit("the build failed")
    return engine


class Session:
    """An execution context that takes whatever batch comes."""

    def __init__(self, engine: trt.ICudaEngine) -> None:
        self.engine = engine
        self.context = engine.create_execution_context()
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self.input = next(n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT)
        self.output = next(n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.OUTPUT)

    def profile_for(self, batch: int) -> int:
        for index in range(self.engine.num_optimization_profiles):
            low, _, high = self.engine.get_tensor_profile_shape(self.input, index)
            if low[0] <= batch <= high[0]:
                return index
        raise ValueError(f"no profile holds a batch of {batch}")

    def __call__(self, images: Images, stream: int = 0) -> Images:
        self.context.set_optimization_profile_async(self.profile_for(len(images)), stream)
        self.context.set_input_shape(self.input, images.shape)
        assert not self.context.infer_shapes()
        logits = np.empty(self.context.get_tensor_shape(self.output), np.float32)
        self.context.set_tensor_address(self.input, images.ctypes.data)
        self.context.set_tensor_address(self.output, logits.ctypes.data)
        if not self.context.execute_async_v3(stream_handle=stream):
            raise RuntimeError("the execution failed")
        return logits


def main() -> None:
    images = np.load(FASHION / "fashion_test.npz")["image"][:64]
    images = np.ascontiguousarray((images / 255 - 0.286) / 0.353, np.float32)
    session = Session(build_engine())
    one_by_one = np.concatenate([session(images[i : i + 1]) for i in range(len(images))])
    for batch in (2, 4, 5, 17, 64):
        logits = session(images[:batch])
        difference = np.abs(logits - one_by_one[:batch]).max()
        print(f"batch {batch}, profile {session.context.active_optimization_profile}: "
              f"{logits.shape}, at most {difference:.1e} from one by one")
        assert difference < 1e-3


if __name__ == "__main__":
    main()
