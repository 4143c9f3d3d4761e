"""Element types between TensorRT, NumPy and the native half; weights; memory of an engine."""

from __future__ import annotations

import ctypes
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from burnish import _core
from burnish.errors import InvalidArgumentError, UnsupportedError
from burnish.tensorrt.enums import DataType

Array = npt.NDArray[Any]

_NATIVE = {
    DataType.FLOAT: _core.DataType.FLOAT32,
    DataType.HALF: _core.DataType.FLOAT16,
    DataType.INT8: _core.DataType.INT8,
    DataType.INT32: _core.DataType.INT32,
    DataType.BOOL: _core.DataType.BOOL,
    DataType.UINT8: _core.DataType.UINT8,
    DataType.FP8: _core.DataType.FLOAT8_E4M3FN,
    DataType.BF16: _core.DataType.BFLOAT16,
    DataType.INT64: _core.DataType.INT64,
    DataType.INT4: _core.DataType.INT4,
}
_BY_NAME = {
    "float32": DataType.FLOAT,
    "float16": DataType.HALF,
    "int8": DataType.INT8,
    "int32": DataType.INT32,
    "bool": DataType.BOOL,
    "uint8": DataType.UINT8,
    "float8_e4m3fn": DataType.FP8,
    "bfloat16": DataType.BF16,
    "int64": DataType.INT64,
    "int4": DataType.INT4,
}

# ONNX's numbers, where a model names a type.
ONNX_TYPES = {
    DataType.FLOAT: 1,
    DataType.UINT8: 2,
    DataType.INT8: 3,
    DataType.INT32: 6,
    DataType.INT64: 7,
    DataType.BOOL: 9,
    DataType.HALF: 10,
    DataType.BF16: 16,
    DataType.FP8: 17,
    DataType.INT4: 22,
}


def native_type(dtype: DataType) -> _core.DataType:
    """The native half's name of a type."""
    return _NATIVE[DataType(dtype)]


def data_type(name: str, what: str) -> DataType:
    """TensorRT's name of a type of ours ("float32"); what: names the tensor in the error for those it has no name of."""
    if name not in _BY_NAME:
        raise UnsupportedError(f"{what} is {name}, a type that TensorRT has no name for: use burnish.load() and NumPy "
                               "arrays, or cast it in the model")
    return _BY_NAME[name]


def nptype(trt_type: DataType) -> type[Any]:
    """NumPy's type for an element type."""
    found: type[Any] = np.dtype(_core.dtype_of(native_type(trt_type))).type
    return found


class Weights:
    """Elements of a layer. `Weights(array)`, `Weights(dtype)` for none, or `Weights(dtype, address, count)`.

    Borrows the memory: it must stay as it is until the network is built.
    """

    def __init__(self, a: DataType | Array | None = None, ptr: int = 0, count: int = 0) -> None:
        if isinstance(a, np.ndarray):
            self._array = np.ascontiguousarray(a)
        else:
            kind = nptype(DataType.FLOAT if a is None else a)
            self._array = array_at(ptr, (count,), np.dtype(kind)) if count else np.empty(0, kind)

    @property
    def dtype(self) -> DataType:
        return data_type(self._array.dtype.name, "an array of weights")

    @property
    def size(self) -> int:
        return int(self._array.size)

    @property
    def nbytes(self) -> int:
        return int(self._array.nbytes)

    def numpy(self) -> Array:
        """The elements, without a copy."""
        return self._array

    def __len__(self) -> int:
        return self.size


WeightsLike = Union[Weights, Array]


def as_array(weights: WeightsLike | None, what: str, shape: tuple[int, ...] | None = None) -> Array | None:
    """The elements in a shape; None where there are none. what: names the weights in errors."""
    array = weights.numpy() if isinstance(weights, Weights) else None if weights is None else np.asarray(weights)
    if array is None or array.size == 0:
        return None
    data_type(array.dtype.name, what)
    if shape is None:
        return array
    if array.size != np.prod(shape):
        raise InvalidArgumentError(f"{what} has {array.size} elements, but its shape is {shape}")
    return array.reshape(shape)


def array_at(address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """A view of host memory, or a copy of a GPU's. The caller vouches for the address."""
    count = int(np.prod(shape, dtype=np.int64))
    if count == 0:
        return np.empty(shape, dtype)
    if _core.is_device_address(address):
        copy = np.empty(shape, dtype)
        _core.copy_from_address(address, copy)
        return copy
    memory = memoryview((ctypes.c_char * (count * dtype.itemsize)).from_address(address))
    view: Array = np.frombuffer(memory, np.uint8).view(dtype).reshape(shape)
    return view


class IHostMemory(bytes):
    """Bytes in memory, such as those of an engine: `f.write(engine)` and `bytes(engine)` work."""

    @property
    def nbytes(self) -> int:
        return len(self)

    @property
    def dtype(self) -> DataType:
        return DataType.INT8
