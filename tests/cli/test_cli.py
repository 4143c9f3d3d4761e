"""The command line's contracts: options, outputs, exit codes. Run by ctest; needs NumPy only.

usage: test_cli.py BURNISH [unittest options]
"""

import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "examples/fashion/fashion_resnet.onnx")
BURNISH = str(ROOT / "build/release/bin/burnish")


def burnish(*args, expect=0, timeout=120):
    result = subprocess.run([BURNISH, *map(str, args)], capture_output=True, text=True, timeout=timeout)
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


class Help(Cli):
    def test_every_command_has_help_with_examples(self):
        overview = burnish("--help").stdout
        for command in ["build", "run", "bench", "compare", "inspect", "completion"]:
            self.assertIn(command, overview)
            self.assertIn("Examples:", burnish(command, "--help").stdout)

    def test_without_arguments_help_is_shown(self):
        self.assertIn("Subcommands:", burnish().stdout)

    def test_version(self):
        self.assertRegex(burnish("--version").stdout, r"^burnish \d+\.\d+\.\d+$")

    def test_completion_knows_commands_and_options(self):
        for shell in ["bash", "zsh", "fish"]:
            script = burnish("completion", shell).stdout
            for word in ["bench", "profile-steps", "timing-cache"]:
                self.assertIn(word, script)
        subprocess.run(["bash", "-n"], input=burnish("completion", "bash").stdout, text=True, check=True)

    def test_errors_cannot_upset_the_terminal(self):
        message = burnish("inspect", "red\x1b[31m.engine", expect=5).stderr
        self.assertNotIn("\x1b", message)
        self.assertIn("red?[31m.engine", message)

    def test_unknown_words_are_refused(self):
        self.assert_error("invalid_argument", 2, "bulid", MODEL)
        self.assert_error("invalid_argument", 2, "build", MODEL, "--no-such-option")
        self.assert_error("invalid_argument", 2, "bench")


class Build(Cli):
    def test_the_default_profile_is_printed(self):
        self.assertIn('--profile "image=1x1x28x28:1x1x28x28:32x1x28x28"', self.built.stderr)

    def test_json_report(self):
        report = json.loads(
            burnish(
                "build", MODEL, "-o", self.folder / "j.engine", "--timing-cache", self.cache, "--threads", 2, "--json"
            ).stdout
        )
        self.assertEqual(report["timed_candidates"], 0)
        self.assertEqual(report["engine_bytes"], (self.folder / "j.engine").stat().st_size)
        self.assertEqual(report["fused"]["Conv+BatchNormalization"], 13)
        self.assertEqual((self.folder / "j.engine").read_bytes(), self.engine.read_bytes())

    def test_quiet_says_nothing(self):
        result = burnish("build", MODEL, "-o", self.folder / "q.engine", "--opt-level", 0, "--quiet")
        self.assertEqual(result.stdout + result.stderr, "")

    def test_verbose_tells_of_every_pass(self):
        result = burnish("build", MODEL, "-o", self.folder / "v.engine", "--opt-level", 2, "--verbose")
        self.assertRegex(result.stderr, r"pass fold_batch_norm .* ms")

    def test_errors(self):
        out = self.folder / "never.engine"
        refused = lambda code, exit_code, *args: self.assert_error(code, exit_code, "build", MODEL, "-o", out, *args)
        self.assertIn("none.onnx", self.assert_error("io", 5, "build", "none.onnx", "-o", out))
        self.assertIn("its inputs are: image", refused("invalid_argument", 2, "--profile", "x=1"))
        self.assertIn("MIN:OPT:MAX", refused("invalid_argument", 2, "--profile", "image=1y"))
        self.assertIn("the limit is 1000", refused("out_of_memory", 8, "--memory-limit", 1000))
        refused("invalid_argument", 2, "--opt-level", 9)
        self.assert_error("io", 5, "build", MODEL, "-o", self.folder / "no/such/m.engine")
        self.assertFalse(out.exists())

    def test_garbage_is_no_model(self):
        bad = self.folder / "bad.onnx"
        bad.write_bytes(os.urandom(1000))
        self.assert_error("invalid_model", 3, "build", bad, "-o", self.folder / "bad.engine")
        self.assertFalse((self.folder / "bad.engine").exists())

    def test_a_full_disk_leaves_no_file(self):
        folder = self.folder / "full"
        folder.mkdir()
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        command = [BURNISH, "build", MODEL, "-o", folder / "m.engine", "--opt-level", "0", "--json"]
        result = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, timeout=60)
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertIn("m.engine", json.loads(result.stdout)["error"]["message"])
        self.assertEqual(list(folder.iterdir()), [])

    def test_an_interrupt_leaves_no_file(self):
        folder = self.folder / "interrupted"
        folder.mkdir()
        process = subprocess.Popen(
            [BURNISH, "build", MODEL, "-o", folder / "m.engine", "--opt-level", "5", "--profile", "image=64x1x28x28"],
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        if process.returncode == 0:
            self.skipTest("the build was faster than the signal")
        self.assertEqual(process.returncode, 130, stderr)
        self.assertEqual(list(folder.iterdir()), [])


class Run(Cli):
    def test_files_in_and_out(self):
        image = np.random.default_rng(0).standard_normal((3, 1, 28, 28)).astype(np.float32)
        np.save(self.folder / "image.npy", image)
        out = self.folder / "out"
        burnish("run", self.engine, "--input", f"image={self.folder / 'image.npy'}", "--output-dir", out)
        logits = np.load(out / "logits.npy")
        self.assertEqual((logits.shape, logits.dtype), ((3, 10), np.float32))
        burnish("run", self.engine, "--input", f"image={self.folder / 'image.npy'}", "--output-dir", out)
        np.testing.assert_array_equal(np.load(out / "logits.npy"), logits)

    def test_random_data_follows_the_seed(self):
        results = []
        for seed in [1, 1, 2]:
            burnish("run", self.engine, "--seed", seed, "--output-dir", self.folder / "seeded")
            results.append(np.load(self.folder / "seeded/logits.npy"))
        np.testing.assert_array_equal(results[0], results[1])
        self.assertFalse(np.array_equal(results[0], results[2]))

    def test_json(self):
        outputs = json.loads(burnish("run", self.engine, "--shape", "image=2x1x28x28", "--json").stdout)["outputs"]
        self.assertEqual(outputs[0]["shape"], [2, 10])

    def test_errors(self):
        np.save(self.folder / "double.npy", np.zeros((1, 1, 28, 28)))
        np.save(self.folder / "wide.npy", np.zeros((1, 1, 28, 29), np.float32))
        np.save(self.folder / "many.npy", np.zeros((64, 1, 28, 28), np.float32))
        refused = lambda *args: self.assert_error("invalid_argument", 2, "run", self.engine, *args)
        self.assertIn("its inputs are: image", refused("--input", "x=a.npy"))
        self.assertIn("astype", refused("--input", f"image={self.folder / 'double.npy'}"))
        refused("--input", f"image={self.folder / 'wide.npy'}")
        refused("--input", f"image={self.folder / 'many.npy'}")
        refused("--input", "image")
        refused("--shape", "image=1x1x28")
        self.assert_error("io", 5, "run", self.engine, "--input", "image=none.npy")
        self.assert_error("io", 5, "run", self.folder / "none.engine")

    def test_damaged_engines(self):
        data = bytearray(self.engine.read_bytes())
        data[len(data) // 2] ^= 1
        (self.folder / "damaged.engine").write_bytes(data)
        self.assert_error("corrupt", 6, "run", self.folder / "damaged.engine")
        (self.folder / "short.engine").write_bytes(data[:1000])
        self.assert_error("corrupt", 6, "run", self.folder / "short.engine")


class Bench(Cli):
    def test_json(self):
        result = json.loads(
            burnish(
                "bench", self.engine, "--duration", 0.2, "--threads", 2, "--shape", "image=4x1x28x28",
                "--profile-steps", "--json",
            ).stdout
        )
        self.assertLessEqual(result["min_ms"], result["median_ms"])
        self.assertLessEqual(result["median_ms"], result["p90_ms"])
        self.assertLessEqual(result["p90_ms"], result["p99_ms"])
        self.assertAlmostEqual(result["items_per_s"], 4 * result["executions_per_s"], places=3)
        self.assertAlmostEqual(sum(step["share"] for step in result["steps"]), 1, places=6)

    def test_contexts_side_by_side(self):
        result = json.loads(
            burnish("bench", self.engine, "--duration", 0.2, "--contexts", 3, "--threads", 1, "--json").stdout
        )
        self.assertEqual(result["contexts"], 3)
        self.assertGreaterEqual(result["executions"], 3)

    def test_text(self):
        text = burnish("bench", self.engine, "--duration", 0.1, "--profile-steps").stdout
        for word in ["median", "p99", "items/s", "GFLOP/s", "share"]:
            self.assertIn(word, text)

    def test_errors(self):
        self.assert_error("invalid_argument", 2, "bench", self.engine, "--contexts", 0)
        self.assert_error("invalid_argument", 2, "bench", self.engine, "--duration", -1)


class Compare(Cli):
    def test_equal(self):
        result = json.loads(burnish("compare", MODEL, self.engine, "--per-layer", "--json").stdout)
        self.assertTrue(result["equal"])
        self.assertIsNone(result["first_divergence"])
        self.assertLess(result["outputs"][0]["max_rel"], 1e-4)
        self.assertGreater(result["outputs"][0]["cosine"], 0.99999)
        self.assertGreater(len(result["layers"]), 10)

    def test_different(self):
        result = burnish("compare", MODEL, self.engine, "--tolerance", 0, "--per-layer", expect=1)
        self.assertIn("DIFFERENT", result.stdout)

    def test_another_model(self):
        mobile = ROOT / "examples/fashion/fashion_mobile.onnx"
        result = json.loads(burnish("compare", mobile, self.engine, "--json", expect=1).stdout)
        self.assertFalse(result["equal"])


class Inspect(Cli):
    def test_model(self):
        model = json.loads(burnish("inspect", MODEL, "--json").stdout)
        self.assertEqual(model["inputs"][0]["shape"], ["batch", 1, 28, 28])
        self.assertEqual(model["operators"]["Conv"], 13)
        self.assertIn("13 × Conv", burnish("inspect", MODEL).stdout)

    def test_engine(self):
        engine = json.loads(burnish("inspect", self.engine, "--json").stdout)
        plan = engine["plans"][0]
        self.assertEqual(plan["profile"]["image"]["max"], [32, 1, 28, 28])
        self.assertGreater(plan["predicted_arena_bytes"], 0)
        kernels = [step for step in plan["steps"] if step["kind"] == "kernel"]
        self.assertTrue(all(step["tactic"] and step["precision"] for step in kernels))
        self.assertIn("predicted", burnish("inspect", self.engine).stdout)

    def test_dot(self):
        for file in [MODEL, self.engine]:
            dot = burnish("inspect", file, "--dot").stdout
            self.assertTrue(dot.startswith("digraph") and dot.rstrip().endswith("}"))
            self.assertIn("->", dot)

    def test_errors(self):
        self.assert_error("io", 5, "inspect", self.folder / "none.engine")
        (self.folder / "text.engine").write_text("no engine")
        self.assert_error("corrupt", 6, "inspect", self.folder / "text.engine")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        BURNISH = sys.argv.pop(1)
    unittest.main()
