"""Engines called from Python: arrays, tensors, outputs, memory, threads, errors."""

from __future__ import annotations

import gc
import pickle
import sys
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import burnish
from burnish import _core
from models import engine, relu_engine, sum_engine

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.float32([[5, 4, 3], [2, 1, 0]])


class DLPackOnly:
    """A tensor of another framework: nothing but the protocol."""

    def __init__(self, array: np.ndarray[Any, Any], device: tuple[int, int] | None = None) -> None:
        self.array = array
        self.device = device

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device or self.array.__dlpack_device__()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def peak_bytes() -> int:
    """Of the process since reset_peak()."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


class Calls(unittest.TestCase):
    def test_by_position_by_name_and_mixed(self) -> None:
        e = sum_engine()
        for c, d in (e(A, B), e(A, b=B), e(b=B, a=A)):
            np.testing.assert_array_equal(c, A + B)
            np.testing.assert_array_equal(d, A - B)
        named = e.run({"b": B, "a": A})
        self.assertEqual(list(named), ["c", "d"])
        np.testing.assert_array_equal(named["d"], A - B)

    def test_one_output_is_no_tuple(self) -> None:
        y = relu_engine()(np.float32([-1, 2, -3, 4]))
        np.testing.assert_array_equal(y, [0, 2, 0, 4])
        self.assertIsInstance(y, np.ndarray)

    def test_outputs_of_earlier_calls_stay(self) -> None:
        e = relu_engine()
        first = e(np.float32([1, 2, 3, 4]))
        e(np.float32([5, 6, 7, 8]))
        np.testing.assert_array_equal(first, [1, 2, 3, 4])

    def test_what_is_not_dense_is_copied(self) -> None:
        e = sum_engine()
        wide = np.arange(12, dtype=np.float32).reshape(2, 6)
        fortran = np.asfortranarray(A)
        for a in (wide[:, ::2], fortran, A[::-1], A[:, ::-1], DLPackOnly(wide[:, ::2])):
            expected = np.asarray(a.array if isinstance(a, DLPackOnly) else a)
            np.testing.assert_array_equal(e(a, B)[0], expected + B)

    def test_lists_and_numbers(self) -> None:
        np.testing.assert_array_equal(sum_engine()([[1, 2, 3], [4, 5, 6]], B)[0], np.float32([[6, 6, 6], [6, 6, 6]]))
        scalar = engine([("Neg", ["x"], ["y"], {})], {"x": []}, ["y"])
        self.assertEqual(scalar(3.5).shape, ())
        self.assertEqual(scalar(np.float32(3.5)), np.float32(-3.5))

    def test_read_only_and_misaligned_memory(self) -> None:
        frozen = A.copy()
        frozen.flags.writeable = False
        raw = np.zeros(A.nbytes + 1, np.uint8)[1:]
        raw[:] = A.reshape(-1).view(np.uint8)
        misaligned = raw.view(np.float32).reshape(2, 3)
        for a in (frozen, misaligned):
            np.testing.assert_array_equal(sum_engine()(a, B)[0], A + B)

    def test_dlpack(self) -> None:
        np.testing.assert_array_equal(sum_engine()(DLPackOnly(A), DLPackOnly(B))[1], A - B)
        out = np.zeros_like(A)
        sum_engine().run({"a": A, "b": B}, out={"c": DLPackOnly(out)})
        np.testing.assert_array_equal(out, A + B)

    def test_every_type_of_element(self) -> None:
        types = [t for t in _core.DataType if t is not _core.DataType.BOOL]
        for t in types:
            dtype = _core.dtype_of(t)
            self.assertIs(_core.data_type_of(dtype), t)
            with self.subTest(dtype=dtype.name):
                e = engine([("Identity", ["x"], ["y"], {})], {"x": [4]}, ["y"], types={"x": t})
                x = np.array([1, 0, 1, 1], np.float32).astype(dtype)
                out = np.zeros(4, dtype)
                self.assertEqual(e(x).dtype, dtype)
                np.testing.assert_array_equal(e(x).astype(np.float32), x.astype(np.float32))
                np.testing.assert_array_equal(e(x, out=out).astype(np.float32), x.astype(np.float32))

    def test_shapes_within_profiles(self) -> None:
        e = relu_engine(["n"], profiles="x=1:4:1000")
        for n in (1, 7, 1000, 7, *range(1, 30)):
            np.testing.assert_array_equal(e(np.full(n, 2, np.float32)), np.full(n, 2, np.float32))
        self.assertEqual(e.input_range("x"), ((1,), (4,), (1000,)))

    def test_shapes_that_depend_on_data(self) -> None:
        e = engine([("NonZero", ["x"], ["y"], {})], {"x": [6]}, ["y"])
        for x in (np.float32([0, 1, 0, 1, 1, 0]), np.zeros(6, np.float32), np.ones(6, np.float32)):
            np.testing.assert_array_equal(e(x), np.stack(np.nonzero(x)))
        out = np.zeros((1, 2), np.int64)
        self.assertIs(e(np.float32([0, 3, 0, 0, 0, 4]), out=out), out)
        np.testing.assert_array_equal(out, [[1, 5]])
        with self.assertRaisesRegex(burnish.InvalidArgumentError, "output 'y'"):
            e(np.float32([0, 3, 0, 0, 0, 0]), out=out)

    def test_empty_arrays(self) -> None:
        e = relu_engine(["n", 3], profiles="x=0x3:1x3:4x3")
        self.assertEqual(e(np.zeros((0, 3), np.float32)).shape, (0, 3))


class Outputs(unittest.TestCase):
    def test_out_as_array_sequence_and_dictionary(self) -> None:
        y = np.zeros(4, np.float32)
        self.assertIs(relu_engine()(np.float32([1, -2, 3, -4]), out=y), y)
        np.testing.assert_array_equal(y, [1, 0, 3, 0])
        c, d = np.zeros_like(A), np.zeros_like(A)
        e = sum_engine()
        results = e(A, B, out=(c, None))
        self.assertIs(results[0], c)
        np.testing.assert_array_equal(results[1], A - B)
        self.assertIs(e(A, B, out={"d": d})[1], d)
        np.testing.assert_array_equal(d, A - B)

    def test_an_output_may_be_an_input(self) -> None:
        a = A.copy()
        sum_engine()(a, B, out={"c": a})
        np.testing.assert_array_equal(a, A + B)

    def test_memory_that_does_not_fit_is_refused(self) -> None:
        frozen = np.zeros(4, np.float32)
        frozen.flags.writeable = False
        x = np.ones(4, np.float32)
        for out, message in ((np.zeros(4), "is float32, but the array given is float64"),
                             (np.zeros(5, np.float32), r"shape \(4,\), but the array given for it has \(5,\)"),
                             (np.zeros((2, 2), np.float32), r"has \(2, 2\)"),
                             (np.zeros(8, np.float32)[::2], "cannot be written to in place"),
                             (frozen, "cannot be written to in place"),
                             ([np.zeros(4, np.float32)] * 2, "out= has 2 arrays"),
                             ({"z": x}, "no output 'z'; it has y")):
            with self.subTest(message=message), self.assertRaisesRegex(burnish.InvalidArgumentError, message):
                relu_engine()(x, out=out)


class Memory(unittest.TestCase):
    NUM_FLOATS = 1 << 25  # 128 MB
    SLACK = 24 << 20

    def test_inputs_are_not_copied(self) -> None:
        e = engine([("Slice", ["x", "begin", "end"], ["y"], {})], {"x": [self.NUM_FLOATS]}, ["y"],
                   {"begin": np.int64([5]), "end": np.int64([9])})
        x = np.ones(self.NUM_FLOATS, np.float32)
        for given in (x, DLPackOnly(x)):
            reset_peak()
            before = resident_bytes()
            np.testing.assert_array_equal(e(given), [1, 1, 1, 1])
            self.assertLess(peak_bytes() - before, self.SLACK)

    def test_outputs_are_written_in_place(self) -> None:
        e = engine([("Neg", ["x"], ["y"], {})], {"x": [self.NUM_FLOATS]}, ["y"])
        x, y = np.ones(self.NUM_FLOATS, np.float32), np.ones(self.NUM_FLOATS, np.float32)
        e(x, out=y)  # plans the context's own memory
        reset_peak()
        before = resident_bytes()
        e(x, out=y)
        self.assertLess(peak_bytes() - before, self.SLACK)
        self.assertEqual(y.min(), -1)
        self.assertEqual(y.max(), -1)
        y = e(x)
        self.assertLess(peak_bytes() - before, y.nbytes + self.SLACK)
        context = _core.Context(e, 1)
        context.set_input("x", x.ctypes.data)
        for memory in (y, np.empty_like(y), y.ravel()[:]):  # as NumPy aligns it
            context.set_output("y", memory.ctypes.data, memory.nbytes)
            context.execute()
            self.assertTrue(context.is_written_directly("y"))

    def assert_flat(self, action: Any, rounds: int, bytes_each: float) -> None:
        for _ in range(rounds // 10):
            action()

        def growth() -> float:
            gc.collect()
            before = resident_bytes()
            for _ in range(rounds):
                action()
            gc.collect()
            return (resident_bytes() - before) / rounds

        # The system may make a huge page of small ones once; a leak grows again.
        if growth() >= bytes_each:
            self.assertLess(growth(), bytes_each)

    def test_calls_do_not_leak(self) -> None:
        e, out = sum_engine(), [np.zeros_like(A), np.zeros_like(A)]

        def fail() -> None:
            with self.assertRaises(burnish.InvalidArgumentError):
                e(A)

        for action in (lambda: e(A, B), lambda: e.run({"a": A, "b": B}, out=dict(zip("cd", out)))):
            self.assert_flat(action, 100_000, 16)
        self.assert_flat(lambda: e(DLPackOnly(A), B[:, ::-1]), 20_000, 64)
        self.assert_flat(fail, 5_000, 256)

    def test_builds_and_engines_do_not_leak(self) -> None:
        data = sum_engine().serialize()
        self.assert_flat(lambda: burnish.load(data, threads=1)(A, B), 500, 2048)
        self.assert_flat(sum_engine, 1_000, 2048)


class Threads(unittest.TestCase):
    def test_one_engine_serves_many(self) -> None:
        e = sum_engine(["n", 3], profiles={"a": ([1, 3], [2, 3], [64, 3]), "b": ([1, 3], [2, 3], [64, 3])})

        def work(seed: int) -> None:
            random = np.random.default_rng(seed)
            for _ in range(300):
                n = int(random.integers(1, 64))
                a, b = random.random((2, n, 3), dtype=np.float32)
                c, d = e(a, b)
                np.testing.assert_array_equal(c, a + b)
                np.testing.assert_array_equal(d, a - b)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

    def test_others_run_during_an_execution(self) -> None:
        n = 512
        e = engine([("MatMul", ["x", "x"], ["y"], {}), ("MatMul", ["y", "x"], ["z"], {})], {"x": [n, n]}, ["z"])
        x = np.zeros((n, n), np.float32)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1000)  # nobody is interrupted: others run only when the caller lets them
        try:
            go, ran = threading.Lock(), threading.Event()
            go.acquire()
            other = threading.Thread(target=lambda: (go.acquire(), ran.set()))
            other.start()
            go.release()
            for _ in range(1000):
                e(x)
                if ran.is_set():
                    break
            self.assertTrue(ran.is_set())
        finally:
            sys.setswitchinterval(interval)
        other.join()


class Errors(unittest.TestCase):
    def test_calls_that_do_not_fit(self) -> None:
        e = sum_engine(["n", 3], profiles="a=1x3:2x3:4x3,b=1x3:2x3:4x3")
        big = np.zeros((5, 3), np.float32)
        for args, kwargs, message in (
                ((A,), {}, "input 'b' is not given; the engine's inputs are a, b"),
                ((A, B, A), {}, r"2 inputs \(a, b\), 3 are given"),
                ((A, B), {"b": B}, "input 'b' is given twice"),
                ((A,), {"z": B}, "no input 'z'; it has a, b"),
                ((A.astype(np.float64), B), {}, r"input 'a' is float32, but the array given is float64\n.*astype"),
                ((A.astype(np.complex64), B), {}, "which engines do not have"),
                ((np.array(["x"]), B), {}, "which engines do not have"),
                ((big, big), {}, "input 'a'"),
                ((A[0], B), {}, "input 'a'")):
            with self.subTest(message=message), self.assertRaisesRegex(burnish.InvalidArgumentError, message):
                e(*args, **kwargs)
        np.testing.assert_array_equal(e(A, B)[0], A + B)  # after all that

    def test_what_is_no_array(self) -> None:
        with self.assertRaises((TypeError, ValueError)):
            sum_engine()(object(), B)

    def test_tensors_on_other_devices(self) -> None:
        with self.assertRaises((burnish.UnsupportedError, RuntimeError, BufferError)):
            sum_engine()(CudaTensor(), B)

    def test_hierarchy(self) -> None:
        with self.assertRaises(ValueError):
            sum_engine()(A)
        with self.assertRaises(burnish.Error) as caught:
            burnish.load("/nowhere/model.engine")
        self.assertEqual(caught.exception.code, "io")
        self.assertIsInstance(caught.exception, OSError)
        with self.assertRaises(burnish.CorruptError):
            burnish.load(b"not an engine")
        damaged = bytearray(sum_engine().serialize())
        damaged[len(damaged) // 2] ^= 255
        with self.assertRaises(burnish.Error):
            burnish.load(damaged)


class CudaTensor:
    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __dlpack__(self, **kwargs: Any) -> Any:
        raise BufferError("lies on a GPU")


class Engines(unittest.TestCase):
    def test_save_load_pickle(self) -> None:
        e = sum_engine()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sum.engine"
            e.save(path)
            self.assertEqual(path.read_bytes(), e.serialize())
            others = [burnish.load(path), burnish.load(str(path)), burnish.load(path.read_bytes()),
                      burnish.load(memoryview(path.read_bytes())), pickle.loads(pickle.dumps(e))]
            for other in others:
                np.testing.assert_array_equal(other(A, B)[0], A + B)

    def test_information(self) -> None:
        e = sum_engine()
        self.assertEqual([(i.name, i.dtype, i.shape) for i in e.inputs],
                         [("a", np.dtype(np.float32), (2, 3)), ("b", np.dtype(np.float32), (2, 3))])
        self.assertEqual(repr(e), "<burnish.Engine (a: float32[2, 3], b: float32[2, 3]) -> "
                                  "(c: float32[2, 3], d: float32[2, 3])>")
        self.assertEqual(e.metadata["option.opt_level"], "1")
        self.assertEqual([s["op"] for s in e.steps() if s["kind"] == "kernel"], ["Add", "Sub"])
        page = e._repr_html_()
        self.assertIn("<td>output</td><td>d</td><td>float32</td><td>2 × 3</td>", page)

    def test_pages_escape_names(self) -> None:
        e = engine([("Relu", ["<b>x"], ["y"], {})], {"<b>x": [4]}, ["y"])
        self.assertIn("&lt;b&gt;x", e._repr_html_())
        self.assertNotIn("<b>", e._repr_html_() + e.profile(rounds=1)._repr_html_())

    def test_profile(self) -> None:
        table = sum_engine().profile({"a": A, "b": B}, rounds=3)
        self.assertEqual(table.columns, ["name", "op", "tactic", "median_us", "gflops", "megabytes"])
        self.assertEqual([row["op"] for row in table], ["Add", "Sub"])
        self.assertGreater(table.total_us, 0)
        self.assertIn("Sub", str(table))
        self.assertEqual(len(sum_engine(["n", 3], "a=1x3:2x3:4x3,b=1x3:2x3:4x3").profile()), 2)


class Contexts(unittest.TestCase):
    def test_raw_addresses(self) -> None:
        context = _core.Context(sum_engine(["n", 3], "a=1x3:2x3:4x3,b=1x3:2x3:4x3"), 1)
        c = np.zeros_like(A)
        for name, array in (("a", A), ("b", B)):
            context.set_input_shape(name, A.shape)
            context.set_input(name, array.ctypes.data)
        context.set_output("c", c.ctypes.data, c.nbytes)
        context.prepare()
        self.assertEqual(context.output_shape("c"), (2, 3))
        self.assertFalse(context.depends_on_data("c"))
        context.execute()
        np.testing.assert_array_equal(c, A + B)
        self.assertEqual(context.output_address("c"), c.ctypes.data)
        self.assertEqual(context.output_bytes("d"), 24)
        with self.assertRaisesRegex(burnish.InvalidArgumentError, "'a'"):
            context.set_input_shape("a", [5, 3])


if __name__ == "__main__":
    unittest.main()
