"""The command line's contracts: options, outputs, exit codes. Run by ctest; needs NumPy only, and for forging engines
libxxhash, which Burnish is built with.

usage: test_cli.py BURNISH [unittest options]
"""

import ctypes
import ctypes.util
import html.parser
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
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


def varint(n):
    data = bytearray()
    while n >= 0x80:
        data.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(data) + bytes([n])


class Metadata:
    """The meta section of an engine file (docs/engine-format.md), read and written."""

    def __init__(self, data):
        self._data, self._at = data, 0
        self.target = [self._string() for _ in range(3)]
        self.entries = {key: self._string() for key in (self._string() for _ in range(self._varint()))}

    def _varint(self):
        n = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    def _string(self):
        size = self._varint()
        self._at += size
        return self._data[self._at - size : self._at]

    def to_bytes(self):
        string = lambda s: varint(len(s)) + s
        entries = b"".join(string(k) + string(v) for k, v in sorted(self.entries.items()))
        return b"".join(map(string, self.target)) + varint(len(self.entries)) + entries


def forge_report(engine, forged, report):
    """Writes an engine like another, its checksums right, with these bytes as accuracy report."""
    xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash"))
    xxhash.XXH3_64bits.restype = ctypes.c_uint64
    xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    data = engine.read_bytes()
    table = [struct.unpack_from("<IIQQQ", data, 32 + 32 * i) for i in range(4)]
    sections = [data[offset : offset + size] for _, _, offset, size, _ in table]
    metadata = Metadata(sections[0])
    assert metadata.to_bytes() == sections[0]
    metadata.entries[b"accuracy.report"] = report
    sections[0] = metadata.to_bytes()
    body, entries = b"", b""
    for i, section in enumerate(sections):
        body += bytes(-(168 + len(body)) % 64)
        entries += struct.pack("<IIQQQ", i + 1, 0, 168 + len(body), len(section), xxhash.XXH3_64bits(section, len(section)))
        body += section
    head = data[:16] + struct.pack("<QQ", 168 + len(body), 0) + entries
    forged.write_bytes(head + struct.pack("<Q", xxhash.XXH3_64bits(head, len(head))) + body)


class Page(html.parser.HTMLParser):
    """What a browser would make of a page: tags, and text in which entities are resolved."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self._open, self.balanced = [], [], "", [], True
        self.feed(text)
        self.close()
        self.balanced = self.balanced and not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        self.balanced = self.balanced and bool(self._open) and self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


class Precision(unittest.TestCase):
    """Engines of lower precision, and what inspect tells of them."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)
        cls.samples = cls.folder / "samples.npz"
        images = np.random.default_rng().standard_normal((48, 1, 28, 28)).astype(np.float32)
        np.savez(cls.samples, image=images)
        cls.engine = cls.folder / "int8.engine"
        cls.built = cls.build(cls.engine)
        cls.report = json.loads(burnish("inspect", cls.engine, "--accuracy", "--json").stdout)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    @classmethod
    def build(cls, engine, *options, model=MODEL, **kwargs):
        options = options or ("--int8", "--accuracy-drop", "none")
        if "--int8" in options:
            options += ("--calibrate", cls.samples)
        return burnish("build", model, "-o", engine, "--opt-level", 2, "--threads", 2, *options, **kwargs)

    def inspect(self, *args, **kwargs):
        return burnish("inspect", *args, **kwargs)

    def page_of(self, engine):
        file = self.folder / "page.html"
        file.unlink(missing_ok=True)
        self.inspect(engine, "--accuracy", "--html", file)
        self.assertEqual([f.name for f in self.folder.iterdir() if f.name.startswith("page.html")], ["page.html"])
        return file.read_text(encoding="utf-8")

    def metric(self, name, *values):
        """A metric that gives these values one after the other, then the last one again and again."""
        script, count = self.folder / f"{name}.sh", self.folder / f"{name}.count"
        script.write_text(f"#!/bin/sh\necho >> {count}\nset -- {' '.join(map(str, values))}\n"
                          f"n=$(wc -l < {count})\n[ $n -gt $# ] && n=$#\neval echo \\${{$n}}\n")
        script.chmod(0o755)
        return script

    def assert_drawable(self, page):
        for name, value in page.attributes:
            if name in ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "d", "viewbox", "transform"):
                self.assertNotRegex(value, "nan|inf")

    def test_the_table(self):
        text = self.inspect(self.engine, "--accuracy").stdout
        for line in ["float32 ", "int8 everywhere", "this engine"]:
            self.assertRegex(text, rf"(?m)^  {line} +\d.*\d ms +\d+\.\d\dx$")
        self.assertIn("no budget was set", text)
        self.assertIn(f"{len(self.report['layers'])} of {len(self.report['layers'])} layers in int8", text)
        for warning in self.report["warnings"]:
            self.assertIn(warning["text"], text)

    def test_too_few_samples_for_a_budget_are_told(self):
        engine = self.folder / "few.engine"
        self.build(engine, "--int8", "--accuracy-drop", "0.1%", "--metric", self.metric("steady", 1))
        report = json.loads(self.inspect(engine, "--accuracy", "--json").stdout)
        for budget, tells in [(0.001, True), (0.5, False)]:
            forge_report(engine, engine, json.dumps(dict(report, metric="top-1 accuracy", budget=budget)).encode())
            text = self.inspect(engine, "--accuracy").stdout
            self.assertIn("one sample counts for", text)
            self.assertEqual("more than the budget" in text, tells)

    def test_layers_that_add_most_noise_come_first(self):
        lines = self.inspect(self.engine, "--accuracy").stdout.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("  layer, by the noise"))
        rows = lines[start + 1 : start + 1 + len(self.report["layers"])]
        noises = [float(next(word for word in row.split() if "e-" in word or "e+" in word)) for row in rows]
        self.assertEqual(noises, sorted(noises, reverse=True))
        self.assertAlmostEqual(noises[0], max(layer["added_noise"] for layer in self.report["layers"]), delta=noises[0] / 50)

    def test_json_is_the_report_as_built(self):
        stored = json.loads(self.inspect(self.engine, "--json").stdout)["metadata"]["accuracy.report"]
        self.assertEqual(json.loads(stored), self.report)
        self.assertNotIn("added_noise", self.inspect(self.engine).stdout)

    def test_the_page_needs_nothing_else(self):
        text = self.page_of(self.engine)
        page = Page(text)
        self.assertTrue(page.balanced)
        self.assertFalse({"script", "link", "img", "iframe", "object"} & set(page.tags))
        for name, value in page.attributes:
            self.assertFalse(name.startswith("on") or name == "src")
            self.assertTrue(name != "href" or value.startswith("#"))
        self.assertNotIn("url(", text)
        self.assert_drawable(page)
        self.assertIn("prefers-color-scheme:dark", text)
        self.assertIn('name="viewport"', text)
        self.assertEqual(page.tags.count("article"), len(self.report["layers"]))
        for layer in self.report["layers"]:
            self.assertIn(layer["name"], page.text)
        for words in ["SQNR in dB", "order of execution", "value of the input's elements", "predicted, ms"]:
            self.assertIn(words, page.text)

    def test_a_browser_shows_the_page(self):
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if not browser:
            self.skipTest("no browser here")
        self.page_of(self.engine)
        picture = self.folder / "page.png"
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=800,1200",
                   f"--user-data-dir={self.folder / 'browser'}", f"--screenshot={picture}", f"file://{self.folder}/page.html"]
        subprocess.run(command, capture_output=True, timeout=120, check=True)
        self.assertGreater(picture.stat().st_size, 10_000)

    def test_pages_appear_whole_or_not_at_all(self):
        message = self.inspect(self.engine, "--accuracy", "--html", self.folder / "no/such/page.html", expect=5).stderr
        self.assertIn("page.html", message)

    def test_steps_tell_what_they_compute_with(self):
        steps = json.loads(self.inspect(self.engine, "--json").stdout)["plans"][0]["steps"]
        integers = [step for step in steps if step["precision"] == "int8"]
        self.assertEqual(len(integers), len(self.report["layers"]))
        self.assertTrue(all(step["op"] in ("FusedConv", "FusedMatMul") and step["macs"] > 0 for step in integers))
        self.assertEqual(sum(step["macs"] for step in steps), self.report["macs"])
        quantize = next(step for step in steps if step["op"] == "QuantizeLinear")
        self.assertEqual((quantize["precision"], quantize["output_dtype"], quantize["macs"]), ("float32", "uint8", 0))
        text = self.inspect(self.engine).stdout
        self.assertRegex(text, r"QuantizeLinear .* float32→uint8 ")
        self.assertRegex(text, r"FusedMatMul .* int8→float32 ")

    def test_why_a_layer_is_not_int8(self):
        self.assertNotIn("not int8", self.inspect(self.engine).stdout)
        ranges = self.folder / "some.ranges"
        self.build(self.folder / "r.engine", "--int8", "--accuracy-drop", "none", "--calibration-cache", ranges)
        lines = ranges.read_text().splitlines()
        ranges.write_text("\n".join(lines[:-2]) + "\n")
        self.build(self.folder / "r.engine", "--int8", "--accuracy-drop", "none", "--calibration-cache", ranges)
        steps = json.loads(self.inspect(self.folder / "r.engine", "--json").stdout)["plans"][0]["steps"]
        floats = [step for step in steps if step["op"] in ("FusedConv", "FusedMatMul") and step["precision"] != "int8"]
        self.assertTrue(floats)
        self.assertEqual({step["precision"] for step in floats}, {"float32"})
        self.assertEqual({step["precision_reason"] for step in floats}, {"no calibrated range for its input"})
        self.assertIn("(not int8: no calibrated range", self.inspect(self.folder / "r.engine").stdout)

    def test_other_precisions(self):
        for option, dtype in [("--bf16", "bfloat16"), ("--fp16", "float16")]:
            engine = self.folder / "narrow.engine"
            self.build(engine, option)
            steps = json.loads(self.inspect(engine, "--json").stdout)["plans"][0]["steps"]
            self.assertIn(dtype, {step["precision"] for step in steps if step["op"] == "FusedConv"})
            self.assertFalse([step for step in steps if "precision_reason" in step])
        self.build(engine, "--bf16", "--accuracy-drop", "none", "--calibrate", self.samples)
        page = Page(self.page_of(engine))
        self.assertIn("computes in bfloat16", page.text)
        self.assertIn("bfloat16 everywhere", self.inspect(engine, "--accuracy").stdout)

    def test_engines_that_were_not_measured(self):
        engine = self.folder / "f.engine"
        self.build(engine, "--bf16")
        error = json.loads(self.inspect(engine, "--accuracy", "--json", expect=2).stdout)["error"]
        self.assertEqual(error["code"], "invalid_argument")
        self.assertIn("--int8 --calibrate DATA", error["message"])
        self.assertIn("for engines", self.inspect(MODEL, "--accuracy", expect=2).stderr)
        self.inspect(self.engine, "--html", self.folder / "x.html", expect=2)
        self.inspect(self.engine, "--accuracy", "--dot", expect=2)
        self.assertFalse((self.folder / "x.html").exists())

    def test_a_budget_that_cannot_be_held_has_an_exit_code(self):
        never = self.folder / "never.engine"
        worse = self.metric("worse", 1, 0)  # FP32, then everything else
        result = self.build(never, "--int8", "--accuracy-drop", "1%", "--metric", worse, expect=9)
        self.assertIn("the accuracy budget cannot be held", result.stderr)
        self.assertIn("int8 everywhere", result.stderr)
        self.assertFalse(never.exists())

    def test_raised_layers_are_shown(self):
        engine = self.folder / "raised.engine"
        some = self.metric("some", 1, 0, 1, 1, 0)  # FP32, all on integers, none, a few raised, fewer
        self.build(engine, "--int8", "--accuracy-drop", "1%", "--metric", some)
        report = json.loads(self.inspect(engine, "--accuracy", "--json").stdout)
        raised = [layer for layer in report["layers"] if "reason" in layer]
        self.assertTrue(0 < len(raised) < len(report["layers"]))
        text = self.inspect(engine, "--accuracy").stdout
        self.assertEqual(text.count("raised to hold the accuracy budget"), len(raised))
        steps = json.loads(self.inspect(engine, "--json").stdout)["plans"][0]["steps"]
        reasons = [step.get("precision_reason") for step in steps if step["precision"] == "float32" and step["macs"] > 0]
        self.assertEqual(reasons, ["raised to hold the accuracy budget"] * len(raised))
        macs = sum(step["macs"] for step in steps if step["precision"] == "int8")
        self.assertEqual(macs, report["lowered_macs"])
        page = Page(self.page_of(engine))
        self.assertEqual(page.text.count("float32: raised to hold the accuracy budget"), len(raised))
        self.assertIn("within the budget of 0.01", page.text)
        self.assertIn("kept more precise", page.text)

    def test_names_from_the_model_are_text(self):
        """Names of the model's nodes, replaced by others of equal length."""
        model = self.folder / "hostile.onnx"
        data = pathlib.Path(MODEL).read_bytes()
        name = b"/3/b1/BatchNormalization"
        evil = b"<img src=x onerror=al()>\"'&<!--"[: len(name)]
        self.assertEqual(len(evil), len(name))
        self.assertIn(name, data)
        model.write_bytes(data.replace(name, evil))
        engine = self.folder / "hostile.engine"
        self.build(engine, model=model)
        page = Page(self.page_of(engine))
        self.assertIn(evil.decode(), page.text)
        self.assertNotIn("img", page.tags)
        self.assertTrue(page.balanced)

    def test_hostile_reports(self):
        report = json.loads(json.dumps(self.report))
        evil = "</title></style><script>alert('\"1\"')</script>&amp;\x1b[31m\u202e"
        report["metric"] = report["precision"] = evil
        report["warnings"] = [{"tensor": evil, "kind": evil, "figure": 1, "text": evil}]
        for key in ["name", "output", "op", "precision", "reason"]:
            report["layers"][0][key] = evil
        report["layers"][1].update(sqnr_db=-1e308, added_noise=1e308, macs=1e308)
        report["layers"][2]["input"] = {"low": -1e308, "high": 1e308, "zeros": 0, "counts": [1e308]}
        report["layers"][3]["input"]["counts"] = []
        del report["layers"][4]["added_noise"]
        forged = self.folder / "forged.engine"
        forge_report(self.engine, forged, json.dumps(report).encode())
        page = Page(self.page_of(forged))
        self.assertNotIn("script", page.tags)
        self.assertTrue(page.balanced)
        self.assert_drawable(page)
        self.assertIn(evil.replace("\x1b", "?"), page.text)
        self.assertNotIn("\x1b", self.inspect(forged, "--accuracy").stdout)
        self.assertNotIn("\x1b", self.inspect(forged).stdout)
        self.assertEqual(json.loads(self.inspect(forged, "--accuracy", "--json").stdout), report)

    def test_damaged_reports(self):
        whole = json.dumps(self.report).encode()
        wrong_type = json.dumps(dict(self.report, layers=[{"name": 3}])).encode()
        many_bins = json.loads(whole)
        many_bins["layers"][0]["input"]["counts"] = [1] * 100_000
        negative = json.loads(whole)
        negative["layers"][0]["input"]["counts"][0] = -1
        damaged = [b"{", b"[]", b"null", b"7", whole[:-1], wrong_type, b"\xff\xfe", b"[" * 200_000, b'{"metric":1e999}']
        damaged += [json.dumps(r).encode() for r in (many_bins, negative, {})]
        forged = self.folder / "damaged.engine"
        for report in damaged:
            forge_report(self.engine, forged, report)
            error = json.loads(self.inspect(forged, "--accuracy", "--json", expect=6).stdout)["error"]
            self.assertEqual(error["code"], "corrupt", report[:40])
            self.assertIn("accuracy report", error["message"])
            self.inspect(forged)
            self.inspect(forged, "--json")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        BURNISH = sys.argv.pop(1)
    unittest.main()
