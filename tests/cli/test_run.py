"""burnish run, bench and compare: engines at work."""

import json

import numpy as np

from cli_case import MODEL, ROOT, Cli, burnish


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
