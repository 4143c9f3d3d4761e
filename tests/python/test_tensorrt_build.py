"""TensorRT's API on Burnish: configurations, values, refitting."""

from __future__ import annotations

import contextlib
import io
import os
import unittest
from unittest import mock

import numpy as np

import burnish
import burnish as trt
from models import model
from trt_networks import Array, Messages, engine_of, made, relu

RNG = np.random.default_rng(5)


class Configuration(unittest.TestCase):
    def test_flags(self) -> None:
        config = trt.Builder(trt.Logger()).create_builder_config()
        self.assertTrue(config.get_flag(trt.BuilderFlag.TF32))
        config.flags = 1 << int(trt.BuilderFlag.FP16) | 1 << int(trt.BuilderFlag.INT8)
        self.assertTrue(config.get_flag(trt.BuilderFlag.INT8))
        config.clear_flag(trt.BuilderFlag.INT8)
        self.assertEqual(config.flags, 1 << int(trt.BuilderFlag.FP16))
        for flag in (trt.BuilderFlag.FP8, trt.BuilderFlag.VERSION_COMPATIBLE, trt.BuilderFlag.STRIP_PLAN):
            with self.assertRaisesRegex(trt.UnsupportedError, flag.name):
                config.set_flag(flag)
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 20)
        self.assertEqual(config.max_workspace_size, 1 << 20)
        config.reset()
        self.assertEqual(config.flags, 1 << int(trt.BuilderFlag.TF32))

    def test_tf32_is_the_default_of_gpus(self) -> None:
        data = model([("MatMul", ["x", "w"], ["y"], {})], {"x": [64, 64], "w": [64, 64]}, ["y"])

        def rounds(target: str, clear: bool = False) -> bool:
            logger = Messages()
            builder, network, config = made(logger, data)
            config.target, config.builder_optimization_level = target, 2
            if clear:
                config.clear_flag(trt.BuilderFlag.TF32)
            engine = builder.build_engine(network, config)
            if engine is None and target != "cpu":
                self.skipTest(logger.errors[-1])  # NVRTC is not installed
            told: str = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
            return "allow_tf32" in told

        self.assertFalse(rounds("cpu"))
        self.assertEqual([rounds("sm_80"), rounds("sm_80", clear=True), rounds("sm_75")], [True, False, False])

    def test_tf32_of_the_platform(self) -> None:
        for target, expected in (("cpu", False), ("sm_75", False), ("sm_90", True)):
            with mock.patch.dict(os.environ, BURNISH_TARGET=target):
                self.assertEqual(trt.Builder(trt.Logger()).platform_has_tf32, expected)

    def test_what_is_not_there_says_so(self) -> None:
        builder, network, config = made(trt.Logger(), relu(2))
        with self.assertRaisesRegex(AttributeError, "create_builder_config"):
            builder.build_cuda_engine(network)
        with self.assertRaisesRegex(trt.UnsupportedError, "no plugins"):
            network.add_plugin_v2([], None)
        with self.assertRaisesRegex(trt.UnsupportedError, "explicit batch"):
            engine_of(relu(2)).create_execution_context().execute(1, [])
        with self.assertRaisesRegex(trt.UnsupportedError, "plugins"):
            trt.get_plugin_registry()
        with self.assertRaisesRegex(AttributeError, "max_workspace"):
            config.max_workspace = 5
        with self.assertRaises(AttributeError):
            network.add_convolution_nd(network.get_input(0), 1, (1,), np.ones(1, np.float32)).strides = (2,)
        self.assertFalse(hasattr(config, "DLA_core"))
        self.assertTrue(trt.init_libnvinfer_plugins(trt.Logger(), ""))

    def test_precisions_of_single_layers_are_not_ignored(self) -> None:
        builder, network, config = made(trt.Logger(), relu(2), flags=(trt.BuilderFlag.FP16,))
        network.get_layer(0).precision = trt.float32
        config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
        with self.assertRaisesRegex(trt.UnsupportedError, "precisions of single layers"):
            builder.build_serialized_network(network, config)
        config.clear_flag(trt.BuilderFlag.FP16)
        self.assertIsNotNone(builder.build_serialized_network(network, config))

    def test_strongly_typed_networks(self) -> None:
        logger = Messages()
        builder = trt.Builder(logger)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        x = network.add_input("x", trt.float16, (2, 2))
        network.mark_output(network.add_unary(x, trt.UnaryOperation.NEG).get_output(0))
        config = builder.create_builder_config()
        engine = builder.build_engine(network, config)
        assert engine is not None
        self.assertEqual(engine.get_tensor_dtype(engine[1]), trt.float16)
        config.set_flag(trt.BuilderFlag.FP16)
        self.assertIsNone(builder.build_engine(network, config))
        self.assertIn("strongly typed", logger.errors[0])

    def test_failed_builds_give_none_and_a_reason(self) -> None:
        logger = Messages()
        builder, network, config = made(logger)
        self.assertIsNone(builder.build_serialized_network(network, config))
        self.assertIsNone(builder.build_serialized_network(*made(logger, relu(2), flags=(trt.BuilderFlag.INT8,))[1:]))
        self.assertEqual(len(logger.errors), 2)
        self.assertIn("int8_calibrator", logger.errors[1])

    def test_timing_cache(self) -> None:
        logger = trt.Logger()
        builder, network, config = made(logger, relu(2))
        config.builder_optimization_level = 3
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
        first = builder.build_serialized_network(network, config)
        content = config.get_timing_cache().serialize()
        self.assertGreater(len(content), 0)
        other = config.create_timing_cache(content)
        config.set_timing_cache(other)
        self.assertEqual(builder.build_serialized_network(network, config), first)
        self.assertEqual(other.serialize(), content)
        empty = config.create_timing_cache(b"")
        self.assertTrue(empty.combine(other, False) and empty.combine(other, False))
        self.assertEqual(empty.serialize(), content)

    def test_progress_and_cancelling(self) -> None:
        class Monitor(trt.IProgressMonitor):
            def __init__(self, go_on: bool) -> None:
                super().__init__()
                self.go_on = go_on
                self.open: list[str] = []
                self.phases: list[str] = []

            def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
                self.open.append(phase_name)

            def step_complete(self, phase_name: str, step: int) -> bool:
                return self.go_on

            def phase_finish(self, phase_name: str) -> None:
                self.open.remove(phase_name)
                self.phases.append(phase_name)

        logger = Messages()
        builder, network, config = made(logger, relu(2))
        config.progress_monitor = monitor = Monitor(True)
        self.assertIsNotNone(builder.build_serialized_network(network, config))
        self.assertEqual(monitor.open, [])
        self.assertIn("import", monitor.phases)
        config.progress_monitor = Monitor(False)
        self.assertIsNone(builder.build_serialized_network(network, config))
        self.assertIn("stopped", logger.warnings[-1])

    def test_exceptions_of_loggers_arrive(self) -> None:
        class Broken(trt.ILogger):
            def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
                raise KeyError("mine")

        builder, network, config = made(Broken(), relu())  # no profile: the default one is logged
        with self.assertRaisesRegex(KeyError, "mine"):
            builder.build_serialized_network(network, config)


class Values(unittest.TestCase):
    def test_dims(self) -> None:
        dims = trt.Dims([1, 3, 4])
        dims[0] = 8
        self.assertEqual(dims, (8, 3, 4))
        self.assertEqual(str(dims), "(8, 3, 4)")
        self.assertEqual(np.empty(dims).shape, (8, 3, 4))
        self.assertEqual((trt.DimsHW(5, 6).h, trt.DimsHW((5, 6)).w), (5, 6))
        self.assertEqual(dims[1:], (3, 4))
        self.assertNotEqual(dims, (8, 3))

    def test_types_and_enumerations(self) -> None:
        self.assertIs(trt.nptype(trt.float16), np.float16)
        self.assertIs(trt.nptype(trt.bool), np.bool_)
        self.assertEqual(trt.float32.itemsize, 4)
        self.assertEqual(str(trt.float32), "DataType.FLOAT")
        self.assertEqual(f"{trt.BuilderFlag.FP16}", "BuilderFlag.FP16")
        self.assertEqual(trt.volume((2, 3, 4)), 24)

    def test_weights(self) -> None:
        array = np.arange(4, dtype=np.float32)
        self.assertEqual((trt.Weights(array).size, trt.Weights(array).dtype), (4, trt.float32))
        self.assertEqual(len(trt.Weights(trt.float16)), 0)
        np.testing.assert_array_equal(trt.Weights(trt.float32, array.ctypes.data, 3).numpy(), array[:3])
        with self.assertRaisesRegex(trt.UnsupportedError, "float64"):
            trt.Weights(np.zeros(2)).dtype

    def test_logger(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as text:
            logger = trt.Logger()
            logger.log(trt.Logger.INFO, "quiet")
            logger.log(trt.Logger.ERROR, "loud")
        self.assertEqual(text.getvalue(), "[burnish] [E] loud\n")


def named(engine: trt.ICudaEngine, **inputs: Array) -> Array:
    """The first output."""
    context = engine.create_execution_context()
    for name, array in inputs.items():
        context.set_tensor_address(name, array)
    out = np.empty(context.get_tensor_shape(engine[len(inputs)]), np.float32)
    context.set_tensor_address(engine[len(inputs)], out)
    assert context.execute_async_v3(0)
    return out


class Refit(unittest.TestCase):
    W = RNG.standard_normal((2, 4, 3), dtype=np.float32)
    X = RNG.standard_normal((2, 3), dtype=np.float32)

    def engine(self, logger: trt.ILogger | None = None, *flags: trt.BuilderFlag) -> trt.ICudaEngine:
        data = model([("Gemm", ["x", "w"], ["g"], {"transB": 1}), ("Add", ["g", "b"], ["y"], {})], {"x": [2, 3]}, ["y"],
                     {"w": self.W[0], "b": np.float32([1, 2, 3, 4])})
        builder, network, config = made(logger or trt.Logger(), data, flags=(trt.BuilderFlag.REFIT, *flags))
        plan = builder.build_serialized_network(network, config)
        engine = trt.Runtime(logger or trt.Logger()).deserialize_cuda_engine(plan)
        assert engine is not None
        return engine

    def test_of_an_imported_model(self) -> None:
        engine = self.engine()
        self.assertTrue(engine.refittable)
        refitter = trt.Refitter(engine, trt.Logger())
        self.assertEqual(refitter.get_all_weights(), ["w", "b"])
        self.assertEqual(set(zip(*refitter.get_all())),
                         {("Gemm_0", trt.WeightsRole.KERNEL), ("b", trt.WeightsRole.CONSTANT)})
        np.testing.assert_allclose(named(engine, x=self.X), self.X @ self.W[0].T + [1, 2, 3, 4], rtol=1e-5)
        self.assertTrue(refitter.set_named_weights("b", np.zeros(4, np.float32)))
        self.assertTrue(refitter.set_weights("Gemm_0", trt.WeightsRole.KERNEL, trt.Weights(self.W[1])))
        self.assertTrue(refitter.refit_cuda_engine())
        np.testing.assert_allclose(named(engine, x=self.X), self.X @ self.W[1].T, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(refitter.get_named_weights("w").numpy(), self.W[1])

    def test_a_refitted_engine_is_saved_and_refitted_again(self) -> None:
        engine = self.engine()
        for weights in self.W[1], self.W[0] * 2:
            refitter = trt.Refitter(engine, trt.Logger())
            refitter.set_named_weights("w", weights)
            self.assertTrue(refitter.refit_cuda_engine())
            again = trt.Runtime(trt.Logger()).deserialize_cuda_engine(engine.serialize())
            assert again is not None
            np.testing.assert_allclose(named(again, x=self.X), self.X @ weights.T + [1, 2, 3, 4], rtol=1e-5, atol=1e-6)
            engine = again

    def test_weights_that_do_not_fit(self) -> None:
        logger = Messages()
        refitter = trt.Refitter(self.engine(logger), logger)
        self.assertFalse(refitter.set_named_weights("nothing", self.W[0]))
        self.assertFalse(refitter.set_named_weights("w", self.W[0][:1]))
        self.assertFalse(refitter.set_named_weights("w", self.W[0].astype(np.float16)))
        self.assertFalse(refitter.set_weights("Gemm_0", trt.WeightsRole.BIAS, self.W[0]))
        self.assertEqual(len(logger.errors), 4)

    def test_attachments_do_not_change_what_an_engine_does(self) -> None:
        built = burnish._core.build(relu(2), opt_level=1, threads=1)
        burnish._core.attach(built, "note", b"of mine")
        with self.assertRaisesRegex(trt.InvalidArgumentError, "already"):
            burnish._core.attach(built, "note", b"again")
        engine = burnish.load(built.serialize())
        self.assertEqual(burnish._core.attachment(engine, "note"), b"of mine")
        self.assertIsNone(burnish._core.attachment(engine, "nothing"))
        np.testing.assert_array_equal(engine(np.float32([[-1, 2, 3], [4, -5, 6]])), np.float32([[0, 2, 3], [4, 0, 6]]))

    def test_only_with_the_flag(self) -> None:
        engine = engine_of(relu(2))
        self.assertFalse(engine.refittable)
        with self.assertRaisesRegex(trt.UnsupportedError, "BuilderFlag.REFIT"):
            trt.Refitter(engine, trt.Logger())


if __name__ == "__main__":
    unittest.main()
