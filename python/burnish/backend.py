"""ONNX's backend interface on Burnish: prepare, run_model, run_node, supports_device. Needs the package onnx.

    import burnish.backend as backend
    outputs = backend.run_model(onnx.load("model.onnx"), [x])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

from burnish import _core
from burnish._build import build
from burnish._core import num_gpus
from burnish._engine import Engine
from burnish.errors import Error, InvalidArgumentError, UnsupportedError

_Shapes = tuple[tuple[int, ...], ...]


class BurnishRep(BackendRep):
    """A prepared model. Models with free dimensions are built for the shapes of the inputs that they are run with."""

    def __init__(self, model: onnx.ModelProto, **options: Any) -> None:
        self._bytes = model.SerializeToString()
        self._options = options
        self._engines: dict[_Shapes, Engine] = {}
        described = _core.describe_model(self._bytes, options.get("base_directory") or "")
        self._inputs: list[str] = [value["name"] for value in described["inputs"]]
        self._given: list[str] = [value.name for value in model.graph.input]
        self._outputs = namedtupledict("Outputs", [value["name"] for value in described["outputs"]])
        shapes = [value["shape"] for value in described["inputs"]]
        if all(shape is not None and all(isinstance(d, int) for d in shape) for shape in shapes):
            self._engines[tuple(map(tuple, shapes))] = build(self._bytes, **options)

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """inputs: arrays in the order of the model's inputs, or by name, or one array."""
        arrays = self._arrays_of(inputs)
        outputs = self._engine_for(arrays).run(arrays)
        result: tuple[Any, ...] = self._outputs(*outputs.values())
        return result

    def _arrays_of(self, inputs: Any) -> dict[str, Any]:
        if isinstance(inputs, Mapping):
            return dict(inputs)
        arrays = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
        # Initialisers may be listed among a model's inputs; they are given only by those who give all.
        names = self._given if len(arrays) > len(self._inputs) else self._inputs
        if len(arrays) > len(names):
            raise InvalidArgumentError(f"{len(arrays)} inputs are given, but the model has {len(names)}")
        return {name: array for name, array in zip(names, arrays) if name in self._inputs}

    def _engine_for(self, arrays: Mapping[str, Any]) -> Engine:
        shapes = {name: tuple(np.shape(arrays[name])) for name in self._inputs if name in arrays}
        key = tuple(shapes.values())
        if key not in self._engines:
            profile = None if len(shapes) < len(self._inputs) else {name: list(shape) for name, shape in shapes.items()}
            self._engines[key] = build(self._bytes, profiles=profile, **self._options)
        return self._engines[key]


class BurnishBackend(Backend):
    """Class form of this module's functions, as onnx.backend.test.BackendTest takes it."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """True when all of the model can be imported."""
        try:
            _core.describe_model(model.SerializeToString(), kwargs.get("base_directory") or "")
        except Error:
            return False
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> BurnishRep:
        """kwargs: options of burnish.build()."""
        if not cls.supports_device(device):
            raise UnsupportedError(f"there is no device '{device}': this machine has CPU and {num_gpus()} times CUDA")
        return BurnishRep(model, target=_target(device), **kwargs)

    @classmethod
    def run_node(cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU",
                 outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None, **kwargs: Any) -> tuple[Any, ...]:
        """Runs one operator. kwargs: opset_version, and options of burnish.build()."""
        opset = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        names = [name for name in node.input if name]
        arrays = dict(inputs) if isinstance(inputs, Mapping) else dict(zip(names, inputs))
        values = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                  for name, array in arrays.items()]
        results = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
        graph = helper.make_graph([node], node.op_type, values, results)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain, opset)])
        return cls.prepare(model, device, **kwargs).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """"CPU"; "CUDA" or "CUDA:1" where there is such a GPU."""
        kind, _, number = device.partition(":")
        return kind == "CPU" or (kind == "CUDA" and (number or "0").isdecimal() and int(number or 0) < num_gpus())


def _target(device: str) -> str:
    return "cpu" if device.startswith("CPU") else device.lower()


is_compatible = BurnishBackend.is_compatible
prepare = BurnishBackend.prepare
run_model = BurnishBackend.run_model
run_node = BurnishBackend.run_node
supports_device = BurnishBackend.supports_device
