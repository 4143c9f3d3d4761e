#!/usr/bin/env python3
"""Writes the seeds of import_fuzzer: small models that touch every part of the importer.

    make_import_corpus.py tests/fuzz/corpus/import_fuzzer
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def value(name, dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs, outputs, constants=(), opset=21, functions=(), domains=()):
    graph = helper.make_graph(nodes, "seed", inputs, outputs, list(constants))
    opsets = [helper.make_opsetid("", opset), *[helper.make_opsetid(d, 1) for d in domains]]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)


def convolution():
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
             helper.make_node("Clip", ["c"], ["r"], min=0.0, max=6.0),
             helper.make_node("Upsample", ["r", "s"], ["u"]),
             helper.make_node("GlobalAveragePool", ["u"], ["y"])]
    constants = [constant("w", np.ones((2, 3, 3, 3), np.float32)), constant("b", np.ones(2, np.float32)),
                 constant("s", np.array([1, 1, 2, 2], np.float32))]
    return model(nodes, [value("x", ["batch", 3, 8, 8])], [value("y", None)], constants, opset=9)


def shapes():
    nodes = [helper.make_node("Shape", ["x"], ["s"]),
             helper.make_node("Gather", ["s", "zero"], ["n"]),
             helper.make_node("Unsqueeze", ["n"], ["n1"], axes=[0]),
             helper.make_node("Concat", ["n1", "rest"], ["shape"], axis=0),
             helper.make_node("Reshape", ["x", "shape"], ["r"]),
             helper.make_node("Softmax", ["r"], ["p"], axis=1),
             helper.make_node("ReduceSum", ["p"], ["y"], axes=[1], keepdims=0)]
    constants = [constant("zero", np.int64(0)), constant("rest", np.array([2, -1], np.int64))]
    return model(nodes, [value("x", ["n", 4, 6])], [value("y", None)], constants, opset=11)


def control_flow():
    def branch(op):
        return helper.make_graph([helper.make_node(op, ["x"], ["t"])], op, [], [value("t", None)])

    body = helper.make_graph([helper.make_node("Add", ["sum", "item"], ["next"]), helper.make_node("Identity", ["next"], ["out"])],
                             "body", [value("sum", None), value("item", None)], [value("next", None), value("out", None)])
    nodes = [helper.make_node("If", ["c"], ["b"], then_branch=branch("Neg"), else_branch=branch("Abs")),
             helper.make_node("Scan", ["zero", "b"], ["last", "y"], body=body, num_scan_inputs=1)]
    return model(nodes, [value("x", [3])], [value("y", None)], [constant("c", np.array(True)), constant("zero", np.float32(0))])


def functions():
    inner = helper.make_node("LeakyRelu", ["a"], ["b"])
    inner.attribute.append(onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope"))
    function = helper.make_function("local", "Slope", ["a"], ["b"], [inner], [helper.make_opsetid("", 21)], ["slope"])
    nodes = [helper.make_node("Slope", ["x"], ["y"], domain="local", slope=0.5)]
    return model(nodes, [value("x", [2, 2])], [value("y", None)], functions=[function], domains=["local"])


def tensors():
    packed = helper.make_tensor("q", TensorProto.INT4, [4], [-8, 7, 0, 1])
    sparse = helper.make_sparse_tensor(constant("v", np.array([1, 2], np.float32)), constant("i", np.array([0, 5], np.int64)), [2, 3])
    half = constant("h", np.ones(3, np.float16))
    nodes = [helper.make_node("Constant", [], ["d"], sparse_value=sparse),
             helper.make_node("DequantizeLinear", ["q", "scale"], ["f"]),
             helper.make_node("Cast", ["h"], ["h32"], to=TensorProto.FLOAT),
             helper.make_node("Add", ["d", "h32"], ["y"])]
    return model(nodes, [], [value("y", None), value("f", None)], [packed, half, constant("scale", np.float32(0.5))])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in (convolution, shapes, control_flow, functions, tensors):
        onnx.save(make(), folder / f"{make.__name__}.onnx")


if __name__ == "__main__":
    main()
