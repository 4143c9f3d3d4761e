"""Writes the corpora of the HTTP fuzz targets: python tests/fuzz/make_http_corpus.py"""

import gzip
import json
import pathlib
import struct
import zlib

CORPUS = pathlib.Path(__file__).parent / "corpus"
NO_LENGTH = 0xFFFF


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def tensor(name, shape, datatype, **rest):
    return {"name": name, "shape": shape, "datatype": datatype, **rest}


def inference(request, binary=b"", length=True):
    text = json.dumps(request).encode()
    return struct.pack("<H", len(text) if length else NO_LENGTH) + text + binary


def infer_corpus():
    floats = struct.pack("<4f", 1, 2, 3, 4)
    sent = tensor("INPUT0", [1, 4], "FP32", parameters={"binary_data_size": 16})
    write("http_infer_fuzzer", "binary", inference({"inputs": [sent], "parameters": {"binary_data_output": True}}, floats))
    numbers = [tensor("INPUT0", [2, 2], "INT64", data=[[1, -2], [3, 4]]), tensor("INPUT1", [2], "BOOL", data=[True, 0])]
    numbers += [tensor("INPUT2", [1], "FP16", data=[0.5]), tensor("INPUT3", [1], "UINT8", data=[255])]
    write("http_infer_fuzzer", "json", inference({"id": "é", "inputs": numbers}, length=False))
    outputs = [{"name": "OUTPUT0", "parameters": {"classification": 2, "binary_data": False}}]
    options = {"priority": 1, "timeout": 5, "sequence_id": "a", "sequence_start": True, "sequence_end": False}
    write("http_infer_fuzzer", "classes", inference({"inputs": [sent], "outputs": outputs, "parameters": options}, floats))
    region = {"shared_memory_region": "r", "shared_memory_byte_size": 16, "shared_memory_offset": 16}
    shared = {"inputs": [tensor("INPUT0", [4], "FP32", parameters=region)], "outputs": [{"name": "OUTPUT0", "parameters": region}]}
    write("http_infer_fuzzer", "shared", inference(shared, length=False))
    write("http_infer_fuzzer", "raw", struct.pack("<H", 0) + floats * 4)


def request_corpus():
    body = b'{"inputs":[]}'
    post = b"POST /v2/models/a%20b/versions/1/infer HTTP/1.1\r\nHost: h\r\nContent-Length: 13\r\n"
    fields = b"Inference-Header-Content-Length: 5\r\nAccept-Encoding: gzip;q=0.5\r\nExpect: 100-continue\r\nContent-Encoding: gzip\r\n"
    write("http_request_fuzzer", "post", post + b"\r\n" + body)
    write("http_request_fuzzer", "fields", post + fields + b"Authorization: Bearer t\r\n\r\n" + body)
    write("http_request_fuzzer", "pipelined", b"GET /v2 HTTP/1.1\r\n\r\n" + post + b"\r\n" + body + b"GET / HTTP/1.0\r\n\r\n")
    chunks = b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n"
    write("http_request_fuzzer", "chunked", b"POST /v2/logging HTTP/1.1\r\n" + chunks + b"HEAD /metrics HTTP/1.1\r\nConnection: close\r\n\r\n")


def endpoints_corpus():
    bodies = [{"ready": True}, {"parameters": {"config": "{}", "file:1/m": "x"}}, {"parameters": {"unload_dependents": True}},
              {"trace_level": ["TIMESTAMPS"], "trace_rate": None}, {"log_info": False, "log_verbose_level": 1},
              {"key": "/k", "byte_size": 64, "offset": 0}, {},
              {"raw_handle": {"b64": "AQL/AA=="}, "device_id": 0, "byte_size": 64}]
    for i, body in enumerate(bodies):
        write("http_endpoints_fuzzer", str(i), bytes([i]) + json.dumps(body).encode())


def inflate_corpus():
    text = bytes(range(256)) * 8
    write("http_inflate_fuzzer", "gzip", gzip.compress(text, mtime=0))
    write("http_inflate_fuzzer", "deflate", zlib.compress(text))
    write("http_inflate_fuzzer", "bomb", zlib.compress(bytes(1 << 17)))
    write("http_inflate_fuzzer", "plain", text)


if __name__ == "__main__":
    infer_corpus()
    request_corpus()
    endpoints_corpus()
    inflate_corpus()
