"""Meshes of glTF files as arrays: triangles, vertices, skin weights and shapes, each checked."""

from __future__ import annotations

import numpy as np

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.gltf.document import Gltf
from tools.avatars.scene import Morphs

_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_FEW_INFLUENCES = 4

# 24 bytes each: what a worker process can spare.
_MOST_MORPHED_VERTICES = 20_000_000


def _accessor(gltf: Gltf, value: JsonValue, columns: int, count: int | None) -> np.ndarray:
    """[count, columns] of one attribute (columns 0: [count])."""
    values = gltf.accessor(value.index_of(gltf.items("accessors")))
    shape = (columns,) if columns else ()
    if values.shape[1:] != shape or (count is not None and len(values) != count):
        raise value.error(f"must be an accessor of {count or 'as many'} x {columns or 1} numbers")
    return values


def read_triangles(gltf: Gltf, primitive: JsonValue, num_vertices: int) -> np.ndarray | None:
    """[T, 3] int32; None for points and lines."""
    mode = primitive.get("mode", _TRIANGLES).integer(0, 6)
    if mode < _TRIANGLES:
        return None
    if "indices" in primitive:
        indices = _accessor(gltf, primitive["indices"], 0, None)
        if indices.dtype.kind != "u":
            raise primitive["indices"].error("must be an accessor of unsigned integers")
        if len(indices) and int(indices.max()) >= num_vertices:
            raise primitive["indices"].error(f"must hold vertices below {num_vertices}")
        indices = indices.astype(np.int32)
    else:
        indices = np.arange(num_vertices, dtype=np.int32)
    if mode == _TRIANGLES:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    if len(indices) < 3:
        return np.zeros((0, 3), np.int32)
    if mode == _FAN:
        return np.stack([indices[1:-1], indices[2:], np.full(len(indices) - 2, indices[0])], axis=1)
    strip = np.stack([indices[:-2], indices[1:-1], indices[2:]], axis=1)
    strip[1::2] = strip[1::2, [0, 2, 1]]  # every other triangle of a strip runs backwards
    return strip


def _face_normals(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """[T, 3] float64, as long as twice the triangle's area."""
    corners = positions[triangles].astype(np.float64)
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    up = np.array([0.0, 1.0, 0.0])
    return np.where(lengths > 1e-12, vectors / np.maximum(lengths, 1e-12), up).astype(np.float32)


def read_normals(
    gltf: Gltf, attributes: JsonValue, positions: np.ndarray, triangles: np.ndarray
) -> np.ndarray:
    """[V, 3] float32, unit; a mesh without normals gets those of its faces, smoothed."""
    if "NORMAL" in attributes:
        return _unit(_accessor(gltf, attributes["NORMAL"], 3, len(positions)).astype(np.float64))
    normals = np.zeros((len(positions), 3))
    faces = _face_normals(positions, triangles)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    return _unit(normals)


def smoothed_normals(positions: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """[V, 3] float32: the mean direction of all normals at the same place.

    Hard edges have several normals in one place; an outline that follows them apart has cracks.
    """
    _, place, counts = np.unique(
        np.ascontiguousarray(positions).view(np.dtype((np.void, 12))).ravel(),
        return_inverse=True,
        return_counts=True,
    )
    sums = np.stack(
        [np.bincount(place, normals[:, axis], len(counts)) for axis in range(3)], axis=1
    )
    # Opposite normals (the two sides of a thin sheet) cancel out: each then keeps its own.
    lengths = np.linalg.norm(sums, axis=1) / counts
    return np.where(lengths[place, None] > 0.05, _unit(sums[place]), normals)


def read_colors(gltf: Gltf, attributes: JsonValue, count: int) -> np.ndarray:
    """[V, 4] float32, white where the mesh has no vertex colours."""
    colors = np.ones((count, 4), np.float32)
    if "COLOR_0" in attributes:
        values = gltf.accessor(attributes["COLOR_0"].index_of(gltf.items("accessors")))
        if values.shape not in ((count, 3), (count, 4)) or values.dtype.kind != "f":
            raise attributes["COLOR_0"].error(f"must be an accessor of {count} colours")
        colors[:, : values.shape[1]] = np.clip(values, 0.0, 1.0)
    return colors


def read_uvs(
    gltf: Gltf, attributes: JsonValue, count: int, uv_set: int, transform: np.ndarray
) -> np.ndarray:
    """[V, 2] float32 texture coordinates of one set, with a [2, 3] transform applied."""
    name = f"TEXCOORD_{uv_set}"
    if name not in attributes:
        return np.zeros((count, 2), np.float32)
    uvs = _accessor(gltf, attributes[name], 2, count).astype(np.float64)
    return (uvs @ transform[:, :2].T + transform[:, 2]).astype(np.float32)


def read_weights(
    gltf: Gltf, attributes: JsonValue, count: int, num_joints: int
) -> tuple[np.ndarray, np.ndarray]:
    """([V, K] int32 joints, [V, K] float32 weights that sum to 1); K is 4 or 8."""
    joints, weights = [], []
    for index in range(2):
        if f"JOINTS_{index}" in attributes and f"WEIGHTS_{index}" in attributes:
            joints.append(_accessor(gltf, attributes[f"JOINTS_{index}"], 4, count))
            weights.append(_accessor(gltf, attributes[f"WEIGHTS_{index}"], 4, count))
            if weights[-1].dtype.kind != "f":
                raise attributes[f"WEIGHTS_{index}"].error("must be floats or normalised integers")
    all_weights = np.maximum(np.concatenate(weights, axis=1).astype(np.float64), 0.0)
    all_joints = np.concatenate(joints, axis=1).astype(np.int64)
    all_joints[all_weights == 0.0] = 0  # what has no weight may hold anything
    if all_joints.size and all_joints.max() >= num_joints:
        raise attributes["JOINTS_0"].error(f"must hold joints below {num_joints}")
    sums = all_weights.sum(axis=1, keepdims=True)
    all_weights[sums[:, 0] <= 0.0, 0] = 1.0
    all_weights /= all_weights.sum(axis=1, keepdims=True)
    if not (all_weights[:, _FEW_INFLUENCES:] > 0).any():
        all_weights, all_joints = (a[:, :_FEW_INFLUENCES] for a in (all_weights, all_joints))
    return all_joints.astype(np.int32), all_weights.astype(np.float32)


def _default_weights(mesh: JsonValue, node: JsonValue, count: int) -> np.ndarray:
    for owner in (node, mesh):
        if "weights" in owner:
            return owner["weights"].numbers(count).astype(np.float32)
    return np.zeros(count, np.float32)


def _target_names(mesh: JsonValue, primitive: JsonValue, count: int) -> tuple[str, ...]:
    for owner in (mesh, primitive):
        names = owner.get("extras").raw
        names = names.get("targetNames") if isinstance(names, dict) else None
        if isinstance(names, list) and len(names) == count:
            return tuple(str(name) for name in names)
    return tuple(f"shape{index}" for index in range(count))


def read_morphs(
    gltf: Gltf, mesh: JsonValue, primitive: JsonValue, node: JsonValue, count: int
) -> Morphs | None:
    """The primitive's shapes, None where it has none."""
    targets = primitive.get("targets", [])
    if not len(targets):
        return None
    if len(targets) * count > _MOST_MORPHED_VERTICES:
        raise primitive["targets"].error(
            f"must move at most {_MOST_MORPHED_VERTICES} vertices in all",
            f"{len(targets)} shapes of {count} vertices",
        )
    shape = (len(targets), count, 3)
    moved = {name: np.zeros(shape, np.float32) for name in ("POSITION", "NORMAL")}
    for index, target in enumerate(targets):
        for name, deltas in moved.items():
            if name in target:
                deltas[index] = _accessor(gltf, target[name], 3, count)
    return Morphs(
        names=_target_names(mesh, primitive, len(targets)),
        default_weights=_default_weights(mesh, node, len(targets)),
        positions=moved["POSITION"],
        normals=moved["NORMAL"],
    )
