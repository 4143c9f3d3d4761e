"""The gateways' configurations in packaging/gateway, as they stand but for addresses: a server is killed under load."""

import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import numpy
import tritonclient.grpc
import tritonclient.http
from serve_case import LONG, ROOT, ServeCase, wait_for

X = numpy.arange(16, dtype=numpy.float32).reshape(1, 16)
CLIENTS = 4


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client(threading.Thread):
    """Asks until told to stop; asks again what failed, and counts how often it had to."""

    def __init__(self, module, address):
        super().__init__()
        self.module, self.address = module, address
        self.answers, self.retries, self.lost, self.wrong = 0, 0, 0, 0
        self.end = threading.Event()

    def run(self):
        client = self.module.InferenceServerClient(self.address)
        number = 0
        while not self.end.is_set():
            number += 1
            x = self.module.InferInput("x", [1, 16], "FP32")
            x.set_data_from_numpy(X + number)
            for _ in range(5):
                try:
                    y = client.infer("affine", [x]).as_numpy("y")
                    self.answers += 1
                    self.wrong += not numpy.array_equal(y, 2 * (X + number) + 1)
                    break
                except Exception:  # noqa: BLE001: of the network or of a server; both are to be tried again
                    self.retries += 1
                    time.sleep(0.05)
            else:
                self.lost += 1
        client.close()


class Gateway(ServeCase):
    def put_servers_behind(self, text, listening):
        """Replaces the two servers' addresses, and the gateway's ports."""
        self.put("affine")
        self.servers = [self.serve() for _ in range(2)]
        for number, server in enumerate(self.servers, start=1):
            for port, key in ((8000, "http_port"), (8001, "grpc_port")):
                text = text.replace(f"10.0.0.{number}:{port}", f"127.0.0.1:{server.ready[key]}")
            # HAProxy asks for health over HTTP on both.
            line = re.compile(rf"(127\.0\.0\.1:{server.ready['grpc_port']} .*check port) 8000")
            text = line.sub(rf"\1 {server.ready['http_port']}", text)
        for port in (9000, 9001):
            text = text.replace(listening.format(port), listening.format(f"{self.address(port)}"))
        return text

    def address(self, port):
        self.ports = getattr(self, "ports", {})
        return self.ports.setdefault(port, free_port())

    def start(self, *words):
        gateway = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(gateway.stdout.close)
        self.addCleanup(gateway.wait)
        self.addCleanup(gateway.terminate)

        def listens():
            self.assertIsNone(gateway.poll(), "the gateway has ended")
            try:
                client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{self.ports[9000]}")
                return client.is_server_ready() and client.is_model_ready("affine")
            except Exception:  # noqa: BLE001: not yet
                return False

        wait_for(listens, "the gateway")

    def kill_one_under_load(self):
        clients = [Client(tritonclient.http, f"127.0.0.1:{self.ports[9000]}") for _ in range(CLIENTS)]
        clients += [Client(tritonclient.grpc, f"127.0.0.1:{self.ports[9001]}") for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        answered = lambda: min(client.answers for client in clients)
        try:
            wait_for(lambda: answered() > 20, "answers of both servers")
            shares = [
                sum(int(m["inference_count"]) for m in server.request("/v2/models/stats")[1]["model_stats"])
                for server in self.servers
            ]
            self.assertTrue(all(share > 0 for share in shares), shares)
            self.servers[0].send(signal.SIGKILL)
            before = answered()
            wait_for(lambda: answered() > before + 50, "answers of the other")
        finally:
            for client in clients:
                client.end.set()
            for client in clients:
                client.join()
        self.assertEqual(sum(client.wrong for client in clients), 0)
        self.assertEqual(sum(client.lost for client in clients), 0)
        # What was in flight on it, and no more than each client's next one.
        self.assertLessEqual(sum(client.retries for client in clients), 2 * len(clients))

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx(self):
        text = self.put_servers_behind((ROOT / "packaging/gateway/nginx.conf").read_text(), "listen {}")
        text = text.replace("listen ", "listen 127.0.0.1:")
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = text.replace("http {", "http {\n" + temporary, 1)
        head = f"daemon off;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/errors;\n"
        (self.folder / "nginx.conf").write_text(head + text)
        self.start("nginx", "-e", self.folder / "errors", "-c", self.folder / "nginx.conf")
        self.kill_one_under_load()

    @unittest.skipUnless(shutil.which("haproxy"), "HAProxy is not installed")
    def test_haproxy(self):
        text = self.put_servers_behind((ROOT / "packaging/gateway/haproxy.cfg").read_text(), "bind :{}")
        (self.folder / "haproxy.cfg").write_text(text.replace("bind :", "bind 127.0.0.1:"))
        self.start("haproxy", "-db", "-f", self.folder / "haproxy.cfg")
        self.kill_one_under_load()


if __name__ == "__main__":
    unittest.main()
