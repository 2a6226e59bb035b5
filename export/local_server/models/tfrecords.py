"""TFRecord files read without TensorFlow's Python, which the server does not load.

A record is its length (8 bytes, little-endian), a checksum of these, the data, and a checksum of
the data; a checksum is a masked CRC-32C (tensorflow/core/lib/io/record_reader.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LENGTH_BYTES = 8
_CHECKSUM_BYTES = 4
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reversed
_MASK = 0xA282EAD8


def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _table()


def masked_crc32c(data: bytes) -> int:
    """The checksum as it stands in the file: rotated by 15 bits, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _checked(file: BinaryIO, length: int, offset: int) -> bytes:
    """The next `length` bytes, after which comes their checksum; empty at the file's end."""
    data = file.read(length + _CHECKSUM_BYTES)
    if not data:
        return b""
    if len(data) != length + _CHECKSUM_BYTES:
        raise ValueError(f"truncated record at {offset}")
    (checksum,) = struct.unpack_from("<I", data, length)
    if checksum != masked_crc32c(data[:length]):
        raise ValueError(f"corrupted record at {offset}")
    return data[:length]


def read_records(path: str | Path) -> Iterator[bytes]:
    """The records of a TFRecord file, one after the other.

    Raises:
        ValueError: a record is damaged; the text is TensorFlow's, with the offset in bytes.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        file_bytes = file.seek(0, 2)
        file.seek(0)
        while header := _checked(file, _LENGTH_BYTES, file.tell()):
            (length,) = struct.unpack("<Q", header)
            offset = file.tell()
            if offset + length + _CHECKSUM_BYTES > file_bytes:
                raise ValueError(f"truncated record at {offset}")
            yield _checked(file, length, offset)
