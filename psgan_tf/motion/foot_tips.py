"""Tips of the feet of an avatar without toe bones, found in its mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.gltf.document import Gltf
from psgan_tf.motion.humanoid import SIDES
from psgan_tf.motion.rig import Rig, check_rig
from psgan_tf.motion.transforms import FloatArray

# A vertex belongs to the foot if the foot and what hangs on it have at least this weight.
_OWN_WEIGHT = 0.5


def foot_tips(gltf: Gltf, rig: Rig) -> dict[str, FloatArray]:
    """Per side, the foremost vertex of the foot at rest, half as high as the foot there.

    Returns:
        "left" and "right" to [3] in the rig's own world; a side that has no vertices is left out.

    Raises:
        ValueError: the mesh is damaged, or the rig has no feet.
    """
    check_rig(rig)
    world = gltf.world_matrices()
    vertices: dict[str, list[FloatArray]] = {side: [] for side in SIDES}
    feet = {side: _below(gltf, rig.bones[side + "Foot"]) for side in SIDES}
    for node_index, node in enumerate(gltf.items("nodes")):
        if "mesh" not in node:
            continue
        mesh = gltf.items("meshes")[node["mesh"].index_of(gltf.items("meshes"))]
        for primitive in mesh["primitives"]:
            positions, weights_of = _posed_vertices(gltf, world, node_index, node, primitive)
            for side in SIDES:
                own = weights_of(feet[side]) >= _OWN_WEIGHT
                if own.any():
                    vertices[side].append(positions[own])
    return {
        side: rig.frame @ _tip(np.concatenate(parts) @ rig.frame)
        for side, parts in vertices.items()
        if parts
    }


def _below(gltf: Gltf, top: int) -> npt.NDArray[np.bool_]:
    """[N]: the node `top` and everything under it."""
    inside = np.zeros(len(gltf.parents), bool)
    inside[top] = True
    for node in gltf.order:
        inside[node] |= gltf.parents[node] >= 0 and inside[gltf.parents[node]]
    return inside


def _posed_vertices(
    gltf: Gltf, world: FloatArray, node_index: int, node: JsonValue, primitive: JsonValue
) -> tuple[FloatArray, Any]:
    """([V, 3] rest positions in the world, function: node mask -> [V] weight of those nodes)."""
    accessors = gltf.items("accessors")
    attributes = primitive["attributes"]
    if "POSITION" not in attributes:
        return np.zeros((0, 3)), lambda mask: np.zeros(0)
    local = gltf.accessor(attributes["POSITION"].index_of(accessors)).astype(np.float64)
    if local.ndim != 2 or local.shape[1] != 3:
        raise attributes["POSITION"].error("must hold points of three numbers", str(local.shape))
    if "skin" not in node or "JOINTS_0" not in attributes:
        matrix = world[node_index]
        return (
            local @ matrix[:3, :3].T + matrix[:3, 3],
            lambda mask: np.full(len(local), float(mask[node_index])),
        )
    skin = gltf.items("skins")[node["skin"].index_of(gltf.items("skins"))]
    nodes = np.array([joint.index_of(gltf.items("nodes")) for joint in skin["joints"]], np.int64)
    joints, weights = _influences(gltf, attributes, len(local), len(nodes))
    matrices = world[nodes] @ _inverse_binds(gltf, skin, len(nodes))
    points = np.concatenate([local, np.ones((len(local), 1))], axis=1)
    positions = np.zeros((len(local), 3))
    for influence in range(joints.shape[1]):
        moved = np.einsum("vij,vj->vi", matrices[joints[:, influence], :3], points)
        positions += weights[:, influence, None] * moved
    return positions, lambda mask: (weights * mask[nodes][joints]).sum(axis=1)


def _influences(
    gltf: Gltf, attributes: JsonValue, num_vertices: int, num_joints: int
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """[V, K] joint indices and [V, K] weights that sum to 1."""
    accessors = gltf.items("accessors")
    joints, weights = [], []
    set_index = 0
    while f"JOINTS_{set_index}" in attributes:
        joint_entry = attributes[f"JOINTS_{set_index}"]
        joints.append(gltf.accessor(joint_entry.index_of(accessors)))
        weight_entry = attributes[f"WEIGHTS_{set_index}"]
        weights.append(gltf.accessor(weight_entry.index_of(accessors)))
        if joints[-1].shape != (num_vertices, 4) or weights[-1].shape != (num_vertices, 4):
            raise joint_entry.error("must hold four joints and weights for each vertex")
        set_index += 1
    all_joints = np.concatenate(joints, axis=1).astype(np.int64)
    all_weights = np.concatenate(weights, axis=1).astype(np.float64)
    if all_joints.size and all_joints.max() >= num_joints:
        raise attributes["JOINTS_0"].error(
            "must hold indices of the skin's joints", str(all_joints.max())
        )
    totals = all_weights.sum(axis=1, keepdims=True)
    return all_joints, all_weights / np.where(totals > 0, totals, 1.0)


def _inverse_binds(gltf: Gltf, skin: JsonValue, num_joints: int) -> FloatArray:
    """[J, 4, 4]."""
    if "inverseBindMatrices" not in skin:
        return np.tile(np.eye(4), (num_joints, 1, 1))
    entry = skin["inverseBindMatrices"]
    binds = gltf.accessor(entry.index_of(gltf.items("accessors"))).astype(np.float64)
    if binds.shape[1:] != (4, 4) or len(binds) < num_joints:
        raise entry.error("must hold a 4 x 4 matrix for each joint", str(binds.shape))
    return binds[:num_joints]


def _tip(vertices: FloatArray) -> FloatArray:
    """[3] the foremost point of [V, 3] canonical vertices, at the middle height of the foremost."""
    foremost = float(vertices[:, 2].max())
    length = foremost - float(vertices[:, 2].min())
    front = vertices[vertices[:, 2] >= foremost - 0.1 * length]
    middle = (front.min(axis=0) + front.max(axis=0)) / 2.0
    return np.array([middle[0], middle[1], foremost])
