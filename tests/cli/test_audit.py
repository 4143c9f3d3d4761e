"""burnish audit: of scrapes, of a server, of a log; and what it refuses."""

import http.server
import json
import socketserver
import threading

from cli_case import burnish
from test_cost import CostCase


def scrape(seconds, requests, batch=1, queue_ms=2, compute_ms=10):
    """A server's metrics after `seconds` of `requests` a second, as Triton counts; two models."""
    n = seconds * requests
    rows = {"request_success": n, "count": n, "exec_count": n / batch, "queue_duration_us": n * queue_ms * 1e3,
            "compute_infer_duration_us": n * compute_ms * 1e3, "request_duration_us": n * (queue_ms + compute_ms + 1) * 1e3}
    lines = [f'nv_inference_{name}{{model="m",version="1"}} {value}' for name, value in rows.items()]
    return "# HELP nv_inference_count Inferences\n" + "\n".join([*lines, 'nv_inference_count{model="idle",version="1"} 0', ""])


class Pages:
    """A server of made-up pages: {path: bytes of a whole answer, or a list of answers in turn}."""

    def __init__(self, pages):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                asked.append(self.path)
                page = pages.get(self.path, b"HTTP/1.0 404 Not Found\r\n\r\n")
                answer = page[min(asked.count(self.path), len(page)) - 1] if isinstance(page, list) else page
                try:
                    self.wfile.write(answer)
                except OSError:  # hung up on
                    pass

            def log_message(self, *_):
                pass

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/metrics"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def ok(text):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text.encode()


class Audit(CostCase):
    def audit(self, *args):
        audits = json.loads(burnish("audit", *args, "--json").stdout)["audits"]
        self.assertEqual(len(audits), 1)
        return audits[0]

    def test_two_scrapes_by_hand(self):
        files = [self.write("a.prom", scrape(10, 50)), self.write("b.prom", scrape(30, 50))]
        found = self.audit(*files, "--interval", "20s", "--instances", 4)
        seen = found["observed"]
        self.assertEqual(found["name"], "m/1")
        self.assertAlmostEqual(seen["requests_per_s"], 50)
        self.assertAlmostEqual(seen["busy_share"], 50 * 0.010 / 4)
        self.assertTrue(seen["busy_share_is_estimated"])
        self.assertAlmostEqual(seen["queue_share"], 2 / 13)
        self.assertEqual((found["arrivals"], found["instances_needed"]), ("poisson", 1))
        self.assertEqual(found["advice"][0]["benefit"], "fewer_instances")
        self.assertEqual(found["advice"][0]["predicted"]["settings"]["instances"], 1)
        self.assertIn("Poisson", " ".join(found["assumptions"]))

    def test_the_text_tells_advice_with_its_effect(self):
        files = [self.write("a.prom", scrape(10, 90)), self.write("b.prom", scrape(30, 90))]
        text = burnish("audit", *files, "--interval", "20s", "--instances", 1, "--times", "1:10ms,8:16ms").stdout
        self.assertIn("m/1\n", text)
        self.assertRegex(text, r"(?m)^  requests +1,800 in 20 s: 90/s")
        self.assertRegex(text, r"(?m)^  utilisation +90 % of 1 instance busy \(estimated")
        self.assertRegex(text, r"(?m)^  1\. dynamic batching up to 8 with no delay: 5x throughput, p99 -[\d.]+ ms \(to [\d.]")
        self.assertIn("Poisson arrivals at the observed rate", text)

    def test_more_work_than_the_instances_could_do_is_said(self):
        text = burnish("audit", self.write("a.prom", scrape(10, 300)), "--interval", "10s").stdout
        self.assertRegex(text, r"(?m)^  utilisation +300 % of 1 instance busy .*there must be more instances; say --instances$")
        self.assertIn("queues grow without end", text)

    def test_a_server_tells_settings_and_times_as_well(self):
        batches = [{"batch_size": size, "compute_infer": {"count": 400, "ns": 400 * ms * 1e6}} for size, ms in ((1, 4), (4, 7))]
        config = {"max_batch_size": 16, "instance_group": [{"count": 3}],
                  "dynamic_batching": {"max_queue_delay_microseconds": 500}}
        pages = {"/metrics": [ok(scrape(100, 50)), ok(scrape(101, 50))],
                 "/v2/models/m/versions/1/config": ok(json.dumps(config)),
                 "/v2/models/m/versions/1/stats": ok(json.dumps({"model_stats": [{"batch_stats": batches}]}))}
        with Pages(pages) as server:
            found = self.audit(server.url, "--interval", "100ms")
        self.assertEqual(found["observed"]["requests"], 50)
        self.assertEqual(found["set"], {"instances": 3, "max_batch": 16, "queue_delay_ms": 0.5})
        self.assertEqual(found["batch_times"]["origin"], "the server's statistics")
        self.assertEqual([(t["batch"], round(t["ms"], 6)) for t in found["batch_times"]["times"]], [(1, 4), (4, 7)])

    def test_a_server_without_these_pages_is_audited_from_its_metrics(self):
        with Pages({"/metrics": [ok(scrape(100, 50)), ok(scrape(101, 50))]}) as server:
            found = self.audit(server.url, "--interval", "1ms", "--instances", 40)
        self.assertEqual(found["batch_times"]["origin"], "the mean of what was observed")
        self.assertEqual(found["set"], {"instances": 40, "max_batch": 1, "queue_delay_ms": 0})

    def test_a_log_is_replayed_as_it_came(self):
        rows = [f"{1767225600 + i * 0.010},9" for i in range(500)]
        log = self.write("requests.csv", "time,duration_ms\n" + "\n".join(rows) + "\n")
        found = self.audit(log)
        self.assertEqual(found["arrivals"], "observed")
        self.assertAlmostEqual(found["replayed"]["p99_ms"], 9, places=2)
        self.assertAlmostEqual(found["observed"]["busy_share"], 0.9, delta=0.01)

    def test_the_same_seed_gives_the_same_bytes(self):
        args = ["audit", self.write("a.prom", scrape(10, 50)), "--interval", "10s", "--p99", "50ms"]
        self.assertEqual(burnish(*args).stdout, burnish(*args).stdout)


class AuditErrors(CostCase):
    def refused(self, *args, code="invalid_argument", exit_code=2):
        return self.assert_error(code, exit_code, "audit", *args)

    def test_wrong_words_are_named_with_what_to_do(self):
        a, b = self.write("a.prom", scrape(10, 50)), self.write("b.prom", scrape(30, 50))
        log = self.write("r.csv", "time,duration_ms\n1,soon\n")
        for args, message in [
            ([a], "say it with --interval"),
            ([a, b], "say with --interval what lies between"),
            ([b, a, "--interval", "20s"], "the later one was given first"),
            ([a, a, "--interval", "20s"], "no model executed a request"),
            ([a, "--interval", "20"], "--interval '20' has no unit"),
            ([a, "--interval", "9s", "--model", "x"], "--model 'x' executed no request; these did: m/1"),
            ([a, "--interval", "9s", "--p99", "1ms", "--max-utilisation", "100%"], "below 1"),
            ([a, "--interval", "9s", "--instances", -1], "--instances"),
            ([a, "--interval", "9s", "--times", "8ms"], "--times: measurement '8ms'"),
            ([log], "line 2: duration is 'soon'"),
            ([log, a], "has no meaning"),
            ([self.write("page.prom", "<html>\n")], "'%s', line 1: a metric's name" % (self.folder / "page.prom")),
            (["https://localhost/metrics"], "only http://"),
            (["http://:80/metrics"], "is no URL"),
            (["http://localhost/metrics", b], "scraped twice by itself"),
        ]:
            with self.subTest(args):
                self.assertIn(message, self.refused(*args))
        self.refused("no_such.prom", code="io", exit_code=5)

    def test_wrong_servers_are_named(self):
        endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"#" * (17 << 20)
        for answer, message in [
            (b"HTTP/1.0 401 Unauthorized\r\n\r\n", "status 401; if it wants a token"),
            (b"\x00\x00\x12\x04", "does not answer in HTTP"),
            (b"", "does not answer in HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "broke off after 5 of 99 bytes"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "does not answer in HTTP"),
            (endless, "more than 16777216 bytes"),
        ]:
            with self.subTest(message), Pages({"/metrics": answer}) as server:
                self.assertIn(message, self.refused(server.url, code="io", exit_code=5))
        self.assertIn("is the server running", self.refused(server.url, code="io", exit_code=5))
