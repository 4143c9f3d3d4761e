"""Burnish: ONNX models compiled into engines that run fast.

    engine = burnish.build("model.onnx", int8=True, calibrate=samples, progress=True)
    logits = engine(images)
    engine.save("model.engine")
    engine = burnish.load("model.engine")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from burnish._build import build
from burnish._core import VERSION as __version__
from burnish._core import DeviceArray, TensorInfo, num_gpus, to_device
from burnish._engine import Engine, load
from burnish.errors import (
    AccuracyError,
    CorruptError,
    Error,
    FileError,
    InternalError,
    InvalidArgumentError,
    InvalidModelError,
    MismatchError,
    OutOfMemoryError,
    UnsupportedError,
)
from burnish.tensorrt import *  # noqa: F403
from burnish.tensorrt import __all__ as _tensorrt_names

if not TYPE_CHECKING:
    from burnish.tensorrt import __getattr__  # explains names of TensorRT that are absent

__all__ = [
    *_tensorrt_names,
    "AccuracyError",
    "CorruptError",
    "DeviceArray",
    "Engine",
    "Error",
    "FileError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidModelError",
    "MismatchError",
    "OutOfMemoryError",
    "TensorInfo",
    "UnsupportedError",
    "__version__",
    "build",
    "load",
    "num_gpus",
    "to_device",
]
