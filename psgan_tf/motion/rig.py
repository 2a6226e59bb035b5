"""A rig: a node tree with a humanoid in it, and the T-pose that all rigs have in common.

Every rig has its own axes, bone orientations and rest pose. What makes motions portable is

* the canonical frame: x to the character's left, y up, z forward. `Rig.frame` has these three
  directions, in the rig's own world, as columns;
* the T-pose: arms along x, legs along -y. `Rig.t_pose_rotations` says how each bone is turned in
  the world when the rig stands so, even if its rest is an A-pose.

A rotation relative to the T-pose in the canonical frame then means the same on every rig.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from psgan_tf.motion.humanoid import HUMANOID_BONES, LIMB_PARENTS, SIDES
from psgan_tf.motion.transforms import (
    FloatArray,
    IntArray,
    forward_kinematics,
    multiply_quaternions,
    quaternions_from_matrices,
    rotation_between,
)

# Without these there is neither a facing nor a size to scale by.
FRAME_BONES = (
    "hips",
    "head",
    *(side + name for name in ("UpperLeg", "LowerLeg", "Foot") for side in SIDES),
)

# A hip axis this near to a world axis is taken to be that axis: modellers' rounding, not a turn.
_SNAP_COSINE = np.cos(np.radians(20.0))

# No ankle rolls further than this, so a shin splayed more takes its foot along into the T-pose.
_LARGEST_ANKLE_ROLL_RAD = np.radians(15.0)

_SHORTEST_LIMB = 1e-6


@dataclass(frozen=True, eq=False)
class Rig:
    """A humanoid node tree at rest.

    Attributes:
        source: the file's name, for messages.
        node_names: N names.
        parents: [N] int, -1 for roots; order: [N] int, parents before children.
        rest_translations, rest_rotations, rest_scales: [N, 3], [N, 4] (x, y, z, w), [N, 3], local.
        rest_matrices: [N, 4, 4] local; what the three say, unless a node was given as a matrix.
        bones: humanoid bone (VRM 1.0 name) to node.
    """

    source: str
    node_names: tuple[str, ...]
    parents: IntArray
    order: IntArray
    rest_translations: FloatArray
    rest_rotations: FloatArray
    rest_scales: FloatArray
    rest_matrices: FloatArray
    bones: Mapping[str, int]

    @cached_property
    def rest_world_matrices(self) -> FloatArray:
        """[N, 4, 4]."""
        return forward_kinematics(self.parents, self.order, self.rest_matrices)

    @cached_property
    def rest_world_rotations(self) -> FloatArray:
        """[N, 4]: each node's rotation composed with its ancestors', scales left out."""
        world = self.rest_rotations.copy()
        for node in self.order:
            if self.parents[node] >= 0:
                world[node] = multiply_quaternions(world[self.parents[node]], world[node])
        return world

    def rest_position(self, bone: str) -> FloatArray:
        """[3]: where the bone's joint rests in the rig's own world."""
        return self.rest_world_matrices[self.bones[bone], :3, 3]

    def canonical_rest_position(self, bone: str) -> FloatArray:
        """[3]: where the bone's joint rests, in canonical axes (left, up, forward)."""
        position: FloatArray = self.frame.T @ self.rest_position(bone)
        return position

    @cached_property
    def frame(self) -> FloatArray:
        """[3, 3]: columns left, up and forward in the rig's own world; a rotation."""
        return _canonical_frame(self)

    @cached_property
    def canonical_from_world(self) -> FloatArray:
        """[4, 4]: takes points of the rig's own world to canonical axes."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.frame.T
        return matrix

    @cached_property
    def leg_length(self) -> float:
        """Thigh plus shin, the mean of both sides: the unit that hips travel is scaled by."""
        length = sum(
            float(np.linalg.norm(self.rest_position(side + a) - self.rest_position(side + b)))
            for side in SIDES
            for a, b in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))
        )
        return length / len(SIDES)

    @cached_property
    def humanoid_nodes(self) -> tuple[int, ...]:
        """The bones' nodes and all their ancestors, parents first: what poses the humanoid."""
        needed: set[int] = set()
        for bone_node in self.bones.values():
            node = bone_node
            while node >= 0 and node not in needed:
                needed.add(node)
                node = int(self.parents[node])
        return tuple(int(node) for node in self.order if int(node) in needed)

    @cached_property
    def bone_order(self) -> tuple[str, ...]:
        """The rig's humanoid bones, each after its humanoid parent."""
        node_rank = {int(node): rank for rank, node in enumerate(self.order)}
        return tuple(sorted(self.bones, key=lambda bone: node_rank[self.bones[bone]]))

    @cached_property
    def bone_parents(self) -> Mapping[str, str | None]:
        """Each bone's nearest ancestor in the node tree that is a humanoid bone too."""
        bone_of_node = {node: bone for bone, node in self.bones.items()}
        nearest: dict[int, str | None] = {}
        for node in map(int, self.order):
            parent = int(self.parents[node])
            nearest[node] = bone_of_node.get(parent, nearest.get(parent))
        return {bone: nearest[node] for bone, node in self.bones.items()}

    @cached_property
    def alignments(self) -> Mapping[str, FloatArray]:
        """Per bone [3, 3] in canonical axes: the turn from its rest to the T-pose."""
        return _alignments(self)

    @cached_property
    def t_pose_rotations(self) -> Mapping[str, FloatArray]:
        """Per bone [4]: its rotation in the rig's own world when the rig stands in the T-pose."""
        turns = np.stack([self.alignments[bone] for bone in self.bones])
        rotations = multiply_quaternions(
            quaternions_from_matrices(self.frame @ turns @ self.frame.T),
            self.rest_world_rotations[list(self.bones.values())],
        )
        return dict(zip(self.bones, rotations, strict=True))


def check_rig(rig: Rig, required: Sequence[str] = FRAME_BONES) -> Rig:
    """Returns `rig` after checking that its humanoid can be posed.

    Raises:
        ValueError: a required bone is missing, two bones share a node, a limb's bones do not hang
            together, or the legs have no length or no left and right.
    """
    remedy = "Give a bone map that names the right nodes, or rename the rig's nodes."
    missing = [bone for bone in (*FRAME_BONES, *required) if bone not in rig.bones]
    if missing:
        raise ValueError(
            f"`{rig.source}` must have the humanoid bones {', '.join(FRAME_BONES)}"
            f"{' and more' if len(required) > len(FRAME_BONES) else ''}. Received: a rig without "
            f"{', '.join(dict.fromkeys(missing))}. {remedy}"
        )
    if len(set(rig.bones.values())) < len(rig.bones):
        raise ValueError(
            f"`{rig.source}` must have a node of its own for each bone. Received: "
            f"{_shared_nodes(rig)}. {remedy}"
        )
    for bone in rig.bones:
        if bone not in HUMANOID_BONES:
            raise ValueError(f"`bones` must be VRM 1.0 names. Received: {bone!r}. {remedy}")
        ancestor = LIMB_PARENTS.get(bone, "hips")
        if bone != "hips" and ancestor in rig.bones and not _is_below(rig, bone, ancestor):
            raise ValueError(
                f"`{rig.source}` must have {bone} below {ancestor}. Received: node "
                f"{rig.node_names[rig.bones[bone]]!r}, which is not below "
                f"{rig.node_names[rig.bones[ancestor]]!r}. {remedy}"
            )
    if not np.isfinite(rig.rest_world_matrices).all() or rig.leg_length < _SHORTEST_LIMB:
        raise ValueError(
            f"`{rig.source}` must have legs of some length. Received: {rig.leg_length:g}. {remedy}"
        )
    _ = rig.frame  # raises where there is no left and right
    return rig


def _shared_nodes(rig: Rig) -> str:
    by_node: dict[int, list[str]] = {}
    for bone, node in rig.bones.items():
        by_node.setdefault(node, []).append(bone)
    return "; ".join(
        f"{' and '.join(bones)} on {rig.node_names[node]!r}"
        for node, bones in by_node.items()
        if len(bones) > 1
    )


def _is_below(rig: Rig, bone: str, ancestor: str) -> bool:
    parent = rig.bone_parents[bone]
    while parent is not None and parent != ancestor:
        parent = rig.bone_parents[parent]
    return parent == ancestor


def _canonical_frame(rig: Rig) -> FloatArray:
    """Up from hips to head, snapped to an axis; left across the hips; forward = left x up."""
    trunk = rig.rest_position("head") - rig.rest_position("hips")
    axis = int(np.argmax(np.abs(trunk)))
    up = np.zeros(3)
    up[axis] = np.sign(trunk[axis])
    across = rig.rest_position("leftUpperLeg") - rig.rest_position("rightUpperLeg")
    across = across - up * (across @ up)
    width = float(np.linalg.norm(across))
    if not up.any() or width < _SHORTEST_LIMB * max(1.0, rig.leg_length):
        raise ValueError(
            f"`{rig.source}` must have its head above its hips and its upper legs side by side. "
            f"Received: hips to head {trunk.round(6)}, right to left leg {across.round(6)}. "
            "Give a bone map that names the right nodes."
        )
    left = across / width
    axis = int(np.argmax(np.abs(left)))
    if abs(left[axis]) > _SNAP_COSINE:
        left = np.sign(left[axis]) * np.eye(3)[axis]
    return np.stack([left, up, np.cross(left, up)], axis=1)


def _alignments(rig: Rig) -> dict[str, FloatArray]:
    turns: dict[str, FloatArray] = {bone: np.eye(3) for bone in rig.bones}
    for side, outward in zip(SIDES, (1.0, -1.0), strict=True):
        arm_turn = _straighten(rig, turns, side, ("UpperArm", "LowerArm", "Hand"),
                               np.array([outward, 0.0, 0.0]))  # fmt: skip
        for bone in rig.bones:
            if bone.startswith(side) and ("Hand" in bone or _is_finger(bone)):
                turns[bone] = arm_turn
        leg_turn = _straighten(rig, turns, side, ("UpperLeg", "LowerLeg", "Foot"),
                               np.array([0.0, -1.0, 0.0]))  # fmt: skip
        # A foot is never turned by its own direction (high heels), only with a splayed shin.
        shin = rig.canonical_rest_position(side + "Foot") - rig.canonical_rest_position(
            side + "LowerLeg"
        )
        splay_rad = np.arctan2(abs(shin[0]), np.hypot(shin[1], shin[2]))
        if splay_rad > _LARGEST_ANKLE_ROLL_RAD:
            for bone in (side + "Foot", side + "Toes"):
                if bone in turns:
                    turns[bone] = leg_turn
    return turns


def _is_finger(bone: str) -> bool:
    return bone.endswith(("Metacarpal", "Proximal", "Intermediate", "Distal"))


def _straighten(
    rig: Rig,
    turns: dict[str, FloatArray],
    side: str,
    names: tuple[str, str, str],
    direction: FloatArray,
) -> FloatArray:
    """Turns a limb's two segments to `direction`, the second after the first; returns its turn.

    A segment without length, or whose end the rig lacks, keeps the turn of the one before.
    """
    turn = np.eye(3)
    for name, end in pairwise(names):
        bone, end_bone = side + name, side + end
        if bone not in rig.bones:
            continue
        if end_bone in rig.bones:
            segment = rig.canonical_rest_position(end_bone) - rig.canonical_rest_position(bone)
            if np.linalg.norm(segment) > _SHORTEST_LIMB * rig.leg_length:
                turn = rotation_between(turn @ segment, direction) @ turn
        turns[bone] = turn
    return turn
