"""GPUs behind the server. On a machine with one: scripts/gpu_check.sh serve."""

import base64
import re
import shutil
import threading
import unittest

import numpy
from gpu_memory import GpuMemory, load_driver
from serve_case import ROOT, ServeCase, build, save_affine, save_weighty, wait_for

DRIVER = load_driver()
WIDTH = 4096  # of the matrix whose 64 MiB come and go


class Gpu(ServeCase):
    """Behind a server, results are those of an engine for the CPU."""

    def tensor(self, name, x, **parameters):
        return {"name": name, "shape": list(x.shape), "datatype": "FP32", **parameters}

    def infer(self, server, model, x, name):
        body = {"inputs": [self.tensor(name, x, data=x.ravel().tolist())]}
        status, answer = server.request(f"/v2/models/{model}/infer", body)
        self.assertEqual(status, 200, answer)
        output = answer["outputs"][0]
        return numpy.array(output["data"], numpy.float32).reshape(output["shape"])

    def metric(self, server, name):
        """Of the first GPU."""
        _, text = server.request("/metrics")
        return float(re.search(rf"^{name}\{{gpu_uuid=.*?\}} (\S+)$", text, re.M).group(1))

    def put_fashion(self):
        profile = ("--profile", "image=1x1x28x28:8x1x28x28:32x1x28x28")
        model = ROOT / "examples/fashion/fashion_mobile.onnx"
        for target in ("cpu", "cuda"):
            engine = self.engines / f"fashion_{target}.engine"
            if not engine.exists():
                build(model, engine, "--target", target, *profile)
            (self.repository / target / "1").mkdir(parents=True)
            shutil.copy(engine, self.repository / target / "1/model.engine")
        group = [{"kind": "KIND_GPU", "count": 2, "gpus": [0]}]
        self.configure("cuda", {"instance_group": group, "dynamic_batching": {"max_queue_delay_microseconds": 20000}})

    @unittest.skipUnless(DRIVER, "there is no GPU with its driver")
    def test_many_clients_get_what_the_cpu_computes(self):
        self.put_fashion()
        server = self.serve()
        numbers = numpy.random.default_rng(0)
        batches = [numbers.standard_normal((1 + i % 5, 1, 28, 28)).astype(numpy.float32) for i in range(40)]
        want = [self.infer(server, "cpu", x, "image") for x in batches]
        wrong = []

        def ask(first):
            for x, y in list(zip(batches, want, strict=True))[first:] * 3:
                got = self.infer(server, "cuda", x, "image")
                if not numpy.allclose(got, y, rtol=1e-3, atol=1e-3 * numpy.abs(y).max()):
                    wrong.append(numpy.abs(got - y).max())

        threads = [threading.Thread(target=ask, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        stats = server.request("/v2/models/cuda/stats")[1]["model_stats"][0]
        self.assertEqual(stats["inference_stats"]["fail"]["count"], 0)
        self.assertLess(stats["execution_count"], stats["inference_stats"]["success"]["count"])  # requests shared some
        state = server.request("/v2/live_state")[1]
        instances = next(model for model in state["models"] if model["name"] == "cuda")["instances"]
        self.assertEqual([instance["device"] for instance in instances], ["GPU 0", "GPU 0"])

    @unittest.skipUnless(DRIVER, "there is no GPU with its driver")
    def test_memory_goes_back_when_a_model_is_unloaded(self):
        save_weighty(self.folder / "weighty.onnx", WIDTH)
        build(self.folder / "weighty.onnx", self.repository / "weighty/1/model.engine", "--target", "cuda")
        self.configure("weighty", {"instance_group": [{"kind": "KIND_GPU", "count": 2}]})
        server = self.serve("--model-control", "explicit")
        used = []
        for _ in range(3):
            for action in ("load", "unload"):
                self.assertEqual(server.request(f"/v2/repository/models/weighty/{action}", {})[0], 200)
                if action == "load":
                    self.infer(server, "weighty", numpy.ones((1, WIDTH), numpy.float32), "x")
                else:
                    wait_for(lambda: "unloaded" in server.index()["weighty/1"], "the model's end")
                used.append(self.metric(server, "nv_gpu_memory_used_bytes"))
        # The first unloading leaves the driver's own memory; from then on everything comes and goes.
        weights, slack = WIDTH * WIDTH * 4, 8 << 20
        for loaded, unloaded in (used[2:4], used[4:6]):
            self.assertGreater(loaded, used[1] + weights - slack, used)
            self.assertLess(unloaded, used[1] + slack, used)
        self.assertGreaterEqual(self.metric(server, "nv_gpu_utilization"), 0)

    @unittest.skipUnless(DRIVER, "there is no GPU with its driver")
    def test_tensors_in_the_clients_gpu_memory(self):
        self.put_fashion()
        server = self.serve()
        x = numpy.random.default_rng(1).standard_normal((8, 1, 28, 28)).astype(numpy.float32)
        want = {n: self.infer(server, "cpu", x[:n], "image") for n in (3, 8)}
        _, metadata = server.request("/v2/models/cuda")
        output = metadata["outputs"][0]["name"]
        with GpuMemory(DRIVER, x.nbytes + 4096) as memory:
            memory.write(x.tobytes())
            region = {"raw_handle": {"b64": base64.b64encode(memory.handle()).decode()}, "device_id": 0}
            path = "/v2/cudasharedmemory/region/mine"
            too_large = {**region, "byte_size": 1 << 40}
            self.assertEqual(server.request(f"{path}/register", too_large)[0], 400)
            status, answer = server.request(f"{path}/register", {**region, "byte_size": memory.size})
            self.assertEqual(status, 200, answer)
            self.assertEqual(
                server.request("/v2/cudasharedmemory/status")[1],
                [{"name": "mine", "device_id": 0, "byte_size": memory.size}],
            )
            # For the GPU's own engine, where the memory is used as it lies, and through the host for the CPU's.
            for model in ("cuda", "cpu"):
                for n, y in want.items():
                    memory.write(b"\0" * y.nbytes, x.nbytes)
                    place = {"shared_memory_region": "mine", "shared_memory_byte_size": x[:n].nbytes}
                    to = {"shared_memory_region": "mine", "shared_memory_byte_size": 4096, "shared_memory_offset": x.nbytes}
                    body = {
                        "inputs": [self.tensor("image", x[:n], parameters=place)],
                        "outputs": [{"name": output, "parameters": to}],
                    }
                    for _ in range(3):  # the third time as a captured graph
                        status, answer = server.request(f"/v2/models/{model}/infer", body)
                        self.assertEqual(status, 200, answer)
                    self.assertNotIn("data", answer["outputs"][0])
                    got = numpy.frombuffer(memory.read(y.nbytes, x.nbytes), numpy.float32).reshape(y.shape)
                    numpy.testing.assert_allclose(got, y, rtol=1e-3, atol=1e-3 * numpy.abs(y).max(), err_msg=model)
            self.assertEqual(server.request(f"{path}/unregister", {})[0], 200)
            self.assertEqual(server.request("/v2/cudasharedmemory/status")[1], [])

    @unittest.skipUnless(DRIVER, "there is no GPU with its driver")
    def test_onnx_is_built_for_the_gpu_that_the_configuration_asks_for(self):
        save_affine(self.repository / "affine/1/model.onnx", 2)
        group = [{"kind": "KIND_GPU"}]
        self.configure("affine", {"max_batch_size": 4, "instance_group": group, "parameters": {"opt_level": "1"}})
        server = self.serve()
        self.assertEqual(server.infer("affine", [1.0] * 16), [3.0] * 16)
        self.assertEqual(server.request("/v2/models/affine/config")[1]["instance_group"][0]["kind"], "KIND_GPU")

    @unittest.skipIf(DRIVER, "there is a GPU")
    def test_without_a_gpu_its_absence_is_the_reason(self):
        save_affine(self.repository / "affine/1/model.onnx", 2)
        self.configure("affine", {"instance_group": [{"kind": "KIND_GPU"}], "parameters": {"opt_level": "1"}})
        server = self.serve()
        self.assertIn("there is no NVIDIA driver", server.index()["affine/1"])
        handle = {"raw_handle": {"b64": base64.b64encode(bytes(64)).decode()}, "device_id": 0, "byte_size": 64}
        status, answer = server.request("/v2/cudasharedmemory/region/mine/register", handle)
        self.assertEqual(status, 400)
        self.assertIn("'mine': there is no NVIDIA driver", answer["error"])
        self.assertNotIn("nv_gpu", server.request("/metrics")[1])


if __name__ == "__main__":
    unittest.main()
