"""Writes a network's layers as ONNX nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from burnish import _core
from burnish.errors import InvalidArgumentError
from burnish.tensorrt.enums import DataType
from burnish.tensorrt.layer_enums import WeightsRole
from burnish.tensorrt.tensor import ILayer, ITensor
from burnish.tensorrt.weights import ONNX_TYPES, Array, data_type, native_type

# Shapes never depend on the elements of constants that are larger.
_LARGE = 64


class GraphWriter:
    """Collects nodes and constants. With shapes_only, large constants are declared, not written."""

    def __init__(self, name: str, opset: int, shapes_only: bool) -> None:
        self.opset = opset
        self.roles: dict[str, dict[str, str]] = {}  # layer → role → name of the constant
        self.num_layers = 0
        self._model = _core.ModelWriter(name, opset)
        self._shapes_only = shapes_only
        self._names: dict[str, ITensor] = {}
        self._layer = ""
        self._num_names = 0
        self._is_first = True

    # --- values -------------------------------------------------------------------------------------------------------
    def declare(self, tensor: ITensor) -> None:
        """Gives a tensor its name; two of one name are an error."""
        other = self._names.setdefault(tensor.name, tensor)
        if other is not tensor:
            raise InvalidArgumentError(f"two tensors are called '{tensor.name}': rename one of them")

    def name_of(self, tensor: ITensor) -> str:
        """What nodes call the tensor."""
        return tensor.name if tensor._value is None else tensor._value

    def add_input(self, tensor: ITensor) -> None:
        self.declare(tensor)
        declare_input(self._model, tensor, tensor.name)

    def rename(self, value: str, tensor: ITensor) -> None:
        """A value of an imported model under the tensor's name."""
        self.declare(tensor)
        self._model.add_node("Identity", [value], [tensor.name], f"{tensor.name}/renamed")

    def mark_output(self, name: str) -> None:
        self._model.mark_output(name)

    # --- nodes --------------------------------------------------------------------------------------------------------
    def write(self, layer: ILayer) -> None:
        """The layer's nodes; its outputs get their names."""
        self._layer, self._is_first = layer.name, True
        self.num_layers += 1
        for index, (output, value) in enumerate(zip(layer._outputs, layer._write(self))):
            self.declare(output)
            kind = layer._output_types.get(index)
            if kind is None:
                self._model.add_node("Identity", [value], [output.name], f"{layer.name}/output_{index}")
            else:
                self._model.add_node("Cast", [value], [output.name], f"{layer.name}/output_{index}",
                                     attributes={"to": ONNX_TYPES[kind]})

    def nodes(self, op: str, inputs: Sequence[str], num_outputs: int, **attributes: Any) -> list[str]:
        """Adds a node; the names of its outputs. None as an attribute leaves it out."""
        outputs = [self._new_name() for _ in range(num_outputs)]
        name = self._layer if self._is_first else f"{self._layer}/{op}_{self._num_names}"
        self._is_first = False
        given = {key: value for key, value in attributes.items() if value is not None}
        self._model.add_node(op, list(inputs), outputs, name, attributes=given)
        return outputs

    def node(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds a node of one output."""
        return self.nodes(op, inputs, 1, **attributes)[0]

    def cast(self, value: str, dtype: DataType) -> str:
        return self.node("Cast", [value], to=ONNX_TYPES[dtype])

    def reduce(self, op: str, value: str, axes: list[int], keep_dims: bool) -> str:
        """A reduction; its axes were an attribute before opset 18 (sums: 13)."""
        if self.opset >= (13 if op == "ReduceSum" else 18):
            return self.node(op, [value, self.ints(axes)], keepdims=int(keep_dims))
        return self.node(op, [value], axes=axes, keepdims=int(keep_dims))

    # --- constants ----------------------------------------------------------------------------------------------------
    def constant(self, array: Array) -> str:
        name = self._new_name()
        if self._shapes_only and array.size > _LARGE:
            self._model.add_input(name, native_type(data_type(array.dtype.name, "a constant")), list(array.shape))
        else:
            self._model.add_constant(name, array)
        return name

    def ints(self, values: Iterable[int]) -> str:
        return self.constant(np.array(list(values), np.int64))

    def weights(self, role: WeightsRole, array: Array) -> str:
        """A constant that a refit finds by the layer's name and this role."""
        name = self.constant(array)
        self.roles.setdefault(self._layer, {})[role.name] = name
        return name

    def serialize(self) -> bytes:
        return self._model.serialize()

    def _new_name(self) -> str:
        self._num_names += 1
        return f"{self._layer}/{self._num_names}"


def declare_input(model: _core.ModelWriter, tensor: ITensor, name: str) -> None:
    """An input with the tensor's shape; free dimensions are named as the tensor says."""
    dims = [tensor.get_dimension_name(i) or "" if d < 0 else d for i, d in enumerate(tensor.shape)]
    model.add_input(name, native_type(tensor.dtype), dims)
