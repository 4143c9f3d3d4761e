"""Activation layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from burnish.tensorrt.layer_enums import ActivationType, LayerType
from burnish.tensorrt.tensor import ILayer
from burnish.tensorrt.weights import nptype

if TYPE_CHECKING:
    from burnish.tensorrt.graph_writer import GraphWriter

_A = ActivationType
# ONNX's operator, and its attributes for alpha and beta.
_OPERATORS: dict[ActivationType, tuple[str, tuple[str, ...]]] = {
    _A.RELU: ("Relu", ()),
    _A.SIGMOID: ("Sigmoid", ()),
    _A.TANH: ("Tanh", ()),
    _A.SOFTSIGN: ("Softsign", ()),
    _A.LEAKY_RELU: ("LeakyRelu", ("alpha",)),
    _A.ELU: ("Elu", ("alpha",)),
    _A.SELU: ("Selu", ("alpha", "gamma")),
    _A.HARD_SIGMOID: ("HardSigmoid", ("alpha", "beta")),
    _A.THRESHOLDED_RELU: ("ThresholdedRelu", ("alpha",)),
}
# What alpha and beta are unless set, as in ONNX.
_DEFAULTS = {
    _A.LEAKY_RELU: (0.01, 0.0),
    _A.ELU: (1.0, 0.0),
    _A.SELU: (1.6732632, 1.050701),
    _A.SOFTPLUS: (1.0, 1.0),
    _A.HARD_SIGMOID: (0.2, 0.5),
    _A.SCALED_TANH: (1.0, 1.0),
    _A.THRESHOLDED_RELU: (1.0, 0.0),
}


class IActivationLayer(ILayer):
    """An activation; alpha and beta mean what the type says."""

    _type: ClassVar = LayerType.ACTIVATION
    activation: ActivationType = ActivationType.RELU
    alpha: float = 0.0
    beta: float = 0.0

    @property
    def type(self) -> LayerType:
        return self._type

    @type.setter
    def type(self, activation: ActivationType) -> None:
        self.activation = ActivationType(activation)

    def _take_defaults(self) -> None:
        self.alpha, self.beta = _DEFAULTS.get(self.activation, (0.0, 0.0))

    def _write(self, out: GraphWriter) -> list[str]:
        x = out.name_of(self._operand(0))
        parameters = (float(self.alpha), float(self.beta))
        if self.activation in _OPERATORS:
            op, names = _OPERATORS[self.activation]
            return [out.node(op, [x], **dict(zip(names, parameters)))]
        if self.activation == _A.CLIP:
            return [out.node("Clip", [x, *(self._number(out, value) for value in parameters)])]
        if self.activation in (_A.SOFTPLUS, _A.SCALED_TANH):
            return [self._scaled(out, x, "Softplus" if self.activation == _A.SOFTPLUS else "Tanh")]
        inner = self._gelu_erf(out, x) if self.activation == _A.GELU_ERF else self._gelu_tanh(out, x)
        half = out.node("Mul", [x, self._number(out, 0.5)])
        return [out.node("Mul", [half, out.node("Add", [inner, self._number(out, 1.0)])])]

    def _number(self, out: GraphWriter, value: float) -> str:
        return out.constant(np.array(value, nptype(self._operand(0).dtype)))

    def _scaled(self, out: GraphWriter, x: str, op: str) -> str:
        """alpha · f(beta · x)"""
        inner = out.node(op, [out.node("Mul", [x, self._number(out, self.beta)])])
        return out.node("Mul", [inner, self._number(out, self.alpha)])

    def _gelu_erf(self, out: GraphWriter, x: str) -> str:
        return out.node("Erf", [out.node("Mul", [x, self._number(out, math.sqrt(0.5))])])

    def _gelu_tanh(self, out: GraphWriter, x: str) -> str:
        cube = out.node("Mul", [out.node("Mul", [x, x]), x])
        sums = out.node("Add", [x, out.node("Mul", [cube, self._number(out, 0.044715)])])
        return out.node("Tanh", [out.node("Mul", [sums, self._number(out, math.sqrt(2 / math.pi))])])
