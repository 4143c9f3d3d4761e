#!/usr/bin/env python3
"""New weights for an engine that is built already: with BuilderFlag.REFIT and a Refitter.

    examples/python/tensorrt/refit.py
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import burnish as trt

TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
Array = npt.NDArray[np.float32]


def build_engine(kernel: Array, bias: Array) -> trt.ICudaEngine:
    """relu(x · kernelᵀ + bias) as a convolution of one pixel."""
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network()
    x = network.add_input("x", trt.float32, (1, kernel.shape[1], 4, 4))
    conv = network.add_convolution_nd(x, kernel.shape[0], (1, 1), kernel, bias)
    conv.name = "head"
    relu = network.add_activation(conv.get_output(0), trt.ActivationType.RELU)
    relu.get_output(0).name = "y"
    network.mark_output(relu.get_output(0))

    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # NumPy multiplies in FP32
    config.set_flag(trt.BuilderFlag.REFIT)
    plan = builder.build_serialized_network(network, config)
    engine = None if plan is None else trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(plan)
    if engine is None or not engine.refittable:
        raise SystemExit("the build failed")
    return engine


def expected(x: Array, kernel: Array, bias: Array) -> Array:
    sums: Array = np.einsum("nchw,oc->nohw", x, kernel) + bias.reshape(1, -1, 1, 1)
    return np.maximum(sums, 0)


def main() -> None:
    rng = np.random.default_rng(0)
    kernels = rng.standard_normal((2, 6, 3), dtype=np.float32)
    biases = rng.standard_normal((2, 6), dtype=np.float32)
    x = rng.standard_normal((1, 3, 4, 4), dtype=np.float32)
    y = np.empty((1, 6, 4, 4), np.float32)

    engine = build_engine(kernels[0], biases[0])
    context = engine.create_execution_context()
    context.execute_v2([x.ctypes.data, y.ctypes.data])
    print(f"as built: at most {np.abs(y - expected(x, kernels[0], biases[0])).max():.1e} from NumPy")

    refitter = trt.Refitter(engine, TRT_LOGGER)
    for layer, role in zip(*refitter.get_all()):
        print(f"can be refitted: {role} of layer '{layer}'")
    refitter.set_weights("head", trt.WeightsRole.KERNEL, trt.Weights(kernels[1]))
    refitter.set_weights("head", trt.WeightsRole.BIAS, biases[1])
    missing_layers, roles = refitter.get_missing()
    assert not missing_layers and not roles
    if not refitter.refit_cuda_engine():
        raise SystemExit("the refit failed")

    context.execute_v2([x.ctypes.data, y.ctypes.data])
    difference = np.abs(y - expected(x, kernels[1], biases[1])).max()
    print(f"refitted: at most {difference:.1e} from NumPy")
    assert difference < 1e-5


if __name__ == "__main__":
    main()
