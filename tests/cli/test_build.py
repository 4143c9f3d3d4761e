"""burnish build."""

import json
import os
import resource
import signal
import subprocess
import time

from cli_case import MODEL, Cli, burnish, command
from html_page import Page
from precision_case import PrecisionCase


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

    def test_profiles_for_observed_traffic(self):
        """Which profiles pay is a matter of this machine; that engine, report and shares agree is not."""
        traffic, engine = self.folder / "traffic.json", self.folder / "t.engine"
        batches = [{"batch_size": size, "compute_infer": {"count": count}} for size, count in [(1, 100), (4, 900)]]
        traffic.write_text(json.dumps({"model_stats": [{"name": "m", "batch_stats": batches}]}))
        report = json.loads(burnish("build", MODEL, "-o", engine, "--threads", 1, "--opt-level", 1, "--traffic", traffic,
                                    "--traffic-profiles", 1, "--json").stdout)["traffic"]
        kept, left_out = report["profiles"], report["left_out"]
        self.assertEqual(kept[0]["profile"], "image=1x1x28x28:1x1x28x28:32x1x28x28")
        self.assertEqual([row["profile"] for row in kept[1:] + left_out], ["image=4x1x28x28"])
        self.assertTrue(all(row["gain"] >= report["least_gain"] for row in kept[1:]))
        self.assertAlmostEqual(sum(row["executions_share"] for row in kept), 1)
        self.assertEqual([(shape["shapes"]["image"], shape["executions"]) for shape in report["shapes"]],
                         [([4, 1, 28, 28], 900), ([1, 1, 28, 28], 100)])
        self.assertTrue(all(shape["general_ms"] > 0 and shape["ms"] > 0 for shape in report["shapes"]))
        self.assertEqual([shape["profile"] for shape in report["shapes"]], [kept[-1]["profile"], kept[0]["profile"]])
        plans = json.loads(burnish("inspect", engine, "--json").stdout)["plans"]
        self.assertEqual([plan["profile"]["image"]["opt"][0] for plan in plans], [1, 4][: len(kept)])

    def test_traffic_that_does_not_fit_is_refused(self):
        traffic, out = self.folder / "bad_traffic.json", self.folder / "never.engine"
        traffic.write_text('{"batches": {"64": 9}}')
        refused = lambda *args: self.assert_error("invalid_argument", 2, "build", MODEL, "-o", out, *args)
        self.assertIn("--profile \"image=1x1x28x28:1x1x28x28:64x1x28x28\"", refused("--traffic", traffic))
        self.assertIn("at most one --profile", refused("--traffic", traffic, "--profile", "image=1x1x28x28", "--profile",
                                                       "image=4x1x28x28"))
        self.assertIn("not 17", refused("--traffic", traffic, "--traffic-profiles", 17))
        self.assertIn("--traffic", refused("--traffic-profiles", 2))
        self.assert_error("io", 5, "build", MODEL, "-o", out, "--traffic", self.folder / "none.json")
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
        build = command("build", MODEL, "-o", folder / "m.engine", "--opt-level", 0, "--json")
        result = subprocess.run(build, capture_output=True, text=True, preexec_fn=limit, timeout=60)
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertIn("m.engine", json.loads(result.stdout)["error"]["message"])
        self.assertEqual(list(folder.iterdir()), [])

    def test_an_interrupt_leaves_no_file(self):
        folder = self.folder / "interrupted"
        folder.mkdir()
        process = subprocess.Popen(
            command("build", MODEL, "-o", folder / "m.engine", "--opt-level", 5, "--profile", "image=64x1x28x28"),
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


class BuildWithBudget(PrecisionCase):
    """Layers are raised until the accuracy budget holds."""

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
