"""Timing caches: what was measured once need not be measured again."""

from __future__ import annotations

from burnish.tensorrt.base import Scoped
from burnish.tensorrt.weights import IHostMemory


class ITimingCache(Scoped):
    """Made by IBuilderConfig.create_timing_cache(). A text with one measured time a line."""

    def __init__(self, content: bytes = b"") -> None:
        self._content = content

    def serialize(self) -> IHostMemory:
        return IHostMemory(self._content)

    def combine(self, input_cache: ITimingCache, ignore_mismatch: bool = False) -> bool:
        """Adds the other's times; ours stay where both know one."""
        known = set(self._lines(self._content))
        more = [line for line in self._lines(input_cache._content) if line not in known]
        self._content = b"\n".join([*self._lines(self._content), *more, b""])
        return True

    def reset(self) -> bool:
        self._content = b""
        return True

    @staticmethod
    def _lines(content: bytes) -> list[bytes]:
        return [line for line in content.split(b"\n") if line]
