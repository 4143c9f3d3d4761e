"""burnish cost: tables, JSON, CSV, the picture and the page; and what it refuses."""

import csv
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import screenshot
from cli_case import ROOT, Cli, burnish, command
from html_page import Page

VARIANTS = ["--variant", "before=1:10ms", "--variant", "after=1:2.6ms"]
# A loose target: what binds is 80 % of 100 and of 384.6 requests/s an instance, in flat traffic.
STEADY = [*VARIANTS, "--p99", "10s", "--profile", "flat", "--peak-factor", 1, "--spare", 0, "--price", "2USD/h"]
MONTH = 2 * 730


class CostCase(unittest.TestCase):
    """Needs no engine."""

    assert_error = Cli.assert_error

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def plan(self, *args):
        return json.loads(burnish("cost", *args, "--json").stdout)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path


class Cost(CostCase):
    def test_the_worked_case(self):
        report = self.plan(*STEADY, *["--requests-per-day", "100k", "--requests-per-day", "1M", "--requests-per-day", "20M"])
        hours = [[v["compute_hours_per_day"] for v in volume["variants"]] for volume in report["volumes"]]
        self.assertAlmostEqual(hours[0][0], 0.278, places=3)
        self.assertAlmostEqual(hours[1][0], 2.78, places=2)
        self.assertAlmostEqual(hours[1][1], 0.722, places=3)
        # One machine stands there in any case: the faster variant saves nothing until a second one is needed.
        self.assertEqual([v["monthly_cost"] for v in report["volumes"][1]["variants"]], [MONTH, MONTH])
        self.assertEqual([v["instances"] for v in report["volumes"][2]["variants"]], [3, 1])
        self.assertEqual(report["volumes"][2]["variants"][1]["saving_per_month"], 2 * MONTH)
        even = report["staircases"][1]["break_even"]["always_from_requests_per_day"]
        self.assertAlmostEqual(even, 80 * 86400, delta=1)

    def test_the_table_tells_instances_costs_and_pay_back(self):
        text = burnish("cost", *STEADY, "--requests-per-day", "20M", "--one-off-cost", "7300USD").stdout
        self.assertIn("20,000,000 requests a day", text)
        self.assertRegex(text, r"(?m)^  before .* 3 \+ 0 .* 4,380 USD .* baseline$")
        self.assertRegex(text, r"(?m)^  after .* 1 \+ 0 .* 1,460 USD .* 2,920 USD +2\.5 months$")
        self.assertIn("after pays from about 6,910,000 requests a day on", text)
        self.assertIn("Sensitivity", text)

    def test_measurements_come_from_bench_and_peers(self):
        times = [(1, 4.0), (8, 16.0)]
        files = [self.write(f"b{n}.json", {"contexts": 1, "median_ms": ms, "executions_per_s": 1e3 / ms,
                                           "items_per_s": n * 1e3 / ms}) for n, ms in times]
        rows = [{"model": "m", "batch": n, "columns": {"ONNX Runtime FP32": {"median_ms": 2 * ms}}} for n, ms in times]
        peers = self.write("peers.json", {"rows": rows})
        report = self.plan("--variant", f"ort={peers}#m/ONNX Runtime FP32", "--variant", f"burnish={files[0]},{files[1]}",
                           "--requests-per-day", "10M", "--p99", "100ms", "--price", "1/h")
        found = [[(t["batch"], t["ms"]) for t in v["times"]] for v in report["inputs"]["variants"]]
        self.assertEqual(found, [[(1, 8), (8, 32)], [(1, 4), (8, 16)]])
        self.assertGreater(report["volumes"][0]["variants"][0]["simulated"]["mean_batch"], 1)

    def test_prices_come_from_a_list(self):
        prices = ["--prices", ROOT / "examples/cost/prices.toml", "--machine", "gpu", "--machine", "after=cpu-2core"]
        report = self.plan(*VARIANTS, "--requests-per-day", "1M", "--p99", "50ms", *prices, "--terms", "spot")
        found = [v["price"] for v in report["inputs"]["variants"]]
        self.assertEqual([(p["machine"], p["terms"]) for p in found], [("gpu", "spot"), ("cpu-2core", "spot")])
        self.assertTrue(all(p["source"] and p["date"] for p in found))
        self.assertEqual(report["currency"], "USD")

    def test_prices_that_nobody_verified_are_marked_everywhere(self):
        entry = "on_demand = 1\nsource = 'a list'\ndate = '2026'\n"
        prices = self.write("list.toml", f"currency = 'USD'\n[machines.a]\n{entry}verified = false\n[machines.b]\n{entry}")
        args = [*VARIANTS, "--requests-per-day", "1M", "--p99", "50ms", "--prices", prices,
                "--machine", "a", "--machine", "after=b"]
        self.assertEqual([v["price"]["verified"] for v in self.plan(*args)["inputs"]["variants"]], [False, True])
        page, table = self.folder / "prices.html", self.folder / "prices.csv"
        text = burnish("cost", *args, "--html", page, "--csv", table).stdout
        self.assertRegex(text, r"price of before: 1 USD .*source: a list; of 2026; NOT VERIFIED")
        self.assertRegex(text, r"(?m)price of after: 1 USD .*source: a list; of 2026$")
        self.assertIn("The price of before is not verified", Page(page.read_text()).text)
        self.assertNotIn("The price of after is not verified", Page(page.read_text()).text)
        self.assertEqual([row["price_verified"] for row in csv.DictReader(table.read_text().splitlines())], ["no", "yes"])

    def test_no_example_price_passes_for_verified(self):
        lines = (ROOT / "examples/cost/prices.toml").read_text().splitlines()
        self.assertEqual(lines.count("verified = false"), sum(line.startswith("[machines.") for line in lines))

    def test_traffic_comes_from_a_log(self):
        times = [1767225600 + 3600 * hour + i for hour in range(24) for i in range(300 if hour == 9 else 100)]
        log = self.write("log.csv", "time\n" + "\n".join(map(str, times)))
        report = self.plan(*VARIANTS, "--log", log, "--p99", "50ms", "--price", "1/h")
        self.assertEqual(report["inputs"]["profile"]["weights"][9], 300)
        self.assertAlmostEqual(report["volumes"][0]["requests_per_day"], len(times), delta=120)

    def test_csv_has_a_row_for_each_variant_and_volume(self):
        table = self.folder / "cost.csv"
        burnish("cost", *STEADY, "--requests-per-day", "1M", "--requests-per-day", "20M", "--csv", table)
        rows = list(csv.DictReader(table.read_text().splitlines()))
        self.assertEqual([(r["variant"], float(r["requests_per_day"]), r["needed"]) for r in rows],
                         [("before", 1e6, "1"), ("after", 1e6, "1"), ("before", 2e7, "3"), ("after", 2e7, "1")])
        self.assertEqual(float(rows[2]["monthly_cost"]), 3 * MONTH)

    def test_the_same_seed_gives_the_same_bytes(self):
        args = ["cost", *VARIANTS, "--requests-per-day", "5M", "--p99", "30ms", "--price", "1/h", "--json"]
        self.assertEqual(burnish(*args).stdout, burnish(*args).stdout)


class CostErrors(CostCase):
    GOOD = {"--variant": "m=1:10ms", "--requests-per-day": "1M", "--p99": "50ms", "--price": "1USD/h"}

    def refused(self, change, *more):
        words = [w for option, value in {**self.GOOD, **change}.items() if value is not None for w in (option, value)]
        return self.assert_error("invalid_argument", 2, "cost", *words, *more)

    def test_every_wrong_input_is_named_with_what_to_do(self):
        for change, message in [
            ({"--p99": "5ms"}, "variant 'm': the p99 target of 5 ms is below what a request takes"),
            ({"--p99": "50"}, "--p99 '50' has no unit; write it like 10ms"),
            ({"--p99": None}, "--p99"),
            ({"--price": "-1USD/h"}, "--price '-1USD/h' is negative"),
            ({"--price": "1USD"}, "not by the hour"),
            ({"--price": None}, "variant 'm' has no price"),
            ({"--price": "x=1/h"}, "'x' is none of the variants"),
            ({"--machine": "gpu"}, "--prices FILE.toml"),
            ({"--max-utilisation": "100%"}, "above 0 and below 1"),
            ({"--max-utilisation": "1.2"}, "above 0 and below 1"),
            ({"--requests-per-day": "0"}, "positive number of requests"),
            ({"--requests-per-day": "1X"}, "unknown unit 'X'"),
            ({"--requests-per-day": None}, "--requests-per-day"),
            ({"--requests-per-day": "1e15"}, "units"),
            ({"--peak-factor": "0.5"}, "peak factor 0.5"),
            ({"--profile": "night"}, "flat, office, evening"),
            ({"--growth": "-100%"}, "growth"),
            ({"--growth": "900%"}, "of growth"),
            ({"--one-off-cost": "5EUR"}, "one currency"),
            ({"--max-batch": "8"}, "1 to 1 were measured"),
            ({"--spare": "-1"}, "--spare"),
            ({"--availability": "100%"}, "between 0 and 1"),
            ({"--months": "0"}, "--months"),
            ({"--baseline": "x"}, "--baseline 'x' is none of the variants; they are m"),
            ({"--variant": "10ms"}, "NAME="),
            ({"--variant": "m=10ms"}, "BATCH:TIME"),
            ({"--variant": "m=1:10ms,8:9ms"}, "the time of a whole batch"),
        ]:
            with self.subTest(change):
                self.assertIn(message, self.refused(change))

    def test_wrong_files_are_named(self):
        engine = self.write("m.json", "no JSON")
        self.assertIn("m.json", self.refused({"--variant": f"m={engine}"}))
        prices = self.write("prices.toml", "currency = 'USD'\n[machines.a]\non_demand = -1\nsource = 's'\ndate = '2026'\n")
        self.assertIn("machine 'a'", self.refused({"--price": None, "--prices": prices, "--machine": "a"}))
        log = self.write("log.csv", "a\nb\n")
        self.assertIn("line 2", self.refused({"--log": log}))
        self.assert_error("io", 5, "cost", "--variant", "m=no_such.json", "--p99", "1s", "--requests-per-day", "1M", "--price", "1/h")


class CostReport(CostCase):
    """The page and the picture."""

    EVIL = "<script>alert('\"1\"')</script>&amp;"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page, cls.svg = cls.folder / "cost.html", cls.folder / "cost.svg"
        cls.report = json.loads(burnish("cost", "--variant", "before=1:10ms", "--variant", f"{cls.EVIL}=1:2.6ms",
                                        *STEADY[len(VARIANTS):], "--requests-per-day", "20M", "--one-off-cost", "7300USD",
                                        "--growth", "5%", "--html", cls.page, "--svg", cls.svg, "--json").stdout)

    def test_the_page_needs_nothing_else(self):
        text = self.page.read_text()
        page = Page(text)
        self.assertTrue(page.balanced)
        self.assertFalse({"script", "link", "img", "iframe", "object"} & set(page.tags))
        for name, value in page.attributes:
            self.assertFalse(name.startswith("on") or name in ("src", "href"))
        self.assertNotIn("url(", text)
        self.assertIn("prefers-color-scheme:dark", text)
        self.assertIn('name="viewport"', text)
        self.assertIn(self.EVIL, page.text)

    def test_every_figure_can_be_traced(self):
        text = Page(self.page.read_text()).text
        for words in ["20,000,000 / 86,400 s × 1 × 1 = 231.5 requests/s", "(3 + 0) × 2 × 730 h = 4,380 USD", "p99 target",
                      "batch 1: 2.6 ms (typed in)", "break-even volume", "seed 1", "Growth of 5 %"]:
            self.assertIn(words, text)

    def test_the_picture_is_a_file_of_its_own(self):
        text = self.svg.read_text()
        page = Page(text)
        self.assertTrue(page.balanced)
        self.assertEqual(page.tags[0], "svg")
        self.assertNotIn("script", page.tags)
        stairs = [value for name, value in page.attributes if name == "d"]
        self.assertEqual(len(stairs), 2)
        drawn = sum(step["up_to_requests_per_day"] < 24e6 for step in self.report["staircases"][0]["steps"])
        self.assertGreaterEqual(stairs[0].count("V"), drawn)
        self.assertEqual(page.tags.count("circle"), 1)  # where it pays

    @unittest.skipUnless(shutil.which("rsvg-convert"), "no rsvg-convert here: apt-get install librsvg2-bin")
    def test_a_png_shows_the_same_steps(self):
        png = self.folder / "-o evil; touch $(name).png"
        burnish("cost", *STEADY, "--requests-per-day", "20M", "--png", png)
        rows = screenshot.read_png(png)
        self.assertEqual((len(rows[0]), len(rows)), (1720, 840))
        run = [(0x5B, 0x66, 0x76)] * 20
        levels = [y for y, row in enumerate(rows) if any(row[x : x + 20] == run for x in range(130, 1660, 5))]
        self.assertGreaterEqual(len([y for y in levels if y - 1 not in levels]), 4)
        self.assertEqual(rows[-5][-5], (0xFF, 0xFF, 0xFF))

    def test_without_the_converter_the_package_is_named(self):
        png = self.folder / "never.png"
        for tool, code, words in [(None, 4, "apt-get install librsvg2-bin"), ("echo no picture", 5, "rsvg-convert failed"),
                                  ("echo no picture >&2; exit 1", 5, "failed: no picture")]:
            folder = self.folder / f"path{code}"
            folder.mkdir(exist_ok=True)
            if tool:
                (folder / "rsvg-convert").write_text(f"#!/bin/sh\n{tool}\n")
                (folder / "rsvg-convert").chmod(0o755)
            result = subprocess.run(command("cost", *STEADY, "--requests-per-day", "1M", "--png", png), capture_output=True,
                                    text=True, env={"PATH": str(folder)}, timeout=120)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn(words, result.stderr)
            self.assertFalse(png.exists())

    @unittest.skipUnless(screenshot.BROWSER, "no Chromium here: apt-get install chromium")
    def test_a_browser_draws_the_steps(self):
        """Levels at which the baseline's colour runs on for 20 pixels: a step each."""
        for dark, colour, paper in [(False, (0x5B, 0x66, 0x76), (0xFF, 0xFF, 0xFF)), (True, (0xA7, 0xB2, 0xC2), (0x1A, 0x20, 0x29))]:
            rows = screenshot.picture_of(self.svg, self.folder, 600, 300, dark)
            levels = [y for y, row in enumerate(rows) if any(row[x : x + 20] == [colour] * 20 for x in range(0, 580, 5))]
            steps = [y for y in levels if y - 1 not in levels]
            self.assertGreaterEqual(len(steps), 4, f"dark: {dark}")
            self.assertEqual(rows[290][590], paper)

    @unittest.skipUnless(screenshot.BROWSER, "no Chromium here: apt-get install chromium")
    def test_a_phone_shows_the_page_without_scrolling_sideways(self):
        shown = "[page.documentElement.scrollWidth, page.querySelector('.narrow .stairs').getBoundingClientRect().width > 200," \
                " page.querySelector('.wide').getBoundingClientRect().width].join(' ')"
        self.assertEqual(screenshot.measured(self.page, self.folder, 360, shown), "360 true 0")
