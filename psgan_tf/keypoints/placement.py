"""Keypoints of a picture placed in the square keypoint frame."""

from __future__ import annotations

import numpy as np

from psgan_tf.images.pictures import square_offset
from psgan_tf.keypoints.schema import Keypoints


def hide_outside(keypoints: Keypoints, frame_px: int) -> Keypoints:
    """Keypoints with visible 1 where they were visible and lie in the frame, else 0.

    Args:
        keypoints: [M, 3] float32, x and y in pixels of the frame, visible.
        frame_px: size in pixels of the square keypoint frame.
    """
    keypoints = np.array(keypoints, np.float32)
    xy = keypoints[..., :2]
    inside = np.all((xy >= 0) & (xy < frame_px), axis=-1)
    keypoints[..., 2] = inside & (keypoints[..., 2] > 0)
    return keypoints


def place_keypoints(
    keypoints: Keypoints,
    size: tuple[int, int],
    mode: str,
    frame_px: int,
    measured_in: tuple[float, float] | None = None,
    padded: bool = False,
) -> Keypoints:
    """Keypoints of a picture as those of the square made of it, brought to the keypoint frame.

    Args:
        keypoints: [M, 3], x, y, visible.
        size: (width, height) of the picture in pixels.
        mode: how it is made square, `pad` or `crop`.
        frame_px: size in pixels of the square keypoint frame of the result.
        measured_in: (width, height) that stand for the whole picture; None for its own pixels.
        padded: `measured_in` stands for the picture padded to a square instead.

    Returns:
        [M, 3] float32, x and y in pixels of the frame; visible 0 for what fell out of it.
    """
    scale, shift = np.ones(2), np.zeros(2)
    if measured_in is not None:
        side, dx, dy = square_offset(*size, "pad")
        whole = (side, side) if padded else size
        scale = np.asarray(whole) / np.asarray(measured_in)
        shift = -np.asarray((dx, dy)) if padded else shift
    side, dx, dy = square_offset(*size, mode)
    placed = np.array(keypoints, np.float64)
    placed[:, :2] = (placed[:, :2] * scale + shift + (dx, dy)) * (frame_px / side)
    return hide_outside(placed.astype(np.float32), frame_px)
