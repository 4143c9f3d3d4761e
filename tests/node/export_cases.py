#!/usr/bin/env python3
"""Writes the ONNX backend node tests of the installed onnx package as files, for node_runner.

    export_cases.py FOLDER

FOLDER/cases.tsv has a line for each case: name, category, rtol, atol, number of data sets. The category says why a case is
out of scope (strings, sequences, optionals, maps, training) or is "-". FOLDER/<case>/ holds model.onnx and, for each
data set k, <k>_input_<i>.pb and <k>_output_<i>.pb as TensorProto; an absent optional input has no file.
Does nothing when FOLDER is up to date.
"""
import hashlib
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper


def stamp():
    script = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()
    return f"onnx {onnx.__version__} script {script}\n"


def all_nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from all_nodes(inner)


def type_categories(value_type):
    kind = value_type.WhichOneof("value")
    if kind == "sequence_type":
        yield "sequences"
        yield from type_categories(value_type.sequence_type.elem_type)
    elif kind == "optional_type":
        yield "optionals"
        yield from type_categories(value_type.optional_type.elem_type)
    elif kind == "map_type":
        yield "maps"
    elif kind == "tensor_type" and value_type.tensor_type.elem_type == onnx.TensorProto.STRING:
        yield "strings"


def node_categories(node):
    if "training" in node.domain:
        yield "training"
    if node.op_type.startswith("Optional"):
        yield "optionals"
    is_reversal = node.op_type == "ReverseSequence"
    if not is_reversal and (node.op_type.startswith("Sequence") or node.op_type.endswith("Sequence")):
        yield "sequences"
    if node.op_type.startswith("String") or node.op_type == "RegexFullMatch":
        yield "strings"
    for attribute in node.attribute:
        if attribute.HasField("t") and attribute.t.data_type == onnx.TensorProto.STRING:
            yield "strings"
        if attribute.name in ("keys_strings", "values_strings", "classes_strings", "pool_strings"):
            yield "strings"


def category(model):
    """The first reason for which the case is out of scope, or "-"."""
    found = set()
    for value in [*model.graph.input, *model.graph.output]:
        found.update(type_categories(value.type))
    bodies = [model.graph, *model.functions]
    for body in bodies:
        for node in all_nodes(body):
            found.update(node_categories(node))
    for name in ("training", "maps", "optionals", "sequences", "strings"):
        if name in found:
            return name
    return "-"


def to_proto(value, name):
    if isinstance(value, onnx.TensorProto):
        return value
    return numpy_helper.from_array(np.asarray(value), name)


def write_values(folder, prefix, values, infos):
    for i, value in enumerate(values):
        if value is not None:
            name = infos[i].name if i < len(infos) else ""
            (folder / f"{prefix}_{i}.pb").write_bytes(to_proto(value, name).SerializeToString())


def write_case(case, root):
    folder = root / case.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    reason = category(case.model)
    if reason == "-":
        for k, (inputs, outputs) in enumerate(case.data_sets):
            write_values(folder, f"{k}_input", inputs, case.model.graph.input)
            write_values(folder, f"{k}_output", outputs, case.model.graph.output)
    return f"{case.name}\t{reason}\t{case.rtol}\t{case.atol}\t{len(case.data_sets)}\n"


def main():
    root = pathlib.Path(sys.argv[1])
    done = root / "stamp.txt"
    if done.exists() and done.read_text() == stamp():
        return
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    warnings.filterwarnings("ignore")
    from onnx.backend.test.loader import load_model_tests

    cases = sorted(load_model_tests(kind="node"), key=lambda case: case.name)
    lines = [write_case(case, root) for case in cases]
    (root / "cases.tsv").write_text("".join(lines))
    done.write_text(stamp())
    print(f"{len(cases)} node cases of onnx {onnx.__version__} written to {root}")


if __name__ == "__main__":
    main()
