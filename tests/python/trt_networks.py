"""Networks made by hand, built and executed for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np

import burnish as trt
from models import model

Array = np.ndarray[Any, Any]
EXPLICIT = 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
Made = Union[trt.ILayer, Sequence[trt.ITensor]]

TYPES = {np.dtype(trt.nptype(t)): t for t in (trt.float32, trt.float16, trt.int8, trt.int32, trt.int64, trt.bool, trt.uint8)}


class Messages(trt.ILogger):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        if severity <= trt.ILogger.ERROR:
            self.errors.append(msg)
        elif severity == trt.ILogger.WARNING:
            self.warnings.append(msg)


def evaluate(make: Callable[..., Made], *inputs: Array, free: bool = False) -> list[Array]:
    """The outputs of what make(network, tensors…) adds. Their types and shapes are those that the tensors told.

    free: the first dimension of every input is free while the network is made.
    """
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    builder.max_threads = 1
    network = builder.create_network()
    config = builder.create_builder_config()
    config.builder_optimization_level = 1
    profile = builder.create_optimization_profile()
    tensors = []
    for i, x in enumerate(inputs):
        tensors.append(network.add_input(f"x{i}", TYPES[x.dtype], [-1, *x.shape[1:]] if free else x.shape))
        if free:
            tensors[-1].set_dimension_name(0, "batch")
            profile.set_shape(f"x{i}", x.shape, x.shape, x.shape)
    config.add_optimization_profile(profile)
    made = make(network, *tensors)
    outputs = [made.get_output(i) for i in range(made.num_outputs)] if isinstance(made, trt.ILayer) else list(made)
    for tensor in outputs:
        network.mark_output(tensor)
    told = [(tensor.shape, tensor.dtype) for tensor in outputs]
    engine = builder.build_engine(network, config)
    assert engine is not None
    return run(engine, list(inputs), told)


def run(engine: trt.ICudaEngine, inputs: list[Array], told: list[tuple[trt.Dims, trt.DataType]]) -> list[Array]:
    context = engine.create_execution_context()
    for i, x in enumerate(inputs):
        assert context.set_input_shape(f"x{i}", x.shape)
    results = []
    for (shape, dtype), name in zip(told, list(engine)[len(inputs):]):
        actual = context.get_tensor_shape(name)
        assert all(a == b or b == -1 for a, b in zip(actual, shape)) and len(actual) == len(shape), (actual, shape)
        assert engine.get_tensor_dtype(name) == dtype, (name, dtype)
        results.append(np.empty(actual, trt.nptype(dtype)))
    assert context.execute_v2([np.ascontiguousarray(x) for x in inputs] + results)
    return results


def made(logger: trt.ILogger, *models: bytes, shapes: tuple[Any, ...] = (), flags: tuple[trt.BuilderFlag, ...] = ()) -> Any:
    """builder, network and config of a model; shapes: those of input x for each profile."""
    builder = trt.Builder(logger)
    network = builder.create_network(EXPLICIT)
    config = builder.create_builder_config()
    config.builder_optimization_level = 1
    builder.max_threads = 1
    for data in models:
        assert trt.OnnxParser(network, logger).parse(data)
    for low, opt, high in shapes:
        profile = builder.create_optimization_profile()
        profile.set_shape("x", low, opt, high)
        config.add_optimization_profile(profile)
    for flag in flags:
        config.set_flag(flag)
    return builder, network, config


def engine_of(data: bytes, *shapes: Any, logger: trt.ILogger | None = None) -> trt.ICudaEngine:
    builder, network, config = made(logger or trt.Logger(), data, shapes=shapes)
    engine = builder.build_engine(network, config)
    assert isinstance(engine, trt.ICudaEngine)
    return engine


def relu(batch: int | str = "batch") -> bytes:
    return model([("Relu", ["x"], ["y"], {})], {"x": [batch, 3]}, ["y"])
