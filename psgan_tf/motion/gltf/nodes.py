"""The node tree of a glTF 2.0 file: parents, order, and each node's local rest transform.

Format: the Khronos glTF 2.0 specification, section 3.5.
"""

from __future__ import annotations

import numpy as np

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.transforms import FloatArray, IntArray, matrices_from_trs, trs_from_matrices

# Longer than any scene in any unit; damaged numbers are usually far beyond.
_LARGEST_LENGTH = 1e9


def read_parents(document: JsonValue) -> IntArray:
    """[N] parent of each node, -1 for roots; a node with two parents is refused."""
    nodes = document.get("nodes", [])
    parents = np.full(len(nodes), -1, np.int64)
    for parent, node in enumerate(nodes):
        for item in node.get("children", []):
            child = item.index_of(nodes)
            if parents[child] >= 0 or child == parent:
                raise item.error("must be a node that has no other parent")
            parents[child] = parent
    return parents


def parents_first(parents: IntArray, document: JsonValue) -> IntArray:
    """The nodes ordered so that parents come first; a ring of nodes is refused."""
    children: list[list[int]] = [[] for _ in parents]
    for node, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(node)
    order = [node for node, parent in enumerate(parents) if parent < 0]
    for node in order:  # grows while it is walked: breadth first
        order.extend(children[node])
    if len(order) != len(parents):
        raise document["nodes"].error("must form trees", "a ring of nodes, each other's children")
    return np.array(order, np.int64)


def _bounded(value: JsonValue, count: int) -> FloatArray:
    """[count] numbers small enough that arithmetic on them stays finite."""
    numbers = value.numbers(count)
    if np.abs(numbers).max() > _LARGEST_LENGTH:
        raise value.error(f"must hold numbers up to {_LARGEST_LENGTH:g}")
    return numbers


def read_transforms(
    document: JsonValue,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Local rest transforms: [N, 3] translations, [N, 4] rotations, [N, 3] scales, [N, 4, 4]."""
    nodes = document.get("nodes", [])
    translations = np.zeros((len(nodes), 3))
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (len(nodes), 1))
    scales = np.ones((len(nodes), 3))
    for index, node in enumerate(nodes):
        if "translation" in node:
            translations[index] = _bounded(node["translation"], 3)
        if "scale" in node:
            scales[index] = _bounded(node["scale"], 3)
        if "rotation" in node:
            rotation = node["rotation"].numbers(4)
            length = float(np.linalg.norm(rotation))
            if not 0.5 < length < 2.0:
                raise node["rotation"].error("must be a unit quaternion")
            rotations[index] = rotation / length
    matrices = matrices_from_trs(translations, rotations, scales)
    for index, node in enumerate(nodes):
        if "matrix" in node:
            matrices[index] = _bounded(node["matrix"], 16).reshape(4, 4).T
            if not np.array_equal(matrices[index, 3], [0, 0, 0, 1]):
                raise node["matrix"].error("must be affine (its last row 0 0 0 1)")
            translations[index], rotations[index], scales[index] = trs_from_matrices(
                matrices[index]
            )
    return translations, rotations, scales, matrices
