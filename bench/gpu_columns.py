"""What bench/gpu_peers.py measures: Burnish through its program, and PyTorch in workers, one a column and batch."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import time

from child_process import WorkerProcess, checked
from peer_columns import input_shapes, shape_text

BURNISH = "Burnish"
# Column name -> what the worker calls it.
PYTORCH = {"eager FP32": "eager", "FP16 + CUDA graph": "graph", "torch.compile": "compile"}
EAGER = "eager FP32"
COMPILE = "torch.compile"
LOAD_SECONDS, PREPARE_SECONDS, RUN_SECONDS = 180, 120, 60  # most that a worker, or a run of the program, may take
BUILD_SECONDS = 300
WORKER_THREADS = 4


class TorchColumn:
    """A worker that loads as soon as it is started; prepare() makes it ready for rounds."""

    def __init__(self, args, column, model="", batch=0):
        setup = {"column": column, "model": model, "batch": batch, "sequence": args.sequence, "seconds": args.seconds,
                 "threads": WORKER_THREADS, "lock": str(pathlib.Path(args.work) / "gpu.lock"),
                 "log": str(pathlib.Path(args.work) / f"{model or 'card'}_b{batch}_{column}.log")}
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "TORCHINDUCTOR_COMPILE_THREADS": str(WORKER_THREADS),
               "TORCHINDUCTOR_CACHE_DIR": str(pathlib.Path(args.work).resolve() / "inductor")}
        self.worker = WorkerProcess(args.worker, setup, env)
        self.details = {}

    def load(self):
        """Waits until the model is there, on the CPU."""
        if "versions" not in self.details:
            self.details["versions"] = self.worker.answer(LOAD_SECONDS)["versions"]

    def prepare(self, timeout=PREPARE_SECONDS):
        if "prepare_s" in self.details:
            return
        self.load()
        self.worker.tell("prepare")
        self.details["prepare_s"] = self.worker.answer(timeout)["prepare_s"]

    def run(self):
        self.worker.tell("run")
        return self.worker.answer(RUN_SECONDS)

    def round(self):
        return self.run()["median_ms"]

    def release(self):
        self.worker.release()

    def close(self):
        self.worker.close()


class BurnishColumn:
    """An engine for one batch. caches: the folder of its timing cache and of its compiled kernels."""

    def __init__(self, args, onnx_path, model, batch, caches):
        self.args, self.model, self.onnx_path = args, model, onnx_path
        self.shapes = input_shapes(model, batch, args.sequence)
        self.engine = pathlib.Path(args.work) / f"{model}_b{batch}_{args.precision}.engine"
        self.caches = caches
        self.env = {**os.environ, "BURNISH_CACHE_DIR": str(caches.resolve())}
        self.loads_ms = []
        self.details = {"version": self.program("--version").split()[-1]}

    def program(self, *arguments, timeout=RUN_SECONDS):
        return checked([self.args.program, *arguments], self.env, timeout)

    def build_s(self):
        """Seconds of one build, the program's start included."""
        self.caches.mkdir(parents=True, exist_ok=True)
        profile = ",".join(f"{n}={shape_text(s)}" for n, s in self.shapes.items())
        precision = [] if self.args.precision == "fp32" else [f"--{self.args.precision}"]
        start = time.perf_counter()
        self.program("build", self.onnx_path, "-o", self.engine, "--target", "cuda", "--profile", profile, *precision,
                     "--timing-cache", self.caches / "timing.cache", "--quiet", timeout=BUILD_SECONDS)
        return time.perf_counter() - start

    def build(self, cold):
        """cold: with both caches emptied, then once more with what that left there; else with the caches as they are."""
        if not cold:
            self.details["build_s"] = self.build_s()
        else:
            shutil.rmtree(self.caches, ignore_errors=True)
            self.details["cold_build_s"] = self.build_s()
            self.details["warm_build_s"] = self.build_s()
        self.details["engine_mb"] = self.engine.stat().st_size / 1e6

    def bench(self, memory, *options):
        shapes = [word for n, s in self.shapes.items() for word in ("--shape", f"{n}={shape_text(s)}")]
        return json.loads(self.program("bench", self.engine, "--memory", memory, "--duration", self.args.seconds, *shapes,
                                       "--json", *options))

    def round(self):
        answer = self.bench("device")
        self.loads_ms.append(answer["load_ms"])
        self.details.update(load_ms=statistics.median(self.loads_ms), first_ms=answer["first_ms"],
                            arena_mb=answer["arena_bytes"] / 1e6)
        return answer["median_ms"]

    def from_host_ms(self):
        """One execution with its inputs copied to the GPU and its outputs back, by the clock."""
        return self.bench("host")["median_ms"]

    def steps(self):
        return self.bench("device", "--profile-steps")["steps"]


@contextlib.contextmanager
def started(args, cases, names):
    """Case -> column name -> TorchColumn, all loading at the same time; ended on the way out."""
    columns = {case: {name: TorchColumn(args, PYTORCH[name], *case) for name in names} for case in cases}
    try:
        yield columns
    finally:
        for of_case in columns.values():
            for column in of_case.values():
                column.close()


def card_peaks(args):
    """{"gflop_per_s": of FP16 products, "gb_per_s": of copies} of this card."""
    column = TorchColumn(args, "peaks")
    try:
        column.prepare()
        return column.run()
    finally:
        column.close()
