"""INT8 calibrators to subclass: they give samples and keep the ranges that were chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Union

import numpy as np

from burnish.errors import InvalidArgumentError, MismatchError
from burnish.tensorrt.enums import CalibrationAlgoType
from burnish.tensorrt.network import INetworkDefinition
from burnish.tensorrt.profile import IOptimizationProfile
from burnish.tensorrt.weights import Array, array_at, nptype

Memory = Union[int, Array]


class IInt8Calibrator:
    """Implement get_batch_size() and get_batch(); the cache is optional.

    What a calibrator raises leaves the build as it is.
    """

    _algorithm: ClassVar[CalibrationAlgoType] = CalibrationAlgoType.ENTROPY_CALIBRATION_2
    _calibrator: ClassVar[str] = "entropy"

    def __init__(self) -> None:
        pass

    def get_batch_size(self) -> int:
        """How many samples a batch holds."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_batch_size()")

    def get_batch(self, names: list[str]) -> Sequence[Memory] | None:
        """For every input named: an array, or the address of a batch in dense memory of the host or a GPU. None at the
        end."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_batch(names)")

    def read_calibration_cache(self) -> bytes | None:
        """What write_calibration_cache() was given once, or None to calibrate."""
        return None

    def write_calibration_cache(self, cache: bytes) -> None:
        """Keep these bytes: a text of ranges."""

    def get_algorithm(self) -> CalibrationAlgoType:
        return self._algorithm


class IInt8EntropyCalibrator2(IInt8Calibrator):
    """Ranges that lose the least information."""


class IInt8EntropyCalibrator(IInt8Calibrator):
    """The same here as IInt8EntropyCalibrator2."""

    _algorithm = CalibrationAlgoType.ENTROPY_CALIBRATION


class IInt8MinMaxCalibrator(IInt8Calibrator):
    """Ranges that cover all that was seen."""

    _algorithm = CalibrationAlgoType.MINMAX_CALIBRATION
    _calibrator = "minmax"


class IInt8LegacyCalibrator(IInt8Calibrator):
    """Ranges that cover all but the outermost elements. get_quantile() and get_regression_cutoff() are not asked."""

    _algorithm = CalibrationAlgoType.LEGACY_CALIBRATION
    _calibrator = "percentile"


def read_cache(calibrator: IInt8Calibrator) -> bytes:
    """The calibrator's cache, empty where there is none. Raises MismatchError for one that TensorRT wrote."""
    cache = bytes(calibrator.read_calibration_cache() or b"")
    if cache.startswith(b"TRT-"):
        raise MismatchError("the calibration cache was written by TensorRT for its own layers: let "
                            "read_calibration_cache() return None, and keep ours in another file")
    return cache


def samples(calibrator: IInt8Calibrator, network: INetworkDefinition,
            profile: IOptimizationProfile | None) -> Iterator[dict[str, Array]]:
    """The calibrator's batches as arrays by input. The profile gives free dimensions other than the batch's."""
    names = [tensor.name for tensor in (network.get_input(i) for i in range(network.num_inputs))]
    shapes = _batch_shapes(calibrator, network, profile)
    while True:
        batch = calibrator.get_batch(names)
        if batch is None or len(batch) == 0:
            return
        if len(batch) != len(names):
            raise InvalidArgumentError(f"get_batch() gave {len(batch)} addresses for {len(names)} inputs ({names})")
        yield {name: _as_batch(memory, *shapes[name], name) for name, memory in zip(names, batch)}


def _batch_shapes(calibrator: IInt8Calibrator, network: INetworkDefinition,
                  profile: IOptimizationProfile | None) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    shapes = {}
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        dims = list(tensor.shape)
        if dims and dims[0] < 0:
            dims[0] = int(calibrator.get_batch_size())
        opt = profile.get_shape(tensor.name)[1] if profile is not None and profile.has(tensor.name) else None
        for axis, dim in enumerate(dims):
            if dim < 0 and opt is None:
                raise InvalidArgumentError(f"input '{tensor.name}' has the shape {tensor.shape}: set_calibration_profile() "
                                           "tells the shape of calibration batches")
            dims[axis] = opt[axis] if dim < 0 and opt is not None else dim
        shapes[tensor.name] = (tuple(dims), np.dtype(nptype(tensor.dtype)))
    return shapes


def _as_batch(memory: Memory, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> Array:
    if isinstance(memory, np.ndarray):
        return memory
    address = int(memory)
    if address == 0:
        raise InvalidArgumentError(f"get_batch() gave the address 0 for the input '{name}'")
    return array_at(address, shape, dtype)
