"""Motions whose end leads back to their start, for pictures that play for ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from psgan_tf.motion.motion import Motion, blended
from psgan_tf.motion.transforms import FloatArray, angles_between

# A step from the end to the start this much larger than nine of ten others is seen as a jump.
_SMOOTH_JUMP = 1.5
# One that is this small beside the others would be seen as a halt.
_HALT = 0.25


def overlap_frames(steps: FloatArray, wanted: int) -> int:
    """How many frames of the end to blend into the start.

    Args:
        steps: [F] how far each frame is from the one before it, the first from the last.
        wanted: frames of a blend, where one is needed.

    Returns:
        0 for a loop already, 1 for one whose last frame is its first again, else `wanted`, but
        at most half of all.
    """
    jump, others = float(steps[0]), steps[1:]
    if jump <= _HALT * float(np.median(others)) or jump == 0.0:
        return 1
    if jump <= _SMOOTH_JUMP * float(np.quantile(others, 0.9)):
        return 0
    return max(1, min(wanted, len(steps) // 2))


def overlap_weights(overlap: int) -> FloatArray:
    """[overlap]: the start's share, evenly growing, never quite 0 or 1."""
    weights: FloatArray = np.arange(1, overlap + 1) / (overlap + 1.0)
    return weights


def _steps(motion: Motion) -> FloatArray:
    """[F]: the largest turn of a bone since the frame before, or the hips' rise, in radians."""
    turns = angles_between(np.roll(motion.rotations, 1, axis=0), motion.rotations).max(axis=1)
    heights = motion.hips_offsets[:, 1]
    rises: FloatArray = np.maximum(turns, np.abs(heights - np.roll(heights, 1)))
    return rises


def closed_loop(motion: Motion, overlap_secs: float) -> Motion:
    """The motion as a loop: its last frames are blended into its first ones, and left out.

    A motion that loops already stays as it is, and one that ends with its first frame again loses
    that. The path along the ground goes on from the start, which a camera that follows the hips
    does not see.

    Args:
        motion: F frames; fewer than 3 stay as they are.
        overlap_secs: how long the blend takes, at most half of the motion.
    """
    if motion.num_frames < 3:
        return motion
    overlap = overlap_frames(_steps(motion), round(overlap_secs * motion.fps))
    if overlap == 0:
        return motion
    start, end = motion.frames(slice(overlap)), motion.frames(slice(-overlap, None))
    offsets = end.hips_offsets.copy()
    offsets[:, [0, 2]] += start.hips_offsets[0, [0, 2]] - end.hips_offsets[0, [0, 2]]
    seam = blended(replace(end, hips_offsets=offsets), start, overlap_weights(overlap))
    rest = motion.frames(slice(overlap, motion.num_frames - overlap))
    return replace(
        motion,
        rotations=np.concatenate([seam.rotations, rest.rotations]),
        hips_offsets=np.concatenate([seam.hips_offsets, rest.hips_offsets]),
    )
