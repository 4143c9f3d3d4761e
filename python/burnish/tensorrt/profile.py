"""Optimization profiles."""

from __future__ import annotations

from collections.abc import Sequence

from burnish.errors import InvalidArgumentError
from burnish.tensorrt.base import Checked, Dims, DimsLike


class IOptimizationProfile(Checked):
    """The shapes that inputs may have: the smallest, the typical (that kernels are chosen for), the largest."""

    extra_memory_target: float = 1.0

    def __init__(self) -> None:
        self._shapes: dict[str, tuple[Dims, Dims, Dims]] = {}
        self._values: dict[str, list[list[int]]] = {}

    def set_shape(self, input: str, min: DimsLike, opt: DimsLike, max: DimsLike) -> None:
        if not len(min) == len(opt) == len(max):
            raise InvalidArgumentError(f"profile of '{input}': {min}, {opt} and {max} differ in the number of dimensions")
        if any(not 0 <= a <= b <= c for a, b, c in zip(min, opt, max)):
            raise InvalidArgumentError(f"profile of '{input}': {min}, {opt} and {max} must not shrink")
        self._shapes[input] = (Dims(min), Dims(opt), Dims(max))

    def get_shape(self, input: str) -> list[Dims]:
        """[min, opt, max]"""
        if input not in self._shapes:
            raise InvalidArgumentError(f"the profile says nothing of an input '{input}'")
        return list(self._shapes[input])

    def set_shape_input(self, input: str, min: Sequence[int], opt: Sequence[int], max: Sequence[int]) -> None:
        """Accepted; shapes that depend on the values of inputs are resolved in every execution."""
        self._values[input] = [list(min), list(opt), list(max)]

    def get_shape_input(self, input: str) -> list[list[int]]:
        return self._values[input]

    def has(self, input: str) -> bool:
        """True when set_shape() was called for the input."""
        return input in self._shapes

    def __bool__(self) -> bool:
        return True
