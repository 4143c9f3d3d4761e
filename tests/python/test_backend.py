"""The onnx package's own backend test runner on burnish.backend: the same node tests that the C++ runner passes."""

from __future__ import annotations

import re
import subprocess
import sys
import unittest
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

import burnish
import burnish.backend

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "build/node_cases"


def excluded_cases() -> list[str]:
    """Those out of scope by rule, and those that tests/node/excluded.txt lists with reasons."""
    subprocess.run([sys.executable, ROOT / "tests/node/export_cases.py", CASES], check=True)
    rows = [line.split("\t") for line in (CASES / "cases.tsv").read_text().splitlines()]
    listed = (ROOT / "tests/node/excluded.txt").read_text().splitlines()
    return [row[0] for row in rows if row[1] != "-"] + [line.split("\t")[0] for line in listed if line[:1] not in ("", "#")]


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    warnings.filterwarnings("ignore")
    from onnx.backend.test import BackendTest

    options = {"opt_level": 1, "threads": 1}
    class Runner(BackendTest):  # type: ignore[misc]
        """Expected values in FLOAT16 were rounded after each small step, ours once: as in the C++ runner, two units in the
        last place are as good. ONNX's runner says the same of BFLOAT16."""

        @classmethod
        def assert_similar_outputs(cls, ref_outputs: Any, outputs: Any, rtol: float, atol: float,
                                   model_dir: str | None = None) -> None:
            if any(output.dtype == np.float16 for output in outputs):
                rtol = max(rtol, 2**-9)
            super().assert_similar_outputs(ref_outputs, outputs, rtol, atol, model_dir)

    runner = Runner(burnish.backend.BurnishBackend, __name__, test_kwargs=options)
    runner.exclude("^(" + "|".join(map(re.escape, excluded_cases())) + ")_cpu$")
    runner.exclude("_cuda$")
    tests.addTests(loader.loadTestsFromTestCase(runner.test_cases["OnnxBackendNodeModelTest"]))
    return tests


class Interface(unittest.TestCase):
    def test_run_node(self) -> None:
        node = helper.make_node("Add", ["a", "b"], ["c"])
        a, b = np.float32([[1, 2]]), np.float32([[3], [4]])
        np.testing.assert_array_equal(burnish.backend.run_node(node, [a, b], opset_version=13)[0], a + b)

    def test_models_with_free_dimensions_run_with_any_shape(self) -> None:
        graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["height", "width"])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["height", "width"])])
        prepared = burnish.backend.prepare(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
        for shape in ((1, 2), (100, 3)):
            x = np.ones(shape, np.float32)
            outputs = prepared.run([x])
            np.testing.assert_array_equal(outputs["y"], -x)

    def test_devices(self) -> None:
        self.assertTrue(burnish.backend.supports_device("CPU"))
        self.assertEqual(burnish.backend.supports_device("CUDA"), burnish.num_gpus() > 0)
        for device in ("CUDA:99", "CUDA:x", "TPU"):
            with self.assertRaisesRegex(burnish.UnsupportedError, f"device '{device}'"):
                burnish.backend.prepare(onnx.ModelProto(), device)

    def test_compatibility(self) -> None:
        graph = helper.make_graph([helper.make_node("NoSuchOperator", ["x"], ["y"])], "g",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
        self.assertFalse(burnish.backend.is_compatible(helper.make_model(graph)))


if __name__ == "__main__":
    unittest.main()
