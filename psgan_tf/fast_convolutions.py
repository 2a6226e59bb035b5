"""Two convolutions of the blocks in cheaper forms: exact rearrangements of their sums.

`layers.PoseConv2D` says what is computed; the plain forms there are the oracles of these. Every
operation here has a gradient of any order, which the gradient penalty needs.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from psgan_tf.pose_maps import in_frame, pixel_of

_TAPS = 3


def _corner_matrix() -> np.ndarray:
    """[16, 9]: which taps of a 3 x 3 kernel over doubled pixels fall on each pixel round a corner.

    Where four pixels meet, two rows and two columns of the doubled picture touch: the results
    (row p, column q) see nothing but the four pixels (row a, column b), each through the sum of
    one to four taps. Rows of the matrix are (a, b, p, q), columns the taps of the kernel.
    """
    line = np.zeros([2, 2, _TAPS], np.float32)
    for result, doubled_row in enumerate((-1, 0)):  # the last row above the corner, the first below
        for tap in range(_TAPS):
            below = doubled_row + tap - 1 >= 0
            line[int(below), result, tap] = 1.0
    return np.einsum("apt,bqu->abpqtu", line, line).reshape(16, _TAPS * _TAPS)


_CORNER_MATRIX = _corner_matrix()


def convolve_upscaled(features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """3 x 3 convolution of nearest-neighbour doubled features, without doubling them.

    Each pixel of the result sees 2 x 2 different pixels of the features, so 16 multiplications
    do where the plain form takes 36: one 2 x 2 convolution over the corners of the pixels, whose
    results are the 2 x 2 pixels round each corner.

    Args:
        features: [B, H, W, C].
        kernel: [3, 3, C, F].

    Returns:
        [B, 2H, 2W, F], as `tf.nn.conv2d(upscale2x(features), kernel, 1, "SAME")`.
    """
    channels, filters = kernel.shape[2:]
    height, width = features.shape[1:3]
    matrix = tf.constant(_CORNER_MATRIX, kernel.dtype)
    corner = tf.matmul(matrix, tf.reshape(kernel, [_TAPS * _TAPS, channels * filters]))
    corner = tf.transpose(tf.reshape(corner, [2, 2, 4, channels, filters]), [0, 1, 3, 2, 4])
    corner = tf.reshape(corner, [2, 2, channels, 4 * filters])
    outputs = tf.nn.conv2d(features, corner, 1, [[0, 0], [1, 1], [1, 1], [0, 0]])
    batch = tf.shape(features)[0]
    outputs = tf.reshape(outputs, [batch, height + 1, width + 1, 2, 2, filters])
    outputs = tf.transpose(outputs, [0, 1, 3, 2, 4, 5])
    outputs = tf.reshape(outputs, [batch, 2 * height + 2, 2 * width + 2, filters])
    return outputs[:, 1:-1, 1:-1]


def _background(kernel: tf.Tensor, resolution: int) -> tf.Tensor:
    """[1, N, N, F]: the convolution of maps without a keypoint, -1 everywhere."""
    summed = tf.reduce_sum(kernel, axis=2, keepdims=True)
    # Only rows and columns at the border differ: three of each stand for all.
    corner = tf.nn.conv2d(-tf.ones([1, 3, 3, 1], kernel.dtype), summed, 1, "SAME")
    inside = [1, resolution - 2, 1]
    return tf.repeat(tf.repeat(corner, inside, axis=1), inside, axis=2)


def _stamps(
    keypoints: tf.Tensor, kernel: tf.Tensor, resolution: int, frame: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The kernel laid round each keypoint's pixel, twice as strong: what a map adds to -1.

    Returns:
        Indices [B * M * 9, 3] int32 (example, row, column) and what to add there,
        [B * M * 9, F]. What would lie beyond the border, and what belongs to keypoints that are
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
    by_keypoint = tf.transpose(2 * kernel, [2, 0, 1, 3])
    stamps = tf.where(seen[..., None], by_keypoint, tf.zeros([], kernel.dtype))
    return tf.reshape(indices, [-1, 3]), tf.reshape(stamps, [-1, kernel.shape[3]])


def add_pose(
    outputs: tf.Tensor, keypoints: tf.Tensor, kernel: tf.Tensor, *, frame: int
) -> tf.Tensor:
    """Adds the 3 x 3 convolution of pose maps, from the keypoints and without the maps.

    A map is -1 everywhere and 2 more in the keypoint's pixel. The convolution of the first part
    is the same for all poses and, but for the border, for all pixels; that of the second is the
    kernel itself, laid round the pixel. The maps, 84 MB a picture at 1024 with 20 keypoints, are
    never made, and cost no multiplications.

    Args:
        outputs: [B, N, N, F], what to add to.
        keypoints: [B, M, 3] float32, x and y in pixels of the full size, visibility 0/1.
        kernel: [3, 3, M, F].
        frame: the full size in pixels.

    Returns:
        [B, N, N, F]: the outputs and `tf.nn.conv2d(maps, kernel, 1, "SAME")`, where the maps are
        those of `draw_pose_maps`.
    """
    resolution = outputs.shape[1]
    indices, stamps = _stamps(keypoints, kernel, resolution, frame)
    return tf.tensor_scatter_nd_add(outputs + _background(kernel, resolution), indices, stamps)
