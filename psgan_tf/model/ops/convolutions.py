"""The convolutions of the blocks, each in the cheapest of its forms.

All forms are rearrangements of the same sums; the plain one is the oracle of the others. Every
operation here has a gradient of any order, which the gradient penalty needs.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from psgan_tf.model.ops.cpu.slab_gradients import conv2d_with_slab_gradients
from psgan_tf.model.ops.cpu.winograd import winograd_conv2d
from psgan_tf.model.ops.kernels import FAST, Kernels
from psgan_tf.model.ops.resizing import upscale2x

_TAPS = 3


def convolve_plain(features: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Convolution of stride 1 with zero padding, as it is written down: [B, H, W, F]."""
    return tf.nn.bias_add(tf.nn.conv2d(features, kernel, 1, "SAME"), bias)


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


def convolve_upscaled(features: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """3 x 3 convolution of nearest-neighbour doubled features, without doubling them.

    Each pixel of the result sees 2 x 2 different pixels of the features, so 16 multiplications
    do where the plain form takes 36: one 2 x 2 convolution over the corners of the pixels, whose
    results are the 2 x 2 pixels round each corner.

    Args:
        features: [B, H, W, C].
        kernel: [3, 3, C, F].
        bias: [F].

    Returns:
        [B, 2H, 2W, F], as `tf.nn.conv2d(upscale2x(features), kernel, 1, "SAME") + bias`.
    """
    channels, filters = kernel.shape[2:]
    height, width = features.shape[1:3]
    matrix = tf.constant(_CORNER_MATRIX, kernel.dtype)
    corner = tf.matmul(matrix, tf.reshape(kernel, [_TAPS * _TAPS, channels * filters]))
    corner = tf.transpose(tf.reshape(corner, [2, 2, 4, channels, filters]), [0, 1, 3, 2, 4])
    corner = tf.reshape(corner, [2, 2, channels, 4 * filters])
    # Padded apart: convolutions that pad by themselves have no fast gradients in bfloat16.
    padded = tf.pad(features, [[0, 0], [1, 1], [1, 1], [0, 0]])
    outputs = tf.nn.bias_add(tf.nn.conv2d(padded, corner, 1, "VALID"), tf.tile(bias, [4]))
    batch = tf.shape(features)[0]
    outputs = tf.reshape(outputs, [batch, height + 1, width + 1, 2, 2, filters])
    outputs = tf.transpose(outputs, [0, 1, 3, 2, 4, 5])
    outputs = tf.reshape(outputs, [batch, 2 * height + 2, 2 * width + 2, filters])
    # Not by indexing, whose gradient is slow in bfloat16; that of this is a padding.
    return tf.slice(outputs, [0, 1, 1, 0], [batch, 2 * height, 2 * width, filters])


def convolve(
    features: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    kernels: Kernels = FAST,
    *,
    doubled: bool = False,
) -> tf.Tensor:
    """`convolve_plain`, in the form that takes least time.

    Args:
        features: [B, H, W, C].
        kernel: [K, K, C, F]; 3 x 3 with `doubled`.
        bias: [F].
        kernels: the forms to compute in.
        doubled: convolve the features doubled in both directions (nearest neighbour).

    Returns:
        [B, H, W, F], or twice as high and wide.
    """
    if kernels.use_winograd(features, kernel, doubled):
        return tf.nn.bias_add(winograd_conv2d(features, kernel, kernels, doubled=doubled), bias)
    if doubled and kernels.fast:
        return convolve_upscaled(features, kernel, bias)
    if kernels.use_slabs(features, kernel):
        return conv2d_with_slab_gradients(features, kernel, bias)
    return convolve_plain(upscale2x(features) if doubled else features, kernel, bias)
