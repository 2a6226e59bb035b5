"""glTF 2.0 files (.gltf, .glb and their relatives .vrm and .vrma): container, accessors, nodes.

Only what the format itself says lives here; animations, humanoids, meshes and materials are read
on top of it. Every index, size and offset is checked against the file, so a damaged file gives a
ValueError that names the file and the place, and never takes more memory than a fixed multiple of
the file's own length.

Format: the Khronos glTF 2.0 specification, sections 3 to 5, and KHR_mesh_quantization.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from psgan_tf.common.files import read_source
from psgan_tf.common.json_document import JsonValue, parse_json
from psgan_tf.motion.gltf.container import (
    bytes_of_uri,
    check_version_and_extensions,
    read_buffers,
    split_container,
)
from psgan_tf.motion.gltf.nodes import parents_first, read_parents, read_transforms
from psgan_tf.motion.transforms import FloatArray, IntArray, forward_kinematics

_COMPONENT_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_SHAPES = {
    "SCALAR": (1, 1),
    "VEC2": (1, 2),
    "VEC3": (1, 3),
    "VEC4": (1, 4),
    "MAT2": (2, 2),
    "MAT3": (3, 3),
    "MAT4": (4, 4),
}

# An accessor without stored values takes no room in the file, so its length is held to a multiple
# of the file's: a mesh whose morph deltas are all zero still stores each vertex once.
_LARGEST_EXPANSION = 16


def _component_type(value: JsonValue) -> np.dtype[Any]:
    code = value.integer()
    if code not in _COMPONENT_TYPES:
        raise value.error(f"must be one of {sorted(_COMPONENT_TYPES)}")
    return np.dtype(_COMPONENT_TYPES[code])


def _shape_of(entry: JsonValue) -> tuple[int, int]:
    """(columns, rows) of one element."""
    kind = entry["type"].text()
    if kind not in _SHAPES:
        raise entry["type"].error(f"must be one of {', '.join(_SHAPES)}")
    return _SHAPES[kind]


def _strided(
    entry: JsonValue,
    data: memoryview,
    offset: int,
    stride: int,
    count: int,
    columns: int,
    rows: int,
    dtype: np.dtype[Any],
) -> npt.NDArray[Any]:
    """[count, columns, rows] of `dtype` from `data`; columns of matrices start on 4 bytes."""
    column_bytes = rows * dtype.itemsize
    if columns > 1:
        column_bytes = -(-column_bytes // 4) * 4
    last_column_bytes = (columns - 1) * column_bytes + rows * dtype.itemsize
    stride = stride or columns * column_bytes
    if stride < last_column_bytes:
        raise entry.error("must have a byteStride of at least one element", f"{stride} bytes")
    if count == 0:
        return np.zeros((0, columns, rows), dtype)
    end = offset + (count - 1) * stride + last_column_bytes
    if end > len(data):
        raise entry.error("must lie inside its buffer view", f"bytes to {end} of {len(data)}")
    return np.ndarray(
        (count, columns, rows),
        dtype,
        buffer=data,
        offset=offset,
        strides=(stride, column_bytes, dtype.itemsize),
    )


def _normalise(values: npt.NDArray[Any], entry: JsonValue) -> npt.NDArray[Any]:
    """Integers to [0, 1] or [-1, 1] float32 (glTF section 3.6.2.2)."""
    if values.dtype.kind == "f" or values.dtype.itemsize > 2:
        raise entry.error("must have 8- or 16-bit components to be normalised")
    scaled = values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    return np.maximum(scaled, np.float32(-1.0))


@dataclass(frozen=True)
class Gltf:
    """An open glTF file.

    Attributes:
        path: the file.
        document: the JSON document; `json` is the same as plain Python values.
        num_bytes: length of the file and its external buffers.
        buffers: each buffer's bytes; None for a buffer that only a compression extension fills.
        parents: [N] int, the parent of each node, -1 for a root.
        order: [N] int, the nodes with every parent before its children.
        translations, rotations, scales: local [N, 3], [N, 4] (x, y, z, w) and [N, 3] float64.
        local_matrices: [N, 4, 4] float64, for column vectors; exact for nodes that give a matrix.
    """

    path: Path
    document: JsonValue
    num_bytes: int
    buffers: tuple[bytes | None, ...]
    parents: IntArray
    order: IntArray
    translations: FloatArray
    rotations: FloatArray
    scales: FloatArray
    local_matrices: FloatArray

    @property
    def json(self) -> dict[str, Any]:
        """The document as plain Python values, unchecked."""
        return {key: value.raw for key, value in self.document.members().items()}

    @property
    def node_names(self) -> tuple[str, ...]:
        """Each node's name, `node<index>` where it has none."""
        names = [node.get("name").raw for node in self.items("nodes")]
        return tuple(
            name if isinstance(name, str) else f"node{index}" for index, name in enumerate(names)
        )

    def items(self, kind: str) -> JsonValue:
        """A top-level array such as `meshes`, empty where the file has none."""
        return self.document.get(kind, [])

    def world_matrices(self) -> FloatArray:
        """[N, 4, 4] float64: each node's world matrix as the file stores it (its rest)."""
        with np.errstate(over="ignore", invalid="ignore"):
            world = forward_kinematics(self.parents, self.order, self.local_matrices)
        if not np.isfinite(world).all():
            raise ValueError(
                f"`nodes` must have finite world positions. Received: scales or translations that "
                f"overflow (in {self.path.name}). Export the file again."
            )
        return world

    def buffer_view(self, index: int) -> bytes:
        """The bytes of one buffer view (an image's, for example)."""
        return bytes(self._view(index)[1])

    def image_bytes(self, index: int) -> bytes:
        """The encoded picture (PNG, JPEG, WebP ...) of one entry of `images`."""
        image = self.items("images")[index]
        if "bufferView" in image:
            return self.buffer_view(image["bufferView"].index_of(self.items("bufferViews")))
        return bytes_of_uri(image["uri"], self.path)

    def accessor(self, index: int, finite: bool = True) -> npt.NDArray[Any]:
        """The values of one accessor.

        Args:
            index: which entry of `accessors`.
            finite: refuse NaN and infinity.

        Returns:
            [count] for SCALAR, [count, k] for VECk, [count, k, k] for MATk (indexed row, column, so
            that `matrix @ column_vector` applies it). float32 for floats and normalised integers;
            other integers keep their own type (quantised positions included: convert them).

        Raises:
            ValueError: the accessor reaches outside its data, or is longer than the file allows.
        """
        entry = self.items("accessors")[index]
        columns, rows = _shape_of(entry)
        dtype = _component_type(entry["componentType"])
        count = entry["count"].integer()
        normalised = entry.get("normalized", False).boolean()
        values = self._stored_values(entry, count, columns, rows, dtype)
        if "sparse" in entry:
            values = self._with_sparse(entry["sparse"], values, dtype)
        if normalised:
            values = _normalise(values, entry)
        elif dtype.kind == "f":
            values = values.astype(np.float32, copy=False)
        if finite and values.dtype.kind == "f" and not np.isfinite(values).all():
            raise entry.error("must hold finite numbers", "NaN or infinity")
        if columns > 1:
            return np.swapaxes(values, 1, 2)
        return values[:, 0, 0] if rows == 1 else values[:, 0]

    def _stored_values(
        self, entry: JsonValue, count: int, columns: int, rows: int, dtype: np.dtype[Any]
    ) -> npt.NDArray[Any]:
        """[count, columns, rows] as stored, before sparse replacement; zeros without a view."""
        if "bufferView" in entry:
            view, data = self._view(entry["bufferView"].index_of(self.items("bufferViews")))
            offset = entry.get("byteOffset", 0).integer()
            stride = view.get("byteStride", 0).integer(0, 252)
            return _strided(entry, data, offset, stride, count, columns, rows, dtype)
        if count * columns * rows * dtype.itemsize > _LARGEST_EXPANSION * self.num_bytes:
            raise entry["count"].error("must fit the file's own length")
        return np.zeros((count, columns, rows), dtype)

    def _with_sparse(
        self, sparse: JsonValue, values: npt.NDArray[Any], dtype: np.dtype[Any]
    ) -> npt.NDArray[Any]:
        """A copy of `values` with the sparse entries replaced."""
        count = sparse["count"].integer(0, len(values))
        places = sparse["indices"]
        place_dtype = _component_type(places["componentType"])
        if place_dtype.kind != "u":
            raise places["componentType"].error("must be an unsigned integer type")
        indices = self._packed(places, count, 1, 1, place_dtype)[:, 0, 0]
        if count and int(indices.max()) >= len(values):
            raise places.error("must hold indices below the accessor's count", str(indices.max()))
        values = values.copy()
        values[indices] = self._packed(
            sparse["values"], count, values.shape[1], values.shape[2], dtype
        )
        return values

    def _packed(
        self, part: JsonValue, count: int, columns: int, rows: int, dtype: np.dtype[Any]
    ) -> npt.NDArray[Any]:
        _, data = self._view(part["bufferView"].index_of(self.items("bufferViews")))
        offset = part.get("byteOffset", 0).integer()
        return _strided(part, data, offset, 0, count, columns, rows, dtype)

    def _view(self, index: int) -> tuple[JsonValue, memoryview]:
        view = self.items("bufferViews")[index]
        for extension in view.get("extensions", {}).members():
            raise view.error(
                f"must not be compressed by the extension {extension}, which cannot be read here"
            )
        buffer_index = view["buffer"].index_of(self.items("buffers"))
        data = self.buffers[buffer_index]
        if data is None:
            raise view.error("must lie in a buffer with data", f"buffer {buffer_index} without any")
        offset = view.get("byteOffset", 0).integer()
        length = view["byteLength"].integer()
        if offset + length > len(data):
            raise view.error(
                "must lie inside its buffer", f"bytes to {offset + length} of {len(data)}"
            )
        return view, memoryview(data)[offset : offset + length]


def read_gltf(path: str | Path) -> Gltf:
    """Opens a .glb, .gltf, .vrm or .vrma file; its kind is told by its content.

    Raises:
        ValueError: not a glTF 2.0 file, damaged, or it requires an extension this reader lacks
            (the message names the extension), or it cannot be opened.
    """
    path = Path(path)
    data = read_source(path)
    json_bytes, binary_chunk = split_container(data, path.name)
    document = parse_json(json_bytes, path.name)
    check_version_and_extensions(document)
    buffers = read_buffers(document, binary_chunk, path)
    parents = read_parents(document)
    translations, rotations, scales, local_matrices = read_transforms(document)
    return Gltf(
        path=path,
        document=document,
        num_bytes=len(json_bytes) + sum(len(buffer) for buffer in buffers if buffer is not None),
        buffers=buffers,
        parents=parents,
        order=parents_first(parents, document),
        translations=translations,
        rotations=rotations,
        scales=scales,
        local_matrices=local_matrices,
    )
