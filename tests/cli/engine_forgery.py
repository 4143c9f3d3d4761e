"""Engine files with contents that no build writes. Needs libxxhash, which Burnish is built with."""

import ctypes
import ctypes.util
import struct


def varint(n):
    data = bytearray()
    while n >= 0x80:
        data.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(data) + bytes([n])


class Metadata:
    """The meta section of an engine file (docs/engine-format.md), read and written."""

    def __init__(self, data):
        self._data, self._at = data, 0
        self.target = [self._string() for _ in range(3)]
        self.entries = {key: self._string() for key in (self._string() for _ in range(self._varint()))}

    def _varint(self):
        n = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    def _string(self):
        size = self._varint()
        self._at += size
        return self._data[self._at - size : self._at]

    def to_bytes(self):
        string = lambda s: varint(len(s)) + s
        entries = b"".join(string(k) + string(v) for k, v in sorted(self.entries.items()))
        return b"".join(map(string, self.target)) + varint(len(self.entries)) + entries


def forge_report(engine, forged, report):
    """Writes an engine like another, its checksums right, with these bytes as accuracy report."""
    xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash"))
    xxhash.XXH3_64bits.restype = ctypes.c_uint64
    xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    data = engine.read_bytes()
    table = [struct.unpack_from("<IIQQQ", data, 32 + 32 * i) for i in range(4)]
    sections = [data[offset : offset + size] for _, _, offset, size, _ in table]
    metadata = Metadata(sections[0])
    assert metadata.to_bytes() == sections[0]
    metadata.entries[b"accuracy.report"] = report
    sections[0] = metadata.to_bytes()
    body, entries = b"", b""
    for i, section in enumerate(sections):
        body += bytes(-(168 + len(body)) % 64)
        entries += struct.pack("<IIQQQ", i + 1, 0, 168 + len(body), len(section), xxhash.XXH3_64bits(section, len(section)))
        body += section
    head = data[:16] + struct.pack("<QQ", 168 + len(body), 0) + entries
    forged.write_bytes(head + struct.pack("<Q", xxhash.XXH3_64bits(head, len(head))) + body)
