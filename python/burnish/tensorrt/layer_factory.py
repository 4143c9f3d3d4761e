"""INetworkDefinition's add_… methods, with TensorRT's names, order of arguments and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from burnish.tensorrt import layers_math as m
from burnish.tensorrt import layers_shape as s
from burnish.tensorrt import layers_window as w
from burnish.tensorrt.base import Dims, DimsLike
from burnish.tensorrt.enums import DataType
from burnish.tensorrt.layer_enums import (
    ActivationType,
    ElementWiseOperation,
    GatherMode,
    MatrixOperation,
    PoolingType,
    ReduceOperation,
    ScaleMode,
    TopKOperation,
    UnaryOperation,
)
from burnish.tensorrt.layers_activation import IActivationLayer
from burnish.tensorrt.tensor import ILayer, ITensor
from burnish.tensorrt.weights import Weights, WeightsLike

if TYPE_CHECKING:
    from burnish.tensorrt.network import INetworkDefinition

Layer = TypeVar("Layer", bound=ILayer)


def _weights(weights: WeightsLike | None) -> WeightsLike:
    return Weights() if weights is None else weights


class LayerFactory:
    """Every method adds a layer and returns it; its properties may be changed until the network is built."""

    def _append(self, layer: Layer) -> Layer:
        raise NotImplementedError

    @property
    def _self(self) -> INetworkDefinition:
        raise NotImplementedError

    def _new(self, kind: type[Layer], *inputs: ITensor, num_outputs: int = 1, **properties: object) -> Layer:
        layer = kind(self._self, list(inputs), num_outputs)
        for name, value in properties.items():
            setattr(layer, name, value)
        return self._append(layer)

    # --- windows ------------------------------------------------------------------------------------------------------
    def add_convolution_nd(self, input: ITensor, num_output_maps: int, kernel_shape: DimsLike,
                           kernel: WeightsLike | None = None, bias: WeightsLike | None = None) -> w.IConvolutionLayer:
        return self._append(w.IConvolutionLayer(self._self, input, num_output_maps, kernel_shape, kernel, bias))

    def add_convolution(self, input: ITensor, num_output_maps: int, kernel_shape: DimsLike,
                        kernel: WeightsLike | None = None, bias: WeightsLike | None = None) -> w.IConvolutionLayer:
        return self.add_convolution_nd(input, num_output_maps, kernel_shape, kernel, bias)

    def add_deconvolution_nd(self, input: ITensor, num_output_maps: int, kernel_shape: DimsLike,
                             kernel: WeightsLike | None = None, bias: WeightsLike | None = None) -> w.IDeconvolutionLayer:
        return self._append(w.IDeconvolutionLayer(self._self, input, num_output_maps, kernel_shape, kernel, bias))

    def add_deconvolution(self, input: ITensor, num_output_maps: int, kernel_shape: DimsLike,
                          kernel: WeightsLike | None = None, bias: WeightsLike | None = None) -> w.IDeconvolutionLayer:
        return self.add_deconvolution_nd(input, num_output_maps, kernel_shape, kernel, bias)

    def add_pooling_nd(self, input: ITensor, type: PoolingType, window_size: DimsLike) -> w.IPoolingLayer:
        return self._append(w.IPoolingLayer(self._self, input, PoolingType(type), window_size))

    def add_pooling(self, input: ITensor, type: PoolingType, window_size: DimsLike) -> w.IPoolingLayer:
        return self.add_pooling_nd(input, type, window_size)

    def add_lrn(self, input: ITensor, window: int, alpha: float, beta: float, k: float) -> w.ILRNLayer:
        return self._new(w.ILRNLayer, input, window_size=window, alpha=alpha, beta=beta, k=k)

    # --- element by element -------------------------------------------------------------------------------------------
    def add_elementwise(self, input1: ITensor, input2: ITensor, op: ElementWiseOperation) -> m.IElementWiseLayer:
        return self._new(m.IElementWiseLayer, input1, input2, op=ElementWiseOperation(op))

    def add_unary(self, input: ITensor, op: UnaryOperation) -> m.IUnaryLayer:
        return self._new(m.IUnaryLayer, input, op=UnaryOperation(op))

    def add_activation(self, input: ITensor, type: ActivationType) -> IActivationLayer:
        layer = self._new(IActivationLayer, input, activation=ActivationType(type))
        layer._take_defaults()
        return layer

    def add_parametric_relu(self, input: ITensor, slopes: ITensor) -> m.IParametricReLULayer:
        return self._new(m.IParametricReLULayer, input, slopes)

    def add_select(self, condition: ITensor, then_input: ITensor, else_input: ITensor) -> m.ISelectLayer:
        return self._new(m.ISelectLayer, condition, then_input, else_input)

    def add_identity(self, input: ITensor) -> m.IIdentityLayer:
        return self._new(m.IIdentityLayer, input)

    def add_cast(self, input: ITensor, to_type: DataType) -> m.ICastLayer:
        return self._new(m.ICastLayer, input, to_type=DataType(to_type))

    def add_scale(self, input: ITensor, mode: ScaleMode, shift: WeightsLike | None = None,
                  scale: WeightsLike | None = None, power: WeightsLike | None = None) -> m.IScaleLayer:
        return self.add_scale_nd(input, mode, shift, scale, power, 1)

    def add_scale_nd(self, input: ITensor, mode: ScaleMode, shift: WeightsLike | None = None,
                     scale: WeightsLike | None = None, power: WeightsLike | None = None,
                     channel_axis: int = 1) -> m.IScaleLayer:
        return self._new(m.IScaleLayer, input, mode=ScaleMode(mode), shift=_weights(shift), scale=_weights(scale),
                         power=_weights(power), channel_axis=channel_axis)

    def add_quantize(self, input: ITensor, scale: ITensor, output_type: DataType = DataType.INT8) -> m.IQuantizeLayer:
        return self._new(m.IQuantizeLayer, input, scale, to_type=DataType(output_type))

    def add_dequantize(self, input: ITensor, scale: ITensor,
                       output_type: DataType = DataType.FLOAT) -> m.IDequantizeLayer:
        return self._new(m.IDequantizeLayer, input, scale, to_type=DataType(output_type))

    # --- constants and products ---------------------------------------------------------------------------------------
    def add_constant(self, shape: DimsLike, weights: WeightsLike) -> m.IConstantLayer:
        return self._new(m.IConstantLayer, shape=Dims(shape), weights=weights)

    def add_matrix_multiply(self, input0: ITensor, op0: MatrixOperation, input1: ITensor,
                            op1: MatrixOperation) -> m.IMatrixMultiplyLayer:
        return self._new(m.IMatrixMultiplyLayer, input0, input1, op0=MatrixOperation(op0), op1=MatrixOperation(op1))

    def add_fully_connected(self, input: ITensor, num_outputs: int, kernel: WeightsLike,
                            bias: WeightsLike | None = None) -> m.IFullyConnectedLayer:
        return self._new(m.IFullyConnectedLayer, input, num_output_channels=num_outputs, kernel=kernel,
                         bias=_weights(bias))

    def add_einsum(self, inputs: Sequence[ITensor], equation: str) -> s.IEinsumLayer:
        return self._new(s.IEinsumLayer, *inputs, equation=equation)

    def add_normalization(self, input: ITensor, scale: ITensor, bias: ITensor, axesMask: int) -> m.INormalizationLayer:
        return self._new(m.INormalizationLayer, input, scale, bias, axes=axesMask)

    # --- along axes ---------------------------------------------------------------------------------------------------
    def add_reduce(self, input: ITensor, op: ReduceOperation, axes: int, keep_dims: bool) -> s.IReduceLayer:
        return self._new(s.IReduceLayer, input, op=ReduceOperation(op), axes=axes, keep_dims=keep_dims)

    def add_softmax(self, input: ITensor) -> s.ISoftMaxLayer:
        return self._new(s.ISoftMaxLayer, input)

    def add_topk(self, input: ITensor, op: TopKOperation, k: int, axes: int) -> s.ITopKLayer:
        return self._new(s.ITopKLayer, input, num_outputs=2, op=TopKOperation(op), k=k, axes=axes)

    def add_concatenation(self, inputs: Sequence[ITensor]) -> s.IConcatenationLayer:
        return self._new(s.IConcatenationLayer, *inputs)

    # --- elements that move -------------------------------------------------------------------------------------------
    def add_shuffle(self, input: ITensor) -> s.IShuffleLayer:
        return self._new(s.IShuffleLayer, input)

    def add_slice(self, input: ITensor, start: DimsLike, shape: DimsLike, stride: DimsLike) -> s.ISliceLayer:
        return self._new(s.ISliceLayer, input, start=Dims(start), shape=Dims(shape), stride=Dims(stride))

    def add_gather(self, input: ITensor, indices: ITensor, axis: int) -> s.IGatherLayer:
        return self._new(s.IGatherLayer, input, indices, axis=axis)

    def add_gather_v2(self, input: ITensor, indices: ITensor, mode: GatherMode) -> s.IGatherLayer:
        return self._new(s.IGatherLayer, input, indices, mode=GatherMode(mode))

    def add_resize(self, input: ITensor) -> s.IResizeLayer:
        return self._new(s.IResizeLayer, input)

    def add_shape(self, input: ITensor) -> s.IShapeLayer:
        return self._new(s.IShapeLayer, input)

    def add_padding_nd(self, input: ITensor, pre_padding: DimsLike, post_padding: DimsLike) -> s.IPaddingLayer:
        return self._new(s.IPaddingLayer, input, pre_padding_nd=Dims(pre_padding), post_padding_nd=Dims(post_padding))

    def add_padding(self, input: ITensor, pre_padding: DimsLike, post_padding: DimsLike) -> s.IPaddingLayer:
        return self.add_padding_nd(input, pre_padding, post_padding)

    def add_non_zero(self, input: ITensor) -> s.INonZeroLayer:
        return self._new(s.INonZeroLayer, input)

    def add_squeeze(self, input: ITensor, axes: ITensor) -> s.ISqueezeLayer:
        return self._new(s.ISqueezeLayer, input, axes)

    def add_unsqueeze(self, input: ITensor, axes: ITensor) -> s.IUnsqueezeLayer:
        return self._new(s.IUnsqueezeLayer, input, axes)
