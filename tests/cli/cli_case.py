"""What tests of the command line share: the program, a model, and an engine built once for each class of tests."""

import json
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "examples/fashion/fashion_resnet.onnx")
BURNISH = str(ROOT / "build/release/bin/burnish")  # test_cli.py puts its argument here


def command(*args):
    return [BURNISH, *map(str, args)]


def burnish(*args, expect=0, timeout=120):
    result = subprocess.run(command(*args), capture_output=True, text=True, timeout=timeout)
    if result.returncode != expect:
        raise AssertionError(
            f"burnish {' '.join(map(str, args))}: exit code {result.returncode}, not {expect}\n"
            f"{result.stdout}\n{result.stderr}"
        )
    return result


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)
        cls.engine = cls.folder / "m.engine"
        cls.cache = cls.folder / "times.txt"
        cls.built = burnish("build", MODEL, "-o", cls.engine, "--timing-cache", cls.cache, "--threads", 2)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def assert_error(self, code, exit_code, *args):
        """The error as text (on stderr, starting "error: ") and as JSON (on stdout); returns its message."""
        text = burnish(*args, expect=exit_code)
        self.assertTrue(text.stderr.splitlines()[-1] or text.stderr, "nothing on stderr")
        self.assertIn("error: ", text.stderr)
        self.assertNotIn("terminate", text.stderr)
        error = json.loads(burnish(*args, "--json", expect=exit_code).stdout)["error"]
        self.assertEqual(error["code"], code)
        self.assertEqual(error["exit_code"], exit_code)
        return error["message"]
