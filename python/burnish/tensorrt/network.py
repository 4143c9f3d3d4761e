"""INetworkDefinition: what is to be built, made by hand, imported, or both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from burnish import _core
from burnish.errors import InvalidArgumentError, UnsupportedError
from burnish.tensorrt.base import Scoped, Dims, DimsLike
from burnish.tensorrt.enums import DataType, NetworkDefinitionCreationFlag
from burnish.tensorrt.graph_writer import GraphWriter, declare_input
from burnish.tensorrt.layer_enums import LayerType
from burnish.tensorrt.layer_factory import Layer, LayerFactory
from burnish.tensorrt.onnx_model import Node, OnnxModel
from burnish.tensorrt.tensor import ILayer, ImportedLayer, ITensor
from burnish.tensorrt.weights import data_type

_OPSET = 22  # of networks made by hand
_LOWEST_OPSET = 13  # that layers can be added to
_NO_PLUGINS = "there are no plugins; express it in layers, or in ONNX operators (docs/tensorrt-api.md)"
_NO_CONTROL_FLOW = "loops and conditions come with ONNX models (Loop, Scan, If); they cannot be made by hand"
_IMPORT_IT = "import it from an ONNX model, or express it in other layers"

# LayerType of ONNX's operators, as far as TensorRT has one of that meaning.
_KINDS = {
    "Conv": "CONVOLUTION", "ConvTranspose": "DECONVOLUTION", "MatMul": "MATRIX_MULTIPLY", "Gemm": "MATRIX_MULTIPLY",
    "MaxPool": "POOLING", "AveragePool": "POOLING", "GlobalAveragePool": "REDUCE", "LRN": "LRN", "Softmax": "SOFTMAX",
    "Concat": "CONCATENATION", "Reshape": "SHUFFLE", "Transpose": "SHUFFLE", "Flatten": "SHUFFLE", "TopK": "TOPK",
    "Gather": "GATHER", "GatherND": "GATHER", "GatherElements": "GATHER", "Constant": "CONSTANT", "Cast": "CAST",
    "Identity": "IDENTITY", "Slice": "SLICE", "Shape": "SHAPE", "PRelu": "PARAMETRIC_RELU", "Resize": "RESIZE",
    "Where": "SELECT", "QuantizeLinear": "QUANTIZE", "DequantizeLinear": "DEQUANTIZE", "Einsum": "EINSUM",
    "NonZero": "NON_ZERO", "OneHot": "ONE_HOT", "LayerNormalization": "NORMALIZATION", "Pad": "PADDING",
    "InstanceNormalization": "NORMALIZATION", "GroupNormalization": "NORMALIZATION", "BatchNormalization": "SCALE",
    "Squeeze": "SQUEEZE", "Unsqueeze": "UNSQUEEZE", "CumSum": "CUMULATIVE", "GridSample": "GRID_SAMPLE",
    **dict.fromkeys(("Add", "Mul", "Sub", "Div", "Pow", "Max", "Min", "And", "Or", "Xor", "Equal", "Greater", "Less"),
                    "ELEMENTWISE"),
    **dict.fromkeys(("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "Softsign", "Softplus", "Clip", "Gelu",
                     "HardSigmoid", "ThresholdedRelu"), "ACTIVATION"),
    **dict.fromkeys(("Exp", "Log", "Sqrt", "Reciprocal", "Abs", "Neg", "Sin", "Cos", "Erf", "Not", "Floor", "Ceil",
                     "Round", "Sign"), "UNARY"),
    **dict.fromkeys(("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"), "REDUCE"),
}


class INetworkDefinition(Scoped, LayerFactory):
    """Layers, inputs and outputs. Made by Builder.create_network(); always with an explicit batch dimension."""

    _absent: ClassVar = {
        **dict.fromkeys(("add_plugin", "add_plugin_v2", "add_plugin_v3", "add_plugin_ext"), _NO_PLUGINS),
        **dict.fromkeys(("add_loop", "add_if_conditional"), _NO_CONTROL_FLOW),
        **dict.fromkeys(("add_rnn_v2", "add_scatter", "add_one_hot", "add_grid_sample", "add_nms", "add_fill",
                         "add_reverse_sequence", "add_ragged_softmax", "add_cumulative", "add_assertion",
                         "add_dynamic_quantize", "add_attention", "add_moe"), _IMPORT_IT),
        "mark_output_for_shapes": "outputs are never shape tensors here: use mark_output()",
        "mark_debug": "compare values with `burnish compare --per-layer`",
        "set_weights_name": "weights are found by their layer and role, or by the name in the ONNX model (Refitter)",
    }
    name: str = "Unnamed Network 0"
    has_implicit_batch_dimension = False
    has_explicit_precision = True

    def __init__(self, flags: int = 0) -> None:
        self._flags = flags
        self._inputs: list[ITensor] = []
        self._outputs: list[ITensor] = []
        self._layers: list[ILayer] = []
        self._model: OnnxModel | None = None
        self._version = 0
        self._as_imported: tuple[int, list[ITensor]] | None = None
        self._known: dict[str, dict[str, Any]] = {}  # what was inferred of values, for this version

    # --- inputs, outputs, layers --------------------------------------------------------------------------------------
    def add_input(self, name: str, dtype: DataType, shape: DimsLike) -> ITensor:
        """-1: a dimension that is free within the optimization profiles."""
        tensor = ITensor(self, name)
        tensor._declared = (DataType(dtype), Dims(shape))
        self._inputs.append(tensor)
        self._touch()
        return tensor

    def mark_output(self, tensor: ITensor) -> None:
        if tensor._network is not self:
            raise InvalidArgumentError(f"'{tensor.name}' belongs to another network")
        if not tensor.is_network_output:
            self._outputs.append(tensor)

    def unmark_output(self, tensor: ITensor) -> None:
        self._outputs = [t for t in self._outputs if t is not tensor]

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    @property
    def num_layers(self) -> int:
        return len(self._layers)

    def get_input(self, index: int) -> ITensor:
        return self._inputs[index]

    def get_output(self, index: int) -> ITensor:
        return self._outputs[index]

    def get_layer(self, index: int) -> ILayer:
        return self._layers[index]

    def __len__(self) -> int:
        return self.num_layers

    def __getitem__(self, index: int) -> ILayer:
        return self._layers[index]

    def __iter__(self) -> Iterator[ILayer]:
        return iter(self._layers)

    @property
    def flags(self) -> int:
        return self._flags

    def get_flag(self, flag: NetworkDefinitionCreationFlag) -> bool:
        return bool(self._flags >> int(flag) & 1)

    # --- for layers and tensors ---------------------------------------------------------------------------------------
    @property
    def _self(self) -> INetworkDefinition:
        return self

    def _append(self, layer: Layer) -> Layer:
        self._layers.append(layer)
        return layer

    def _touch(self) -> None:
        """What was inferred no longer holds."""
        self._version += 1
        self._known = {}

    def _shape_of(self, tensor: ITensor) -> Dims:
        shape = self._inferred(tensor)["shape"]
        if shape is None:
            raise UnsupportedError(f"the number of dimensions of '{tensor.name}' depends on data")
        return Dims(d if isinstance(d, int) else -1 for d in shape)

    def _dtype_of(self, tensor: ITensor) -> DataType:
        return data_type(self._inferred(tensor)["dtype"], f"tensor '{tensor.name}'")

    def _inferred(self, tensor: ITensor) -> dict[str, Any]:
        name = tensor.name if tensor._value is None else tensor._value
        if name not in self._known:
            model, _ = self._write(shape_of=tensor)
            values = _core.describe_model(model.data, model.base_directory)["values"]
            self._known = {**self._known, **values}
        if name not in self._known:
            raise InvalidArgumentError(f"nothing is known of the tensor '{tensor.name}'")
        return self._known[name]

    # --- from and to ONNX ---------------------------------------------------------------------------------------------
    def _check_empty(self) -> None:
        if self._inputs or self._layers:
            raise UnsupportedError("a model can only be imported into an empty network: parse first, then add layers")

    def _import(self, model: OnnxModel, description: dict[str, Any]) -> None:
        """Takes over a model that was described already."""
        tensors: dict[str, ITensor] = {}
        inputs = []
        for entry in description["inputs"]:
            tensor = self._imported_tensor(tensors, entry["name"])
            dims = entry["shape"] if entry["shape"] is not None else []
            kind = data_type(entry["dtype"], f"input '{entry['name']}'")
            tensor._declared = (kind, Dims(d if isinstance(d, int) else -1 for d in dims))
            tensor._dimension_names = {i: d for i, d in enumerate(dims) if isinstance(d, str)}
            inputs.append(tensor)
        self._model, self._inputs = model, inputs
        self.name = description["name"] or self.name
        self._layers = [self._imported_layer(tensors, node, i) for i, node in enumerate(model.nodes)]
        self._outputs = [self._imported_tensor(tensors, entry["name"]) for entry in description["outputs"]]
        self._known = {entry["name"]: entry for entry in description["outputs"]} | description["values"]
        self._as_imported = (self._version, list(self._outputs))

    def _imported_tensor(self, tensors: dict[str, ITensor], name: str) -> ITensor:
        return tensors.setdefault(name, ITensor(self, name, name))

    def _imported_layer(self, tensors: dict[str, ITensor], node: Node, index: int) -> ILayer:
        inputs: list[ITensor | None] = [self._imported_tensor(tensors, n) if n else None for n in node.inputs]
        outputs = [self._imported_tensor(tensors, n) for n in node.outputs if n]
        kind = LayerType[_KINDS.get(node.op, "PLUGIN") if not node.domain else "PLUGIN"]
        return ImportedLayer(self, node.name or f"{node.op}_{index}", kind, inputs, outputs)

    def _write(self, shape_of: ITensor | None = None) -> tuple[OnnxModel, dict[str, dict[str, str]]]:
        """The network as a model, and its weights: layer → role → name in the model.

        shape_of: only what this tensor depends on, with large constants as inputs: for the inference of its shape.
        """
        model = self._model
        out = GraphWriter(self.name, _OPSET if model is None else model.opset, shapes_only=shape_of is not None)
        for tensor in self._inputs:
            if tensor._value is None:
                out.add_input(tensor)
            else:
                out.declare(tensor)
        made = [layer for layer in self._layers if not isinstance(layer, ImportedLayer)]
        if shape_of is not None:
            needed = _needed_for(shape_of)
            made = [layer for layer in made if id(layer) in needed]
        if made and model is not None and model.opset < _LOWEST_OPSET:
            raise UnsupportedError(f"layers can be added to models of opset {_LOWEST_OPSET} and newer; this one has "
                                   f"{model.opset}: export it anew")
        for layer in made:
            out.write(layer)
        names = self._write_outputs(out, self._outputs if shape_of is None else [shape_of])
        if model is not None:
            return self._extended(model, out, names), out.roles
        for name in names:
            out.mark_output(name)
        return OnnxModel(out.serialize()), out.roles

    def _write_outputs(self, out: GraphWriter, outputs: list[ITensor]) -> list[str]:
        for tensor in outputs:
            if tensor._value is not None and tensor._value != tensor.name:
                out.rename(tensor._value, tensor)
        return [tensor.name for tensor in outputs]

    def _extended(self, model: OnnxModel, out: GraphWriter, names: list[str]) -> OnnxModel:
        if not out.num_layers and self._as_imported == (self._version, self._outputs):
            return model
        changed = {}
        for tensor in self._inputs:
            if tensor._value is not None:
                changed[tensor.name] = _core.ModelWriter()
                declare_input(changed[tensor.name], tensor, tensor.name)
        return model.extended(out.serialize(), names, changed)


def _needed_for(tensor: ITensor) -> set[int]:
    """The ids of the layers that a tensor depends on."""
    needed = set[int]()
    waiting: list[ITensor | None] = [tensor]
    while waiting:
        found = waiting.pop()
        if found is not None and found._maker is not None and id(found._maker) not in needed:
            needed.add(id(found._maker))
            waiting += found._maker._inputs
    return needed
