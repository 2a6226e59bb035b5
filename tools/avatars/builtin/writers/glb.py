"""A glTF 2.0 document with one buffer, that grows by what is put into it, as a GLB file.

Khronos glTF 2.0: sections 3.6 (buffers, views, accessors) and 4 (the container).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963

_COMPONENTS = {
    np.dtype("<f4"): 5126,
    np.dtype("<u4"): 5125,
    np.dtype("<u2"): 5123,
    np.dtype("u1"): 5121,
}
_KINDS = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942


class GlbDocument:
    """What becomes a .glb file or one of its relatives.

    Args:
        members: of the document at its beginning; lists that stay empty are left out of the file.
    """

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.json: dict[str, Any] = {**members, "accessors": [], "bufferViews": []}
        self._binary = bytearray()

    def add(self, member: str, value: dict[str, Any]) -> int:
        """Appends to a list of the document; returns the index."""
        self.json[member].append(value)
        return len(self.json[member]) - 1

    def view(self, data: bytes, target: int | None = None) -> int:
        """Bytes as a buffer view; returns its index."""
        self._binary += b"\0" * (-len(self._binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data)}
        self._binary += data
        return self.add("bufferViews", view if target is None else view | {"target": target})

    def accessor(self, values: np.ndarray, target: int | None = None, bounds: bool = False) -> int:
        """An array as an accessor; returns its index.

        Args:
            values: [N] or [N, 2, 3 or 4] or [N, 4, 4]; float32, or unsigned of up to 32 bits.
            target: ARRAY_BUFFER or ELEMENT_BUFFER, for what a mesh holds.
            bounds: whether least and greatest values are stated, as positions and key times need.
        """
        data = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        entry: dict[str, Any] = {
            "bufferView": self.view(data.tobytes(), target),
            "componentType": _COMPONENTS[data.dtype],
            "count": len(values),
            "type": _KINDS[values.shape[1:]],
        }
        if bounds:
            entry["min"] = np.atleast_1d(values.min(axis=0)).astype(float).tolist()
            entry["max"] = np.atleast_1d(values.max(axis=0)).astype(float).tolist()
        return self.add("accessors", entry)

    def to_bytes(self) -> bytes:
        """The file's content."""
        content = {key: value for key, value in self.json.items() if value != []}
        content["buffers"] = [{"byteLength": len(self._binary)}]
        text = json.dumps(content, separators=(",", ":")).encode()
        chunks = b""
        for kind, data, filler in (
            (_JSON_CHUNK, text, b" "),
            (_BINARY_CHUNK, bytes(self._binary), b"\0"),
        ):
            padded = data + filler * (-len(data) % 4)
            chunks += struct.pack("<II", len(padded), kind) + padded
        return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks
