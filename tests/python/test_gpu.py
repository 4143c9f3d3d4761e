"""Engines on an NVIDIA GPU from Python: memory, streams, frameworks, TensorRT's API. Skipped where there is no GPU.

scripts/gpu_check.sh python runs it on a machine that has one; NumPy is enough, PyTorch's tests need PyTorch.
"""

from __future__ import annotations

import importlib.util
import os
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import numpy as np

import burnish
import burnish as trt
from models import FASHION, model, normalised
from trt_networks import Messages, made

PROFILE = "image=1x1x28x28:8x1x28x28:64x1x28x28"
NO_GPU = "there is no NVIDIA GPU" if burnish.num_gpus() == 0 else ""
HAS_TORCH = not NO_GPU and importlib.util.find_spec("torch") is not None
MB = 1 << 20

torch: Any = None
if HAS_TORCH:
    import torch


def images(count: int) -> Any:
    return np.ascontiguousarray(normalised(np.load(FASHION / "fashion_test.npz")["image"][:count]))


class Engines:
    """Built once for all tests."""

    _built: dict[str, burnish.Engine] = {}

    @classmethod
    def fashion(cls, target: str = "cuda") -> burnish.Engine:
        if target not in cls._built:
            cls._built[target] = burnish.build(FASHION / "fashion_mobile.onnx", target=target, opt_level=2, profiles=PROFILE)
        return cls._built[target]

    @classmethod
    def negative(cls) -> burnish.Engine:
        """y = -x, of 64 million floats: what is copied shows."""
        if "negative" not in cls._built:
            data = model([("Neg", ["x"], ["y"], {})], {"x": [64 * MB]}, ["y"])
            cls._built["negative"] = burnish.build(data, target="cuda", opt_level=0)
        return cls._built["negative"]


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


@unittest.skipIf(NO_GPU, NO_GPU)
class Native(unittest.TestCase):
    def setUp(self) -> None:
        self.engine = Engines.fashion()
        self.x = images(8)
        self.expected = Engines.fashion("cpu")(self.x)

    def test_what_it_is(self) -> None:
        self.assertEqual(self.engine.device, "cuda:0")
        self.assertRegex(self.engine.target, r"^sm_\d+$")
        self.assertEqual(Engines.fashion("cpu").device, "cpu")

    def test_host_arrays(self) -> None:
        for count in (1, 8, 3, 8):
            y = self.engine(self.x[:count])
            self.assertIsInstance(y, np.ndarray)
            close(y, self.expected[:count])
        out = np.empty((8, 10), np.float32)
        self.assertIs(self.engine(self.x, out=out), out)
        close(out, self.expected)

    def test_device_arrays(self) -> None:
        x = burnish.to_device(self.x)
        self.assertEqual((x.shape, x.dtype, x.device, x.nbytes), ((8, 1, 28, 28), np.float32, "cuda:0", self.x.nbytes))
        np.testing.assert_array_equal(x.numpy(), self.x)
        for _ in range(4):  # as launches, captured, replayed
            y = self.engine(x)
            self.assertIsInstance(y, burnish.DeviceArray)
            close(y.numpy(), self.expected)

    def test_memory_of_both_kinds(self) -> None:
        out = np.zeros((8, 10), np.float32)
        self.assertIs(self.engine(burnish.to_device(self.x), out=out), out)
        close(out, self.expected)
        there = burnish.to_device(np.zeros((8, 10), np.float32))
        self.assertIs(self.engine.run({"image": self.x}, out={"logits": there})["logits"], there)
        close(there.numpy(), self.expected)

    def test_every_type_of_element_comes_back(self) -> None:
        for name in ("float32", "float16", "int8", "uint8", "int32", "int64", "bool", "float64"):
            array = np.array([[1, 0, 1]], name)
            np.testing.assert_array_equal(burnish.to_device(array).numpy(), array)

    def test_load_and_several_targets(self) -> None:
        data = self.engine.serialize()
        for device in (None, 0, "cuda", "cuda:0"):
            close(burnish.load(data, device=device)(self.x), self.expected)
        with self.assertRaisesRegex(burnish.MismatchError, "not for the CPU"):
            burnish.load(data, device="cpu")
        with self.assertRaisesRegex(burnish.MismatchError, "target 'cpu'"):
            burnish.load(Engines.fashion("cpu").serialize(), device="cuda")
        with self.assertRaisesRegex(burnish.InvalidArgumentError, "no GPU 99"):
            burnish.load(data, device=99)
        both = burnish.build(FASHION / "fashion_mobile.onnx", target=["cpu", "cuda"], opt_level=0, profiles=PROFILE)
        self.assertEqual(both.device, "cuda:0")
        for device in ("cpu", "cuda:0"):
            again = burnish.load(both.serialize(), device=device)
            self.assertEqual(again.device, device)
            close(again(self.x), self.expected)

    def test_profile(self) -> None:
        for x in (self.x, burnish.to_device(self.x)):
            self.assertGreater(self.engine.profile({"image": x}, rounds=3).total_us, 0)

    def test_threads(self) -> None:
        def work(seed: int) -> None:
            for i in range(100):
                count = (seed + i) % 8 + 1
                x = self.x[:count] if i % 2 else burnish.to_device(self.x[:count])
                y = self.engine(x)
                close(y if i % 2 else y.numpy(), self.expected[:count])

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

    def test_what_does_not_fit(self) -> None:
        x = burnish.to_device(self.x)
        for call, error, message in (
                (lambda: self.engine(burnish.to_device(self.x.astype(np.float64))), burnish.InvalidArgumentError, "float64"),
                (lambda: self.engine(x, out=burnish.to_device(np.zeros((7, 10), np.float32))),
                 burnish.InvalidArgumentError, r"\(7, 10\)"),
                (lambda: Engines.fashion("cpu")(x), burnish.UnsupportedError, "memory of GPU 0"),
                (lambda: Engines.fashion("cpu").run({"image": self.x}, stream=1), burnish.InvalidArgumentError, "stream="),
                (lambda: burnish.to_device(self.x, 99), burnish.InvalidArgumentError, "no GPU 99")):
            with self.subTest(message=message), self.assertRaisesRegex(error, message):
                call()
        close(self.engine(x).numpy(), self.expected)  # after all that

    def test_backend(self) -> None:
        try:
            import burnish.backend as backend
        except ImportError as error:
            self.skipTest(str(error))
        self.assertTrue(backend.supports_device("CUDA"))
        self.assertTrue(backend.supports_device("CUDA:0"))
        self.assertFalse(backend.supports_device("CUDA:99"))


@unittest.skipUnless(HAS_TORCH, NO_GPU or "there is no PyTorch")
class PyTorch(unittest.TestCase):
    def setUp(self) -> None:
        self.engine = Engines.fashion()
        self.expected = Engines.fashion("cpu")(images(8))
        self.x = torch.from_numpy(images(8)).cuda()

    def check(self, y: Any) -> None:
        self.assertEqual((type(y), y.device), (torch.Tensor, self.x.device))
        close(y.cpu().numpy(), self.expected)

    def test_tensors_give_tensors(self) -> None:
        for _ in range(4):
            self.check(self.engine(self.x))
        self.check(self.engine.run({"image": self.x})["logits"])
        self.check(torch.from_dlpack(self.engine(burnish.to_device(images(8)))))
        close(self.engine(self.x.cpu()), self.expected)  # the host's: NumPy's array

    def test_out(self) -> None:
        out = torch.zeros(8, 10, device="cuda")
        self.assertIs(self.engine(self.x, out=out), out)
        self.check(out)

    def test_what_is_not_dense_is_copied(self) -> None:
        wide = torch.stack([self.x, self.x], dim=-1)[..., 0]
        self.assertFalse(wide.is_contiguous())
        self.check(self.engine(wide))
        with self.assertRaisesRegex(burnish.InvalidArgumentError, "in place"):
            self.engine(self.x, out=torch.zeros(10, 8, device="cuda").T)

    def test_nothing_is_copied(self) -> None:
        engine = Engines.negative()
        x, y = torch.ones(64 * MB, device="cuda"), torch.empty(64 * MB, device="cuda")
        for _ in range(3):
            engine(x, out=y)
        torch.cuda.synchronize()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            engine(x, out=y)
            torch.cuda.synchronize()
        names = [e.name for e in profile.events()]
        self.assertTrue(any("pointwise" in n for n in names), names)
        self.assertFalse([n for n in names if "memcpy" in n.lower()])
        self.assertEqual((float(y.min()), float(y.max())), (-1, -1))

    def test_behind_what_the_stream_holds(self) -> None:
        for stream in (torch.cuda.default_stream(), torch.cuda.Stream(), torch.cuda.Stream()):
            for _ in range(3):
                x = torch.zeros_like(self.x)
                torch.cuda.synchronize()
                with torch.cuda.stream(stream):
                    torch.cuda._sleep(20_000_000)
                    x.copy_(self.x)
                    y = self.engine(x).clone()
                    x.zero_()
                stream.synchronize()
                self.check(y)

    def test_calls_return_at_once(self) -> None:
        for _ in range(4):  # until the graph is captured for the memory that PyTorch gives again and again
            self.engine(self.x)
        torch.cuda.synchronize()
        done = torch.cuda.Event()
        torch.cuda._sleep(2_000_000_000)
        y = self.engine(self.x)
        done.record()
        self.assertFalse(done.query())
        self.check(y)

    def test_a_stream_of_the_callers(self) -> None:
        stream = torch.cuda.Stream()
        for given in (stream, stream.cuda_stream):
            out = torch.zeros(8, 10, device="cuda")
            torch.cuda.synchronize()
            self.engine(self.x, out=out, stream=given)
            stream.synchronize()
            self.check(out)

    def test_other_code_keeps_its_gpu(self) -> None:
        last = torch.cuda.device_count() - 1
        with torch.cuda.device(last):
            self.engine(self.x)
            self.assertEqual(torch.cuda.current_device(), last)
            del self.x
            self.assertEqual(torch.cuda.current_device(), last)

    def test_calls_do_not_leak(self) -> None:
        def used() -> int:
            torch.cuda.synchronize()
            free, total = torch.cuda.mem_get_info()
            return int(total - free)

        x = burnish.to_device(images(8))
        for action in (lambda: self.engine(self.x), lambda: self.engine(x), lambda: self.engine(images(2))):
            for _ in range(50):
                action()
            before = used()
            for _ in range(500):
                action()
            self.assertLess(used() - before, 4 * MB)


@unittest.skipIf(burnish.num_gpus() < 2, "there are not two NVIDIA GPUs")
class SeveralGpus(unittest.TestCase):
    def setUp(self) -> None:
        self.x = images(8)
        self.expected = Engines.fashion("cpu")(self.x)

    def test_one_engine_on_all_at_once(self) -> None:
        data = Engines.fashion().serialize()
        engines = [burnish.load(data, device=i) for i in range(burnish.num_gpus())]
        self.assertEqual([e.device for e in engines], [f"cuda:{i}" for i in range(len(engines))])

        def work(seed: int) -> None:
            gpu = seed % len(engines)
            x = burnish.to_device(self.x, gpu)
            for _ in range(100):
                y = engines[gpu](x)
                self.assertEqual(y.device, f"cuda:{gpu}")
                close(y.numpy(), self.expected)
                close(engines[gpu](self.x), self.expected)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

    def test_built_calibrated_and_run_on_the_second(self) -> None:
        samples = {"image": images(64)}
        engine = burnish.build(FASHION / "fashion_mobile.onnx", target="cuda:1", fp16=True, calibrate=samples, opt_level=2,
                               profiles=PROFILE)
        self.assertEqual(engine.device, "cuda:1")
        np.testing.assert_allclose(engine(self.x), self.expected, rtol=2e-2, atol=5e-2)

    def test_memory_of_another_is_refused(self) -> None:
        engine = burnish.load(Engines.fashion().serialize(), device=1)
        out = np.zeros((8, 10), np.float32)
        for name, call in (("image", lambda: engine(burnish.to_device(self.x, 0))),
                           ("logits", lambda: engine(self.x, out=burnish.to_device(out, 0)))):
            with self.assertRaisesRegex(burnish.InvalidArgumentError,
                                        f"{name} lies in the memory of GPU 0, the engine on GPU 1"):
                call()
        close(engine(burnish.to_device(self.x, 1)).numpy(), self.expected)


@unittest.skipIf(NO_GPU, NO_GPU)
class TensorRT(unittest.TestCase):
    """Scripts written for TensorRT on the GPU that they were written for."""

    def setUp(self) -> None:
        self.logger = Messages()
        self.x = images(8)
        self.expected = Engines.fashion("cpu")(self.x)

    def engine(self, *flags: trt.BuilderFlag, target: str | None = None) -> trt.ICudaEngine:
        builder, network, config = made(self.logger, (FASHION / "fashion_mobile.onnx").read_bytes(), flags=flags)
        config.builder_optimization_level = 2
        profile = builder.create_optimization_profile()
        profile.set_shape("image", (1, 1, 28, 28), (8, 1, 28, 28), (64, 1, 28, 28))
        config.add_optimization_profile(profile)
        config.target = target
        if trt.BuilderFlag.TF32 not in flags:  # what is compared is FP32
            config.clear_flag(trt.BuilderFlag.TF32)
        data = builder.build_serialized_network(network, config)
        assert data is not None, self.logger.errors
        engine = trt.Runtime(self.logger).deserialize_cuda_engine(data)
        assert engine is not None, self.logger.errors
        return engine

    def context(self, *flags: trt.BuilderFlag, target: str | None = None) -> trt.IExecutionContext:
        context = self.engine(*flags, target=target).create_execution_context()
        self.assertTrue(context.set_input_shape("image", self.x.shape))
        return context

    def test_the_gpu_is_the_default(self) -> None:
        engine = self.engine()
        self.assertTrue(engine._is_on_gpu)
        told = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
        self.assertIn('"Location": "Device"', told)
        builder = trt.Builder(self.logger)
        self.assertTrue(builder.platform_has_fast_fp16)
        self.assertFalse(builder.platform_has_fast_int8)
        with mock.patch.dict(os.environ, BURNISH_TARGET="cpu"):
            self.assertFalse(self.engine()._is_on_gpu)
        self.assertFalse(self.engine(target="cpu")._is_on_gpu)

    def test_addresses_of_both_kinds(self) -> None:
        context = self.context()
        x, y = burnish.to_device(self.x), burnish.to_device(np.zeros((8, 10), np.float32))
        out = np.zeros((8, 10), np.float32)
        self.assertTrue(context.execute_v2([int(x), int(y)]), self.logger.errors)
        close(y.numpy(), self.expected)
        self.assertTrue(context.execute_v2([int(x), out.ctypes.data]))
        close(out, self.expected)
        out[:] = 0
        self.assertTrue(context.execute_async_v2([self.x.ctypes.data, out.ctypes.data], 0))
        close(out, self.expected)

    def test_device_addresses_for_an_engine_on_the_cpu_are_refused(self) -> None:
        context = self.context(target="cpu")
        x = burnish.to_device(self.x)
        self.assertFalse(context.execute_v2([int(x), np.zeros((8, 10), np.float32)]))
        self.assertIn("lies in the memory of a GPU", self.logger.errors[-1])

    def test_tf32(self) -> None:
        engine = self.engine(trt.BuilderFlag.TF32)
        told = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
        self.assertEqual("allow_tf32" in told, trt.Builder(self.logger).platform_has_tf32)
        context = engine.create_execution_context()
        self.assertTrue(context.set_input_shape("image", self.x.shape))
        out = np.zeros((8, 10), np.float32)
        self.assertTrue(context.execute_v2([self.x, out]))
        np.testing.assert_allclose(out, self.expected, atol=0.05)

    def test_fp16_and_int8(self) -> None:
        context = self.context(trt.BuilderFlag.FP16)
        out = np.zeros((8, 10), np.float32)
        self.assertTrue(context.execute_v2([self.x, out]))
        np.testing.assert_allclose(out, self.expected, atol=0.1)
        self.assertTrue(self.context(trt.BuilderFlag.INT8).execute_v2([self.x, out]))
        close(out, self.expected)

    def test_calibration_batches_on_the_gpu(self) -> None:
        test, there = self, [burnish.to_device(images(32))]

        class Calibrator(trt.IInt8MinMaxCalibrator):
            def get_batch_size(self) -> int:
                return 32

            def get_batch(self, names: list[str]) -> list[int] | None:
                test.assertEqual(names, ["image"])
                self.batch = there.pop() if there else None
                return None if self.batch is None else [int(self.batch)]

        builder, network, config = made(self.logger, (FASHION / "fashion_mobile.onnx").read_bytes(),
                                        flags=(trt.BuilderFlag.INT8,))
        config.builder_optimization_level = 2
        config.target, config.int8_calibrator = "cpu", Calibrator()
        profile = builder.create_optimization_profile()
        profile.set_shape("image", (1, 1, 28, 28), (32, 1, 28, 28), (32, 1, 28, 28))
        config.add_optimization_profile(profile)
        self.assertIsNotNone(builder.build_serialized_network(network, config), self.logger.errors)
        self.assertEqual(there, [])

    @unittest.skipUnless(HAS_TORCH, "there is no PyTorch")
    def test_behind_what_the_stream_holds(self) -> None:
        context = self.context()
        source = torch.from_numpy(self.x).cuda()
        for stream in (torch.cuda.default_stream(), torch.cuda.Stream()):
            for _ in range(3):
                x, y = torch.zeros_like(source), torch.zeros(8, 10, device="cuda")
                torch.cuda.synchronize()
                context.set_tensor_address("image", x.data_ptr())
                context.set_tensor_address("logits", y.data_ptr())
                with torch.cuda.stream(stream):
                    torch.cuda._sleep(20_000_000)
                    x.copy_(source)
                    self.assertTrue(context.execute_async_v3(stream.cuda_stream), self.logger.errors)
                    x.zero_()
                stream.synchronize()
                close(y.cpu().numpy(), self.expected)
        x = torch.zeros_like(source)
        torch.cuda._sleep(20_000_000)
        x.copy_(source)  # under way on the default stream
        self.assertTrue(context.execute_v2([x.data_ptr(), y.data_ptr()]))
        close(y.cpu().numpy(), self.expected)

    def test_profilers_and_refits(self) -> None:
        class Times(trt.IProfiler):
            def __init__(self) -> None:
                super().__init__()
                self.ms: list[float] = []

            def report_layer_time(self, layer_name: str, ms: float) -> None:
                self.ms.append(ms)

        engine = self.engine(trt.BuilderFlag.REFIT)
        context = engine.create_execution_context()
        context.set_input_shape("image", self.x.shape)
        context.profiler = Times()
        out = np.zeros((8, 10), np.float32)
        self.assertTrue(context.execute_v2([self.x, out]))
        close(out, self.expected)
        self.assertGreater(min(context.profiler.ms), 0)
        context.profiler = None
        self.assertTrue(trt.Refitter(engine, self.logger).refit_cuda_engine(), self.logger.errors)
        self.assertTrue(engine._is_on_gpu)
        out[:] = 0
        self.assertTrue(context.execute_v2([self.x, out]), self.logger.errors)
        close(out, self.expected)


if __name__ == "__main__":
    unittest.main()
