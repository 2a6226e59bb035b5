"""Keypoints to pose maps: one plane a keypoint, +1 in its pixel and -1 elsewhere.

PSGAN section 3.1. The paper draws the map at full size and max-pools it (2 x 2) down to each
scale. A keypoint is then +1 in pixel (floor(x N / S), floor(y N / S)) of the N x N map, so each
scale is drawn directly; the pooled pyramid is the oracle of the tests.
"""

from __future__ import annotations

import tensorflow as tf


def in_frame(keypoints: tf.Tensor, frame: int) -> tf.Tensor:
    """Which keypoints are drawn: visible and inside the frame.

    Args:
        keypoints: [B, M, 3] float32, x and y in pixels of the full size, visibility 0/1.
        frame: the full size in pixels.

    Returns:
        [B, M] bool.
    """
    x, y, visible = tf.unstack(keypoints, axis=-1)
    return (visible > 0.5) & (x >= 0) & (x < frame) & (y >= 0) & (y < frame)


def pixel_of(keypoints: tf.Tensor, resolution: int, frame: int) -> tf.Tensor:
    """The pixel of each keypoint at one scale; only those in frame lie in the map.

    Args:
        keypoints: [B, M, 3] float32, x and y in pixels of the full size, visibility 0/1. Float32
            is needed: half precision moves a keypoint to another pixel.
        resolution: N, the scale in pixels.
        frame: the full size in pixels.

    Returns:
        [B, M, 2] int32, column and row.

    Raises:
        ValueError: when `keypoints` is not float32.
    """
    if keypoints.dtype != tf.float32:
        raise ValueError(
            "`keypoints` must be float32, since other types move them to another pixel. "
            f"Received: {keypoints.dtype.name}. Pass them as a keyword, which Keras does not cast."
        )
    cell = tf.cast(tf.floor(keypoints[..., :2] * resolution / frame), tf.int32)
    # Where a device divides only approximately, a point at the border may come out as N.
    return tf.minimum(cell, resolution - 1)


def draw_pose_maps(
    keypoints: tf.Tensor, *, resolution: int, frame: int, dtype: tf.DType = tf.float32
) -> tf.Tensor:
    """Pose maps at one scale.

    Args:
        keypoints, resolution, frame: see `pixel_of`.
        dtype: of the maps; +1 and -1 are exact in every type.

    Returns:
        [B, N, N, M], +1 in the pixel of each visible keypoint in frame, -1 elsewhere.

    Raises:
        ValueError: when `keypoints` is not float32.
    """
    cell = pixel_of(keypoints, resolution, frame)
    drawn = in_frame(keypoints, frame)
    column = tf.one_hot(tf.where(drawn, cell[..., 0], -1), resolution, dtype=dtype)
    row = tf.one_hot(tf.where(drawn, cell[..., 1], -1), resolution, dtype=dtype)
    on = tf.transpose(row, [0, 2, 1])[:, :, None, :] * tf.transpose(column, [0, 2, 1])[:, None]
    return 2 * on - 1
