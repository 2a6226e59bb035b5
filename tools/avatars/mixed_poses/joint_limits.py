"""Joint limits: how far each joint turned in given motions, and whether a pose stays within.

A joint's turn is split into a swing of the bone and a twist about it (swing-twist decomposition).
The limits are the least and greatest twist, and the least and greatest swing about each of the two
axes across the bone, of all frames of the motions and of their mirror images. So they suit
whatever character the motions were made for, and hold what the motions themselves do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psgan_tf.motion.rest_skeleton import RestSkeleton
from psgan_tf.motion.transforms import (
    FloatArray,
    conjugate_quaternions,
    multiply_quaternions,
)

# Blends between poses of a joint at its limit pass it by a little.
_MARGIN_RAD = np.radians(3.0)


def bone_axes(skeleton: RestSkeleton) -> FloatArray:
    """[B, 3]: unit vectors along the bones in the T-pose.

    A bone points to its first child; one without children as the bone before it does.
    """
    axes = np.zeros((len(skeleton.bones), 3))
    for bone, parent in enumerate(skeleton.parents):
        children = [child for child, of in enumerate(skeleton.parents) if of == bone]
        vectors = [skeleton.offsets[child] for child in children] + [skeleton.offsets[bone]]
        lengths = [float(np.linalg.norm(vector)) for vector in vectors]
        usable = [v / n for v, n in zip(vectors, lengths, strict=True) if n > 1e-9]
        axes[bone] = usable[0] if usable else (axes[parent] if parent >= 0 else [0.0, 1.0, 0.0])
    return axes


def swings_and_twists(local: FloatArray, axes: FloatArray) -> FloatArray:
    """[..., B, 3] radians: the two swings across each bone, then the twist about it.

    The rotation is the twist followed by the swing. Both angles are from -pi to pi; the swing is
    a rotation vector, written in two axes of our choice across the bone.

    Args:
        local: [..., B, 4] rotations relative to the parents, in T-pose axes.
        axes: [B, 3] unit vectors along the bones.
    """
    along = np.sum(local[..., :3] * axes, axis=-1)
    twist = np.concatenate([axes * along[..., None], local[..., 3:]], axis=-1)
    length = np.linalg.norm(twist, axis=-1, keepdims=True)
    # A swing by half a turn leaves no twist to be seen.
    twist = np.where(length > 1e-9, twist / np.where(length > 1e-9, length, 1.0), [0, 0, 0, 1.0])
    swing = multiply_quaternions(local, conjugate_quaternions(twist))
    swing = np.where(swing[..., 3:] < 0, -swing, swing)
    sine = np.linalg.norm(swing[..., :3], axis=-1, keepdims=True)
    scale = np.where(
        sine > 1e-9, 2.0 * np.arctan2(sine, swing[..., 3:]) / np.where(sine > 1e-9, sine, 1.0), 2.0
    )
    vector = swing[..., :3] * scale
    first, second = _across(axes)
    angle = 2.0 * np.arctan2(np.sum(twist[..., :3] * axes, axis=-1), twist[..., 3])
    angle = (angle + np.pi) % (2.0 * np.pi) - np.pi
    return np.stack(
        [np.sum(vector * first, axis=-1), np.sum(vector * second, axis=-1), angle], axis=-1
    )


def _across(axes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two [B, 3] unit vectors at right angles to each axis and to one another."""
    helper = np.eye(3)[np.argmin(np.abs(axes), axis=-1)]
    first = np.cross(axes, helper)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return first, np.cross(axes, first)


@dataclass(frozen=True, eq=False)
class JointLimits:
    """The ranges of the joints of a skeleton.

    Attributes:
        axes: [B, 3] unit vectors along the bones.
        low, high: [B, 3] radians, see `swings_and_twists`.
    """

    axes: FloatArray
    low: FloatArray
    high: FloatArray

    def hold(self, local: FloatArray) -> np.ndarray:
        """[F] bool: whether all joints but the first, the hips, are within the limits.

        Args:
            local: [F, B, 4] rotations relative to the parents.
        """
        angles = swings_and_twists(local, self.axes)[:, 1:]
        inside = (angles >= self.low[1:]) & (angles <= self.high[1:])
        held: np.ndarray = inside.all(axis=(1, 2))
        return held


def limits_of(skeleton: RestSkeleton, local: FloatArray) -> JointLimits:
    """The limits that [F, B, 4] rotations relative to the parents keep, and 3 degrees more."""
    axes = bone_axes(skeleton)
    angles = swings_and_twists(local, axes)
    return JointLimits(axes, angles.min(axis=0) - _MARGIN_RAD, angles.max(axis=0) + _MARGIN_RAD)
