"""bench/gpu_peers.py without a GPU: a program and workers that only answer, so that what it makes of answers is seen."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BENCH = ROOT / "bench"
sys.path.insert(0, str(BENCH))

import gpu_tables  # noqa: E402
from gpu_bars import BARS  # noqa: E402


class GpuPeers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for model in ("resnet50", "bert", "yolov5s"):
            (self.folder / f"{model}_legacy.onnx").touch()  # models that are there are not made

    def run_peers(self, *arguments, expect=0, workers=None, failure="nothing"):
        """Standard output, and what --json wrote."""
        env = {**os.environ, "FAKE_CALLS": str(self.folder / "calls"), "FAKE_WORKERS": json.dumps(workers or {}),
               "FAKE_FAILURE": failure}
        env.pop("BURNISH_CACHE_DIR", None)
        env["PATH"] = f"{pathlib.Path(sys.executable).parent}:{env['PATH']}"  # the stand-ins' Python is this one
        command = [sys.executable, BENCH / "gpu_peers.py", "--program", HERE / "fake_burnish.py", "--worker",
                   HERE / "fake_worker.py", "--work", self.folder, "--json", self.folder / "out.json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        written = self.folder / "out.json"
        return done.stdout, json.loads(written.read_text()) if written.exists() else None

    def calls(self, command):
        lines = (self.folder / "calls").read_text().splitlines()
        return [c for c in map(json.loads, lines) if c["words"][0] == command]

    def test_ratios_and_bars(self):
        text, summary = self.run_peers("--models", "resnet50", "--batches", "1,32,128", "--rounds", "2")
        rows = summary["rows"]
        self.assertEqual([r["batch"] for r in rows], [1, 32, 128])
        self.assertAlmostEqual(rows[0]["ratios"]["best"], 0.5 / 0.4)
        self.assertAlmostEqual(rows[0]["ratios"]["eager"], 4.0 / 0.4)
        self.assertIn("| resnet50 | 1 | 0.400 ms | 4.000 ms | 0.800 ms | 0.500 ms | torch.compile | 1.25× | 10.00× | 0.42 ms | met |",
                      text)
        self.assertIn("| – | – |", text)  # batch 32 has no bar
        self.assertIn("| resnet50 | 128 | 320,000/s |", text)

    def test_a_missed_bar_is_said(self):
        self.assertFalse(BARS["bert", 128].is_met(128 / 20999 * 1e3, 128))
        self.assertTrue(BARS["bert", 128].is_met(128 / 21001 * 1e3, 128))
        row = {"model": "bert", "batch": 1, "columns": {"Burnish": {"median_ms": 0.51}}, "errors": {}}
        self.assertEqual(gpu_tables.bar_cells(row), ["0.50 ms", "missed"])
        self.assertEqual(gpu_tables.bar_cells({**row, "columns": {}}), ["0.50 ms", "no figure"])

    def test_every_default_row_and_column(self):
        _, summary = self.run_peers("--rounds", "2", "--seconds", "0.01")
        self.assertEqual([(r["model"], r["batch"]) for r in summary["rows"]],
                         [(m, b) for m in ("resnet50", "bert") for b in (1, 32, 128)] + [("yolov5s", 1), ("yolov5s", 32)])
        for row in summary["rows"]:
            self.assertEqual(list(row["columns"]), ["Burnish", "eager FP32", "FP16 + CUDA graph", "torch.compile"])

    def test_first_build_of_a_model_is_cold_then_warm(self):
        _, summary = self.run_peers("--models", "resnet50", "--batches", "1,32", "--rounds", "2")
        self.assertEqual([c["was_warm"] for c in self.calls("build")], [False, True, True])
        first, second = (r["columns"]["Burnish"] for r in summary["rows"])
        self.assertLess({"cold_build_s", "warm_build_s"}, set(first))
        self.assertNotIn("cold_build_s", second)
        words = self.calls("build")[0]["words"]
        self.assertIn("--fp16", words)
        self.assertEqual(words[words.index("--profile") + 1], "input=1x3x224x224")
        self.assertEqual(words[words.index("--target") + 1], "cuda")

    def test_quick_keeps_caches_and_takes_the_rows_with_bars(self):
        text, summary = self.run_peers("--quick", "--skip-compile")
        self.assertEqual([(r["model"], r["batch"]) for r in summary["rows"]], list(BARS))
        self.assertEqual(sum(c["was_warm"] for c in self.calls("build")), len(BARS) - 1)
        self.assertNotIn("torch.compile", text.split("Medians")[1])

    def test_columns_that_fail_leave_the_others_alone(self):
        workers = {"eager": "dies", "graph": "raises", "compile": "hangs"}
        text, summary = self.run_peers("--models", "bert", "--batches", "1", "--rounds", "2", "--compile-seconds", "1",
                                       workers=workers, expect=1)
        row = summary["rows"][0]
        self.assertEqual(list(row["columns"]), ["Burnish"])
        self.assertEqual(row["errors"], {"eager FP32": "died: Killed for its memory",
                                         "FP16 + CUDA graph": "OutOfMemoryError: no room",
                                         "torch.compile": "was ended after 1 s without an answer"})
        self.assertIn("| bert | 1 | 0.400 ms | failed | failed | failed | – | – | – | 0.50 ms | met |", text)

    def test_burnish_failing_leaves_pytorch(self):
        text, summary = self.run_peers("--models", "bert", "--batches", "1", "--rounds", "2", failure="build", expect=1)
        self.assertEqual(summary["rows"][0]["errors"], {"Burnish": "error: the card is on fire (exit code 1)"})
        self.assertIn("| bert | 1 | failed | 4.000 ms | 0.800 ms | 0.500 ms | torch.compile | – | – | 0.50 ms | no figure |", text)

    def test_host_copies_failing_leave_the_figure(self):
        _, summary = self.run_peers("--models", "bert", "--batches", "1", "--rounds", "2", failure="host", expect=1)
        self.assertEqual(list(summary["rows"][0]["errors"]), ["Burnish with host copies"])
        self.assertIn("Burnish", summary["rows"][0]["columns"])

    def test_a_spent_budget_leaves_rows_out(self):
        text, summary = self.run_peers("--models", "bert", "--batches", "1,32", "--budget", "0.001", expect=1)
        self.assertEqual([r["columns"] for r in summary["rows"]], [{}, {}])
        self.assertIn("left out", text)

    def test_shares_of_the_roofline(self):
        text, summary = self.run_peers("--models", "yolov5s", "--batches", "1", "--rounds", "2", "--profile")
        conv, add = summary["rows"][0]["steps"]
        self.assertEqual((conv["roof"], add["roof"]), ("compute", "memory"))
        self.assertAlmostEqual(conv["roofline_share"], 0.5)
        self.assertAlmostEqual(add["roofline_share"], 0.5)
        self.assertIn("yolov5s b1: 2 steps, 200.0 µs one by one; 50 % of the roofline", text)
        self.assertIn("1000 TFLOP/s of FP16 products, 1000 GB/s of copies", text)

    def test_bad_arguments_are_named(self):
        for arguments in (["--models", "gpt"], ["--batches", "one"], ["--rounds", "1"], ["--batches", "0"]):
            with self.subTest(arguments):
                self.run_peers(*arguments, expect=2)


if __name__ == "__main__":
    unittest.main()
