"""ITensor and ILayer: the nouns of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from burnish.errors import InvalidArgumentError, UnsupportedError
from burnish.tensorrt.base import Checked, Dims, DimsLike
from burnish.tensorrt.enums import DataType, TensorFormat, TensorLocation
from burnish.tensorrt.layer_enums import LayerType

if TYPE_CHECKING:
    from burnish.tensorrt.graph_writer import GraphWriter
    from burnish.tensorrt.network import INetworkDefinition


class ITensor(Checked):
    """A value of a network. Shape and type of what layers make are inferred when asked for."""

    _absent: ClassVar = {
        "dynamic_range": "give a calibrator (IBuilderConfig.int8_calibrator), or QuantizeLinear and DequantizeLinear",
        "set_dynamic_range": "give a calibrator (IBuilderConfig.int8_calibrator), or QuantizeLinear and DequantizeLinear",
        "broadcast_across_batch": "networks have an explicit batch dimension",
    }
    location = TensorLocation.DEVICE

    def __init__(self, network: INetworkDefinition, name: str, value: str | None = None) -> None:
        self._network = network
        self._name = name
        self._value = value  # its name in an imported model; None for tensors that were made by hand
        self._declared: tuple[DataType, Dims] | None = None  # of inputs
        self._dimension_names: dict[int, str] = {}
        self._maker: ILayer | None = None  # of tensors that were made by hand

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        if self._value is not None and self.is_network_input:
            raise UnsupportedError(f"input '{self._name}' belongs to an imported model, whose inputs keep their names")
        self._name = name
        self._network._touch()

    @property
    def shape(self) -> Dims:
        return Dims(self._declared[1]) if self._declared else self._network._shape_of(self)

    @shape.setter
    def shape(self, shape: DimsLike) -> None:
        if not self._declared:
            raise InvalidArgumentError(f"'{self._name}' is no input: its shape follows from the layers before it")
        self._declared = (self._declared[0], Dims(shape))
        self._network._touch()

    @property
    def dtype(self) -> DataType:
        return self._declared[0] if self._declared else self._network._dtype_of(self)

    @dtype.setter
    def dtype(self, dtype: DataType) -> None:
        if dtype == self.dtype:
            return
        if not self._declared or self._value is not None:
            raise UnsupportedError(f"'{self._name}' is {self.dtype}: for another type use add_cast() and mark its output")
        self._declared = (dtype, self._declared[1])
        self._network._touch()

    @property
    def is_network_input(self) -> bool:
        return any(t is self for t in self._network._inputs)

    @property
    def is_network_output(self) -> bool:
        return any(t is self for t in self._network._outputs)

    @property
    def is_shape_tensor(self) -> bool:
        """Always false: Burnish finds out itself what shapes depend on."""
        return False

    @property
    def is_execution_tensor(self) -> bool:
        return True

    @property
    def allowed_formats(self) -> int:
        return 1 << int(TensorFormat.LINEAR)

    @allowed_formats.setter
    def allowed_formats(self, formats: int) -> None:
        if not formats & self.allowed_formats:
            raise UnsupportedError(f"'{self._name}': inputs and outputs are dense and row-major (TensorFormat.LINEAR)")

    def set_dimension_name(self, index: int, name: str) -> None:
        """Free dimensions of inputs that have one name are equal."""
        self._dimension_names[index] = name
        self._network._touch()

    def get_dimension_name(self, index: int) -> str | None:
        return self._dimension_names.get(index)


class ILayer(Checked):
    """A layer. What it computes with may be changed until the network is built."""

    _type: ClassVar[LayerType] = LayerType.PLUGIN
    metadata: str = ""

    def __init__(self, network: INetworkDefinition, inputs: list[ITensor | None], num_outputs: int = 1) -> None:
        self._network = network
        self._inputs = inputs
        self._precision: DataType | None = None
        self._output_types: dict[int, DataType] = {}
        self.name = f"(Unnamed Layer* {network.num_layers}) [{type(self).__name__[1:].removesuffix('Layer')}]"
        stem = f"{self.name}_output"
        self._outputs = [ITensor(network, f"{stem}_{i}" if i else stem) for i in range(num_outputs)]
        for output in self._outputs:
            output._maker = self

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value) -> None:
            super().__setattr__(name, value)
            if "_network" in self.__dict__:
                self._network._touch()

    name: str = ""

    @property
    def type(self) -> LayerType:
        return self._type

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    def get_input(self, index: int) -> ITensor | None:
        return self._inputs[index] if 0 <= index < len(self._inputs) else None

    def get_output(self, index: int) -> ITensor:
        if not 0 <= index < len(self._outputs):
            raise InvalidArgumentError(f"layer '{self.name}' has {len(self._outputs)} outputs, not an output {index}")
        return self._outputs[index]

    def set_input(self, index: int, tensor: ITensor) -> None:
        if index >= self._max_inputs:
            raise InvalidArgumentError(f"layer '{self.name}' ({self.type.name}) has no input {index}")
        self._inputs += [None] * (index + 1 - len(self._inputs))
        self._inputs[index] = tensor
        self._network._touch()

    @property
    def _max_inputs(self) -> int:
        return len(self._inputs)

    # --- precision ----------------------------------------------------------------------------------------------------
    @property
    def precision(self) -> DataType:
        return self._precision if self._precision is not None else DataType.FLOAT

    @precision.setter
    def precision(self, dtype: DataType) -> None:
        self._precision = dtype

    @property
    def precision_is_set(self) -> bool:
        return self._precision is not None

    def reset_precision(self) -> None:
        self._precision = None

    def set_output_type(self, index: int, dtype: DataType) -> None:
        """The output is cast to the type."""
        self.get_output(index)
        self._output_types[index] = dtype
        self._network._touch()

    def get_output_type(self, index: int) -> DataType:
        return self._output_types.get(index, self.get_output(index).dtype)

    def output_type_is_set(self, index: int) -> bool:
        return index in self._output_types

    def reset_output_type(self, index: int) -> None:
        self._output_types.pop(index, None)
        self._network._touch()

    # --- into ONNX ----------------------------------------------------------------------------------------------------
    def _write(self, out: GraphWriter) -> list[str]:
        """Adds the layer's nodes; the names of its results."""
        raise NotImplementedError

    def _input_rank(self, index: int = 0) -> int:
        return len(self._operand(index).shape)

    def _operand(self, index: int) -> ITensor:
        """An input that must be there."""
        tensor = self.get_input(index)
        if tensor is None:
            raise InvalidArgumentError(f"layer '{self.name}' lacks input {index}: use set_input()")
        return tensor


class ImportedLayer(ILayer):
    """A node of an imported model: may be looked at, not changed."""

    _type = LayerType.PLUGIN

    def __init__(self, network: INetworkDefinition, name: str, kind: LayerType, inputs: list[ITensor | None],
                 outputs: list[ITensor]) -> None:
        super().__init__(network, inputs, 0)
        self.name = name
        self._kind = kind
        self._outputs = outputs

    @property
    def type(self) -> LayerType:
        return self._kind

    def set_output_type(self, index: int, dtype: DataType) -> None:
        if dtype != self.get_output(index).dtype:
            raise UnsupportedError(f"layer '{self.name}' belongs to an imported model: use network.add_cast() on its "
                                   "output instead")

    def set_input(self, index: int, tensor: ITensor) -> None:
        raise UnsupportedError(f"layer '{self.name}' belongs to an imported model: its inputs cannot be changed")


def axes_of(mask: int) -> list[int]:
    """The axes of a bit mask."""
    return [axis for axis in range(Dims.MAX_DIMS) if mask >> axis & 1]


def ints(values: Any) -> list[int]:
    """Plain integers, for attributes."""
    return [int(v) for v in values]
