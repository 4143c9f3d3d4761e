"""Engine: a compiled model that is called like a function."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Union

import numpy as np

from burnish import _core
from burnish._device import DeviceLike, gpu_number
from burnish._table import StepTable, engine_page
from burnish.errors import MismatchError

EngineSource = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview]


class Engine(_core.Engine):
    """A compiled model. Immutable; any number of threads may call it at once.

    `engine(x, y)` executes with arrays in the order of `engine.inputs`, `engine.run({"x": x})` by name. Arrays are
    NumPy's, or tensors with `__dlpack__`; dense ones are read where they lie. With `out=`, outputs are written into
    arrays of yours.

    Engines for GPUs take host and device memory in any mix. Given tensors in the GPU's memory, outputs are made there,
    too: PyTorch's tensors for PyTorch's, else DeviceArray. Calls with nothing but PyTorch's tensors on the GPU are put on
    PyTorch's current stream, or on `stream=`, and return at once; all others wait until the outputs are there.
    """

    report: dict[str, Any]
    """What the build did, for engines that build() made: seconds, fused, accuracy, …"""

    def profile(self, inputs: Mapping[str, Any] | None = None, *, rounds: int = 20, profile: int = 0) -> StepTable:
        """Executes `rounds` times with a clock around every step; a table that `pandas.DataFrame` takes.

        Without inputs, zeros of the shapes that `profile` is tuned for.
        """
        given = dict(inputs) if inputs is not None else self.example_inputs(profile)
        return StepTable(self.profile_steps(given, rounds))

    def example_inputs(self, profile: int = 0) -> dict[str, np.ndarray[Any, Any]]:
        """Zeros for every input, of the shapes that a profile is tuned for."""
        return {i.name: np.zeros(self.input_range(i.name, profile)[1], i.dtype) for i in self.inputs}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the engine file, complete or not at all."""
        super().save(os.fspath(path))

    def __repr__(self) -> str:
        inputs = ", ".join(map(repr, self.inputs))
        outputs = ", ".join(map(repr, self.outputs))
        return f"<burnish.Engine ({inputs}) -> ({outputs})>"

    def _repr_html_(self) -> str:
        return engine_page(self)

    def __reduce__(self) -> tuple[type[Engine], tuple[bytes, int, int]]:
        return Engine, (self.serialize(), self.threads, gpu_number(self.device))


def load(engine: EngineSource, threads: int = 0, device: DeviceLike = None) -> Engine:
    """Loads an engine from a file, or from bytes.

    A file is mapped and must stay unchanged while the engine lives. `threads`: how many one call uses; 0: all cores.
    `device`: where it shall run: "cuda:1" or 1 (the second GPU), "cuda", "cpu". None: of the engines in the file, the one
    for the first GPU, else the one for the CPU. Raises MismatchError where the file has none for the device.
    """
    number = gpu_number(device)
    source = engine if isinstance(engine, (bytes, bytearray, memoryview)) else os.fspath(engine)
    made = Engine(source, threads, number)
    if device is not None and (made.device == "cpu") != (number < 0):
        raise MismatchError(f"the engine was built for the target '{made.target}' and cannot run on the device '{device}': "
                            "build it with target= for that device")
    return made
