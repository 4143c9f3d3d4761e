#!/usr/bin/env python3
"""Stands for the program in tests of bench/gpu_peers.py: notes its commands, answers with plain figures."""
import json
import os
import pathlib
import sys

CALLS = pathlib.Path(os.environ["FAKE_CALLS"])


def build(words):
    cubins = pathlib.Path(os.environ["BURNISH_CACHE_DIR"]) / "cubins"
    cubins.mkdir(parents=True, exist_ok=True)
    was_warm = (cubins / "kernel").exists()
    (cubins / "kernel").touch()
    pathlib.Path(words[words.index("-o") + 1]).write_bytes(b"engine")
    return {"was_warm": was_warm}


def bench(words):
    on_device = words[words.index("--memory") + 1] == "device"
    answer = {"median_ms": 0.4 if on_device else 0.6, "load_ms": 50, "first_ms": 1, "arena_bytes": 2e6}
    if "--profile-steps" in words:
        answer["steps"] = [{"name": "conv", "op": "FusedConv", "tactic": "t", "median_us": 100, "gflop_per_s": 5e5,
                            "gb_per_s": 100, "share": 0.5},
                           {"name": "add", "op": "Add", "tactic": "t", "median_us": 100, "gflop_per_s": 1, "gb_per_s": 500,
                            "share": 0.5}]
    return answer


def main():
    words = sys.argv[1:]
    if words == ["--version"]:
        print("burnish 9.9")
        return
    if os.environ.get("FAKE_FAILURE", "nothing") in words:
        sys.exit("error: the card is on fire")
    answer = {"build": build, "bench": bench}[words[0]](words)
    with CALLS.open("a") as calls:
        calls.write(json.dumps({"words": words, **answer}) + "\n")
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
