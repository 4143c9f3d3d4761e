"""What tests of `burnish serve` share: small models, a repository made of them, and a server that runs."""

import json
import os
import pathlib
import select
import shutil
import signal as signals
import subprocess
import tempfile
import time
import unittest
import urllib.request

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
BURNISH = os.environ.get("BURNISH", str(ROOT / "build/release/bin/burnish"))
LONG = 120  # seconds; only ever waited out when something is broken: the machine may be busy


def save_model(path, nodes, inputs, outputs, weights=()):
    graph = helper.make_graph(nodes, "model", inputs, outputs, list(weights))
    opset = [helper.make_opsetid("", 17)]
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def tensor(name, *shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def save_affine(path, factor, offset=1.0, width=16):
    """y = x · factor + offset, over batches of `width` floats."""
    weights = [
        numpy_helper.from_array(numpy.array(value, numpy.float32), name)
        for name, value in (("factor", factor), ("offset", offset))
    ]
    nodes = [
        helper.make_node("Mul", ["x", "factor"], ["product"]),
        helper.make_node("Add", ["product", "offset"], ["y"]),
    ]
    save_model(path, nodes, [tensor("x", "batch", width)], [tensor("y", "batch", width)], weights)


def save_weighty(path, size):
    """One matrix of size × size floats; y = x · matrix."""
    matrix = numpy.random.default_rng(0).standard_normal((size, size)).astype(numpy.float32)
    nodes = [helper.make_node("MatMul", ["x", "matrix"], ["y"])]
    inputs, outputs = [tensor("x", "batch", size)], [tensor("y", "batch", size)]
    save_model(path, nodes, inputs, outputs, [numpy_helper.from_array(matrix, "matrix")])


def build(model, engine, *options):
    """Level 1: the tests need right answers, not fast ones."""
    pathlib.Path(engine).parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [BURNISH, "build", str(model), "-o", str(engine), "--opt-level", "1", "-q", *options], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise AssertionError(done.stderr)


class Server:
    """`burnish serve` on ports of its own; use it in a `with`."""

    def __init__(self, repository, *options, wait=True, env=None):
        words = [BURNISH, "serve", str(repository), "--http-port", "0", "--grpc-port", "0", "--json", *map(str, options)]
        self._errors = tempfile.TemporaryFile("w+")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=self._errors, text=True, env={**os.environ, **(env or {})}
        )
        self.ready = None
        if wait:
            self.wait_until_announced()

    def wait_until_announced(self):
        lines = []
        while True:
            readable, _, _ = select.select([self.process.stdout], [], [], LONG)
            line = self.process.stdout.readline() if readable else ""
            lines.append(line)
            if not line:
                raise AssertionError(f"no word of the server: {self.log()}")
            if line.rstrip() == "}":
                break
        self.ready = json.loads("".join(lines))
        self.http = f"127.0.0.1:{self.ready.get('http_port', 0)}"
        self.grpc = f"127.0.0.1:{self.ready.get('grpc_port', 0)}"

    def log(self):
        self._errors.seek(0)
        return self._errors.read()

    def request(self, path, body=None, method=None):
        """Status and body, parsed if it is JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.http}{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LONG) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode(errors="replace")

    def index(self):
        """{"model/version": state} with the reason, where there is one."""
        _, entries = self.request("/v2/repository/index", {})
        return {
            f"{e['name']}/{e.get('version', '')}": f"{e.get('state', '')} {e.get('reason', '')}".strip() for e in entries
        }

    def infer(self, model, row, version=None):
        """The first row of y for a row x."""
        path = f"/v2/models/{model}" + (f"/versions/{version}" if version else "") + "/infer"
        inputs = [{"name": "x", "datatype": "FP32", "shape": [1, len(row)], "data": list(row)}]
        status, answer = self.request(path, {"inputs": inputs})
        if status != 200:
            raise AssertionError(f"{status}: {answer}")
        return answer["outputs"][0]["data"]

    def resident_bytes(self):
        fields = dict(
            line.split(":", 1) for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        )
        return int(fields["VmRSS"].split()[0]) * 1024

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, number=signals.SIGTERM):
        """The exit code."""
        if self.process.poll() is None:
            self.signal(number)
        try:
            return self.process.wait(LONG)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self._errors.close()


def wait_for(condition, what):
    """Until it holds; busy machines may take their time."""
    end = time.monotonic() + LONG
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.02)


class ServeCase(unittest.TestCase):
    """A repository in a folder of its own for each test; engines are built once for all."""

    engines = None

    @classmethod
    def setUpClass(cls):
        if ServeCase.engines is not None:
            return
        ServeCase._engines_folder = tempfile.TemporaryDirectory()
        ServeCase.engines = pathlib.Path(ServeCase._engines_folder.name)
        for factor in (2, 3):
            save_affine(cls.engines / f"affine{factor}.onnx", factor)
            build(cls.engines / f"affine{factor}.onnx", cls.engines / f"affine{factor}.engine")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.repository = self.folder / "models"
        self.repository.mkdir()

    def put(self, name, version=1, factor=2, config=None):
        """An affine model's engine, as an operator would replace it: by renaming."""
        folder = self.repository / name / str(version)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.engines / f"affine{factor}.engine", folder / "new")
        os.rename(folder / "new", folder / "model.engine")
        if config is not None:
            self.configure(name, config)

    def configure(self, name, config):
        (self.repository / name).mkdir(exist_ok=True)
        (self.repository / name / "config.new").write_text(json.dumps(config))
        os.rename(self.repository / name / "config.new", self.repository / name / "config.json")

    def serve(self, *options, **keywords):
        server = Server(self.repository, "--engine-cache", self.folder / "cache", *options, **keywords)
        self.addCleanup(server.__exit__)
        return server
