#!/usr/bin/env python3
"""Writes the seeds of grpc_fuzzer: requests as tritonclient makes them, and typed contents, which it does not.

    make_grpc_corpus.py tests/fuzz/corpus/grpc_fuzzer
"""
import pathlib
import sys

import numpy as np
import tritonclient.grpc as client
from tritonclient.grpc import _utils, service_pb2


def infer_request(*inputs, outputs=None, **options):
    settings = {"model_version": "", "request_id": "", "sequence_id": 0, "sequence_start": False, "sequence_end": False,
                "priority": 0, "timeout": None, "parameters": None, **options}
    return _utils._get_inference_request(model_name="identity", inputs=inputs, outputs=outputs, **settings)


def raw_input(name, array, datatype):
    tensor = client.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array)
    return tensor


def shared_input(name):
    tensor = client.InferInput(name, [1, 4], "FP32")
    tensor.set_shared_memory("region", 16, offset=8)
    return tensor


def typed(datatype, field, values):
    request = service_pb2.ModelInferRequest(model_name="identity")
    tensor = request.inputs.add(name="INPUT0", datatype=datatype, shape=[len(values)])
    getattr(tensor.contents, field).extend(values)
    return request


def seeds():
    floats = raw_input("INPUT0", np.arange(4, dtype=np.float32).reshape(1, 4), "FP32")
    integers = raw_input("INPUT1", np.array([[1, -1]], dtype=np.int64), "INT64")
    yield infer_request(floats, integers, request_id="7", model_version="1")
    yield infer_request(floats, outputs=[client.InferRequestedOutput("OUTPUT0", class_count=3)], priority=2, timeout=500)
    yield infer_request(floats, sequence_id="talk", sequence_start=True, sequence_end=True, parameters={"own": 0.5})
    yield infer_request(shared_input("INPUT0"))
    for datatype, field, values in [("BOOL", "bool_contents", [True, False]), ("INT8", "int_contents", [-128, 127]),
                                    ("INT64", "int64_contents", [-1, 1 << 60]), ("UINT16", "uint_contents", [65535]),
                                    ("UINT64", "uint64_contents", [1 << 63]), ("FP32", "fp32_contents", [0.5, -2.0]),
                                    ("FP64", "fp64_contents", [1e300]), ("BYTES", "bytes_contents", [b"text"])]:
        yield typed(datatype, field, values)
    yield service_pb2.ModelConfigRequest(name="identity", version="1")
    load = service_pb2.RepositoryModelLoadRequest(model_name="identity")
    load.parameters["config"].string_param = "{}"
    yield load
    yield service_pb2.SystemSharedMemoryRegisterRequest(name="region", key="/key", offset=1, byte_size=64)
    trace = service_pb2.TraceSettingRequest(model_name="identity")
    trace.settings["trace_level"].value.append("TIMESTAMPS")
    yield trace
    log = service_pb2.LogSettingsRequest()
    log.settings["log_verbose_level"].uint32_param = 1
    log.settings["log_info"].bool_param = True
    yield log


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, message in enumerate(seeds()):
        (folder / f"{number:02}.pb").write_bytes(message.SerializeToString(deterministic=True))
