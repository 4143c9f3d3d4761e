"""What Burnish raises. Messages name the culprit, the reason and the next step; `code` is stable."""

from __future__ import annotations


class Error(Exception):
    """The base of all of Burnish's errors."""

    code: str = "internal"


class InvalidArgumentError(Error, ValueError):
    """An option, name, shape or element type is wrong."""

    code = "invalid_argument"


class InvalidModelError(Error, ValueError):
    """The model breaks ONNX's rules. The message lists every problem."""

    code = "invalid_model"


class UnsupportedError(Error, NotImplementedError):
    """Legal, but not implemented here."""

    code = "unsupported"


class FileError(Error, OSError):
    """A file could not be read or written."""

    code = "io"


class CorruptError(Error):
    """An engine or a cache is damaged."""

    code = "corrupt"


class MismatchError(Error):
    """An engine made for another version, target or instruction set: build it again."""

    code = "mismatch"


class AccuracyError(Error):
    """The accuracy budget cannot be held. The message has the table of what was measured."""

    code = "accuracy"


class OutOfMemoryError(Error, MemoryError):
    """Memory, or a limit on it, is exhausted."""

    code = "out_of_memory"


class InternalError(Error, RuntimeError):
    """A broken invariant of Burnish's own: please report it."""

    code = "internal"


_BY_CODE: dict[str, type[Error]] = {
    kind.code: kind
    for kind in (InvalidArgumentError, InvalidModelError, UnsupportedError, FileError, CorruptError, MismatchError,
                 AccuracyError, OutOfMemoryError, InternalError)
}


def from_code(code: str, message: str) -> Error:
    """The error that the native half raises for one of its codes."""
    return _BY_CODE.get(code, InternalError)(message)
