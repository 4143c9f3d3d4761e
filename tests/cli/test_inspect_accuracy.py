"""burnish inspect --accuracy: the stored report as a table, JSON and a page."""

import json
import pathlib
import shutil
import subprocess

from cli_case import MODEL, command
from engine_forgery import forge_report
from html_page import Page
from precision_case import PrecisionCase


class InspectAccuracy(PrecisionCase):
    """Of engines as they are built."""

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


class InspectHostileReports(PrecisionCase):
    """Models and engine files come from anywhere."""

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
