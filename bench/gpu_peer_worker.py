"""One column of bench/gpu_peers.py: PyTorch in one of its ways, in a process of its own.

It makes the model on the CPU and says so; told "prepare" it takes the GPU, compiles or captures, and says so; every "run"
is answered with the median of one round. Times are those of CUDA events around one execution at a time, inputs on the GPU.
"""
import fcntl
import json
import os
import statistics
import sys
import time

import torch

import torch_models

WARM_UP_SECONDS = 0.2  # before every round: an idle card lowers its clocks; `burnish bench` does the same
MIN_RUNS = 5
PEAK_SIZE = 8192  # of square FP16 matrices
PEAK_BYTES = 1 << 30


def eager_fp32(model, inputs, _turn):
    """As a framework comes: no channels-last, no benchmark mode."""
    return lambda: model(*inputs)


def in_half(model, inputs):
    """In FP16, images channels-last, the fastest convolutions looked for."""
    torch.backends.cudnn.benchmark = True
    model = model.half()
    if all(x.is_floating_point() for x in inputs):
        model = model.to(memory_format=torch.channels_last)
        inputs = [x.half().to(memory_format=torch.channels_last) for x in inputs]
    return model, inputs


def graph_fp16(model, inputs, _turn):
    model, inputs = in_half(model, inputs)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # the choice of kernels must not be captured
        for _ in range(3):
            model(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = model(*inputs)

    def run():
        graph.replay()
        return outputs

    return run


def compile_fp16(model, inputs, turn):
    """torch.compile(model, mode="reduce-overhead"), spelled out: workers compile side by side, but each chooses its
    convolutions' kernels and records its CUDA graph in its turn on the GPU."""
    import torch._inductor.config
    from torch._inductor.compile_fx import compile_fx

    def inductor(graph, examples):
        compiled = compile_fx(graph, examples, config_patches=torch._inductor.list_mode_options("reduce-overhead"))
        turn.take()
        return compiled

    model, inputs = in_half(model, inputs)
    torch._inductor.config.freezing = True
    compiled = torch.compile(model, backend=inductor)
    for _ in range(5):  # compiles, warms up, records, replays
        compiled(*inputs)
    return lambda: compiled(*inputs)


def times_ms(run, seconds):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < MIN_RUNS:
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return times


def median_ms(run, seconds):
    times_ms(run, WARM_UP_SECONDS)
    return statistics.median(times_ms(run, seconds))


class Turn:
    """A worker's turn on the GPU while it prepares, among the workers that do so at the same time."""

    def __init__(self, path):
        self.file = open(path, "w")

    def take(self):
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def end(self):
        torch.cuda.synchronize()
        fcntl.flock(self.file, fcntl.LOCK_UN)


class Model:
    """A column: a model at a batch, run in one way."""

    WAYS = {"eager": eager_fp32, "graph": graph_fp16, "compile": compile_fp16}

    def __init__(self, setup):
        self.setup = setup
        self.model = torch_models.make_model(setup["model"])
        self.inputs = torch_models.make_inputs(setup["model"], setup["batch"], setup["sequence"])
        self.run = None

    def prepare(self):
        model, inputs = self.model.cuda(), [x.cuda() for x in self.inputs]
        turn = Turn(self.setup["lock"])
        self.run = self.WAYS[self.setup["column"]](model, inputs, turn)
        self.run()
        turn.end()
        torch.cuda.empty_cache()

    def round(self):
        return {"median_ms": median_ms(self.run, self.setup["seconds"])}


class Peaks:
    """What the card gives at most: a large product of FP16 matrices, a large copy within its memory."""

    def __init__(self, setup):
        self.setup = setup

    def prepare(self):
        self.a, self.b = (torch.randn(PEAK_SIZE, PEAK_SIZE, device="cuda", dtype=torch.half) for _ in range(2))
        self.source = torch.ones(PEAK_BYTES, device="cuda", dtype=torch.uint8)
        self.target = torch.empty_like(self.source)

    def round(self):
        product_ms = median_ms(lambda: torch.matmul(self.a, self.b), self.setup["seconds"])
        copy_ms = median_ms(lambda: self.target.copy_(self.source), self.setup["seconds"])
        return {"gflop_per_s": 2 * PEAK_SIZE**3 / product_ms / 1e6, "gb_per_s": 2 * PEAK_BYTES / copy_ms / 1e6}


def versions():
    return {"PyTorch": torch.__version__, "CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version()}


def answers():
    """Standard output as it was; whatever libraries print goes to the log."""
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return stream


def short(error):
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:300]


def serve(setup, say):
    torch.set_grad_enabled(False)
    torch.set_num_threads(setup["threads"])
    column = (Peaks if setup["column"] == "peaks" else Model)(setup)
    say({"versions": versions()})
    for line in sys.stdin:
        if line.strip() == "prepare":
            start = time.perf_counter()
            column.prepare()
            say({"prepare_s": time.perf_counter() - start})
        else:
            say(column.round())


def main():
    stream = answers()

    def say(answer):
        print(json.dumps(answer), file=stream, flush=True)

    try:
        serve(json.loads(sys.argv[1]), say)
    except Exception as e:
        say({"error": short(e)})
        raise


if __name__ == "__main__":
    main()
