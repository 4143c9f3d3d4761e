"""Mixed load on a server whose models come, change and go: every answer is checked, memory must stay flat.

    python tests/serve/soak.py [--seconds 1800]        BURNISH=build/asan/bin/burnish for another program

Clients of HTTP and gRPC, some that vanish in the middle of a body, some that are slow, some that send rubbish; beside
them versions are replaced and models loaded and unloaded. Prints what was done and how much memory it took.
"""

import argparse
import os
import pathlib
import random
import shutil
import socket
import sys
import tempfile
import threading
import time

import numpy
import tritonclient.grpc
import tritonclient.http
from serve_case import Server, build, save_affine

WIDTH = 16
REFUSED = ("not served", "not ready", "unloaded", "drain", "being loaded", "shutting", "no version", "not found", "unavailable")


class Load:
    def __init__(self, server, repository, engines):
        self.server, self.repository, self.engines = server, repository, engines
        self.end = threading.Event()
        self.lock = threading.Lock()
        self.counts = {}
        self.problems = []

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def problem(self, text):
        with self.lock:
            self.problems.append(text)
        self.end.set()

    def check(self, x, y, who):
        """Factors are 2 or 3, whichever version answers; one answer has one factor."""
        ok = any(numpy.array_equal(y, factor * x + 1) for factor in (2, 3))
        self.count(who)
        if not ok:
            self.problem(f"{who}: wrong answer")

    def ask(self, module, address, who, seed):
        numbers = numpy.random.default_rng(seed)
        client = module.InferenceServerClient(address)
        while not self.end.is_set():
            x = numbers.standard_normal((int(numbers.integers(1, 9)), WIDTH)).astype(numpy.float32)
            tensor = module.InferInput("x", list(x.shape), "FP32")
            tensor.set_data_from_numpy(x)
            model = "steady" if numbers.random() < 0.7 else "fleeting"
            try:
                self.check(x, client.infer(model, [tensor]).as_numpy("y"), who)
            except module.InferenceServerException as error:
                if model == "steady" or not any(word in str(error).lower() for word in REFUSED):
                    self.problem(f"{who}: {model}: {error}")
                self.count(f"{who}, refused")
        client.close()

    def raw(self, text, wait=0.0, read=True):
        host, port = self.server.http.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(text)
            time.sleep(wait)
            return connection.recv(65536) if read else b""

    def vanish(self, seed):
        choose = random.Random(seed)
        while not self.end.is_set():
            length = choose.choice([100, 100000, 10000000])
            head = f"POST /v2/models/steady/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
            self.raw(head + b"x" * choose.randrange(min(length, 5000)), choose.random() * 0.05, read=False)
            self.count("vanished")

    def dawdle(self, seed):
        choose = random.Random(seed)
        body = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1,16],"data":[%s]}]}' % b",".join([b"1"] * 16)
        head = b"POST /v2/models/steady/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        host, port = self.server.http.split(":")
        while not self.end.is_set():
            with socket.create_connection((host, int(port)), timeout=60) as connection:
                for piece in (head[:20], head[20:], body[:30], body[30:]):
                    connection.sendall(piece)
                    time.sleep(choose.random() * 0.1)
                answer = connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200"):
                self.problem(f"slow: {answer[:300]!r}")
            self.count("slow")

    def rubbish(self, seed):
        choose = random.Random(seed)
        while not self.end.is_set():
            junk = bytes(choose.randrange(256) for _ in range(choose.randrange(200)))
            head = b"POST /v2/models/steady/infer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            answer = self.raw(head % len(junk) + junk)
            if not answer.startswith(b"HTTP/1.1 4"):
                self.problem(f"rubbish {junk!r}: {answer[:300]!r}")
            self.count("rubbish")
            time.sleep(0.01)

    def replace(self, seed):
        choose = random.Random(seed)
        while not self.end.is_set():
            factor, version = choose.choice([2, 3]), choose.choice([1, 2])
            folder = self.repository / "steady" / str(version)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.engines / f"affine{factor}.engine", folder / "new")
            os.rename(folder / "new", folder / "model.engine")
            self.manage("steady/load")
            self.count("replaced")
            time.sleep(0.05)

    def come_and_go(self, _):
        while not self.end.is_set():
            self.manage("fleeting/load")
            time.sleep(0.1)
            self.manage("fleeting/unload")
            self.count("loaded and unloaded")
            time.sleep(0.05)

    def manage(self, what):
        status, answer = self.server.request(f"/v2/repository/models/{what}", {})
        if status != 200:
            self.problem(f"{what}: {status} {answer}")

    def watch(self, _):
        while not self.end.is_set():
            for path in ("/metrics", "/v2/models/stats", "/v2/health/ready", "/"):
                status, _ = self.server.request(path)
                if status != 200:
                    self.problem(f"{path}: {status}")
            time.sleep(0.2)

    def guarded(self, work, seed):
        try:
            work(seed)
        except OSError as error:
            self.problem(f"{work.__name__}: {error!r}")

    def start(self):
        http = lambda seed: self.ask(tritonclient.http, self.server.http, "HTTP", seed)
        grpc = lambda seed: self.ask(tritonclient.grpc, self.server.grpc, "gRPC", seed)
        work = [http, http, grpc, grpc, self.vanish, self.dawdle, self.dawdle, self.rubbish, self.replace, self.come_and_go]
        work.append(self.watch)
        self.threads = [threading.Thread(target=self.guarded, args=(each, seed)) for seed, each in enumerate(work)]
        for thread in self.threads:
            thread.start()


def watch_memory(load, server, seconds, say):
    """Waits so long, or until something went wrong; every minute says what the server holds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not load.end.wait(min(60.0, left)):
        say(f"{time.monotonic() - server.started:>9.0f} s {server.resident_bytes() / 1e6:.2f} MB")


def soak(seconds, say=print):
    """The problems; empty when all went well."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        repository = folder / "models"
        for factor in (2, 3):
            save_affine(folder / f"affine{factor}.onnx", factor)
            build(folder / f"affine{factor}.onnx", folder / f"affine{factor}.engine")
        for model in ("steady", "fleeting"):
            (repository / model / "1").mkdir(parents=True)
            shutil.copy(folder / "affine2.engine", repository / model / "1/model.engine")
        (repository / "steady/config.json").write_text('{"dynamic_batching": {"max_queue_delay_microseconds": 200}}')
        with Server(repository, "--model-control", "explicit", "--load-model", "steady") as server:
            load = Load(server, repository, folder)
            load.start()
            warm = max(3.0, seconds * 0.2)
            watch_memory(load, server, warm, say)
            before = server.resident_bytes()
            watch_memory(load, server, max(1.0, seconds - warm), say)
            after = server.resident_bytes()
            load.end.set()
            for thread in load.threads:
                thread.join()
            code = server.stop()
            if code != 0 or server.log().count("ERROR: ") > 0:
                load.problems.append(f"exit code {code}: {server.log()[-3000:]}")
    for what, count in sorted(load.counts.items()):
        say(f"{count:>9} {what}")
    say(f"memory: {before / 1e6:.1f} MB after {warm:.0f} s, {after / 1e6:.1f} MB at the end ({after / before - 1:+.1%})")
    return load.problems, after / before - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1800)
    problems, growth = soak(parser.parse_args().seconds)
    for problem in problems:
        print("PROBLEM:", problem)
    if growth > 0.05:
        print("PROBLEM: memory has grown by more than 5 %")
    sys.exit(bool(problems) or growth > 0.05)


if __name__ == "__main__":
    main()
