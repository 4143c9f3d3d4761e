"""Stands for bench/gpu_peer_worker.py in tests: no PyTorch, no GPU. FAKE_WORKERS: column -> dies, raises or hangs."""
import json
import os
import sys

MEDIANS_MS = {"eager": 4.0, "graph": 0.8, "compile": 0.5}


def main():
    setup = json.loads(sys.argv[1])
    column = setup["column"]
    behaviour = json.loads(os.environ.get("FAKE_WORKERS", "{}")).get(column, "")
    if behaviour == "dies":
        sys.exit("Killed for its memory")
    print(json.dumps({"versions": {"PyTorch": "0"}}), flush=True)
    for line in sys.stdin:
        if line.strip() == "prepare" and behaviour == "raises":
            print(json.dumps({"error": "OutOfMemoryError: no room"}), flush=True)
        elif line.strip() == "prepare" and behaviour != "hangs":
            print(json.dumps({"prepare_s": 0.1}), flush=True)
        elif line.strip() == "run" and column == "peaks":
            print(json.dumps({"gflop_per_s": 1e6, "gb_per_s": 1000}), flush=True)
        elif line.strip() == "run":
            print(json.dumps({"median_ms": MEDIANS_MS[column]}), flush=True)


if __name__ == "__main__":
    main()
