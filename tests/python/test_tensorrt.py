"""TensorRT's API on Burnish: parser, builder, engines, contexts."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np

import burnish
import burnish as trt
from models import FASHION, model
from trt_networks import Messages, engine_of, made, relu

RNG = np.random.default_rng(3)


class TheScript(unittest.TestCase):
    """The script of countless articles, with its first line changed."""

    def build(self) -> bytes:
        import burnish as trt

        TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
        builder = trt.Builder(TRT_LOGGER)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
        parser = trt.OnnxParser(network, TRT_LOGGER)
        with open(FASHION / "fashion_mobile.onnx", "rb") as f:
            if not parser.parse(f.read()):
                for error in range(parser.num_errors):
                    print(parser.get_error(error))
        config = builder.create_builder_config()
        config.max_workspace_size = 1 << 30
        config.set_flag(trt.BuilderFlag.FP16)
        engine_bytes = builder.build_serialized_network(network, config)
        assert engine_bytes is not None
        return engine_bytes

    def test_execute_v2_and_execute_async_v3(self) -> None:
        TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
        with contextlib.redirect_stderr(io.StringIO()):
            engine_bytes = self.build()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.engine")
            with open(path, "wb") as f:
                f.write(engine_bytes)
            native = burnish.load(path.read_bytes())
        runtime = trt.Runtime(TRT_LOGGER)
        engine = runtime.deserialize_cuda_engine(engine_bytes)
        assert engine is not None
        context = engine.create_execution_context()

        images = np.load(FASHION / "fashion_test.npz")["image"][:4]
        images = np.ascontiguousarray((images / 255 - 0.286) / 0.353, np.float32)
        expected = native(images)
        output = np.empty((4, 10), np.float32)
        self.assertTrue(context.set_binding_shape(0, images.shape))
        self.assertTrue(context.execute_v2([images.ctypes.data, output.ctypes.data]))
        np.testing.assert_array_equal(output, expected)

        output[:] = 0
        self.assertTrue(context.set_input_shape("image", images.shape))
        for name, array in (("image", images), ("logits", output)):
            self.assertTrue(context.set_tensor_address(name, array.ctypes.data))
        self.assertTrue(context.execute_async_v3(stream_handle=0))
        np.testing.assert_array_equal(output, expected)

    def test_fp16_is_obeyed(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(self.build())
        assert engine is not None
        text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
        self.assertIn('"Format/Datatype": "float16"', text)


class Parser(unittest.TestCase):
    def test_what_the_network_is(self) -> None:
        logger = trt.Logger()
        network = trt.Builder(logger).create_network()
        self.assertTrue(trt.OnnxParser(network, logger).parse_from_file(str(FASHION / "fashion_resnet.onnx")))
        self.assertEqual((network.num_inputs, network.num_outputs), (1, 1))
        image, logits = network.get_input(0), network.get_output(0)
        self.assertEqual((image.name, image.shape, image.dtype), ("image", (-1, 1, 28, 28), trt.float32))
        self.assertEqual((logits.name, logits.shape, logits.dtype), ("logits", (-1, 10), trt.float32))
        self.assertEqual(image.get_dimension_name(0), "batch")
        self.assertEqual(network.num_layers, 47)
        kinds = [layer.type for layer in network]
        self.assertIn(trt.LayerType.CONVOLUTION, kinds)
        convolution = network.get_layer(kinds.index(trt.LayerType.CONVOLUTION))
        self.assertEqual(len(convolution.get_output(0).shape), 4)

    def test_every_problem_is_an_error(self) -> None:
        logger = Messages()
        network = trt.Builder(logger).create_network()
        parser = trt.OnnxParser(network, logger)
        data = model([("Relu", ["x"], ["a"], {}), ("Frobnicate", ["a"], ["b"], {}), ("Conv", ["a"], ["y"], {})],
                     {"x": [1, 3]}, ["b", "y"])
        self.assertFalse(parser.parse(data))
        self.assertEqual(parser.num_errors, 2)
        errors = [parser.get_error(i) for i in range(parser.num_errors)]
        self.assertEqual({error.node_operator() for error in errors}, {"Frobnicate", "Conv"})
        for error in errors:
            self.assertIn(error.desc(), str(error))
        told = {error.node_operator(): (error.node(), error.code()) for error in errors}
        self.assertEqual(told, {"Frobnicate": (1, trt.ErrorCode.UNSUPPORTED_NODE), "Conv": (2, trt.ErrorCode.INVALID_NODE)})
        self.assertEqual(len(logger.errors), 1)
        self.assertEqual(network.num_inputs, 0)
        self.assertFalse(parser.supports_model(data)[0])
        self.assertTrue(parser.supports_model(relu())[0])
        self.assertEqual(parser.num_errors, 0)

    def test_garbage_and_missing_files(self) -> None:
        logger = Messages()
        parser = trt.OnnxParser(trt.Builder(logger).create_network(), logger)
        for data in (b"", b"garbage", relu()[:-3], b"\xff" * 40):
            self.assertFalse(parser.parse(data))
            self.assertEqual(parser.num_errors, 1, data)
        self.assertFalse(parser.parse_from_file("/nowhere/model.onnx"))
        self.assertIn("/nowhere/model.onnx", parser.get_error(0).desc())

    def test_types_without_a_name_in_tensorrt(self) -> None:
        logger = Messages()
        network = trt.Builder(logger).create_network()
        parser = trt.OnnxParser(network, logger)
        data = model([("Neg", ["x"], ["y"], {})], {"x": [2]}, ["y"], types={"x": burnish._core.DataType.FLOAT64})
        self.assertFalse(parser.parse(data))
        self.assertIn("float64", parser.get_error(0).desc())
        self.assertEqual((network.num_inputs, network.num_layers), (0, 0))

    def test_only_into_an_empty_network(self) -> None:
        logger = trt.Logger()
        network = trt.Builder(logger).create_network()
        network.add_input("a", trt.float32, (1,))
        with self.assertRaisesRegex(trt.UnsupportedError, "empty network"):
            trt.OnnxParser(network, logger).parse(relu())


class ImportedAndExtended(unittest.TestCase):
    def test_layers_on_top(self) -> None:
        builder, network, config = made(trt.Logger(), relu(2))
        y = network.get_output(0)
        network.unmark_output(y)
        extra = network.add_input("extra", trt.float32, (1, 3))
        sums = network.add_elementwise(y, extra, trt.ElementWiseOperation.SUM)
        top = network.add_topk(sums.get_output(0), trt.TopKOperation.MAX, 1, 1 << 1)
        top.get_output(1).name = "index"
        network.mark_output(top.get_output(1))
        network.mark_output(y)
        y.name = "activations"
        self.assertEqual(top.get_output(1).shape, (2, 1))
        engine = builder.build_engine(network, config)
        self.assertEqual(list(engine), ["x", "extra", "index", "activations"])
        x, more = np.float32([[-1, 2, 1], [3, -2, 3.5]]), np.float32([[0, 0, 9]])
        index, activations = np.empty((2, 1), np.int32), np.empty((2, 3), np.float32)
        self.assertTrue(engine.create_execution_context().execute_v2([x, more, index, activations]))
        np.testing.assert_array_equal(activations, np.maximum(x, 0))
        np.testing.assert_array_equal(index, (np.maximum(x, 0) + more).argmax(1)[:, None])

    def test_a_fixed_batch(self) -> None:
        builder, network, config = made(trt.Logger(), relu())
        network.get_input(0).shape = (5, 3)
        self.assertEqual(network.get_output(0).shape, (5, 3))
        engine = builder.build_engine(network, config)
        self.assertEqual(engine.get_tensor_shape("x"), (5, 3))
        self.assertEqual(engine.get_tensor_shape("y"), (5, 3))

    def test_models_of_old_opsets_cannot_be_extended(self) -> None:
        writer = burnish._core.ModelWriter(opset=11)
        writer.add_input("x", burnish._core.DataType.FLOAT32, [2])
        writer.add_node("Relu", ["x"], ["y"])
        writer.mark_output("y")
        _, network, _ = made(trt.Logger(), writer.serialize())
        layer = network.add_identity(network.get_output(0))
        with self.assertRaisesRegex(trt.UnsupportedError, "opset 13"):
            layer.get_output(0).shape

    def test_two_tensors_of_one_name(self) -> None:
        logger = Messages()
        builder, network, config = made(logger)
        x = network.add_input("x", trt.float32, (1,))
        layer = network.add_identity(x)
        layer.get_output(0).name = "x"
        network.mark_output(layer.get_output(0))
        self.assertIsNone(builder.build_serialized_network(network, config))
        self.assertIn("two tensors are called 'x'", logger.errors[0])


class Engines(unittest.TestCase):
    def test_by_name_and_by_index(self) -> None:
        engine = engine_of(relu(), ((1, 3), (2, 3), (4, 3)), ((5, 3), (6, 3), (8, 3)))
        self.assertEqual([engine.get_tensor_name(i) for i in range(engine.num_io_tensors)], ["x", "y"])
        self.assertEqual(engine.get_tensor_mode("x"), trt.TensorIOMode.INPUT)
        self.assertEqual(engine.get_tensor_mode("y"), trt.TensorIOMode.OUTPUT)
        self.assertEqual(engine.get_tensor_mode("z"), trt.TensorIOMode.NONE)
        self.assertEqual(engine.get_tensor_shape("x"), (-1, 3))
        self.assertEqual(engine.get_tensor_dtype("y"), trt.DataType.FLOAT)
        self.assertEqual(engine.get_tensor_profile_shape("x", 1), [(5, 3), (6, 3), (8, 3)])
        self.assertEqual(engine.num_optimization_profiles, 2)
        self.assertEqual(engine.num_bindings, 4)
        self.assertEqual(list(engine), ["x", "y", "x [profile 1]", "y [profile 1]"])
        self.assertEqual([engine.binding_is_input(binding) for binding in engine], [True, False, True, False])
        self.assertEqual(engine.get_profile_shape(0, "x")[2], (4, 3))
        self.assertEqual(engine[1], "y")
        self.assertEqual(engine["y"], 1)
        self.assertEqual(engine.get_binding_index("nothing"), -1)
        self.assertEqual(trt.volume(engine.get_binding_shape(0)), -3)
        with self.assertRaisesRegex(trt.InvalidArgumentError, "it has x, y"):
            engine.get_tensor_shape("nothing")
        self.assertGreater(engine.num_layers, 0)

    def test_serialized_again(self) -> None:
        engine = engine_of(relu(2))
        data = engine.serialize()
        self.assertEqual(data.nbytes, len(bytes(data)))
        again = trt.Runtime(trt.Logger()).deserialize_cuda_engine(memoryview(data))
        assert again is not None
        self.assertEqual(bytes(again.serialize()), bytes(data))

    def test_damaged_engines_give_none_and_a_reason(self) -> None:
        data = bytearray(engine_of(relu(2)).serialize())
        logger = Messages()
        data[len(data) // 2] ^= 1
        self.assertIsNone(trt.Runtime(logger).deserialize_cuda_engine(bytes(data)))
        self.assertIsNone(trt.Runtime(logger).deserialize_cuda_engine(b"nothing"))
        self.assertEqual(len(logger.errors), 2)

    def test_inspector(self) -> None:
        inspector = engine_of(relu(2)).create_engine_inspector()
        told = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
        self.assertEqual(told["Bindings"], ["x", "y"])
        self.assertEqual(json.loads(inspector.get_layer_information(0, trt.LayerInformationFormat.JSON)), told["Layers"][0])
        self.assertIn("Relu", inspector.get_engine_information(trt.LayerInformationFormat.ONELINE))
        with self.assertRaisesRegex(trt.InvalidArgumentError, "not a layer 9"):
            inspector.get_layer_information(9, trt.LayerInformationFormat.JSON)


class Contexts(unittest.TestCase):
    def setUp(self) -> None:
        self.logger = Messages()
        self.engine = engine_of(relu(), ((1, 3), (2, 3), (4, 3)), ((5, 3), (6, 3), (8, 3)), logger=self.logger)
        self.context = self.engine.create_execution_context()
        self.x = RNG.standard_normal((4, 3), dtype=np.float32)
        self.y = np.zeros((4, 3), np.float32)

    def fails(self, outcome: bool, message: str) -> None:
        self.assertFalse(outcome)
        self.assertIn(message, self.logger.errors.pop())

    def test_shapes(self) -> None:
        self.assertFalse(self.context.all_binding_shapes_specified)
        self.assertEqual(self.context.infer_shapes(), ["x"])
        self.assertEqual(self.context.get_tensor_shape("y"), (-1, 3))
        self.fails(self.context.execute_v2([self.x, self.y]), "the shape of input 'x' is not set")
        self.assertTrue(self.context.set_input_shape("x", (3, 3)))
        self.assertTrue(self.context.all_binding_shapes_specified)
        self.assertEqual(self.context.get_binding_shape(1), (3, 3))
        self.assertEqual(self.context.get_tensor_strides("y"), (3, 1))
        self.assertEqual(self.context.get_max_output_size("y"), 36)
        self.fails(self.context.set_input_shape("x", (9, 3)), "optimization profile 0 allows (1, 3) to (4, 3)")
        self.fails(self.context.set_input_shape("x", (3,)), "cannot have the shape (3,)")
        self.assertEqual(self.context.get_tensor_shape("x"), (3, 3))

    def test_profiles(self) -> None:
        x, y = np.tile(self.x, (2, 1)), np.zeros((8, 3), np.float32)
        self.assertTrue(self.context.set_optimization_profile_async(1, 0))
        self.assertTrue(self.context.set_binding_shape(2, (8, 3)))
        self.assertTrue(self.context.execute_async_v2([0, 0, x.ctypes.data, y.ctypes.data], 0))
        np.testing.assert_array_equal(y, np.maximum(x, 0))
        self.fails(self.context.set_optimization_profile_async(2, 0), "2 optimization profiles")

    def test_memory_that_does_not_fit(self) -> None:
        self.context.set_input_shape("x", (4, 3))
        self.assertTrue(self.context.execute_v2([self.x, self.y]))
        np.testing.assert_array_equal(self.y, np.maximum(self.x, 0))
        self.fails(self.context.execute_v2([self.x.ctypes.data, 0]), "tensor 'y' has no address")
        self.fails(self.context.execute_v2([self.x, self.y[:3]]), "the shape (3, 3)")
        self.fails(self.context.execute_v2([self.x.astype(np.float64), self.y]), "float64")
        self.fails(self.context.execute_v2([np.asfortranarray(self.x), self.y]), "not contiguous")
        self.y.flags.writeable = False
        self.fails(self.context.execute_v2([self.x, self.y]), "read-only")
        self.fails(self.context.execute_async_v3(0), "no address")
        self.fails(self.context.set_tensor_address("z", 1), "no tensor 'z'")
        with self.assertRaisesRegex(trt.InvalidArgumentError, "1 addresses are given"):
            self.context.execute_v2([1])

    def test_profiler(self) -> None:
        class Times(trt.IProfiler):
            def __init__(self) -> None:
                super().__init__()
                self.layers: dict[str, float] = {}

            def report_layer_time(self, layer_name: str, ms: float) -> None:
                self.layers[layer_name] = ms

        profiler = Times()
        self.context.profiler = profiler
        self.context.set_input_shape("x", (4, 3))
        self.assertTrue(self.context.execute_v2([self.x, self.y]))
        np.testing.assert_array_equal(self.y, np.maximum(self.x, 0))
        self.assertEqual(len(profiler.layers), self.engine.num_layers)

    def test_outputs_whose_shape_depends_on_data(self) -> None:
        engine = engine_of(model([("NonZero", ["x"], ["y"], {})], {"x": [2, 3]}, ["y"]), logger=self.logger)
        context = engine.create_execution_context()
        x = np.float32([[0, 1, 0], [2, 3, 0]])
        large = np.empty(12, np.int64)
        self.fails(context.execute_v2([x, large.ctypes.data]), "set_output_allocator")
        self.assertTrue(context.execute_v2([x, large]))
        self.assertEqual(context.get_max_output_size("y"), 0)

        class Allocator(trt.IOutputAllocator):
            def reallocate_output(self, tensor_name: str, memory: int, size: int, alignment: int) -> int:
                self.memory = ctypes.create_string_buffer(size)
                return ctypes.addressof(self.memory)

            def notify_shape(self, tensor_name: str, shape: trt.Dims) -> None:
                self.shape = tuple(shape)

        allocator = Allocator()
        self.assertTrue(context.set_output_allocator("y", allocator))
        self.assertTrue(context.set_tensor_address("x", x))
        self.assertTrue(context.execute_async_v3(0))
        got = np.frombuffer(allocator.memory, np.int64).reshape(allocator.shape)
        np.testing.assert_array_equal(got, np.nonzero(x))
        np.testing.assert_array_equal(large[: got.size].reshape(got.shape), got)


if __name__ == "__main__":
    unittest.main()
