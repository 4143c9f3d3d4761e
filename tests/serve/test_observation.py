"""What a server tells of its work: traces, access log, log settings, metrics; and management over gRPC."""

import json
import pathlib
import re
import subprocess
import threading
import unittest

import grpc
import numpy
import tritonclient.grpc
import tritonclient.http
from serve_case import BURNISH, ServeCase, wait_for
from tritonclient.utils import InferenceServerException

ROW = [float(i) for i in range(16)]


def request_of(client, row):
    tensor = client.InferInput("x", [1, 16], "FP32")
    tensor.set_data_from_numpy(numpy.array([row], numpy.float32))
    return [tensor]


class Observation(ServeCase):
    def clients(self, server):
        """Both protocols' clients with their modules; they close with the test."""
        for module, address in ((tritonclient.http, server.http), (tritonclient.grpc, server.grpc)):
            client = module.InferenceServerClient(address)
            self.addCleanup(client.close)
            yield client, module

    def test_traces_as_triton_writes_them(self):
        self.put("affine")
        trace = self.folder / "trace.json"
        server = self.serve("--trace-file", trace)
        for client, module in self.clients(server):
            settings = client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"], "trace_rate": "1"})
            self.assertIn("TIMESTAMPS", str(settings))
            client.infer("affine", request_of(module, ROW), request_id="traced")
            client.update_trace_settings(settings={"trace_level": ["OFF"]})
            client.infer("affine", request_of(module, ROW), request_id="not traced")
            with self.assertRaisesRegex(InferenceServerException, "trace_file"):
                client.update_trace_settings(settings={"trace_file": "/tmp/elsewhere"})
            with self.assertRaisesRegex(InferenceServerException, "nobody"):
                client.update_trace_settings(model_name="nobody", settings={"trace_rate": "2"})
        self.assertEqual(server.stop(), 0, server.log())
        entries = json.loads(trace.read_text())
        heads = [entry for entry in entries if "model_name" in entry]
        self.assertEqual([(h["model_name"], h["model_version"], h["request_id"]) for h in heads], [("affine", 1, "traced")] * 2)
        for stamps in (entry["timestamps"] for entry in entries if "timestamps" in entry):
            names = [stamp["name"] for stamp in stamps]
            self.assertEqual(names, ["REQUEST_START", "QUEUE_START", "COMPUTE_START", "COMPUTE_INPUT_END",
                                     "COMPUTE_OUTPUT_START", "COMPUTE_END", "REQUEST_END"])
            times = [stamp["ns"] for stamp in stamps]
            self.assertEqual(times, sorted(times))

    def test_access_log_of_both_protocols(self):
        self.put("affine")
        log = self.folder / "access.json"
        server = self.serve("--access-log", log)
        for client, module in self.clients(server):
            client.infer("affine", request_of(module, ROW), request_id="mine")
            with self.assertRaises(InferenceServerException):
                client.infer("nobody", request_of(module, ROW))
        self.assertEqual(server.stop(), 0, server.log())
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        seen = {(line["protocol"], line.get("model"), line.get("id"), line["status"]) for line in lines}
        self.assertLessEqual({("http", "affine", "mine", 200), ("http", "nobody", None, 404),
                              ("grpc", "affine", "mine", 0), ("grpc", "nobody", None, 5)}, seen)
        for line in lines:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertGreater(line["duration_us"] + line["request_bytes"], 0)

    def test_log_settings(self):
        self.put("affine")
        server = self.serve()
        for client, module in self.clients(server):
            told = client.update_log_settings({"log_verbose_level": 1, "log_info": False})
            if module is tritonclient.grpc:
                told = {name: value.uint32_param or value.bool_param for name, value in told.settings.items()}
            self.assertEqual((told["log_verbose_level"], told["log_info"], told["log_error"]), (1, False, True))
            with self.assertRaisesRegex(InferenceServerException, "log_file"):
                client.update_log_settings({"log_file": "/tmp/elsewhere"})

    def test_metrics_count_what_was_asked(self):
        self.put("affine")
        server = self.serve()
        for client, module in self.clients(server):
            for _ in range(5):
                client.infer("affine", request_of(module, ROW))
        metrics = server.request("/metrics")[1]
        values = dict(re.findall(r"^(\w+)\{model=\"affine\",version=\"1\"\} (\S+)$", metrics, re.MULTILINE))
        self.assertEqual(float(values["nv_inference_count"]), 10)
        self.assertEqual(float(values["nv_inference_request_success"]), 10)
        self.assertEqual(float(values["burnish_request_duration_seconds_count"]), 10)
        self.assertEqual(float(values["burnish_batch_size_sum"]), 10)
        quantiles = re.findall(r'nv_inference_request_summary_us\{.*quantile="(\S+)"\} (\S+)', metrics)
        self.assertEqual([q for q, _ in quantiles], ["0.5", "0.9", "0.99"])
        self.assertTrue(0 < float(quantiles[0][1]) <= float(quantiles[2][1]))
        statistics = tritonclient.grpc.InferenceServerClient(server.grpc).get_inference_statistics("affine")
        self.assertEqual(statistics.model_stats[0].inference_stats.success.count, 10)

    def test_burnish_audit_understands_it(self):
        batching = {"max_queue_delay_microseconds": 300}
        self.put("affine", config={"max_batch_size": 8, "dynamic_batching": batching, "instance_group": [{"count": 2}]})
        server = self.serve()
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                server.infer("affine", ROW)

        asking = threading.Thread(target=ask)
        asking.start()
        done = subprocess.run([BURNISH, "audit", f"http://{server.http}/metrics", "--interval", "500ms", "--json"],
                              capture_output=True, text=True)
        stop.set()
        asking.join()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        found = json.loads(done.stdout)["audits"][0]
        self.assertEqual(found["set"], {"instances": 2, "max_batch": 8, "queue_delay_ms": 0.3})
        self.assertEqual((found["name"], found["observed"]["mean_batch"]), ("affine/1", 1))
        self.assertFalse(found["observed"]["busy_share_is_estimated"])
        self.assertEqual(found["batch_times"]["origin"], "the server's statistics")
        self.assertGreater(found["observed"]["requests"], 0)

    def test_grpc_loads_and_unloads(self):
        self.put("affine")
        server = self.serve("--model-control", "explicit")
        client = tritonclient.grpc.InferenceServerClient(server.grpc)
        self.addCleanup(client.close)
        self.assertFalse(client.is_model_ready("affine"))
        client.load_model("affine", config=json.dumps({"max_batch_size": 4}))
        self.assertTrue(client.is_model_ready("affine", "1"))
        self.assertEqual(client.get_model_config("affine").config.max_batch_size, 4)
        with self.assertRaisesRegex(InferenceServerException, "nobody"):
            client.load_model("nobody")
        client.unload_model("affine")
        wait_for(lambda: not client.is_model_ready("affine"), "the unloading")

    def test_grpcs_own_health_checks(self):
        self.put("affine")
        server = self.serve("--token-file", self.tokens())
        with grpc.insecure_channel(server.grpc) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            self.assertEqual(check(b""), b"\x08\x01", "SERVING, without a token")

    def tokens(self):
        path = pathlib.Path(self.folder / "tokens")
        path.write_text("secret\n")
        return path


if __name__ == "__main__":
    unittest.main()
