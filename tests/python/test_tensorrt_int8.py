"""INT8 calibrators in TensorRT's API."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np

import burnish as trt
from models import FASHION, model
from trt_networks import Array, Messages

IMAGES = ((np.load(FASHION / "fashion_calib.npz")["image"][:96] / 255 - 0.286) / 0.353).astype(np.float32)


class Batches(trt.IInt8EntropyCalibrator2):
    """Arrays or addresses, as told; the cache lies in memory."""

    def __init__(self, images: Array, cache: bytes | None = None, as_arrays: bool = False) -> None:
        super().__init__()
        self.batches = [np.ascontiguousarray(b) for b in np.split(images, len(images) // 16)]
        self.cache = cache
        self.as_arrays = as_arrays
        self.num_given = 0
        self.names: list[str] = []

    def get_batch_size(self) -> int:
        return 16

    def get_batch(self, names: list[str]) -> list[Any] | None:
        self.names = names
        if self.num_given == len(self.batches):
            return None
        self.num_given += 1
        batch = self.batches[self.num_given - 1]
        return [batch if self.as_arrays else batch.ctypes.data]

    def read_calibration_cache(self) -> bytes | None:
        return self.cache

    def write_calibration_cache(self, cache: bytes) -> None:
        self.cache = bytes(cache)


class MinMax(Batches, trt.IInt8MinMaxCalibrator):
    _calibrator = trt.IInt8MinMaxCalibrator._calibrator


def plan_of(calibrator: trt.IInt8Calibrator | None, logger: trt.ILogger, **settings: Any) -> bytes | None:
    builder = trt.Builder(logger)
    builder.max_threads = 1
    network = builder.create_network()
    assert trt.OnnxParser(network, logger).parse_from_file(FASHION / "fashion_resnet.onnx")
    config = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = calibrator
    config.builder_optimization_level = 2
    profile = builder.create_optimization_profile()
    profile.set_shape("image", (1, 1, 28, 28), (8, 1, 28, 28), (96, 1, 28, 28))
    config.add_optimization_profile(profile)
    for name, value in settings.items():
        setattr(config, name, value)
    return builder.build_serialized_network(network, config)


def classes(plan: bytes | None, images: Array) -> Array:
    assert plan is not None
    engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(plan)
    assert engine is not None
    logits = np.empty((len(images), 10), np.float32)
    context = engine.create_execution_context()
    assert context.set_input_shape("image", images.shape) and context.execute_v2([images, logits])
    return np.asarray(logits.argmax(1))


def ranges(cache: bytes) -> dict[str, list[float]]:
    """Low and high by tensor."""
    lines = [line.split() for line in cache.decode().splitlines()[1:] if not line.startswith("#")]
    return {line[0]: [float(line[1]), float(line[2])] for line in lines}


class Calibrators(unittest.TestCase):
    def test_addresses_arrays_and_the_cache_give_the_same(self) -> None:
        logger = Messages()
        first, arrays = Batches(IMAGES), Batches(IMAGES, as_arrays=True)
        plan = plan_of(first, logger)
        plan_of(arrays, logger)
        self.assertEqual(first.names, ["image"])
        self.assertEqual(first.num_given, 6)
        assert first.cache is not None
        self.assertTrue(first.cache.startswith(b"burnish-ranges"))
        assert arrays.cache is not None
        ours, theirs = ranges(first.cache), ranges(arrays.cache)
        self.assertEqual(list(ours), list(theirs))
        for name, range_ in ours.items():  # kernels may round differently
            np.testing.assert_allclose(range_, theirs[name], rtol=1e-3, atol=1e-3)
        cached = Batches(IMAGES, first.cache)
        again = plan_of(cached, logger)
        self.assertEqual(cached.num_given, 0)
        labels = classes(plan, IMAGES)
        self.assertGreater(np.mean(labels == classes(again, IMAGES)), 0.95)
        self.assertEqual(logger.errors, [])

    def test_kinds_choose_other_ranges(self) -> None:
        entropy, minmax = Batches(IMAGES), MinMax(IMAGES)
        plan_of(entropy, Messages())
        plan_of(minmax, Messages())
        assert entropy.cache is not None and minmax.cache is not None
        self.assertIn(b" entropy\n", entropy.cache)
        self.assertIn(b" minmax\n", minmax.cache)
        self.assertNotEqual(entropy.cache, minmax.cache)
        self.assertEqual(trt.IInt8LegacyCalibrator().get_algorithm(), trt.CalibrationAlgoType.LEGACY_CALIBRATION)

    def test_exceptions_arrive_as_they_were_raised(self) -> None:
        class Broken(Batches):
            def __init__(self, method: str) -> None:
                super().__init__(IMAGES)
                self.error = LookupError(method)
                setattr(self, method, self.fail)

            def fail(self, *_: object) -> Any:
                raise self.error

        for method in ("get_batch", "get_batch_size", "read_calibration_cache", "write_calibration_cache"):
            calibrator = Broken(method)
            with self.assertRaises(LookupError) as caught:
                plan_of(calibrator, Messages())
            self.assertIs(caught.exception, calibrator.error)

    def test_what_does_not_fit(self) -> None:
        class TooMany(Batches):
            def get_batch(self, names: list[str]) -> list[Any] | None:
                return [1, 2]

        class Null(Batches):
            def get_batch(self, names: list[str]) -> list[Any] | None:
                return [0]

        cases = [(TooMany(IMAGES), "2 addresses for 1 inputs"), (Null(IMAGES), "address 0"),
                 (Batches(IMAGES, b"TRT-8500-EntropyCalibration2\nimage: 3c010a14\n"), "written by TensorRT"),
                 (Batches(IMAGES, b"nonsense"), "calibration.cache"), (None, "int8_calibrator")]
        for calibrator, message in cases:
            logger = Messages()
            self.assertIsNone(plan_of(calibrator, logger))
            self.assertIn(message, logger.errors[0])

    def test_a_budget_that_cannot_be_held(self) -> None:
        logger = Messages()
        self.assertIsNone(plan_of(Batches(np.zeros_like(IMAGES)), logger, accuracy_drop=0.01))
        self.assertIn("sample", logger.errors[0])
        self.assertIsNotNone(plan_of(Batches(np.zeros_like(IMAGES)), Messages()))

    def test_models_with_their_own_scales_need_no_calibrator(self) -> None:
        data = model([("QuantizeLinear", ["x", "s", "z"], ["q"], {}), ("DequantizeLinear", ["q", "s", "z"], ["y"], {})],
                     {"x": [4]}, ["y"], {"s": np.float32(0.5), "z": np.int8(0)})
        logger = Messages()
        builder = trt.Builder(logger)
        network = builder.create_network()
        self.assertTrue(trt.OnnxParser(network, logger).parse(data))
        config = builder.create_builder_config()
        config.set_flag(trt.BuilderFlag.INT8)
        config.int8_calibrator = Batches(IMAGES)
        engine = builder.build_engine(network, config)
        assert engine is not None
        x, y = np.float32([0.3, -0.8, 1.1, 2]), np.empty(4, np.float32)
        self.assertTrue(engine.create_execution_context().execute_v2([x, y]))
        np.testing.assert_array_equal(y, np.round(x / 0.5) * 0.5)
        self.assertIn("not used", logger.warnings[0])

    def test_calibrated_engines_cannot_be_refitted(self) -> None:
        logger = Messages()
        flags = 1 << int(trt.BuilderFlag.INT8) | 1 << int(trt.BuilderFlag.REFIT)
        self.assertIsNone(plan_of(Batches(IMAGES), logger, flags=flags))
        self.assertIn("cannot be refitted", logger.errors[0])


if __name__ == "__main__":
    unittest.main()
