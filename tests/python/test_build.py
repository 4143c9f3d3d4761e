"""Builds from Python: models, profiles, calibration data, callbacks, interruption."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

import burnish
from burnish._progress import ProgressBar
from models import FASHION, model, normalised

SUM = model([("Add", ["a", "b"], ["c"], {})], {"a": ["n", 3], "b": ["n", 3]}, ["c"])
FAST: dict[str, Any] = {"threads": 1, "opt_level": 1}


def calibration(count: int = 64) -> np.ndarray[Any, Any]:
    images: np.ndarray[Any, Any] = normalised(np.load(FASHION / "fashion_calib.npz")["image"][:count])
    return images


class Stopped(Exception):
    pass


class Models(unittest.TestCase):
    def test_path_bytes_and_proto(self) -> None:
        path = FASHION / "fashion_resnet.onnx"
        for source in (path, str(path), path.read_bytes(), onnx.load(path)):
            e = burnish.build(source, **FAST)
            self.assertEqual(e.outputs[0].name, "logits")
            self.assertEqual(e.report["nodes_before"], 47)

    def test_output_is_written(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sum.engine"
            e = burnish.build(SUM, path, **FAST)
            self.assertEqual(e.report["engine_bytes"], path.stat().st_size)
            self.assertEqual(path.read_bytes(), e.serialize())

    def test_external_data_lies_below_base_directory(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            proto = onnx.load(FASHION / "fashion_mobile.onnx")
            onnx.save(proto, Path(folder) / "m.onnx", save_as_external_data=True, size_threshold=0)
            data = (Path(folder) / "m.onnx").read_bytes()
            burnish.build(data, base_directory=folder, **FAST)
            with self.assertRaisesRegex(burnish.Error, "came without a directory"):
                burnish.build(data, **FAST)

    def test_wrong_models(self) -> None:
        with self.assertRaisesRegex(burnish.InvalidModelError, "no ONNX model"):
            burnish.build(b"nonsense")
        with self.assertRaisesRegex(burnish.FileError, "/nowhere/m.onnx"):
            burnish.build("/nowhere/m.onnx")
        with self.assertRaisesRegex(burnish.InvalidArgumentError, "the model is a int"):
            burnish.build(3)  # type: ignore[arg-type]
        with self.assertRaisesRegex(burnish.UnsupportedError, "NoSuchOperator"):
            burnish.build(model([("NoSuchOperator", ["x"], ["y"], {})], {"x": [1]}, ["y"]))
        with self.assertRaisesRegex(burnish.InvalidArgumentError, "the optimisation level is 0 to 5"):
            burnish.build(SUM, opt_level=9)


class Profiles(unittest.TestCase):
    def test_every_way_to_write_one(self) -> None:
        ranges = {name: ([1, 3], [2, 3], [4, 3]) for name in "ab"}
        for profiles in ("a=1x3:2x3:4x3", ranges, [ranges], ["a=1x3:2x3:4x3,b=1x3:2x3:4x3"]):
            self.assertEqual(burnish.build(SUM, profiles=profiles, **FAST).input_range("b"), ((1, 3), (2, 3), (4, 3)))
        e = burnish.build(SUM, profiles=[{"a": (2, 3)}, {"a": np.zeros((7, 3)).shape}], **FAST)
        self.assertEqual([e.input_range("a", i)[1] for i in range(e.num_profiles)], [(2, 3), (7, 3)])

    def test_wrong_ones(self) -> None:
        for profiles, message in (({"z": (1, 3)}, "no input 'z'"), ({"a": [(1, 3), (2, 3)]}, "min, opt, max"),
                                  ("a=1y3", "1y3"), ({"a": ([3, 3], [2, 3], [4, 3])}, "min ≤ opt ≤ max")):
            with self.assertRaisesRegex(burnish.InvalidArgumentError, message):
                burnish.build(SUM, profiles=profiles, **FAST)


class TrafficProfiles(unittest.TestCase):
    MODEL = FASHION / "fashion_mobile.onnx"
    TRAFFIC: dict[str, Any] = {"batches": {"1": 100, "4": 900}}

    def test_a_dictionary_or_a_file(self) -> None:
        """Which profiles pay is a matter of this machine."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "traffic.json"
            path.write_text(json.dumps(self.TRAFFIC))
            for traffic in (self.TRAFFIC, path):
                e = burnish.build(self.MODEL, traffic=traffic, traffic_profiles=1, **FAST)
                report = json.loads(e.report["traffic_json"])
                self.assertEqual([(shape["shapes"]["image"][0], shape["executions"]) for shape in report["shapes"]],
                                 [(4, 900), (1, 100)])
                self.assertEqual(len(report["profiles"]), e.num_profiles)
                self.assertEqual(len(report["profiles"]) + len(report["left_out"]), 2)
                self.assertIn("image=4x1x28x28", e.report["traffic"])
        self.assertEqual(burnish.build(SUM, **FAST).report["traffic"], "")

    def test_what_does_not_fit(self) -> None:
        for options, message in (({"traffic": {"batches": {"64": 9}}}, "1x1x28x28:64x1x28x28"),
                                 ({"traffic": {}}, "traffic.json"),
                                 ({"traffic": self.TRAFFIC, "traffic_profiles": 17}, "not 17")):
            with self.assertRaisesRegex(burnish.InvalidArgumentError, message):
                burnish.build(self.MODEL, **options, **FAST)
        with self.assertRaisesRegex(burnish.FileError, "/nowhere.json"):
            burnish.build(self.MODEL, traffic="/nowhere.json", **FAST)


class Targets(unittest.TestCase):
    """Of machines that are not at hand; those that are: test_gpu.py."""

    RELU = model([("Relu", ["x"], ["y"], {})], {"x": [4]}, ["y"])
    X = np.float32([-1, 2, -3, 4])

    def build(self, *args: Any, **kwargs: Any) -> burnish.Engine:
        try:
            return burnish.build(self.RELU, *args, **kwargs, **FAST)
        except burnish.UnsupportedError as error:  # NVRTC is not installed
            self.skipTest(str(error))

    def test_a_gpu_that_is_not_at_hand(self) -> None:
        e = self.build(target="sm_75")
        self.assertEqual((e.target, e.device, e.inputs[0].shape), ("sm_75", None, (4,)))
        self.assertEqual([step["op"] for step in e.steps()], ["Relu"])
        for use in (lambda: e(self.X), lambda: burnish.load(e.serialize())):
            with self.assertRaises((burnish.UnsupportedError, burnish.MismatchError)):
                use()

    def test_tf32(self) -> None:
        product = model([("MatMul", ["x", "w"], ["y"], {})], {"x": [64, 64], "w": [64, 64]}, ["y"])

        def rounds(target: str, tf32: bool) -> bool:
            e = burnish.build(product, target=target, tf32=tf32, threads=1, opt_level=2)
            return any("allow_tf32" in step["attributes"] for step in e.steps())

        self.assertFalse(rounds("cpu", True))
        self.build(target="sm_80")  # skips where NVRTC is not installed
        self.assertEqual([rounds("sm_80", True), rounds("sm_80", False), rounds("sm_75", True)], [True, False, False])

    def test_one_file_for_several(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "relu.engine"
            e = self.build(path, target=["sm_75", "cpu"])
            self.assertEqual(path.read_bytes(), e.serialize())
            for engine in (e, burnish.load(path), burnish.load(e.serialize(), device="cpu")):
                self.assertEqual(engine.device, "cpu")
                np.testing.assert_array_equal(engine(self.X), [0, 2, 0, 4])

    def test_devices(self) -> None:
        e = burnish.build(self.RELU, **FAST)
        self.assertEqual((e.target, e.device), ("cpu", "cpu"))
        for device, error in (("cuda", burnish.MismatchError), (0, burnish.MismatchError),
                              ("tpu", burnish.InvalidArgumentError)):
            with self.assertRaisesRegex(error, "device"):
                burnish.load(e.serialize(), device=device)
        with self.assertRaisesRegex(burnish.InvalidArgumentError, "no target 'gpu'"):
            burnish.build(self.RELU, target="gpu")
        self.assertGreaterEqual(burnish.num_gpus(), 0)


class Calibration(unittest.TestCase):
    OPTIONS: dict[str, Any] = {"threads": 2, "opt_level": 2, "int8": True, "accuracy_drop": None,
                               "profiles": "image=1x1x28x28:16x1x28x28:64x1x28x28"}
    MODEL = FASHION / "fashion_mobile.onnx"

    def test_every_kind_of_samples(self) -> None:
        images = calibration()
        with tempfile.TemporaryDirectory() as folder:
            cache, ranges = Path(folder) / "times.txt", []
            np.savez(Path(folder) / "samples.npz", image=images)

            def generator() -> Iterator[dict[str, Any]]:
                for i in range(0, len(images), 16):
                    yield {"image": images[i:i + 16]}

            sources = (Path(folder) / "samples.npz", {"image": images}, generator(), list(generator()),
                       [{"image": images.astype(np.float64)}])
            for i, samples in enumerate(sources):
                file = Path(folder) / f"ranges{i}.txt"
                e = burnish.build(self.MODEL, calibrate=samples, calibration_cache=file, timing_cache=cache, **self.OPTIONS)
                self.assertEqual(e.metadata["precision"], "int8")
                self.assertIn("top-1 agreement", e.report["accuracy"])
                ranges.append(file.read_text())
            self.assertEqual(set(ranges), {ranges[0]})

    def test_labels_are_arrays_or_files(self) -> None:
        data = np.load(FASHION / "fashion_test.npz")
        images = normalised(data["image"][:64])
        e = burnish.build(self.MODEL, calibrate={"image": images}, labels=data["label"][:64].tolist(), **self.OPTIONS)
        self.assertIn("top-1 accuracy", e.report["accuracy"])

    def test_an_exception_arrives_as_it_was_raised(self) -> None:
        raised = Stopped("no more")

        def generator() -> Iterator[dict[str, Any]]:
            yield {"image": calibration(4)}
            raise raised

        try:
            burnish.build(self.MODEL, calibrate=generator(), **self.OPTIONS)
        except Stopped as caught:
            self.assertIs(caught, raised)
            names = [frame.name for frame in traceback.extract_tb(caught.__traceback__)]
            self.assertEqual((names[0], names[-1]), ("test_an_exception_arrives_as_it_was_raised", "generator"))
        else:
            self.fail("nothing was raised")

    def test_samples_that_do_not_fit(self) -> None:
        image = calibration(4)
        for samples, error, message in (
                ({"picture": image}, burnish.InvalidArgumentError, "no such input; it has image"),
                ({"image": image[0, 0, 0, 0]}, burnish.InvalidArgumentError, "scalar"),
                ({"image": image.astype(np.uint8)}, burnish.InvalidArgumentError, "is uint8"),
                ([], burnish.InvalidArgumentError, "given nothing"),
                (image, burnish.InvalidArgumentError, "calibrate is a ndarray"),
                ([image], burnish.InvalidArgumentError, "calibrate gave a ndarray"),
                (None, burnish.InvalidArgumentError, "needs --calibrate"),
                ("/nowhere.npz", burnish.FileError, "/nowhere.npz")):
            with self.subTest(message=message), self.assertRaisesRegex(error, message):
                burnish.build(self.MODEL, calibrate=samples, **self.OPTIONS)

    def test_a_budget_that_cannot_be_held(self) -> None:
        grey = np.full((8, 1, 28, 28), 0.5, np.float32)
        options = {**self.OPTIONS, "accuracy_drop": 0.01}
        with self.assertLogs("burnish", logging.WARNING) as logs, self.assertRaises(burnish.AccuracyError) as caught:
            burnish.build(self.MODEL, calibrate={"image": grey}, **options)
        self.assertEqual(caught.exception.code, "accuracy")
        self.assertTrue(any("unrepresentative" in line for line in logs.output))


class Callbacks(unittest.TestCase):
    def test_progress(self) -> None:
        stages: dict[str, tuple[int, int]] = {}
        burnish.build(SUM, progress=lambda stage, done, total: stages.update({stage: (done, total)}), **FAST)
        self.assertLessEqual({"import", "optimise", "tune", "pack"}, set(stages))
        self.assertTrue(all(done == total for done, total in stages.values()))

    def test_an_exception_in_progress_arrives_as_it_was_raised(self) -> None:
        raised = Stopped("enough")

        def progress(stage: str, done: int, total: int) -> None:
            if stage == "tune":
                raise raised

        with tempfile.TemporaryDirectory() as folder, self.assertRaises(Stopped) as caught:
            burnish.build(SUM, Path(folder) / "m.engine", progress=progress, **FAST)
        self.assertIs(caught.exception, raised)
        self.assertFalse((Path(folder) / "m.engine").exists())

    def test_messages_go_to_the_logger(self) -> None:
        with self.assertLogs("burnish", logging.DEBUG) as logs:
            burnish.build(SUM, verbose=True, **FAST)
        self.assertTrue(any(record.levelno == logging.INFO for record in logs.records))
        self.assertTrue(any(record.levelno == logging.DEBUG for record in logs.records))

    def test_the_bar(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        for stream, expected in ((Terminal(), "tune      ▕███████████████               ▏ 2/4"),
                                 (io.StringIO(), "tune: 4 of 4\n")):
            bar = ProgressBar(stream)
            for done in (2, 4):
                bar("tune", done, 4)
            bar.close()
            self.assertIn(expected, stream.getvalue())

    def test_control_c_stops_the_build(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            script = textwrap.dedent(f"""
                import burnish
                seen = []
                def progress(stage, done, total):
                    if stage == "tune" and not seen:
                        seen.append(stage)
                        print("tuning", flush=True)
                try:
                    burnish.build({str(FASHION / "fashion_resnet.onnx")!r}, {folder!r} + "/m.engine", opt_level=5, threads=1,
                                  progress=progress)
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
            """)
            # Background jobs of shells that are not interactive ignore Ctrl-C, and so would their children.
            child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            assert child.stdout is not None
            self.assertEqual(child.stdout.readline(), "tuning\n")
            os.kill(child.pid, signal.SIGINT)
            self.assertEqual(child.communicate()[0], "interrupted\n")
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
