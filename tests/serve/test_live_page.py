"""The live page in a real browser, while the server works."""

import html.parser
import re
import sys
import threading
import unittest

from serve_case import ROOT, ServeCase

sys.path.insert(0, str(ROOT / "tests/cli"))
import screenshot

ROW = [float(i) for i in range(16)]


class Fields(html.parser.HTMLParser):
    """The texts of a page's elements by their id or data-field, and by data-model where they are in a model's card."""

    VOID = {"meta", "link", "input", "br", "img", "hr"}

    def __init__(self, dom):
        super().__init__()
        self.texts, self.hidden, self._open, self._model = {}, set(), [], None
        self.updates = 0
        self.feed(dom)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.updates = int(attributes.get("data-updates", self.updates))
        self._model = attributes.get("data-model", self._model)
        name = attributes.get("data-field") or attributes.get("id")
        key = (self._model, name) if "data-field" in attributes else name
        if name and "hidden" in attributes:
            self.hidden.add(key)
        if tag not in self.VOID:
            self._open.append(key if name else None)

    def handle_endtag(self, tag):
        if self._open:
            self._open.pop()

    def handle_data(self, data):
        for key in self._open:
            if key:
                self.texts[key] = self.texts.get(key, "") + data


def number(text):
    return float(re.match(r"[\d,.]+", text).group().replace(",", ""))


@unittest.skipUnless(screenshot.BROWSER, "no chromium or google-chrome is installed: the live page is not seen by a browser")
class LivePage(ServeCase):
    def page_of(self, server):
        return Fields(screenshot.dom_of(f"http://{server.http}/", self.folder, seconds=6))

    def under_load(self, server, model):
        """Requests from four threads until the test ends."""
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                server.infer(model, ROW)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()

        def end():
            stop.set()
            for thread in threads:
                thread.join()

        self.addCleanup(end)

    def test_shows_what_the_server_does(self):
        self.put("affine", config={"dynamic_batching": {"max_queue_delay_microseconds": 500}})
        (self.repository / "broken/1").mkdir(parents=True)
        (self.repository / "broken/1/model.engine").write_text("not an engine")
        server = self.serve()
        self.under_load(server, "affine")
        page = self.page_of(server)
        self.assertGreaterEqual(page.updates, 2)
        self.assertIn("trouble", page.hidden)
        self.assertGreater(number(page.texts["inferences"]), 0)
        self.assertRegex(page.texts["memory"], r"MiB|GiB")
        self.assertEqual(page.texts["affine", "state"], "READY")
        self.assertGreater(number(page.texts["affine", "inferences_per_second"]), 0)
        for field in ("p50", "p99"):
            self.assertRegex(page.texts["affine", field], r"^[\d.,]+ (µs|ms|s)$")
        self.assertRegex(page.texts["affine", "utilisation"], r"^\d+ %$")
        self.assertRegex(page.texts["affine", "batch_sizes"], r"1\d* %")
        self.assertIn("CPU", page.texts["affine", "instances"])
        self.assertIn("UNAVAILABLE", page.texts["broken", "state"])
        self.assertIn("could not be loaded", page.texts["advice"])

    def test_advice_follows_from_the_figures(self):
        """A model that is asked now and then: its instances idle, and the page says for how much of the time."""
        self.put("affine")
        server = self.serve()
        for _ in range(60):
            server.infer("affine", ROW)
        page = self.page_of(server)
        said = re.search(r"instances idle (\d+) % of the time", page.texts["affine", "advice"])
        self.assertIsNotNone(said, page.texts["affine", "advice"])
        metrics = server.request("/metrics")[1]
        busy = [float(v) for v in re.findall(r'burnish_instance_utilization{model="affine".*?} (\S+)', metrics)]
        self.assertAlmostEqual(int(said[1]), 100 * (1 - sum(busy) / len(busy)), delta=20)

    def test_asks_for_a_token(self):
        self.put("affine")
        (self.folder / "tokens").write_text("secret\n")
        page = self.page_of(self.serve("--token-file", self.folder / "tokens"))
        self.assertNotIn("login", page.hidden)
        self.assertIn("token", page.texts["trouble"])

    def test_needs_nothing_from_afar(self):
        server = self.serve()
        text = server.request("/")[1]
        self.assertNotRegex(text, r"(src|href)=[\"']?(https?:)?//")
        self.assertNotRegex(text, r"@import|url\(")


if __name__ == "__main__":
    unittest.main()
