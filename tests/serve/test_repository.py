"""Models come, change and go while the server runs."""

import shutil
import signal
import threading
import unittest

import numpy
from serve_case import ServeCase, Server, build, save_affine, save_weighty, wait_for

ROW = [float(i) for i in range(16)]
DOUBLED = [2 * value + 1 for value in ROW]
TRIPLED = [3 * value + 1 for value in ROW]


class Repository(ServeCase):
    def test_an_engine_in_a_folder_is_enough(self):
        self.put("affine")
        server = self.serve()
        self.assertTrue(server.ready["ready"])
        self.assertEqual(server.infer("affine", ROW), DOUBLED)
        status, config = server.request("/v2/models/affine/config")
        self.assertEqual(status, 200)
        self.assertEqual(config["max_batch_size"], 32)
        self.assertEqual(config["input"][0]["dims"], [16])
        self.assertEqual(config["input"][0]["data_type"], "TYPE_FP32")

    def test_models_in_onnx_are_built_once(self):
        save_affine(self.repository / "affine/1/model.onnx", 2)
        self.configure("affine", {"max_batch_size": 4, "parameters": {"opt_level": "1"}})
        for was_built in (True, False):
            server = self.serve()
            self.assertEqual(server.infer("affine", ROW), DOUBLED)
            self.assertEqual("built" in server.log(), was_built, server.log())
            server.stop()
        cached = list((self.folder / "cache").glob("affine-1-*.engine"))
        self.assertEqual(len(cached), 1)
        cached[0].write_bytes(cached[0].read_bytes()[:-100])  # a disk that was full, say
        server = self.serve()
        self.assertEqual(server.infer("affine", ROW), DOUBLED)
        self.assertIn("built", server.log())

    def test_polling_follows_the_folder(self):
        self.put("affine")
        server = self.serve("--model-control", "poll", "--poll-seconds", 0.05)
        self.put("affine", version=2, factor=3)
        wait_for(lambda: server.infer("affine", ROW) == TRIPLED, "the new version")
        self.put("other")
        wait_for(lambda: server.index().get("other/1") == "READY", "the new model")
        (self.repository / "affine/3").mkdir()
        (self.repository / "affine/3/model.engine").write_bytes(b"damaged")
        wait_for(lambda: "UNAVAILABLE" in server.index().get("affine/3", ""), "the broken version's state")
        self.assertEqual(server.infer("affine", ROW), TRIPLED)
        self.assertEqual(server.request("/v2/health/ready")[0], 200)
        shutil.rmtree(self.repository / "other")
        wait_for(lambda: server.request("/v2/models/other/ready")[0] != 200, "the model's end")

    def test_engines_may_be_overwritten_in_place(self):
        self.put("affine")
        server = self.serve()
        engine = self.repository / "affine/1/model.engine"
        engine.write_bytes(b"x" * 100)
        self.assertEqual(server.infer("affine", ROW), DOUBLED)

    def test_hangup_reloads(self):
        self.put("affine")
        server = self.serve()
        self.put("affine", factor=3)
        server.send(signal.SIGHUP)
        wait_for(lambda: server.infer("affine", ROW) == TRIPLED, "the new file")

    def test_versions_change_under_load_without_a_lost_request(self):
        self.put("affine")
        server = self.serve("--model-control", "poll", "--poll-seconds", 0.05)
        stop, failures, answers = threading.Event(), [], []

        def ask():
            while not stop.is_set():
                try:
                    answers.append(server.infer("affine", ROW)[1])
                except Exception as error:  # noqa: BLE001: any failure is one
                    failures.append(str(error))

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for version in range(2, 8):
            factor = 2 + version % 2
            self.put("affine", version, factor)
            wait_for(lambda: server.infer("affine", ROW)[1] == factor + 1, f"version {version}")
        stop.set()
        for client in clients:
            client.join()
        self.assertEqual(failures, [])
        self.assertEqual(set(answers), {3.0, 4.0})

    def test_explicit_control(self):
        self.put("affine")
        self.put("other", factor=3)
        server = self.serve("--model-control", "explicit", "--load-model", "other")
        self.assertEqual(server.index(), {"affine/": "", "other/1": "READY"})
        self.assertEqual(server.request("/v2/repository/models/affine/load", {})[0], 200)
        self.assertEqual(server.infer("affine", ROW), DOUBLED)
        self.assertEqual(server.request("/v2/repository/models/affine/unload", {})[0], 200)
        status, answer = server.request("/v2/models/affine/infer", {"inputs": []})
        self.assertEqual(status, 404, answer)
        status, answer = server.request("/v2/repository/models/nowhere/load", {})
        self.assertEqual(status, 404, answer)
        for name in ("..", "..%2f..%2fetc", "a%00b"):
            self.assertIn(server.request(f"/v2/repository/models/{name}/load", {})[0], (400, 404), name)

    def test_a_load_request_may_bring_a_configuration(self):
        self.put("affine")
        server = self.serve("--model-control", "explicit")
        load = "/v2/repository/models/affine/load"
        status, answer = server.request(load, {"parameters": {"config": '{"max_batch_size": 4}'}})
        self.assertEqual(status, 200, answer)
        self.assertEqual(server.request("/v2/models/affine/config")[1]["max_batch_size"], 4)
        status, answer = server.request(load, {"parameters": {"config": '{"max_batch_size": 4000}'}})
        self.assertEqual(status, 400)
        self.assertIn("max_batch_size", answer["error"])
        self.assertEqual(server.request("/v2/models/affine/config")[1]["max_batch_size"], 4)

    def test_unloading_gives_the_memory_back(self):
        megabytes = 64
        save_weighty(self.folder / "weighty.onnx", 4096)
        build(self.folder / "weighty.onnx", self.repository / "weighty/1/model.engine")
        self.put("affine")
        server = self.serve("--model-control", "explicit", "--load-model", "affine")
        row = numpy.ones(4096).tolist()

        def cycle():
            server.request("/v2/repository/models/weighty/load", {})
            server.infer("weighty", row)
            loaded = server.resident_bytes()
            server.request("/v2/repository/models/weighty/unload", {})
            wait_for(lambda: server.index()["weighty/1"] == "UNAVAILABLE unloaded", "the unloading")
            return loaded, server.resident_bytes()

        cycle()  # what any first load leaves: threads, code that is paged in
        before = server.resident_bytes()
        for _ in range(3):
            loaded, after = cycle()
            self.assertGreater(loaded - before, megabytes * 0.9e6)
            self.assertLess(after - before, megabytes * 0.05e6)

    def test_readiness_tells_the_truth(self):
        self.put("affine")
        (self.repository / "broken/1").mkdir(parents=True)
        (self.repository / "broken/1/model.engine").write_bytes(b"damaged")
        server = self.serve()
        self.assertFalse(server.ready["ready"])
        self.assertEqual(server.request("/v2/health/live")[0], 200)
        self.assertNotEqual(server.request("/v2/health/ready")[0], 200)
        self.assertEqual(server.infer("affine", ROW), DOUBLED)
        self.put("broken")
        server.send(signal.SIGHUP)
        wait_for(lambda: server.request("/v2/health/ready")[0] == 200, "the mended model")

    def test_pipelines(self):
        self.put("double")
        self.put("triple", factor=3)
        steps = [
            {"model_name": "double", "input_map": {"x": "x"}, "output_map": {"y": "between"}},
            {"model_name": "triple", "input_map": {"x": "between"}, "output_map": {"y": "y"}},
        ]
        self.configure("pipeline", {"platform": "ensemble", "ensemble_scheduling": {"step": steps}})
        server = self.serve()
        self.assertEqual(server.infer("pipeline", ROW), [3 * value + 1 for value in DOUBLED])
        self.assertEqual(server.request("/v2/models/pipeline")[1]["platform"], "ensemble")

    def test_a_repository_that_is_not_there(self):
        server = Server(self.folder / "nowhere", wait=False)
        code, words = server.ended()
        self.assertNotEqual(code, 0)
        self.assertIn("cannot read the model repository", words)


if __name__ == "__main__":
    unittest.main()
