"""Motions whose end leads back to their start, for pictures that play for ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from psgan_tf.keypoints.resampling import overlap_frames, overlap_weights
from psgan_tf.motion.motion import Motion, blended
from psgan_tf.motion.transforms import FloatArray, angles_between


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
