"""Keypoints over time: read at other times, smoothly, and closed to a loop.

Keypoints are seen flat, so angles are not known; each joint moves along a smooth curve through
the places where it was seen. A joint that is missing stays missing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from psgan_tf.keypoints.schema import Keypoints

Floats = npt.NDArray[np.float64]

# Times this close, in parts of a frame, are the same frame.
_SAME_TIME = 1e-6
# A step from the end to the start this much larger than nine of ten others is seen as a jump.
_SMOOTH_JUMP = 1.5

# One that is this small beside the others would be seen as a halt.
_HALT = 0.25


def _velocities(times_secs: Floats, xy: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
    """[F, M, 2] pixels a second: over both neighbours where they were seen, else over one."""
    steps = np.diff(times_secs)[:, None, None]
    slopes = np.diff(xy, axis=0) / steps
    known = (seen[:-1] & seen[1:])[..., None]
    before = np.concatenate([np.zeros_like(xy[:1]), np.where(known, slopes, 0.0)])
    after = np.concatenate([np.where(known, slopes, 0.0), np.zeros_like(xy[:1])])
    has_before = np.concatenate([np.zeros_like(known[:1]), known])
    has_after = np.concatenate([known, np.zeros_like(known[:1])])
    # Each side counts by how near it is: the derivative of the parabola through three points.
    step_before = np.concatenate([np.ones_like(steps[:1]), steps])
    step_after = np.concatenate([steps, np.ones_like(steps[:1])])
    both = (before * step_after + after * step_before) / (step_before + step_after)
    return np.where(has_before & has_after, both, before + after)


def keypoints_at(times_secs: Floats, keypoints: Keypoints, wanted_secs: Floats) -> Keypoints:
    """Keypoints at other times, by cubic Hermite curves through what was seen.

    Args:
        times_secs: [F] ascending, at least one.
        keypoints: [F, M, 3], x and y in pixels, visible 0/1.
        wanted_secs: [T] within the first and last of `times_secs`.

    Returns:
        [T, M, 3] float32; a joint is visible where it is in the frames before and after.
    """
    if len(times_secs) == 1:
        return np.repeat(keypoints, len(wanted_secs), axis=0)
    xy, seen = keypoints[..., :2].astype(np.float64), keypoints[..., 2] > 0
    velocities = _velocities(times_secs, xy, seen)
    before = np.clip(np.searchsorted(times_secs, wanted_secs, "right") - 1, 0, len(times_secs) - 2)
    after = before + 1
    step = (times_secs[after] - times_secs[before])[:, None, None]
    t = (wanted_secs - times_secs[before])[:, None, None] / step
    at_start, at_end = t[..., 0] < _SAME_TIME, t[..., 0] > 1.0 - _SAME_TIME
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * xy[before]
        + (t**3 - 2 * t**2 + t) * step * velocities[before]
        + (3 * t**2 - 2 * t**3) * xy[after]
        + (t**3 - t**2) * step * velocities[after]
    )
    curve = np.where(at_start[..., None], xy[before], curve)
    curve = np.where(at_end[..., None], xy[after], curve)
    visible = np.where(at_start, seen[before], seen[before] & seen[after])
    visible = np.where(at_end, seen[after], visible)
    kept = np.where(visible[..., None], curve, 0.0)
    found: Keypoints = np.concatenate([kept, visible[..., None]], axis=-1).astype(np.float32)
    return found


def resampled_keypoints(times_secs: Floats, keypoints: Keypoints, fps: float) -> Keypoints:
    """The keypoints at a steady rate, from the first time to the last.

    Args:
        times_secs: [F] ascending.
        keypoints: [F, M, 3], as in `keypoints_at`.
        fps: frames a second.

    Returns:
        [T, M, 3] float32; frame k is k / fps seconds after the first time.
    """
    span = float(times_secs[-1] - times_secs[0])
    count = int(np.floor(span * fps + 1e-6)) + 1
    wanted = np.minimum(times_secs[0] + np.arange(count) / fps, times_secs[-1])
    return keypoints_at(times_secs, keypoints, wanted)


def overlap_frames(steps: Floats, wanted: int) -> int:
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


def overlap_weights(overlap: int) -> Floats:
    """[overlap]: the start's share, evenly growing, never quite 0 or 1."""
    weights: Floats = np.arange(1, overlap + 1) / (overlap + 1.0)
    return weights


def closed_keypoints(keypoints: Keypoints, overlap_secs: float, fps: float) -> Keypoints:
    """Keypoints as a loop: the last frames are blended into the first ones, and left out.

    As with `closed_loop` of a motion, what loops already stays.

    Args:
        keypoints: [F, M, 3], as in `keypoints_at`; fewer than 3 frames stay as they are.
        overlap_secs: how long the blend takes, at most half of all.
        fps: frames a second.
    """
    if len(keypoints) < 3:
        return keypoints
    before = np.roll(keypoints, 1, axis=0)
    both = (before[..., 2] > 0) & (keypoints[..., 2] > 0)
    moved = np.linalg.norm(keypoints[..., :2] - before[..., :2], axis=-1)
    overlap = overlap_frames(np.where(both, moved, 0.0).max(axis=1), round(overlap_secs * fps))
    if overlap == 0:
        return keypoints
    start, end = keypoints[:overlap], keypoints[-overlap:]
    weights = overlap_weights(overlap)[:, None, None]
    seam = (1.0 - weights) * end + weights * start
    seam[..., 2] = (start[..., 2] > 0) & (end[..., 2] > 0)
    return np.concatenate([seam.astype(np.float32), keypoints[overlap:-overlap]])
