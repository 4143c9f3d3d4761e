"""Every layer that a network can be made of, against NumPy."""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import burnish as trt
from trt_networks import Array, Made, evaluate

E, U, A = trt.ElementWiseOperation, trt.UnaryOperation, trt.ActivationType
RNG = np.random.default_rng(7)
X = RNG.standard_normal((2, 3, 8, 7), dtype=np.float32)
Y = RNG.standard_normal((2, 3, 8, 7), dtype=np.float32)
POSITIVE = np.abs(X) + np.float32(0.1)


def erf(x: Array) -> Array:
    return np.vectorize(math.erf)(x).astype(np.float32)


def conv(x: Array, w: Array, stride: int = 1, dilation: int = 1, groups: int = 1) -> Array:
    """Of an image that is padded already; kernel: output maps, input maps of a group, height, width."""
    size = [(k - 1) * dilation + 1 for k in w.shape[2:]]
    windows = sliding_window_view(x, size, axis=(2, 3))[:, :, ::stride, ::stride, ::dilation, ::dilation]
    parts = np.split(windows, groups, axis=1), np.split(w, groups, axis=0)
    return np.concatenate([np.einsum("nchwij,ocij->nohw", a, b) for a, b in zip(*parts)], axis=1)


def deconv(x: Array, w: Array, stride: int) -> Array:
    """Kernel: input maps, output maps, height, width."""
    n, _, h, width = x.shape
    out = np.zeros((n, w.shape[1], (h - 1) * stride + w.shape[2], (width - 1) * stride + w.shape[3]), np.float32)
    for i in range(h):
        for j in range(width):
            out[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]] += np.einsum(
                "nc,coij->noij", x[:, :, i, j], w)
    return out


def pad(x: Array, *amounts: int, value: float = 0) -> Array:
    """Before and after the height, before and after the width."""
    return np.pad(x, ((0, 0), (0, 0), amounts[:2], amounts[2:]), constant_values=value)


class LayerTest(unittest.TestCase):
    def check(self, make: Callable[..., Made], expected: Any, *inputs: Array, tolerance: float = 2e-5,
              free: bool = False) -> None:
        got = evaluate(make, *inputs, free=free)
        expected = list(expected) if isinstance(expected, tuple) else [expected]
        self.assertEqual(len(got), len(expected))
        for g, e in zip(got, expected):
            self.assertEqual(g.shape, np.shape(e))
            if g.dtype.kind == "f":
                np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance)
            else:
                np.testing.assert_array_equal(g, e)


class Windows(LayerTest):
    def test_convolution(self) -> None:
        w = RNG.standard_normal((4, 3, 3, 2), dtype=np.float32)
        b = RNG.standard_normal(4, dtype=np.float32)

        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_convolution_nd(input=x, num_output_maps=4, kernel_shape=(3, 2), kernel=w, bias=trt.Weights(b))
            layer.stride_nd = (2, 2)
            layer.pre_padding = (1, 0)
            layer.post_padding = (2, 1)
            return layer

        self.check(make, conv(pad(X, 1, 2, 0, 1), w, stride=2) + b.reshape(1, 4, 1, 1), X)
        self.check(make, conv(pad(X, 1, 2, 0, 1), w, stride=2) + b.reshape(1, 4, 1, 1), X, free=True)

    def test_convolution_with_groups_dilation_and_older_names(self) -> None:
        w = RNG.standard_normal((6, 1, 3, 3), dtype=np.float32)

        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_convolution(x, 6, (3, 3), w)
            layer.dilation = (2, 2)
            layer.padding = (2, 2)
            layer.num_groups = 3
            self.assertEqual(tuple(layer.dilation_nd), (2, 2))
            self.assertEqual(tuple(layer.padding_nd), (2, 2))
            return layer

        self.check(make, conv(pad(X, 2, 2, 2, 2), w, dilation=2, groups=3), X)

    def test_convolution_pads_to_the_same_size(self) -> None:
        w = RNG.standard_normal((2, 3, 3, 3), dtype=np.float32)

        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_convolution_nd(x, 2, (3, 3), w)
            layer.padding_mode = trt.PaddingMode.SAME_UPPER
            return layer

        self.check(make, conv(pad(X, 1, 1, 1, 1), w), X)

    def test_convolution_with_a_tensor_as_kernel(self) -> None:
        w = RNG.standard_normal((2, 3, 3, 3), dtype=np.float32)

        def make(n: trt.INetworkDefinition, x: trt.ITensor, kernel: trt.ITensor) -> trt.ILayer:
            layer = n.add_convolution_nd(x, 2, (3, 3), trt.Weights(trt.float32))
            layer.set_input(1, kernel)
            return layer

        self.check(make, conv(X, w), X, w)

    def test_deconvolution(self) -> None:
        w = RNG.standard_normal((3, 4, 3, 2), dtype=np.float32)

        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_deconvolution_nd(x, 4, (3, 2), w)
            layer.stride_nd = (2, 2)
            layer.padding_nd = (1, 0)
            return layer

        self.check(make, deconv(X, w, 2)[:, :, 1:-1], X)

    def test_pooling(self) -> None:
        windows = sliding_window_view(X, (3, 2), axis=(2, 3))[:, :, ::2, ::2]
        largest, mean = windows.max((4, 5)), windows.mean((4, 5))
        for kind, expected in ((trt.PoolingType.MAX, largest), (trt.PoolingType.AVERAGE, mean),
                               (trt.PoolingType.MAX_AVERAGE_BLEND, 0.25 * mean + 0.75 * largest)):
            def make(n: trt.INetworkDefinition, x: trt.ITensor, kind: trt.PoolingType = kind) -> trt.ILayer:
                layer = n.add_pooling_nd(x, kind, (3, 2))
                layer.stride = (2, 2)
                layer.blend_factor = 0.25
                return layer

            self.check(make, expected, X)

    def test_pooling_counts_padding_when_told(self) -> None:
        ones = sliding_window_view(pad(np.ones_like(X), 1, 1, 1, 1), (3, 3), axis=(2, 3)).sum((4, 5))
        sums = sliding_window_view(pad(X, 1, 1, 1, 1), (3, 3), axis=(2, 3)).sum((4, 5))
        for excludes, expected in ((True, sums / ones), (False, sums / 9)):
            def make(n: trt.INetworkDefinition, x: trt.ITensor, excludes: bool = excludes) -> trt.ILayer:
                layer = n.add_pooling(x, trt.PoolingType.AVERAGE, (3, 3))
                layer.padding = (1, 1)
                layer.average_count_excludes_padding = excludes
                return layer

            self.check(make, expected, X)

    def test_pooling_rounds_up_when_told(self) -> None:
        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_pooling_nd(x, trt.PoolingType.MAX, (2, 2))
            layer.stride_nd = (2, 2)
            layer.padding_mode = trt.PaddingMode.EXPLICIT_ROUND_UP
            return layer

        padded = pad(X, 0, 0, 0, 1, value=-np.inf)
        self.check(make, sliding_window_view(padded, (2, 2), axis=(2, 3))[:, :, ::2, ::2].max((4, 5)), X)

    def test_lrn(self) -> None:
        squares = np.pad(X * X, ((0, 0), (1, 1), (0, 0), (0, 0)))
        sums = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
        self.check(lambda n, x: n.add_lrn(x, 3, 0.5, 0.75, 2.0), X / (2.0 + 0.5 / 3 * sums) ** 0.75, X)


class Pointwise(LayerTest):
    def test_elementwise(self) -> None:
        cases = {E.SUM: X + Y, E.PROD: X * Y, E.MAX: np.maximum(X, Y), E.MIN: np.minimum(X, Y), E.SUB: X - Y,
                 E.EQUAL: X == Y, E.GREATER: X > Y, E.LESS: X < Y}
        for op, expected in cases.items():
            with self.subTest(op=op):
                self.check(lambda n, x, y, op=op: n.add_elementwise(x, y, op), expected, X, Y)

    def test_elementwise_of_positive_numbers(self) -> None:
        self.check(lambda n, x, y: n.add_elementwise(x, y, E.DIV), X / POSITIVE, X, POSITIVE)
        self.check(lambda n, x, y: n.add_elementwise(x, y, E.POW), POSITIVE**Y, POSITIVE, Y)
        self.check(lambda n, x, y: n.add_elementwise(x, y, E.FLOOR_DIV), np.floor(X / POSITIVE), X, POSITIVE)

    def test_elementwise_repeats_dimensions_of_one(self) -> None:
        self.check(lambda n, x, y: n.add_elementwise(x, y, E.SUM), X + Y[:1, :, :1], X, Y[:1, :, :1])

    def test_elementwise_of_integers_and_booleans(self) -> None:
        a = RNG.integers(-9, 9, (4, 5), dtype=np.int32)
        b = np.where(RNG.integers(0, 2, (4, 5)) == 0, -3, 4).astype(np.int32)
        self.check(lambda n, x, y: n.add_elementwise(x, y, E.FLOOR_DIV), a // b, a, b)
        p, q = a > 0, b > 0
        for op, expected in ((E.AND, p & q), (E.OR, p | q), (E.XOR, p ^ q)):
            self.check(lambda n, x, y, op=op: n.add_elementwise(x, y, op), expected, p, q)

    def test_unary(self) -> None:
        unit = np.clip(X, -0.9, 0.9)
        cases: list[tuple[U, Any, Array]] = [
            (U.EXP, np.exp, X), (U.LOG, np.log, POSITIVE), (U.SQRT, np.sqrt, POSITIVE),
            (U.RECIP, np.reciprocal, POSITIVE), (U.ABS, np.abs, X), (U.NEG, np.negative, X), (U.SIN, np.sin, X),
            (U.COS, np.cos, X), (U.TAN, np.tan, unit), (U.SINH, np.sinh, X), (U.COSH, np.cosh, X),
            (U.ASIN, np.arcsin, unit), (U.ACOS, np.arccos, unit), (U.ATAN, np.arctan, X), (U.ASINH, np.arcsinh, X),
            (U.ACOSH, np.arccosh, POSITIVE + 1), (U.ATANH, np.arctanh, unit), (U.CEIL, np.ceil, X),
            (U.FLOOR, np.floor, X), (U.ERF, erf, X), (U.SIGN, np.sign, X), (U.ROUND, np.round, 3 * X)]
        for op, function, x in cases:
            with self.subTest(op=op):
                self.check(lambda n, t, op=op: n.add_unary(t, op), function(x), x)
        special = np.float32([[1, np.inf], [-np.inf, np.nan]])
        self.check(lambda n, t: n.add_unary(t, U.ISINF), np.isinf(special), special)
        self.check(lambda n, t: n.add_unary(t, U.ISNAN), np.isnan(special), special)
        self.check(lambda n, t: n.add_unary(t, U.NOT), X <= 0, X > 0)
        self.assertEqual({op for op, _, _ in cases} | {U.ISINF, U.ISNAN, U.NOT}, set(U))

    def test_activation(self) -> None:
        def sigmoid(x: Array) -> Array:
            return 1 / (1 + np.exp(-x))

        cube = np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)
        cases = {
            A.RELU: np.maximum(X, 0), A.SIGMOID: sigmoid(X), A.TANH: np.tanh(X), A.LEAKY_RELU: np.where(X > 0, X, 0.3 * X),
            A.ELU: np.where(X > 0, X, 0.3 * (np.exp(X) - 1)),
            A.SELU: 0.7 * np.where(X > 0, X, 0.3 * (np.exp(X) - 1)),
            A.SOFTSIGN: X / (1 + np.abs(X)), A.SOFTPLUS: 0.3 * np.log1p(np.exp(0.7 * X)), A.CLIP: np.clip(X, 0.3, 0.7),
            A.HARD_SIGMOID: np.clip(0.3 * X + 0.7, 0, 1), A.SCALED_TANH: 0.3 * np.tanh(0.7 * X),
            A.THRESHOLDED_RELU: np.where(X > 0.3, X, 0), A.GELU_ERF: 0.5 * X * (1 + erf(X / np.sqrt(2))),
            A.GELU_TANH: 0.5 * X * (1 + np.tanh(cube))}
        for kind, expected in cases.items():
            def make(n: trt.INetworkDefinition, x: trt.ITensor, kind: A = kind) -> trt.ILayer:
                layer = n.add_activation(x, type=kind)
                layer.alpha, layer.beta = 0.3, 0.7
                return layer

            with self.subTest(kind=kind):
                self.check(make, expected, X)
        self.assertEqual(set(cases), set(A))

    def test_select_parametric_relu_and_cast(self) -> None:
        self.check(lambda n, c, x, y: n.add_select(c, x, y), np.where(X > 0, X, Y), X > 0, X, Y)
        slopes = np.float32([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1)
        self.check(lambda n, x, s: n.add_parametric_relu(x, s), np.where(X > 0, X, X * slopes), X, slopes)
        self.check(lambda n, x: n.add_cast(x, trt.int32), (X * 5).astype(np.int32), X * 5)
        self.check(lambda n, x: n.add_identity(x), X, X)

    def test_output_type_casts(self) -> None:
        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_identity(x)
            layer.set_output_type(0, trt.float16)
            self.assertTrue(layer.output_type_is_set(0))
            return layer

        self.check(make, X.astype(np.float16), X)

    def test_scale(self) -> None:
        three = np.float32([1, 2, 3])
        by_channel = three.reshape(1, 3, 1, 1)
        self.check(lambda n, x: n.add_scale(x, trt.ScaleMode.CHANNEL, three, 2 * three, None),
                   X * 2 * by_channel + by_channel, X)
        self.check(lambda n, x: n.add_scale(x, trt.ScaleMode.UNIFORM, np.float32([1.5]), np.float32([2]), np.float32([2])),
                   (X * 2 + 1.5) ** 2, X)
        self.check(lambda n, x: n.add_scale_nd(x, trt.ScaleMode.ELEMENTWISE, Y[0], None, None, 1), X + Y[:1], X)

    def test_quantize_and_dequantize(self) -> None:
        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            scale = n.add_constant((), np.float32([0.1])).get_output(0)
            return n.add_dequantize(n.add_quantize(x, scale).get_output(0), scale)

        self.check(make, np.clip(np.round(X / np.float32(0.1)), -128, 127) * np.float32(0.1), X)


class Products(LayerTest):
    def test_matrix_multiply(self) -> None:
        M = trt.MatrixOperation
        a, b = X, RNG.standard_normal((2, 3, 7, 5), dtype=np.float32)
        self.check(lambda n, x, y: n.add_matrix_multiply(x, M.NONE, y, M.NONE), a @ b, a, b)
        self.check(lambda n, x, y: n.add_matrix_multiply(x, M.TRANSPOSE, y, M.TRANSPOSE), a @ b,
                   a.swapaxes(2, 3), b.swapaxes(2, 3))
        vectors = b[..., 0]
        self.check(lambda n, x, y: n.add_matrix_multiply(x, M.NONE, y, M.VECTOR), (a @ vectors[..., None])[..., 0], a, vectors)
        self.check(lambda n, x, y: n.add_matrix_multiply(x, M.VECTOR, y, M.VECTOR), (vectors * vectors).sum(-1),
                   vectors, vectors)

    def test_constant_and_fully_connected(self) -> None:
        w = RNG.standard_normal((5, 3 * 8 * 7), dtype=np.float32)
        b = RNG.standard_normal(5, dtype=np.float32)
        self.check(lambda n, x: n.add_fully_connected(x, 5, w, b), (X.reshape(2, -1) @ w.T + b).reshape(2, 5, 1, 1), X)
        self.check(lambda n, x: n.add_elementwise(x, n.add_constant((1, 3, 8, 7), Y[0]).get_output(0), E.SUM), X + Y[:1], X)

    def test_einsum(self) -> None:
        self.check(lambda n, x, y: n.add_einsum([x, y], "nchw,ncvw->nhv"), np.einsum("nchw,ncvw->nhv", X, Y), X, Y,
                   tolerance=1e-4)

    def test_normalization(self) -> None:
        scale, bias = RNG.standard_normal((2, 1, 3, 1, 1), dtype=np.float32)
        mean, variance = X.mean((2, 3), keepdims=True), X.var((2, 3), keepdims=True)
        self.check(lambda n, x, s, b: n.add_normalization(x, s, b, 1 << 2 | 1 << 3),
                   (X - mean) / np.sqrt(variance + 1e-5) * scale + bias, X, scale, bias)

    def test_normalization_by_groups(self) -> None:
        x = RNG.standard_normal((2, 6, 4, 5), dtype=np.float32)
        scale, bias = RNG.standard_normal((2, 1, 6, 1, 1), dtype=np.float32)
        grouped = x.reshape(2, 2, -1)
        expected = (grouped - grouped.mean(2, keepdims=True)) / np.sqrt(grouped.var(2, keepdims=True) + 0.1)

        def make(n: trt.INetworkDefinition, t: trt.ITensor, s: trt.ITensor, b: trt.ITensor) -> trt.ILayer:
            layer = n.add_normalization(t, s, b, axesMask=0b1100)
            layer.num_groups, layer.epsilon = 2, 0.1
            return layer

        self.check(make, expected.reshape(x.shape) * scale + bias, x, scale, bias)


class Axes(LayerTest):
    def test_reduce(self) -> None:
        R = trt.ReduceOperation
        cases: dict[R, Any] = {R.SUM: np.sum, R.PROD: np.prod, R.MAX: np.max, R.MIN: np.min, R.AVG: np.mean}
        for op, function in cases.items():
            self.check(lambda n, x, op=op: n.add_reduce(x, op, 1 << 1 | 1 << 3, True), function(X, (1, 3), keepdims=True), X)
            self.check(lambda n, x, op=op: n.add_reduce(x, op, axes=1 << 2, keep_dims=False), function(X, 2), X)
        self.assertEqual(set(cases), set(R))

    def test_softmax(self) -> None:
        def expected(axis: int) -> Array:
            e = np.exp(X - X.max(axis, keepdims=True))
            return e / e.sum(axis, keepdims=True)

        self.check(lambda n, x: n.add_softmax(x), expected(1), X)

        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_softmax(x)
            layer.axes = 1 << 3
            return layer

        self.check(make, expected(3), X)

    def test_topk(self) -> None:
        order = np.argsort(-X, axis=3)[..., :2]
        self.check(lambda n, x: n.add_topk(x, trt.TopKOperation.MAX, 2, 1 << 3), (np.take_along_axis(X, order, 3), order), X)
        order = np.argsort(X, axis=2)[:, :, :3]
        self.check(lambda n, x: n.add_topk(x, trt.TopKOperation.MIN, k=3, axes=1 << 2),
                   (np.take_along_axis(X, order, 2), order), X)

    def test_concatenation(self) -> None:
        self.check(lambda n, x, y: n.add_concatenation([x, y]), np.concatenate([X, Y], 1), X, Y)

        def make(n: trt.INetworkDefinition, x: trt.ITensor, y: trt.ITensor) -> trt.ILayer:
            layer = n.add_concatenation([x, y])
            layer.axis = 2
            return layer

        self.check(make, np.concatenate([X, Y], 2), X, Y)


class Movement(LayerTest):
    def test_shuffle(self) -> None:
        def make(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_shuffle(x)
            layer.first_transpose = trt.Permutation([0, 2, 3, 1])
            layer.reshape_dims = (0, -1, 3)
            layer.second_transpose = (2, 0, 1)
            return layer

        expected = X.transpose(0, 2, 3, 1).reshape(2, -1, 3).transpose(2, 0, 1)
        self.check(make, expected, X)
        self.check(make, expected, X, free=True)

    def test_shuffle_to_the_shape_of_another(self) -> None:
        def make(n: trt.INetworkDefinition, x: trt.ITensor, y: trt.ITensor) -> trt.ILayer:
            layer = n.add_shuffle(x)
            layer.set_input(1, n.add_shape(y).get_output(0))
            return layer

        self.check(make, X.reshape(6, 56), X, np.zeros((6, 56), np.float32))

    def test_slice(self) -> None:
        self.check(lambda n, x: n.add_slice(x, (0, 1, 2, 0), (2, 2, 3, 4), (1, 1, 2, 2)), X[:, 1:3, 2:7:2, ::2], X)
        self.check(lambda n, x: n.add_slice(x, (1, 0, 7, 6), (2, 3, 8, 3), (-1, 1, -1, -2)), X[::-1, :, ::-1, ::-2][..., :3], X)

    def test_slice_beyond_the_edges(self) -> None:
        columns = np.arange(-2, 10)
        mirrored = np.abs(columns)
        mirrored = np.where(mirrored > 6, 12 - mirrored, mirrored)
        filled = np.where((columns >= 0) & (columns < 7), X[..., columns % 7], 0)
        for mode, expected in ((trt.SampleMode.WRAP, X[..., columns % 7]), (trt.SampleMode.REFLECT, X[..., mirrored]),
                               (trt.SampleMode.CLAMP, X[..., np.clip(columns, 0, 6)]), (trt.SampleMode.FILL, filled)):
            def make(n: trt.INetworkDefinition, x: trt.ITensor, mode: trt.SampleMode = mode) -> trt.ILayer:
                layer = n.add_slice(x, (0, 0, 0, -2), (2, 3, 8, 12), (1, 1, 1, 1))
                layer.mode = mode
                return layer

            with self.subTest(mode=mode):
                self.check(make, expected, X)

    def test_slice_of_a_size_that_is_a_tensor(self) -> None:
        def make(n: trt.INetworkDefinition, x: trt.ITensor, y: trt.ITensor) -> trt.ILayer:
            layer = n.add_slice(x, (0, 0, 1, 2), (0, 0, 0, 0), (1, 1, 1, 1))
            layer.set_input(2, n.add_shape(y).get_output(0))
            return layer

        self.check(make, X[:, :2, 1:5, 2:5], X, np.zeros((2, 2, 4, 3), np.float32))

    def test_gather(self) -> None:
        indices = np.int32([[2, 0], [1, 1]])
        self.check(lambda n, x, i: n.add_gather(x, i, 1), np.take(X, indices, 1), X, indices)
        pairs = np.int32([[0, 2], [1, 1], [1, 0]])
        self.check(lambda n, x, i: n.add_gather_v2(x, i, trt.GatherMode.ND), X[pairs[:, 0], pairs[:, 1]], X, pairs)

        def elements(n: trt.INetworkDefinition, x: trt.ITensor, i: trt.ITensor) -> trt.ILayer:
            layer = n.add_gather_v2(x, i, trt.GatherMode.ELEMENT)
            layer.axis = 3
            return layer

        order = np.argsort(X, 3).astype(np.int32)
        self.check(elements, np.sort(X, 3), X, order)

    def test_resize(self) -> None:
        def nearest(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_resize(x)
            layer.scales = [1, 1, 2, 3]
            return layer

        self.check(nearest, X.repeat(2, 2).repeat(3, 3), X)

        def linear(n: trt.INetworkDefinition, x: trt.ITensor) -> trt.ILayer:
            layer = n.add_resize(x)
            layer.shape = (2, 3, 8, 13)
            layer.resize_mode = trt.InterpolationMode.LINEAR
            layer.coordinate_transformation = trt.ResizeCoordinateTransformation.ALIGN_CORNERS
            return layer

        expected = np.empty((2, 3, 8, 13), np.float32)
        expected[..., ::2] = X
        expected[..., 1::2] = (X[..., 1:] + X[..., :-1]) / 2
        self.check(linear, expected, X)

    def test_padding_shape_and_axes_of_one(self) -> None:
        self.check(lambda n, x: n.add_padding_nd(x, (1, 0), (2, -1)), pad(X, 1, 2, 0, 0)[..., :-1], X)
        self.check(lambda n, x: n.add_shape(x), np.int64([2, 3, 8, 7]), X)

        def axes(n: trt.INetworkDefinition) -> trt.ITensor:
            return n.add_constant((1,), np.int64([1])).get_output(0)

        self.check(lambda n, x: n.add_unsqueeze(x, axes(n)), X[:, None], X)
        self.check(lambda n, x: n.add_squeeze(x, axes(n)), X[:, 0], X[:, :1])


if __name__ == "__main__":
    unittest.main()
