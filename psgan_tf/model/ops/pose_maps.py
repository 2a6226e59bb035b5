"""Keypoints to pose maps: one plane per keypoint, +1 in its pixel and -1 elsewhere.

PSGAN section 3.1; other values, and points along limbs, are deviations (`config.NetworkConfig`).
The paper draws the map at full size and max-pools it (2 x 2) down to each scale. A keypoint is
then +1 in pixel (floor(x N / S), floor(y N / S)) of the N x N map, so each scale is drawn directly;
the pooled pyramid is the oracle of the tests.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

PAPER_VALUES = (-1.0, 1.0)


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


def add_limb_points(
    keypoints: tf.Tensor, limbs: Sequence[tuple[int, int]], count: int
) -> tf.Tensor:
    """Keypoints, then points that divide each limb evenly: at thirds of it for a count of 2.

    Args:
        keypoints: [B, M, 3] float32, x and y in pixels of the full size, visibility 0/1.
        limbs: L pairs of rows, the ends of each limb.
        count: P, points per limb.

    Returns:
        [B, M + L * P, 3] float32, the points of one limb side by side, from its first end on; a
        point is visible where both ends of its limb are.
    """
    if not count or not limbs:
        return keypoints
    first = tf.gather(keypoints, [limb[0] for limb in limbs], axis=1)[:, :, None]
    second = tf.gather(keypoints, [limb[1] for limb in limbs], axis=1)[:, :, None]
    part = tf.constant([(i + 1) / (count + 1) for i in range(count)], tf.float32)[:, None]
    places = first[..., :2] + part * (second[..., :2] - first[..., :2])
    visible = tf.minimum(first[..., 2:], second[..., 2:])
    visible = tf.broadcast_to(visible, tf.concat([tf.shape(places)[:-1], [1]], axis=0))
    points = tf.reshape(
        tf.concat([places, visible], axis=-1), [-1, len(limbs) * count, keypoints.shape[2]]
    )
    return tf.concat([keypoints, points], axis=1)


def draw_pose_maps(
    keypoints: tf.Tensor,
    *,
    resolution: int,
    frame: int,
    values: tuple[float, float] = PAPER_VALUES,
    dtype: tf.DType = tf.float32,
) -> tf.Tensor:
    """Pose maps at one scale.

    Args:
        keypoints, resolution, frame: see `pixel_of`.
        values: of a map elsewhere, and in the keypoint's pixel.
        dtype: of the maps; +1 and -1 are exact in every type.

    Returns:
        [B, N, N, M], the second value in the pixel of each visible keypoint in frame, the first
        elsewhere.

    Raises:
        ValueError: when `keypoints` is not float32.
    """
    cell = pixel_of(keypoints, resolution, frame)
    drawn = in_frame(keypoints, frame)
    column = tf.one_hot(tf.where(drawn, cell[..., 0], -1), resolution, dtype=dtype)
    row = tf.one_hot(tf.where(drawn, cell[..., 1], -1), resolution, dtype=dtype)
    on = tf.transpose(row, [0, 2, 1])[:, :, None, :] * tf.transpose(column, [0, 2, 1])[:, None]
    elsewhere, there = values
    return tf.cast(there - elsewhere, dtype) * on + tf.cast(elsewhere, dtype)
