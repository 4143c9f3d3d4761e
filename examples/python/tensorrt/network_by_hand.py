#!/usr/bin/env python3
"""A network built by hand, layer by layer: a small convolutional classifier with random weights.

    examples/python/tensorrt/network_by_hand.py
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import burnish as trt

TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
Array = npt.NDArray[np.float32]
Weights = dict[str, Array]


def random_weights() -> Weights:
    rng = np.random.default_rng(0)
    shapes = {"conv1.weight": (8, 1, 5, 5), "conv1.bias": (8,), "conv2.weight": (16, 8, 5, 5), "conv2.bias": (16,),
              "fc.weight": (10, 256), "fc.bias": (10,)}
    return {name: rng.standard_normal(shape, dtype=np.float32) * np.float32(0.1) for name, shape in shapes.items()}


def populate_network(network: trt.INetworkDefinition, weights: Weights) -> None:
    input_tensor = network.add_input(name="data", dtype=trt.float32, shape=(2, 1, 28, 28))

    conv1 = network.add_convolution_nd(input=input_tensor, num_output_maps=8, kernel_shape=(5, 5),
                                       kernel=weights["conv1.weight"], bias=weights["conv1.bias"])
    conv1.stride_nd = (1, 1)
    pool1 = network.add_pooling_nd(input=conv1.get_output(0), type=trt.PoolingType.MAX, window_size=(2, 2))
    pool1.stride_nd = trt.Dims2(2, 2)

    conv2 = network.add_convolution_nd(pool1.get_output(0), 16, (5, 5), weights["conv2.weight"], weights["conv2.bias"])
    pool2 = network.add_pooling_nd(conv2.get_output(0), trt.PoolingType.MAX, (2, 2))
    pool2.stride_nd = trt.Dims2(2, 2)
    relu = network.add_activation(input=pool2.get_output(0), type=trt.ActivationType.RELU)

    batch = relu.get_output(0).shape[0]
    flat = network.add_shuffle(relu.get_output(0))
    flat.reshape_dims = (batch, trt.volume(relu.get_output(0).shape) // batch)
    kernel = network.add_constant(weights["fc.weight"].shape, trt.Weights(weights["fc.weight"]))
    product = network.add_matrix_multiply(flat.get_output(0), trt.MatrixOperation.NONE, kernel.get_output(0),
                                          trt.MatrixOperation.TRANSPOSE)
    bias = network.add_constant((1, 10), weights["fc.bias"])
    sums = network.add_elementwise(product.get_output(0), bias.get_output(0), trt.ElementWiseOperation.SUM)
    softmax = network.add_softmax(sums.get_output(0))
    softmax.axes = 1 << 1
    softmax.get_output(0).name = "prob"
    network.mark_output(tensor=softmax.get_output(0))


def in_numpy(x: Array, weights: Weights) -> Array:
    """The same, as a check."""
    def convolve(x: Array, name: str) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(
            x, (5, 5), axis=(2, 3))  # type: ignore[call-overload, unused-ignore]  # NumPy 2.2 declares one axis
        sums: Array = np.einsum("nchwij,ocij->nohw", windows, weights[f"{name}.weight"])
        return sums + weights[f"{name}.bias"].reshape(1, -1, 1, 1)

    def pooled(x: Array) -> Array:
        largest: Array = x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).max((3, 5))
        return largest

    x = np.maximum(pooled(convolve(pooled(convolve(x, "conv1")), "conv2")), 0)
    scores = x.reshape(len(x), -1) @ weights["fc.weight"].T + weights["fc.bias"]
    e = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True), np.float32)


def main() -> None:
    weights = random_weights()
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network()
    populate_network(network, weights)
    for layer in network:
        print(f"{layer.type.name:16} {layer.get_output(0).shape}")
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # NumPy multiplies in FP32
    plan = builder.build_serialized_network(network, config)
    engine = None if plan is None else trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(plan)
    if engine is None:
        raise SystemExit("the build failed")

    x = np.random.default_rng(1).standard_normal((2, 1, 28, 28), dtype=np.float32)
    prob = np.empty(engine.get_tensor_shape("prob"), np.float32)
    context = engine.create_execution_context()
    context.set_tensor_address("data", x.ctypes.data)
    context.set_tensor_address("prob", prob.ctypes.data)
    if not context.execute_async_v3(0):
        raise SystemExit("the execution failed")
    difference = np.abs(prob - in_numpy(x, weights)).max()
    print(f"{prob.shape}, at most {difference:.1e} from NumPy")
    assert difference < 1e-5


if __name__ == "__main__":
    main()
