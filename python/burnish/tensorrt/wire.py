"""Protobuf's wire format, as far as changing a serialised ONNX model needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from burnish.errors import InvalidModelError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field of a message."""

    number: int
    value: int  # of varints
    payload: memoryview  # of strings, messages and packed lists
    record: memoryview  # the field as it stands, key included


def fields(message: bytes | memoryview) -> Iterator[Field]:
    """All fields of a message in order. Raises InvalidModelError where it is damaged."""
    data = memoryview(message)
    at = 0
    while at < len(data):
        start = at
        key, at = _read_varint(data, at)
        kind = key & 7
        value, payload = 0, data[at:at]
        if kind == _VARINT:
            value, at = _read_varint(data, at)
        else:
            if kind == _BYTES:
                size, at = _read_varint(data, at)
            elif kind in (_FIXED64, _FIXED32):
                size = 8 if kind == _FIXED64 else 4
            else:
                raise InvalidModelError(f"this is no serialised model: a field has the wire type {kind}")
            if size > len(data) - at:
                raise InvalidModelError("the model ends in the middle of a field: is the file complete?")
            payload = data[at : at + size]
            at += size
        yield Field(key >> 3, value, payload, data[start:at])


def varint(number: int) -> bytes:
    """A number as protobuf writes it; negative ones in ten bytes."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def varints(packed: memoryview) -> Iterator[int]:
    """The numbers of a packed list."""
    at = 0
    while at < len(packed):
        value, at = _read_varint(packed, at)
        yield value


def record(number: int, payload: bytes | memoryview) -> bytes:
    """A field that holds a string or a message."""
    return varint(number << 3 | _BYTES) + varint(len(payload)) + bytes(payload)


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise InvalidModelError("the model ends in the middle of a number: is the file complete?")
