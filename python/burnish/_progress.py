"""How far a build is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TextIO, Union

ProgressCallback = Callable[[str, int, int], None]
Progress = Union[bool, ProgressCallback]

_WIDTH = 30


class ProgressBar:
    """Draws "tune ▕████      ▏ 12/40" on a terminal; on other streams, a line for each finished stage."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._drawn = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._is_terminal:
            filled = _WIDTH * done // total if total > 0 else 0
            self._draw(f"{stage:<10}▕{'█' * filled}{' ' * (_WIDTH - filled)}▏ {done}/{total}")
        elif done == total:
            self._stream.write(f"{stage}: {done} of {total}\n")

    def close(self) -> None:
        """Removes the bar."""
        if self._drawn > 0:
            self._draw("")
            self._stream.write("\r")
            self._stream.flush()

    def _draw(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(text)


@contextlib.contextmanager
def progress_callback(progress: Progress) -> Iterator[ProgressCallback | None]:
    """What _core.build() calls."""
    if not isinstance(progress, bool):
        yield progress
    elif not progress:
        yield None
    else:
        bar = ProgressBar(sys.stderr)
        try:
            yield bar
        finally:
            bar.close()
