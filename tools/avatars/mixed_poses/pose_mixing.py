"""New poses from the poses of motions, body part by body part.

Legs and hips, trunk, head and each arm are taken from a pose each. For half of the parts it is a
blend of two poses: joint by joint on the sphere, with a drawn weight. Each pose that a part is
taken from is mirrored half the time. Some poses keep both arms of one pose together, since hands
that belong together hardly ever meet by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from psgan_tf.motion.humanoid import SIDES
from psgan_tf.motion.transforms import FloatArray, slerp
from tools.avatars.mixed_poses.pose_pool import PARTS, PosePool, part_of

_MIRROR_PARTS = {"leftArm": "rightArm", "rightArm": "leftArm"}

_BY_REACH_SHARE = 0.5
_MIRRORED_SHARE = 0.5
_BLENDED_SHARE = 0.5
_ARMS_TOGETHER_SHARE = 0.25

# For each part: two poses (motion or cell, place in it, which of the two, mirrored), whether they
# are blended, and with what weight. Then whether the arms stay together.
_NUMBERS_PER_SOURCE = 4
_NUMBERS_PER_PART = 2 * _NUMBERS_PER_SOURCE + 2
NUMBERS_PER_POSE = _NUMBERS_PER_PART * len(PARTS) + 1


def mirror_columns(bones: Sequence[str]) -> np.ndarray:
    """[B] int: for each bone the column of the one on the other side (its own in the middle).

    A bone that the other side lacks keeps its own column.
    """
    column = {bone: index for index, bone in enumerate(bones)}
    swapped = []
    for bone in bones:
        other = bone
        for one, two in (SIDES, SIDES[::-1]):
            if bone.startswith(one):
                other = two + bone.removeprefix(one)
        swapped.append(column.get(other, column[bone]))
    return np.array(swapped)


def mirrored(rotations: FloatArray, columns: np.ndarray) -> FloatArray:
    """[..., B, 4]: the mirror image, left and right swapped, of rotations relative to the T-pose.

    Mirroring x turns a rotation about (x, y, z) into one about (x, -y, -z).
    """
    swapped: FloatArray = rotations[..., columns, :] * np.array([1.0, -1.0, -1.0, 1.0])
    return swapped


@dataclass(frozen=True, eq=False)
class MixedJoints:
    """P mixed poses before they are put on the ground.

    Attributes:
        local: [P, B, 4] rotations relative to the parents.
        hips_heights, clearances: [P], as in `PosePool`, of the poses that the legs are taken from.
    """

    local: FloatArray
    hips_heights: FloatArray
    clearances: FloatArray


@dataclass(frozen=True, eq=False)
class _Source:
    """What a part of P poses is taken from: frames of the pool, [P] int, mirrored or not, [P]."""

    frames: np.ndarray
    is_mirrored: np.ndarray

    def kept_where(self, kept: np.ndarray, other: _Source) -> _Source:
        """This source where `kept`, else the other."""
        return _Source(
            np.where(kept, self.frames, other.frames),
            np.where(kept, self.is_mirrored, other.is_mirrored),
        )


def _source(pool: PosePool, part: str, numbers: FloatArray) -> _Source:
    """By [P, 4] drawn numbers."""
    is_mirrored = numbers[:, 3] < _MIRRORED_SHARE
    # A mirrored left arm was a right one.
    reached = np.where(
        is_mirrored,
        pool.by_reach[_MIRROR_PARTS.get(part, part)].chosen(numbers[:, 0], numbers[:, 1]),
        pool.by_reach[part].chosen(numbers[:, 0], numbers[:, 1]),
    )
    by_motion = pool.by_motion.chosen(numbers[:, 0], numbers[:, 1])
    return _Source(np.where(numbers[:, 2] < _BY_REACH_SHARE, reached, by_motion), is_mirrored)


def mix(pool: PosePool, numbers: FloatArray) -> MixedJoints:
    """Poses by drawn numbers.

    Args:
        pool: what they are made of.
        numbers: [P, NUMBERS_PER_POSE] from 0 to below 1.
    """
    bones = pool.skeleton.bones
    columns = mirror_columns(bones)
    drawn = numbers[:, :-1].reshape(len(numbers), len(PARTS), _NUMBERS_PER_PART)
    apart = numbers[:, -1] >= _ARMS_TOGETHER_SHARE
    local = np.empty((len(numbers), len(bones), 4))
    chosen: dict[str, tuple[_Source, _Source, FloatArray]] = {}
    for part, values in zip(PARTS, np.moveaxis(drawn, 1, 0), strict=True):
        first = _source(pool, part, values[:, :_NUMBERS_PER_SOURCE])
        second = _source(pool, part, values[:, _NUMBERS_PER_SOURCE : 2 * _NUMBERS_PER_SOURCE])
        fractions = np.where(values[:, -2] < _BLENDED_SHARE, values[:, -1], 0.0)
        if part == "rightArm":
            left_first, left_second, left_fractions = chosen["leftArm"]
            first = first.kept_where(apart, left_first)
            second = second.kept_where(apart, left_second)
            fractions = np.where(apart, fractions, left_fractions)
        chosen[part] = first, second, fractions
        moved = np.array([part_of(bone) == part for bone in bones])
        ends = [_turned(pool, source, columns)[:, moved] for source in (first, second)]
        local[:, moved] = slerp(ends[0], ends[1], fractions[:, None])
    first, second, fractions = chosen["legs"]
    ends = [
        np.stack([pool.hips_heights[source.frames], pool.clearances[source.frames]])
        for source in (first, second)
    ]
    heights, clearances = ends[0] + (ends[1] - ends[0]) * fractions
    return MixedJoints(local, heights, clearances)


def _turned(pool: PosePool, source: _Source, columns: np.ndarray) -> FloatArray:
    """[P, B, 4]: the rotations of the source's poses."""
    rotations = pool.local[source.frames]
    is_mirrored = source.is_mirrored[:, None, None]
    turned: FloatArray = np.where(is_mirrored, mirrored(rotations, columns), rotations)
    return turned
