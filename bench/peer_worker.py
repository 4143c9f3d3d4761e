"""One peer of bench/peers.py in a process of its own. Answers every line on stdin with one round's median as JSON."""
import json
import resource
import statistics
import sys
import threading
import time

import numpy as np


def peak_kb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def feeds_of(shapes):
    rng = np.random.default_rng(0)
    feeds = {}
    for name, shape in shapes.items():
        if "ids" in name and "type" not in name:
            feeds[name] = rng.integers(0, 1000, shape)
        elif "mask" in name or "type" in name:
            feeds[name] = np.full(shape, 1 if "mask" in name else 0, np.int64)
        else:
            feeds[name] = rng.standard_normal(shape).astype(np.float32)
    return feeds


def onnxruntime_runner(setup, feeds):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = setup["threads"]
    bare = peak_kb()
    session = ort.InferenceSession(setup["model"], options, providers=["CPUExecutionProvider"])
    # One session for all callers: two sessions' threads would hinder each other more.
    return [lambda: session.run(None, feeds)] * setup["contexts"], ort.__version__, bare


def openvino_runner(setup, feeds):
    import openvino as ov

    core = ov.Core()
    bare = peak_kb()
    model = core.read_model(setup["model"])
    model.reshape({name: list(value.shape) for name, value in feeds.items()})
    options = {"INFERENCE_NUM_THREADS": setup["threads"] * setup["contexts"], "INFERENCE_PRECISION_HINT": setup["hint"]}
    options |= {"NUM_STREAMS": setup["contexts"]} if setup["contexts"] > 1 else {"PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", options)
    requests = [compiled.create_infer_request() for _ in range(setup["contexts"])]
    calls = [lambda request=request: request.infer(feeds, share_inputs=True) for request in requests]
    return calls, ov.__version__.split("-")[0], bare


RUNNERS = {"onnxruntime": onnxruntime_runner, "openvino": openvino_runner}


def repeated(run, seconds, times):
    """Appends to times how long each run took."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)


def one_round(calls, seconds):
    """Of one caller the median time of an inference, of several the time they need for one together; milliseconds."""
    for run in calls:
        run()
    times = []
    start = time.perf_counter()
    threads = [threading.Thread(target=repeated, args=(run, seconds, times)) for run in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    return (statistics.median(times) if len(calls) == 1 else elapsed / len(times)) * 1e3


def main():
    setup = json.loads(sys.argv[1])
    feeds = feeds_of(setup["shapes"])
    calls, version, bare = RUNNERS[setup["peer"]](setup, feeds)
    calls[0]()
    print(json.dumps({"version": version}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"median_ms": one_round(calls, setup["seconds"]), "peak_kb": peak_kb() - bare}), flush=True)


if __name__ == "__main__":
    main()
