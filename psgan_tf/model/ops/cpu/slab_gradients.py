"""A convolution whose filter gradients are summed a few rows at a time, for bfloat16.

A filter gradient sums over all pixels. In bfloat16 TensorFlow's library first turns them round in
memory, as the processor multiplies them in pairs, and it turns whole pictures: large ones no longer
lie in the cache when they are multiplied. A slab of a few rows does.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.ops.kernels import SLAB_ROWS

_TAPS = 3
_SAME = {"strides": [1, 1, 1, 1], "padding": "SAME"}

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, ...]]


@tf.custom_gradient
def conv2d_with_slab_gradients(
    features: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, Gradient]:
    """3 x 3 convolution with zero padding, with gradients of any order.

    Args:
        features: [B, H, W, C], H a multiple of `SLAB_ROWS`.
        kernel: [3, 3, C, F].
        bias: [F].

    Returns:
        [B, H, W, F], as `tf.nn.conv2d(features, kernel, 1, "SAME") + bias`.
    """
    return tf.nn.bias_add(tf.nn.conv2d(features, kernel, 1, "SAME"), bias), lambda upstream: (
        _input_gradient(kernel, upstream),
        _filter_gradient(features, upstream),
        # Of the slabs too: TensorFlow takes it along with their filter gradient.
        tf.raw_ops.BiasAddGrad(out_backprop=_slabs(upstream)),
    )


# Each derivative of a convolution, of its input gradient and of its filter gradient is one of
# these three, so that the orders never end.


@tf.custom_gradient
def _convolution(features: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    return tf.nn.conv2d(features, kernel, 1, "SAME"), lambda upstream: (
        _input_gradient(kernel, upstream),
        _filter_gradient(features, upstream),
    )


@tf.custom_gradient
def _input_gradient(kernel: tf.Tensor, upstream: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Gradient of a convolution's features, [B, H, W, C], from that of its results."""
    size = tf.concat([tf.shape(upstream)[:3], [kernel.shape[2]]], axis=0)
    outputs = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=size, filter=kernel, out_backprop=upstream, **_SAME
    )
    outputs.set_shape([*upstream.shape[:3], kernel.shape[2]])
    return outputs, lambda direction: (
        _filter_gradient(direction, upstream),
        _convolution(direction, kernel),
    )


@tf.custom_gradient
def _filter_gradient(features: tf.Tensor, upstream: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Gradient of the kernel, [3, 3, C, F]: each slab's own, and what reaches over the seams."""
    inside = _filter_gradient_of(_slabs(features), _slabs(upstream), _TAPS)
    # Not before both are there: copies of the one would lie and wait for the other.
    with tf.control_dependencies([features, upstream]):
        above, below = _rows_at_seams(features)
        last, first = _rows_at_seams(upstream)
    seams = tf.concat(
        [
            _filter_gradient_of(above, first, 1),
            tf.zeros([1, _TAPS, features.shape[3], upstream.shape[3]], features.dtype),
            _filter_gradient_of(below, last, 1),
        ],
        axis=0,
    )
    return inside + seams, lambda direction: (
        _input_gradient(direction, upstream),
        _convolution(features, direction),
    )


def _filter_gradient_of(features: tf.Tensor, upstream: tf.Tensor, height: int) -> tf.Tensor:
    """TensorFlow's own, for kernels [height, 3, C, F]."""
    size = [height, _TAPS, features.shape[3], upstream.shape[3]]
    return tf.raw_ops.Conv2DBackpropFilter(
        input=features, filter_sizes=size, out_backprop=upstream, **_SAME
    )


def _slabs(pixels: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] to [B * H / SLAB_ROWS, SLAB_ROWS, W, C]; nothing moves."""
    return tf.reshape(pixels, [-1, SLAB_ROWS, *pixels.shape[2:]])


def _rows_at_seams(pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The rows above and below each seam between two slabs, each [B * seams, 1, W, C]."""
    height, width, channels = pixels.shape[1:]
    slabs = tf.reshape(pixels, [-1, height // SLAB_ROWS, SLAB_ROWS, width, channels])
    above, below = slabs[:, :-1, -1], slabs[:, 1:, 0]
    return tuple(tf.reshape(rows, [-1, 1, width, channels]) for rows in (above, below))
