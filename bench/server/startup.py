"""How long `burnish serve` takes from its start to being ready, and what it holds then.

    python bench/server/startup.py [--runs N] a.engine b.engine c.engine [--map]
"""

import argparse
import json
import pathlib
import signal
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def start_once(repository, options):
    """Milliseconds and resident megabytes, as the ready server tells."""
    words = [ROOT / "build/release/bin/burnish", "serve", repository, "--http-port", "0", "--grpc-port", "0", "--json", *options]
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    text = ""
    for line in process.stdout:
        text += line
        if line.rstrip() == "}":
            break
    ready = json.loads(text)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    resident = next(int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmRSS"))
    process.send_signal(signal.SIGTERM)
    process.communicate()
    if not ready["ready"]:
        raise SystemExit("an engine could not be loaded")
    return ready["ms"], resident


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("engines", nargs="+", type=pathlib.Path)
    parser.add_argument("--map", action="store_true", help="with --map-engines")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for number, engine in enumerate(arguments.engines):
            folder = pathlib.Path(name) / f"model{number}" / "1"
            folder.mkdir(parents=True)
            (folder / "model.engine").symlink_to(engine.resolve())
        runs = [start_once(name, ["--map-engines"] if arguments.map else []) for _ in range(arguments.runs)]
    times = sorted(ms for ms, _ in runs)
    megabytes = sum(engine.stat().st_size for engine in arguments.engines) / 1e6
    print(f"{len(arguments.engines)} engines of {megabytes:.0f} MB: ready after {statistics.median(times):.0f} ms", end=" ")
    print(f"({times[0]:.0f} to {times[-1]:.0f}, {len(times)} runs), {runs[-1][1]:.0f} MB resident")


if __name__ == "__main__":
    main()
