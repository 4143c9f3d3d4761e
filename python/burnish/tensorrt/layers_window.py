"""Layers that slide a window: convolution, deconvolution, pooling, LRN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from burnish.errors import InvalidArgumentError, UnsupportedError
from burnish.tensorrt.base import Dims, DimsLike
from burnish.tensorrt.layer_enums import LayerType, PaddingMode, PoolingType, WeightsRole
from burnish.tensorrt.tensor import ILayer, ITensor, ints
from burnish.tensorrt.weights import Array, Weights, WeightsLike, as_array

if TYPE_CHECKING:
    from burnish.tensorrt.graph_writer import GraphWriter
    from burnish.tensorrt.network import INetworkDefinition


class Alias:
    """An older name of a property."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, layer: object, owner: object = None) -> Any:
        return self if layer is None else getattr(layer, self._name)

    def __set__(self, layer: object, value: Any) -> None:
        setattr(layer, self._name, value)


class _WindowLayer(ILayer):
    stride_nd: DimsLike = ()
    pre_padding: DimsLike = ()
    post_padding: DimsLike = ()
    padding_mode: PaddingMode = PaddingMode.EXPLICIT_ROUND_DOWN
    stride = Alias("stride_nd")
    padding = Alias("padding_nd")

    def __init__(self, network: INetworkDefinition, tensor: ITensor, window: DimsLike) -> None:
        super().__init__(network, [tensor])
        spatial = len(window)
        self.stride_nd = Dims([1] * spatial)
        self.padding_nd = Dims([0] * spatial)

    @property
    def padding_nd(self) -> DimsLike:
        if list(self.pre_padding) != list(self.post_padding):
            raise InvalidArgumentError(f"layer '{self.name}' pads {self.pre_padding} before and {self.post_padding} "
                                       "after: read pre_padding and post_padding")
        return self.pre_padding

    @padding_nd.setter
    def padding_nd(self, padding: DimsLike) -> None:
        self.pre_padding = Dims(padding)
        self.post_padding = Dims(padding)

    def _padding(self) -> dict[str, Any]:
        """Attributes of ONNX for it."""
        if self.padding_mode in (PaddingMode.SAME_UPPER, PaddingMode.SAME_LOWER):
            return {"auto_pad": self.padding_mode.name}
        return {"pads": ints(self.pre_padding) + ints(self.post_padding)}

    def _refuse_round_up(self) -> None:
        if self.padding_mode == PaddingMode.EXPLICIT_ROUND_UP:
            raise UnsupportedError(f"layer '{self.name}': EXPLICIT_ROUND_UP is there for pooling only; pad more instead")


class _KernelLayer(_WindowLayer):
    dilation_nd: DimsLike = ()
    num_groups: int = 1
    num_output_maps: int = 0
    kernel_size_nd: DimsLike = ()
    kernel: WeightsLike = Weights()
    bias: WeightsLike = Weights()
    kernel_size = Alias("kernel_size_nd")
    dilation = Alias("dilation_nd")

    def __init__(self, network: INetworkDefinition, tensor: ITensor, num_output_maps: int, kernel_shape: DimsLike,
                 kernel: WeightsLike | None, bias: WeightsLike | None) -> None:
        super().__init__(network, tensor, kernel_shape)
        self.dilation_nd = Dims([1] * len(kernel_shape))
        self.num_output_maps = num_output_maps
        self.kernel_size_nd = Dims(kernel_shape)
        self.kernel = Weights() if kernel is None else kernel
        self.bias = Weights() if bias is None else bias

    @property
    def _max_inputs(self) -> int:
        return 3

    def _kernel_shape(self, size: int) -> tuple[int, ...]:
        raise NotImplementedError

    def _operands(self, out: GraphWriter) -> list[str]:
        """Input, kernel and bias; tensors given by set_input() take the place of weights."""
        operands = [out.name_of(self._operand(0))]
        given = self.get_input(1)
        kernel = as_array(self.kernel, f"the kernel of layer '{self.name}'")
        if given is not None:
            operands.append(out.name_of(given))
        elif kernel is None:
            raise InvalidArgumentError(f"layer '{self.name}' has no kernel")
        else:
            shape = self._kernel_shape(kernel.size)
            kernel = as_array(kernel, f"the kernel of layer '{self.name}'", shape)
            operands.append(out.weights(WeightsRole.KERNEL, _there(kernel)))
        given = self.get_input(2)
        bias = as_array(self.bias, f"the bias of layer '{self.name}'", (self.num_output_maps,))
        if given is not None:
            operands.append(out.name_of(given))
        elif bias is not None:
            operands.append(out.weights(WeightsRole.BIAS, bias))
        return operands

    def _write_as(self, op: str, out: GraphWriter) -> list[str]:
        self._refuse_round_up()
        return [out.node(op, self._operands(out), kernel_shape=ints(self.kernel_size_nd), strides=ints(self.stride_nd),
                         dilations=ints(self.dilation_nd), group=int(self.num_groups), **self._padding())]


def _there(array: Array | None) -> Array:
    assert array is not None
    return array


class IConvolutionLayer(_KernelLayer):
    """Kernel: output maps, input maps of a group, window."""

    _type: ClassVar = LayerType.CONVOLUTION

    def _kernel_shape(self, size: int) -> tuple[int, ...]:
        window = ints(self.kernel_size_nd)
        return (self.num_output_maps, size // max(1, self.num_output_maps * int(np.prod(window))), *window)

    def _write(self, out: GraphWriter) -> list[str]:
        return self._write_as("Conv", out)


class IDeconvolutionLayer(_KernelLayer):
    """Kernel: input maps, output maps of a group, window."""

    _type: ClassVar = LayerType.DECONVOLUTION

    def _kernel_shape(self, size: int) -> tuple[int, ...]:
        window = ints(self.kernel_size_nd)
        maps = self.num_output_maps // self.num_groups
        return (size // max(1, maps * int(np.prod(window))), maps, *window)

    def _write(self, out: GraphWriter) -> list[str]:
        return self._write_as("ConvTranspose", out)


class IPoolingLayer(_WindowLayer):
    """Maximum, average, or a blend of both."""

    _type: ClassVar = LayerType.POOLING
    kind: PoolingType = PoolingType.MAX
    window_size_nd: DimsLike = ()
    average_count_excludes_padding: bool = True
    blend_factor: float = 0.0
    window_size = Alias("window_size_nd")

    def __init__(self, network: INetworkDefinition, tensor: ITensor, kind: PoolingType, window: DimsLike) -> None:
        super().__init__(network, tensor, window)
        self.kind = kind
        self.window_size_nd = Dims(window)

    @property
    def type(self) -> LayerType:
        return self._type

    @type.setter
    def type(self, kind: PoolingType) -> None:
        self.kind = PoolingType(kind)

    def _pool(self, out: GraphWriter, op: str, **more: Any) -> str:
        round_up = self.padding_mode == PaddingMode.EXPLICIT_ROUND_UP
        return out.node(op, [out.name_of(self._operand(0))], kernel_shape=ints(self.window_size_nd),
                        strides=ints(self.stride_nd), ceil_mode=int(round_up), **self._padding(), **more)

    def _write(self, out: GraphWriter) -> list[str]:
        include = int(not self.average_count_excludes_padding)
        if self.kind == PoolingType.MAX:
            return [self._pool(out, "MaxPool")]
        average = self._pool(out, "AveragePool", count_include_pad=include)
        if self.kind == PoolingType.AVERAGE:
            return [average]
        share = out.constant(np.array(self.blend_factor, np.float32))
        rest = out.constant(np.array(1 - self.blend_factor, np.float32))
        largest = out.node("Mul", [self._pool(out, "MaxPool"), rest])
        return [out.node("Add", [out.node("Mul", [average, share]), largest])]


class ILRNLayer(ILayer):
    """Normalisation by the sum of squares of neighbouring channels."""

    _type: ClassVar = LayerType.LRN
    window_size: int = 1
    alpha: float = 0.0
    beta: float = 0.0
    k: float = 1.0

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.node("LRN", [out.name_of(self._operand(0))], size=int(self.window_size), alpha=float(self.alpha),
                         beta=float(self.beta), bias=float(self.k))]
