"""The sample scripts in TensorRT's API, the table of its names, and the types of all of it."""

from __future__ import annotations

import enum
import inspect
import re
import unittest
from pathlib import Path

import burnish.tensorrt as trt
from models import ROOT
from test_examples import run

SCRIPTS = ROOT / "examples/python/tensorrt"
PAGE = ROOT / "docs/tensorrt-api.md"


class Samples(unittest.TestCase):
    """examples/python/tensorrt: those that check themselves fail by themselves."""

    def script(self, name: str) -> str:
        return run(Path("examples/python/tensorrt", name))

    def test_classification(self) -> None:
        self.assertGreater(float(self.script("classification.py").split("%")[0]), 93)

    def test_dynamic_batch(self) -> None:
        self.assertEqual(re.findall(r"batch (\d+), profile (\d)", self.script("dynamic_batch.py")),
                         [("2", "0"), ("4", "0"), ("5", "1"), ("17", "1"), ("64", "1")])

    def test_int8_calibration(self) -> None:
        shares = re.findall(r"INT8, .*: ([\d.]+)% right, ([\d.]+)% as FP32, (\d+) tensors of integers, (\d+) samples",
                            self.script("int8_calibration.py"))
        self.assertEqual(len(shares), 2)
        for right, same, tensors, _ in shares:
            self.assertGreater(float(right), 92)
            self.assertGreater(float(same), 97)
            self.assertGreater(int(tensors), 10)
        self.assertEqual([int(samples) for *_, samples in shares], [512, 0])

    def test_network_by_hand(self) -> None:
        self.assertIn("from NumPy", self.script("network_by_hand.py"))

    def test_refit(self) -> None:
        self.assertIn("refitted: at most", self.script("refit.py"))

    def test_every_sample_is_tested(self) -> None:
        scripts = {path.stem for path in SCRIPTS.glob("*.py")}
        self.assertEqual(scripts, {name[5:] for name in dir(self) if name.startswith("test_")} - {"every_sample_is_tested"})


class Documentation(unittest.TestCase):
    def test_every_name_is_in_the_table(self) -> None:
        listed = set(re.findall(r"`(\w+)`", PAGE.read_text()))
        self.assertEqual(set(trt.__all__) - listed, set())
        for name in trt.__all__:
            thing = getattr(trt, name)
            if inspect.isclass(thing) and not issubclass(thing, (enum.Enum, bytes)):
                members = {member for member in dir(thing) if not member.startswith("_")} - {"count", "index"}
                self.assertEqual(members - listed, set(), name)

    def test_the_script_of_the_page(self) -> None:
        blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        run("-c", "\n".join(blocks))


class Types(unittest.TestCase):
    def test_mypy(self) -> None:
        run("-m", "mypy", "--strict", "--cache-dir", ROOT / "build/mypy", *sorted(SCRIPTS.glob("*.py")))


if __name__ == "__main__":
    unittest.main()
