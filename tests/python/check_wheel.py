#!/usr/bin/env python3
"""Makes the wheel from a build tree, installs it into an empty folder and uses it there.

    check_wheel.py build/release

BURNISH_PREBUILT tells CMake of the tree, so that nothing is compiled twice: what is tested is what the wheel holds and
that it works where nothing else of the project is found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples/fashion/fashion_resnet.onnx"
USE = f"""
import burnish, numpy
engine = burnish.build({str(MODEL)!r}, opt_level=1, threads=1)
assert engine(numpy.zeros((2, 1, 28, 28), numpy.float32)).shape == (2, 10)
print(burnish.__version__, burnish.__file__)
"""


def run(*command: str | Path, **options: object) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout  # type: ignore[call-overload]


def main() -> None:
    build = Path(sys.argv[1]).resolve()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        wheels, site = Path(folder) / "wheels", Path(folder) / "site"
        run(*pip, "wheel", ROOT, "--no-build-isolation", "--no-deps", "--wheel-dir", wheels, f"-Ccmake.define.BURNISH_PREBUILT={build}",
            env=environment)
        wheel = next(wheels.iterdir())
        names = zipfile.ZipFile(wheel).namelist()
        for name in ("burnish/__init__.py", "burnish/_core.pyi", "burnish/py.typed", "burnish/backend.py"):
            assert name in names, f"{wheel.name} lacks {name}"
        run(*pip, "install", "--no-deps", "--target", site, wheel)
        environment["PYTHONPATH"] = str(site)
        text = run(sys.executable, "-c", USE, env=environment, cwd=folder)
        assert str(site) in text, text
        assert run(site / "bin/burnish", "--version", cwd=folder).startswith("burnish")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, installed and used")


if __name__ == "__main__":
    main()
