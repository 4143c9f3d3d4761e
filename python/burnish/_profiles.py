"""Optimisation profiles as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Union

from burnish import _core
from burnish.errors import InvalidArgumentError

Shape = Sequence[int]
ShapeRange = Union[Shape, tuple[Shape, Shape, Shape]]
ProfileLike = Union[str, Mapping[str, ShapeRange]]
_Ranges = dict[str, tuple[list[int], list[int], list[int]]]


def _to_range(name: str, shapes: Any) -> tuple[list[int], list[int], list[int]]:
    shapes = list(shapes)
    if all(isinstance(d, int) for d in shapes):
        return shapes, shapes, shapes
    if len(shapes) == 3 and all(isinstance(s, Sequence) for s in shapes):
        return list(shapes[0]), list(shapes[1]), list(shapes[2])
    raise InvalidArgumentError(f"profile: input '{name}' has {shapes}: give one shape, or (min, opt, max)")


def _to_ranges(profile: ProfileLike) -> _Ranges:
    if isinstance(profile, str):
        return _core.parse_profile(profile)
    return {name: _to_range(name, shapes) for name, shapes in profile.items()}


def to_profiles(profiles: ProfileLike | Sequence[ProfileLike] | None) -> list[_Ranges]:
    """As _core.build() takes them."""
    if profiles is None:
        return []
    if isinstance(profiles, (str, Mapping)):
        return [_to_ranges(profiles)]
    return [_to_ranges(profile) for profile in profiles]
