"""The life of the process: signals, addresses, security, what it prints."""

import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

import numpy
from serve_case import BURNISH, LONG, ServeCase, build, save_weighty, wait_for

ROW = [float(i) for i in range(16)]
DOUBLED = [2 * value + 1 for value in ROW]


class Operations(ServeCase):
    def test_ends_cleanly_on_signals(self):
        self.put("affine")
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.serve()
            server.infer("affine", ROW)
            self.assertEqual(server.stop(number), 0, server.log())

    def test_a_stop_finishes_what_has_begun(self):
        """Many requests of a model that takes its time are under way when the signal comes: all are answered."""
        save_weighty(self.folder / "weighty.onnx", 2048)
        build(self.folder / "weighty.onnx", self.repository / "weighty/1/model.engine")
        server = self.serve()
        row, answers = numpy.ones(2048).tolist(), []

        def ask():
            try:
                answers.append(len(server.infer("weighty", row)))
            except AssertionError as refused:  # with an answer that says so
                answers.append(str(refused)[:3])
            except (urllib.error.URLError, ConnectionError) as error:
                answers.append(repr(error))

        clients = [threading.Thread(target=ask) for _ in range(16)]
        for client in clients:
            client.start()

        def answered():
            return sum(int(each["inference_count"]) for each in server.request("/v2/models/stats")[1]["model_stats"])

        wait_for(lambda: answered() > 0, "the first answers")
        self.assertEqual(server.stop(), 0, server.log())
        for client in clients:
            client.join()
        self.assertIn(2048, answers)
        # A connection that had not been accepted may be refused; one that was must get an answer.
        self.assertTrue(all(a in (2048, "503") or "refused" in str(a) or "reset" in str(a) for a in answers), answers)

    def test_says_it_is_not_ready_before_it_ends(self):
        self.put("affine")
        server = self.serve("--shutdown-delay", 2)
        server.send(signal.SIGTERM)
        wait_for(lambda: server.request("/v2/health/ready")[0] != 200, "the unreadiness")
        self.assertEqual(server.infer("affine", ROW), DOUBLED)
        self.assertEqual(server.ended()[0], 0)

    def test_listens_on_loopback_only(self):
        self.put("affine")
        server = self.serve()
        lines = []
        for table in ("tcp", "tcp6"):
            lines += pathlib.Path(f"/proc/{server.process.pid}/net/{table}").read_text().splitlines()[1:]
        ports = {f"{server.ready[key]:04X}" for key in ("http_port", "grpc_port")}
        listening = [line.split()[1].split(":") for line in lines if line.split()[3] == "0A"]
        ours = [(address, port) for address, port in listening if port in ports]
        self.assertEqual({port for _, port in ours}, ports)
        loopback = {"0100007F", "0000000000000000FFFF00000100007F"}  # the second: IPv4 by an IPv6 socket
        self.assertLessEqual({address for address, _ in ours}, loopback)

    def test_tokens_and_tls(self):
        self.put("affine")
        key, certificate, tokens = (self.folder / name for name in ("key.pem", "certificate.pem", "tokens"))
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        make += ["-days", "2"]
        make += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
        subprocess.run(list(map(str, make)), check=True, capture_output=True)
        tokens.write_text("# of the tests\nsecret\n")
        server = self.serve("--tls-certificate", certificate, "--tls-key", key, "--token-file", tokens)
        context = ssl.create_default_context(cafile=certificate)

        def status(path, token=None):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            request = urllib.request.Request(f"https://{server.http}{path}", headers=headers)
            try:
                return urllib.request.urlopen(request, context=context, timeout=LONG).status
            except urllib.error.HTTPError as error:
                return error.code

        self.assertEqual(status("/v2/health/ready"), 200)
        self.assertEqual(status("/v2/models/affine"), 401)
        self.assertEqual(status("/v2/models/affine", "wrong"), 401)
        self.assertEqual(status("/v2/models/affine", "secret"), 200)

    def test_management_has_a_port_of_its_own(self):
        self.put("affine")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = self.serve("--http-management-port", port)
        self.assertEqual(server.infer("affine", ROW), DOUBLED)
        self.assertEqual(server.request("/metrics")[0], 404)
        server.http = f"127.0.0.1:{port}"
        self.assertEqual(server.request("/metrics")[0], 200)
        self.assertEqual(server.index(), {"affine/1": "READY"})

    def test_metrics_have_tritons_names(self):
        self.put("affine")
        server = self.serve()
        server.infer("affine", ROW)
        status, text = server.request("/metrics")
        self.assertEqual(status, 200)
        self.assertRegex(text, r'nv_inference_request_success\{model="affine",version="1"[^}]*\} 1\n')

    def test_options_that_do_not_fit_are_named(self):
        self.put("affine")
        for words, message in (
            (["--http-port", "70000"], "--http-port 70000"),
            (["--tls-key", "x"], "go together"),
            (["--load-model", "affine"], "--model-control explicit"),
            (["--no-http", "--no-grpc"], "leave nothing"),
            (["--poll-seconds", "-1", "--model-control", "poll"], "--poll-seconds"),
            (["--token-file", "/nowhere"], "/nowhere"),
            (["--host", "not an address"], "not an address"),
        ):
            command = [BURNISH, "serve", str(self.repository), *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONG)
            self.assertNotIn(done.returncode, (0, -6, -11), words)
            self.assertIn(message, done.stderr)

    def test_a_broken_model_ends_it_when_asked_to(self):
        (self.repository / "broken/1").mkdir(parents=True)
        (self.repository / "broken/1/model.engine").write_bytes(b"damaged")
        server = self.serve("--exit-on-error", wait=False)
        code, words = server.ended()
        self.assertNotEqual(code, 0)
        self.assertIn("broken", words)

    def test_tells_the_service_manager(self):
        self.put("affine")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(self.folder / "notify"))
            manager.settimeout(LONG)
            server = self.serve(env={"NOTIFY_SOCKET": str(self.folder / "notify")})
            self.assertEqual(manager.recv(100), b"READY=1")
            server.stop()
            self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_the_program_is_small(self):
        """The server with its CPU kernels, stripped; oneDNN is a library of its own."""
        stripped = self.folder / "burnish"
        subprocess.run(["strip", "-o", str(stripped), BURNISH], check=True)
        self.assertLess(stripped.stat().st_size, 25e6)


if __name__ == "__main__":
    unittest.main()
