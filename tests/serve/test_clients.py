"""Triton's own clients, unchanged: HTTP, gRPC, their asynchronous forms and shared memory."""

import asyncio
import queue
import unittest

import numpy
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
import tritonclient.utils.shared_memory as shared_memory
from serve_case import LONG, ServeCase, Server

X = numpy.arange(32, dtype=numpy.float32).reshape(2, 16)
Y = 2 * X + 1


def request_of(module, values=X, **keywords):
    x = module.InferInput("x", list(values.shape), "FP32")
    x.set_data_from_numpy(values, **keywords)
    return [x]


class Clients(ServeCase):
    """One server for all tests; they do not change it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.case = ServeCase()
        ServeCase.setUp(cls.case)
        cls.case.put("affine", config={"dynamic_batching": {}})
        cls.case.put("affine", version=2, factor=3)
        cls.case.configure("affine", {"version_policy": {"all": {}}})
        cls.server = Server(cls.case.repository)
        cls.http = tritonclient.http.InferenceServerClient(cls.server.http)
        cls.grpc = tritonclient.grpc.InferenceServerClient(cls.server.grpc)

    @classmethod
    def tearDownClass(cls):
        cls.http.close()
        cls.grpc.close()
        cls.server.__exit__()
        cls.case.doCleanups()

    def setUp(self):
        pass

    def both(self):
        yield self.http, tritonclient.http
        yield self.grpc, tritonclient.grpc

    def test_health_and_metadata(self):
        for client, _ in self.both():
            self.assertTrue(client.is_server_live())
            self.assertTrue(client.is_server_ready())
            self.assertTrue(client.is_model_ready("affine"))
            self.assertTrue(client.is_model_ready("affine", "1"))
            self.assertFalse(client.is_model_ready("affine", "9"))
        self.assertEqual(self.http.get_server_metadata()["name"], "burnish")
        self.assertIn("binary_tensor_data", self.grpc.get_server_metadata().extensions)
        self.assertEqual(self.http.get_model_metadata("affine")["versions"], ["1", "2"])
        self.assertEqual(list(self.grpc.get_model_metadata("affine").inputs[0].shape), [-1, 16])
        self.assertEqual(self.http.get_model_config("affine")["max_batch_size"], 32)
        self.assertEqual(self.grpc.get_model_config("affine").config.max_batch_size, 32)
        self.assertEqual(self.grpc.get_model_config("affine").config.version_policy.WhichOneof("policy_choice"), "all")

    def test_infer(self):
        for client, module in self.both():
            answer = client.infer("affine", request_of(module), model_version="1", request_id="7")
            numpy.testing.assert_array_equal(answer.as_numpy("y"), Y)
            answer = client.infer("affine", request_of(module), outputs=[module.InferRequestedOutput("y")])
            numpy.testing.assert_array_equal(answer.as_numpy("y"), 3 * X + 1)

    def test_json_and_compressed_bodies(self):
        for binary in (True, False):
            for compression in (None, "gzip", "deflate"):
                outputs = [tritonclient.http.InferRequestedOutput("y", binary_data=binary)]
                answer = self.http.infer(
                    "affine",
                    request_of(tritonclient.http, binary_data=binary),
                    model_version="1",
                    outputs=outputs,
                    request_compression_algorithm=compression,
                    response_compression_algorithm=compression,
                )
                numpy.testing.assert_array_equal(answer.as_numpy("y"), Y)

    def test_classification(self):
        for client, module in self.both():
            outputs = [module.InferRequestedOutput("y", class_count=2)]
            answer = client.infer("affine", request_of(module), model_version="1", outputs=outputs).as_numpy("y")
            best = [text.decode().split(":")[1] for text in answer.flatten()]
            self.assertEqual(best, ["15", "14", "15", "14"])

    def test_errors_name_the_input(self):
        wrong = numpy.zeros((1, 17), numpy.float32)
        for client, module in self.both():
            with self.assertRaisesRegex(module.InferenceServerException, "'?x'?.*17"):
                client.infer("affine", request_of(module, wrong))
            with self.assertRaisesRegex(module.InferenceServerException, "nowhere"):
                client.infer("nowhere", request_of(module))

    def test_calls_that_do_not_wait(self):
        http = tritonclient.http.InferenceServerClient(self.server.http, concurrency=4)
        pending = [http.async_infer("affine", request_of(tritonclient.http), model_version="1") for _ in range(20)]
        for request in pending:
            numpy.testing.assert_array_equal(request.get_result().as_numpy("y"), Y)
        http.close()
        answers = queue.Queue()
        for _ in range(20):
            self.grpc.async_infer(
                "affine", request_of(tritonclient.grpc), lambda result, error: answers.put((result, error)), model_version="1"
            )
        for _ in range(20):
            result, error = answers.get(timeout=LONG)
            self.assertIsNone(error)
            numpy.testing.assert_array_equal(result.as_numpy("y"), Y)

    def test_streams(self):
        answers = queue.Queue()
        with tritonclient.grpc.InferenceServerClient(self.server.grpc) as client:
            client.start_stream(lambda result, error: answers.put((result, error)))
            for number in range(10):
                client.async_stream_infer(
                    "affine", request_of(tritonclient.grpc, X + number), model_version="1", request_id=str(number)
                )
            for _ in range(10):
                result, error = answers.get(timeout=LONG)
                self.assertIsNone(error)
                number = int(result.get_response().id)
                numpy.testing.assert_array_equal(result.as_numpy("y"), 2 * (X + number) + 1)
            client.stop_stream()

    def test_asyncio(self):
        async def ask(module, address):
            async with module.InferenceServerClient(address) as client:
                calls = [client.infer("affine", request_of(module), model_version="1") for _ in range(20)]
                for answer in await asyncio.gather(*calls):
                    numpy.testing.assert_array_equal(answer.as_numpy("y"), Y)

        asyncio.run(ask(tritonclient.http.aio, self.server.http))
        asyncio.run(ask(tritonclient.grpc.aio, self.server.grpc))

    def test_shared_memory(self):
        for client, module in self.both():
            x_region = shared_memory.create_shared_memory_region("x_data", "/burnish_test_x", X.nbytes)
            y_region = shared_memory.create_shared_memory_region("y_data", "/burnish_test_y", Y.nbytes)
            try:
                shared_memory.set_shared_memory_region(x_region, [X])
                client.register_system_shared_memory("x_data", "/burnish_test_x", X.nbytes)
                client.register_system_shared_memory("y_data", "/burnish_test_y", Y.nbytes)
                x = module.InferInput("x", list(X.shape), "FP32")
                x.set_shared_memory("x_data", X.nbytes)
                y = module.InferRequestedOutput("y")
                y.set_shared_memory("y_data", Y.nbytes)
                client.infer("affine", [x], model_version="1", outputs=[y])
                got = shared_memory.get_contents_as_numpy(y_region, numpy.float32, list(Y.shape))
                numpy.testing.assert_array_equal(got, Y)
                del got
                self.assertIn("x_data", str(client.get_system_shared_memory_status()))
                client.unregister_system_shared_memory()
                self.assertNotIn("x_data", str(client.get_system_shared_memory_status()))
            finally:
                shared_memory.destroy_shared_memory_region(x_region)
                shared_memory.destroy_shared_memory_region(y_region)

    def test_statistics_count(self):
        for client, module in self.both():
            before = self.http.get_inference_statistics("affine", "1")["model_stats"][0]
            client.infer("affine", request_of(module), model_version="1")
            after = self.http.get_inference_statistics("affine", "1")["model_stats"][0]
            count = [int(each["inference_stats"]["success"]["count"]) for each in (before, after)]
            self.assertEqual(count[1] - count[0], 1)
            self.assertEqual(int(after["inference_count"]) - int(before["inference_count"]), 2)
        self.assertEqual(len(self.grpc.get_inference_statistics().model_stats), 2)

    def test_repository_index(self):
        self.assertEqual([e["state"] for e in self.http.get_model_repository_index()], ["READY", "READY"])
        self.assertEqual(len(self.grpc.get_model_repository_index().models), 2)


if __name__ == "__main__":
    unittest.main()
