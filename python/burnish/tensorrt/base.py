"""What the parts of the TensorRT-shaped API share: dimensions, and classes that refuse what they do not have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar, Union, overload

from burnish.errors import UnsupportedError

S = TypeVar("S")


class AbsentError(UnsupportedError, AttributeError):
    """A name of TensorRT that Burnish does not have. `hasattr` is false for it."""


def explain_absent(owner: str, name: str, reasons: Mapping[str, str]) -> AbsentError:
    """The error for a name that is not there; reasons: what to do instead, by name."""
    reason = reasons.get(name, "docs/tensorrt-api.md lists what there is")
    return AbsentError(f"{owner} has no '{name}': {reason}")


class Checked:
    """Has the public attributes that its class declares and no others.

    Assigning to a name that nothing reads would silently change nothing.
    """

    _absent: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str):
            if name.startswith("__"):
                raise AttributeError(name)
            raise explain_absent(type(self).__name__, name, self._absent)

        def __setattr__(self, name: str, value) -> None:
            if not name.startswith("_") and not hasattr(type(self), name):
                raise explain_absent(type(self).__name__, name, self._absent)
            super().__setattr__(name, value)


class Scoped(Checked):
    """May stand in a with statement, as TensorRT's objects may; memory is freed when nothing refers to it any more."""

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Dims(Sequence[int]):
    """A shape. -1 is a free dimension. Compares equal to any sequence of the same numbers."""

    MAX_DIMS: ClassVar[int] = 8

    def __init__(self, shape: int | Iterable[int] = (), *more: int) -> None:
        """From a sequence, or from the numbers themselves; one number n makes n zeros."""
        if isinstance(shape, Iterable):
            self._dims = [int(d) for d in shape]
        else:
            self._dims = [int(shape), *map(int, more)] if more else [0] * int(shape)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Dims: ...
    def __getitem__(self, index: int | slice) -> int | Dims:
        return Dims(self._dims[index]) if isinstance(index, slice) else self._dims[index]

    def __setitem__(self, index: int, value: int) -> None:
        self._dims[index] = int(value)

    def __len__(self) -> int:
        return len(self._dims)

    def __iter__(self) -> Iterator[int]:
        return iter(self._dims)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._dims == list(other)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return str(tuple(self._dims))

    def numel(self) -> int:
        """The product of the dimensions."""
        return volume(self)


class Dims2(Dims):
    """Two dimensions."""


class Dims3(Dims):
    """Three dimensions."""


class Dims4(Dims):
    """Four dimensions."""


class DimsHW(Dims2):
    """Height and width."""

    @property
    def h(self) -> int:
        return self[0]

    @property
    def w(self) -> int:
        return self[1]


class Permutation(Dims):
    """An order of axes."""


DimsLike = Union[Dims, Sequence[int]]


def volume(iterable: Iterable[int]) -> int:
    """The product of all numbers; 1 for none."""
    return math.prod(iterable)
