"""A serialised ONNX model as a network sees it: nodes and weights by name, and changes that leave the rest as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from burnish import _core
from burnish.errors import InvalidArgumentError, UnsupportedError
from burnish.tensorrt import wire
from burnish.tensorrt.weights import ONNX_TYPES, Array, nptype

# Field numbers of onnx.proto.
_GRAPH, _OPSET = 7, 8
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_RAW_DATA, _NAME, _EXTERNAL, _LOCATION = 9, 8, 13, 14
# Where tensors of each type keep elements that are not raw: the field, and the type that it is read as.
_TYPED_DATA = {1: (4, "<f4"), 6: (5, "i4"), 7: (7, "i8"), 3: (5, "i1"), 2: (5, "u1"), 9: (5, "?")}


@dataclass
class Node:
    """A node by the names of its values."""

    name: str = ""
    op: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


@dataclass
class Initializer:
    """Where a constant lies in the model."""

    name: str
    onnx_type: int
    shape: tuple[int, ...]
    is_external: bool
    message: memoryview

    def array(self) -> Array:
        """The elements; a view where they are stored raw."""
        by_number = {number: kind for kind, number in ONNX_TYPES.items()}
        if self.is_external or self.onnx_type not in by_number:
            raise UnsupportedError(f"the weights '{self.name}' lie in another file, or are of a type without a name in "
                                   "TensorRT: they cannot be refitted")
        dtype = np.dtype(nptype(by_number[self.onnx_type]))
        for f in wire.fields(self.message):
            if f.number == _RAW_DATA:
                return np.frombuffer(f.payload, dtype).reshape(self.shape)
        return self._typed(dtype)

    def _typed(self, dtype: np.dtype[np.generic]) -> Array:
        if self.onnx_type not in _TYPED_DATA:
            raise UnsupportedError(f"the weights '{self.name}' are not stored as raw bytes: they cannot be refitted")
        number, kind = _TYPED_DATA[self.onnx_type]
        floats, numbers = b"", list[int]()
        for f in wire.fields(self.message):
            if f.number == number and kind == "<f4":
                floats += bytes(f.payload)
            elif f.number == number:
                numbers += wire.varints(f.payload) if len(f.payload) else [f.value]
        found = np.frombuffer(floats, kind) if floats else np.array(numbers, np.uint64).astype(np.int64)
        return found.astype(dtype).reshape(self.shape)


def _text(payload: memoryview) -> str:
    return bytes(payload).decode("utf-8", "replace")


def _node(message: memoryview) -> Node:
    node = Node()
    for f in wire.fields(message):
        if f.number == 1:
            node.inputs.append(_text(f.payload))
        elif f.number == 2:
            node.outputs.append(_text(f.payload))
        elif f.number == 3:
            node.name = _text(f.payload)
        elif f.number == 4:
            node.op = _text(f.payload)
        elif f.number == 7:
            node.domain = _text(f.payload)
    return node


def _initializer(message: memoryview) -> Initializer:
    name, kind, shape, external = "", 0, list[int](), False
    for f in wire.fields(message):
        if f.number == 1:
            shape += wire.varints(f.payload) if len(f.payload) else [f.value]
        elif f.number == 2:
            kind = f.value
        elif f.number == _NAME:
            name = _text(f.payload)
        external = external or f.number == _EXTERNAL or (f.number == _LOCATION and f.value == 1)
    return Initializer(name, kind, tuple(shape), external, message)


def _name_of_value(message: memoryview) -> str:
    return next((_text(f.payload) for f in wire.fields(message) if f.number == 1), "")


class OnnxModel:
    """Immutable; what changes gives another model. base_directory: where external data lies."""

    def __init__(self, data: bytes, base_directory: str = "") -> None:
        self.data = data
        self.base_directory = base_directory
        self._graph = next((f.payload for f in wire.fields(data) if f.number == _GRAPH), memoryview(b""))

    @cached_property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        for f in wire.fields(self.data):
            if f.number == _OPSET:
                entry = {x.number: x for x in wire.fields(f.payload)}
                if 1 not in entry or _text(entry[1].payload) in ("", "ai.onnx"):
                    return entry[2].value if 2 in entry else 0
        return 0

    @cached_property
    def nodes(self) -> list[Node]:
        return [_node(f.payload) for f in wire.fields(self._graph) if f.number == _NODE]

    @cached_property
    def initializers(self) -> dict[str, Initializer]:
        found = [_initializer(f.payload) for f in wire.fields(self._graph) if f.number == _INITIALIZER]
        return {i.name: i for i in found}

    def with_graph(self, kept: Iterable[bytes | memoryview]) -> OnnxModel:
        """The same model with these records of its graph."""
        graph = b"".join(kept)
        rest = [f.record for f in wire.fields(self.data) if f.number != _GRAPH]
        return OnnxModel(b"".join([*rest, wire.record(_GRAPH, graph)]), self.base_directory)

    def extended(self, more: bytes, outputs: Iterable[str], inputs: Mapping[str, _core.ModelWriter]) -> OnnxModel:
        """With the inputs, nodes and constants of another model behind its own, and other outputs.

        inputs: declarations that replace those of the same name, each as a model with this one input.
        """
        kept = list[bytes | memoryview]()
        for f in wire.fields(self._graph):
            if f.number == _INPUT and _name_of_value(f.payload) in inputs:
                declared = OnnxModel(inputs[_name_of_value(f.payload)].serialize())
                kept += [x.record for x in wire.fields(declared._graph) if x.number == _INPUT]
            elif f.number != _OUTPUT:
                kept.append(f.record)
        added = (_NODE, _INITIALIZER, _INPUT)
        kept += [f.record for f in wire.fields(OnnxModel(more)._graph) if f.number in added]
        kept += [wire.record(_OUTPUT, wire.record(1, name.encode())) for name in outputs]
        return self.with_graph(kept)

    def with_weights(self, weights: Mapping[str, Array]) -> OnnxModel:
        """With other elements in the initializers named; types and shapes stay."""
        kept = list[bytes | memoryview]()
        for f in wire.fields(self._graph):
            initializer = _initializer(f.payload) if f.number == _INITIALIZER else None
            if initializer is None or initializer.name not in weights:
                kept.append(f.record)
            else:
                kept.append(wire.record(_INITIALIZER, _refilled(initializer, weights[initializer.name])))
        return self.with_graph(kept)


def _refilled(initializer: Initializer, array: Array) -> bytes:
    expected = initializer.array()
    if array.size != expected.size or array.dtype != expected.dtype:
        raise InvalidArgumentError(f"the weights '{initializer.name}' are {expected.size} of {expected.dtype}, those "
                                   f"given {array.size} of {array.dtype}")
    dims = b"".join(wire.varint(1 << 3) + wire.varint(d) for d in initializer.shape)
    kind = wire.varint(2 << 3) + wire.varint(initializer.onnx_type)
    name = wire.record(_NAME, initializer.name.encode())
    return dims + kind + name + wire.record(_RAW_DATA, np.ascontiguousarray(array).tobytes())
