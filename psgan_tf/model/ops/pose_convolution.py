"""Convolution of pose maps computed from the keypoints alone: an exact rearrangement of sums.

`layers.PoseConv2D` says what is computed; its plain form is the oracle of this one. Every operation
here has a gradient of any order, which the gradient penalty needs.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from psgan_tf.model.ops.pose_maps import PAPER_VALUES, in_frame, pixel_of

_TAPS = 3


def pose_bias(kernel: tf.Tensor, elsewhere: float = -1.0) -> tf.Tensor:
    """Sum that maps without a keypoint add to each pixel away from the border.

    Args:
        kernel: [3, 3, M, F].
        elsewhere: the value of such a map, -1 in the paper.

    Returns:
        [F], for the convolution's bias, where it costs nothing.
    """
    summed = tf.reduce_sum(tf.cast(kernel, tf.float32), axis=[0, 1, 2])
    return tf.cast(elsewhere * summed, kernel.dtype)


def _border(resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels at the border: [R, 2] int32 rows and columns, and the place of each, [R] int32.

    A place is a pixel of a picture of 3 x 3, counted row by row: all pixels of one place see the
    border alike.
    """
    rows, columns = np.indices([resolution, resolution], np.int32).reshape(2, -1)
    last = resolution - 1
    at_border = (rows % last == 0) | (columns % last == 0)
    pixels = np.stack([rows, columns], axis=-1)[at_border]
    parts = np.select([pixels == 0, pixels == last], [0, 2], 1)
    return pixels, (3 * parts[:, 0] + parts[:, 1]).astype(np.int32)


def _border_updates(
    kernel: tf.Tensor, resolution: int, elsewhere: float
) -> tuple[np.ndarray, tf.Tensor]:
    """Corrections of `pose_bias` at the border, since no map lies beyond it.

    Returns:
        Rows and columns of pixels, [R, 2] int32, and what to add there, [R, F].
    """
    pixels, places = _border(resolution)
    summed = tf.reduce_sum(kernel, axis=2, keepdims=True)
    # Of a picture of 3 x 3 only the middle sees all of the kernel.
    empty = tf.fill([1, 3, 3, 1], tf.constant(elsewhere, kernel.dtype))
    seen = tf.reshape(tf.nn.conv2d(empty, summed, 1, "SAME"), [9, kernel.shape[3]])
    return pixels, tf.gather(seen - seen[4], places)


def _stamps(
    keypoints: tf.Tensor, kernel: tf.Tensor, resolution: int, frame: int, step: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """The kernel laid round each keypoint's pixel, times what a map is more there than elsewhere.

    Returns:
        Indices [B, M * 9, 3] int32 (example, row, column) and what to add there,
        [B, M * 9, F]. What would lie beyond the border, and what belongs to keypoints that are
        not drawn, is zero and lies in pixel (0, 0).
    """
    drawn = in_frame(keypoints, frame)[:, :, None, None]
    cell = pixel_of(keypoints, resolution, frame)[:, :, None, None]
    # The kernel is turned round: the pixel above a keypoint sees it through the kernel's last row.
    steps = 1 - tf.range(_TAPS)
    shape = tf.concat([tf.shape(keypoints)[:2], [_TAPS, _TAPS]], 0)
    rows = tf.broadcast_to(cell[..., 1] + steps[:, None], shape)
    columns = tf.broadcast_to(cell[..., 0] + steps[None, :], shape)
    inside = (rows >= 0) & (rows < resolution) & (columns >= 0) & (columns < resolution)
    seen = drawn & inside
    examples = tf.broadcast_to(tf.range(shape[0])[:, None, None, None], shape)
    indices = tf.stack([examples, tf.where(seen, rows, 0), tf.where(seen, columns, 0)], axis=-1)
    by_keypoint = tf.transpose(step * kernel, [2, 0, 1, 3])
    stamps = tf.where(seen[..., None], by_keypoint, tf.zeros([], kernel.dtype))
    count = keypoints.shape[1] * _TAPS * _TAPS
    return tf.reshape(indices, [-1, count, 3]), tf.reshape(stamps, [-1, count, kernel.shape[3]])


def add_pose(
    outputs: tf.Tensor,
    keypoints: tf.Tensor,
    kernel: tf.Tensor,
    *,
    frame: int,
    values: tuple[float, float] = PAPER_VALUES,
) -> tf.Tensor:
    """Adds what the 3 x 3 convolution of pose maps gives beyond `pose_bias`, from the keypoints.

    A map has one value everywhere, -1 in the paper, and some more in the keypoint's pixel, 2 in
    the paper. The convolution of the first part is `pose_bias` but at the border (nothing, for a
    value of 0); that of the second is the kernel itself, laid round the pixel. The maps, 84 MB per
    picture at 1024 with 20 keypoints, are never made, and nothing passes over the whole picture.

    Args:
        outputs: [B, N, N, F] that hold `pose_bias` already.
        keypoints: [B, M, 3] float32, x and y in pixels of the full size, visibility 0/1.
        kernel: [3, 3, M, F].
        frame: the full size in pixels.
        values: of a map elsewhere, and in the keypoint's pixel.

    Returns:
        [B, N, N, F]: together with `pose_bias`, the outputs and
        `tf.nn.conv2d(maps, kernel, 1, "SAME")`, where the maps are those of `draw_pose_maps`.
    """
    resolution = outputs.shape[1]
    elsewhere, there = values
    indices, stamps = _stamps(keypoints, kernel, resolution, frame, there - elsewhere)
    if elsewhere == 0:
        return tf.tensor_scatter_nd_add(outputs, indices, stamps)
    pixels, border = _border_updates(kernel, resolution, elsewhere)
    batch = tf.shape(keypoints)[0]
    examples = tf.broadcast_to(tf.range(batch)[:, None, None], [batch, len(pixels), 1])
    places = tf.broadcast_to(pixels, [batch, *pixels.shape])
    border = tf.broadcast_to(border, [batch, *border.shape])
    return tf.tensor_scatter_nd_add(
        outputs,
        tf.concat([indices, tf.concat([examples, places], axis=-1)], axis=1),
        tf.concat([stamps, border], axis=1),
    )
