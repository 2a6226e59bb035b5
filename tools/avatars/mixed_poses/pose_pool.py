"""The poses that mixed poses are made of: those of some motions, frame by frame, part by part.

A frame is drawn in one of two ways. By motion: each motion as often, whatever its length. By
reach: each cell of the space that the part's ends reach as often, so that an arm is high as often
as low, however long the motions leave it hanging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from psgan_tf.motion.humanoid import BONE_PARENTS, SIDES
from psgan_tf.motion.motion import Motion
from psgan_tf.motion.rest_skeleton import RestSkeleton
from psgan_tf.motion.retarget import PosedSkeleton, retarget
from psgan_tf.motion.transforms import (
    FloatArray,
    conjugate_quaternions,
    multiply_quaternions,
    rotate_vectors,
)

PARTS = ("legs", "trunk", "head", "leftArm", "rightArm")
_TRUNK_BONES = ("spine", "chest", "upperChest")

# Edge of a cell, in lengths of the limb.
_CELL = 0.25


def part_of(bone: str) -> str:
    """The part of the body that a humanoid bone belongs to."""
    if bone in _TRUNK_BONES:
        return "trunk"
    chain: list[str] = []
    above: str | None = bone
    while above is not None:
        chain.append(above)
        above = BONE_PARENTS[above]
    for side in SIDES:
        if side + "Shoulder" in chain:
            return side + "Arm"
        if side + "UpperLeg" in chain:
            return "legs"
    return "legs" if bone == "hips" else "head"


@dataclass(frozen=True, eq=False)
class Cells:
    """Frames sorted into cells.

    Attributes:
        frames: [F] int, cell by cell.
        starts: [C + 1] int: where each cell begins in `frames`, and F.
    """

    frames: np.ndarray
    starts: np.ndarray

    def chosen(self, cells: FloatArray, places: FloatArray) -> np.ndarray:
        """[...] int: frames by drawn numbers from 0 to below 1, first the cell, then within it."""
        cell = (cells * (len(self.starts) - 1)).astype(np.int64)
        first, end = self.starts[cell], self.starts[cell + 1]
        frames: np.ndarray = self.frames[first + (places * (end - first)).astype(np.int64)]
        return frames


@dataclass(frozen=True, eq=False)
class PosePool:
    """All poses of some motions, as a skeleton's own joints take them.

    Attributes:
        skeleton: the character.
        local: [F, B, 4] rotations relative to the parents (the hips': to the world).
        hips_heights: [F], above where they stand upright, in leg lengths.
        clearances: [F], height of the lowest point that may stand on the ground, in its own unit.
        by_motion: the frames of each motion.
        by_reach: for each of PARTS the frames sorted by what the part reaches.
    """

    skeleton: RestSkeleton
    local: FloatArray
    hips_heights: FloatArray
    clearances: FloatArray
    by_motion: Cells
    by_reach: Mapping[str, Cells]


def pool_of(skeleton: RestSkeleton, motions: Sequence[Motion], ground: str) -> PosePool:
    """The poses of motions, put on the ground by the rule that the motions themselves follow."""
    posed = [retarget(skeleton, motion, ground) for motion in motions]
    lowest = [one.points(skeleton.contacts)[..., 1].min(axis=1) for one in posed]
    hips = np.concatenate([one.hips[:, 1] for one in posed])
    reaches = [reaches_of(one) for one in posed]
    count = len(hips)
    return PosePool(
        skeleton,
        relative_to_parents(skeleton, np.concatenate([one.rotations for one in posed])),
        (hips - skeleton.offsets[0, 1]) / skeleton.leg_length,
        np.concatenate(lowest),
        Cells(np.arange(count), np.cumsum([0, *map(len, lowest)])),
        {part: _cells(np.concatenate([reach[part] for reach in reaches])) for part in PARTS},
    )


def reaches_of(posed: PosedSkeleton) -> dict[str, FloatArray]:
    """For each of PARTS [F, 3 or 6]: where it reaches, in lengths of the limb.

    Hands from their shoulders, seen from the chest; feet from their hips, seen from the pelvis;
    where the chest's own up and the face's own forward point, seen from the pelvis and the chest.
    """
    bones = posed.skeleton.bones
    top = next(bone for bone in ("upperChest", "chest", "spine") if bone in bones)
    turn = {
        name: conjugate_quaternions(posed.rotations[:, bones.index(name)]) for name in ("hips", top)
    }

    def limb(start: str, end: str, seen_from: str) -> FloatArray:
        first, last = bones.index(start), bones.index(end)
        middle = posed.skeleton.parents[last]
        length = sum(float(np.linalg.norm(posed.skeleton.offsets[bone])) for bone in (middle, last))
        vectors = posed.positions[:, last] - posed.positions[:, first]
        return rotate_vectors(turn[seen_from], vectors) / max(length, 1e-9)

    def pointing(bone: str, axis: int, seen_from: str) -> FloatArray:
        relative = multiply_quaternions(turn[seen_from], posed.rotations[:, bones.index(bone)])
        return rotate_vectors(relative, np.eye(3)[axis])

    feet = [limb(side + "UpperLeg", side + "Foot", "hips") for side in SIDES]
    return {
        "legs": np.concatenate(feet, axis=1),
        "trunk": pointing(top, 1, "hips"),
        "head": pointing("head", 2, top),
        "leftArm": limb("leftUpperArm", "leftHand", top),
        "rightArm": limb("rightUpperArm", "rightHand", top),
    }


def _cells(reaches: FloatArray) -> Cells:
    places = np.round(reaches / _CELL).astype(np.int64)
    _, cells, counts = np.unique(places, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(cells.ravel(), kind="stable")
    return Cells(order, np.concatenate([[0], np.cumsum(counts)]))


def relative_to_parents(skeleton: RestSkeleton, world: FloatArray) -> FloatArray:
    """[F, B, 4] rotations relative to the parents, of those relative to the T-pose in the world."""
    local = world.copy()
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            local[:, bone] = multiply_quaternions(
                conjugate_quaternions(world[:, parent]), world[:, bone]
            )
    return local


def composed_with_parents(skeleton: RestSkeleton, local: FloatArray) -> FloatArray:
    """[F, B, 4] rotations relative to the T-pose in the world, of those relative to the parents."""
    world = local.copy()
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            world[:, bone] = multiply_quaternions(world[:, parent], world[:, bone])
    return world
