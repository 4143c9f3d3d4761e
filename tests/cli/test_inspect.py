"""burnish inspect of models and engines."""

import json

from cli_case import MODEL, Cli, burnish
from html_page import Page
from precision_case import PrecisionCase


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


class InspectPrecision(PrecisionCase):
    """What the steps of engines of lower precision compute with."""

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
