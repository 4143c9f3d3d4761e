"""The examples, the code in docs/python.md, and the types of all of it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import burnish

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(burnish.__file__).parent


def run(*command: str | Path) -> str:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Examples(unittest.TestCase):
    def test_classify_images(self) -> None:
        text = run("examples/python/classify_images.py", "--images", "500", "--threads", "2")
        shares = [float(share) for share in re.findall(r"([0-9.]+)% of 500 images right", text)]
        self.assertEqual(len(shares), 2)
        self.assertGreater(min(shares), 85)

    def test_sentence_similarity(self) -> None:
        lines = run("examples/python/sentence_similarity.py", "--threads", "2", "--opt-level", "2").splitlines()
        self.assertEqual({line[8:] for line in lines[1:3]},
                         {"Somebody makes music on a string instrument.", "The musician performs a song."})

    @unittest.skipIf(importlib.util.find_spec("torch") is None, "there is no PyTorch")
    def test_torch_to_engine(self) -> None:
        self.assertEqual(run("examples/python/torch_to_engine.py").count("from PyTorch"), 3)

    def test_the_tutorial(self) -> None:
        blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/python.md").read_text(), re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 5)
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(ROOT / "examples", Path(folder) / "examples")
            before = os.getcwd()
            os.chdir(folder)
            try:
                exec(compile("\n".join(blocks), "docs/python.md", "exec"), {})  # what the page says is what runs
            finally:
                os.chdir(before)


class Types(unittest.TestCase):
    def test_mypy(self) -> None:
        cache = ["--cache-dir", ROOT / "build/mypy"]
        run("-m", "mypy", "--strict", *cache, "-p", "burnish")
        run("-m", "mypy", "--strict", *cache, *sorted((ROOT / "examples/python").glob("*.py")),
            ROOT / "bench/python_overhead.py")

    def test_stubs_are_there(self) -> None:
        self.assertIn("class ModelWriter", (PACKAGE / "_core.pyi").read_text())
        self.assertTrue((PACKAGE / "py.typed").exists())


if __name__ == "__main__":
    unittest.main()
