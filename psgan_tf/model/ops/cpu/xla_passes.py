"""Passes over whole feature maps, each compiled into one by XLA, for bfloat16 on processors.

TensorFlow's own operations read and write whole maps each, and some of them are slow in bfloat16.
Norm and fades compute in float32 within and round once, at their end; slopes round as TensorFlow's
operations do. Callers write down which pass is whose gradient, and take TensorFlow's operations
wherever `Kernels.use_xla` says no.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def _compiled(function: Callable) -> Callable:
    return tf.function(function, jit_compile=True, autograph=False)


@_compiled
def positive(outputs: tf.Tensor) -> tf.Tensor:
    """Signs of outputs, [...] bool: all that a leaky ReLU's gradient needs, in half the memory."""
    return outputs > 0


def _times_slopes(upstream: tf.Tensor, positive: tf.Tensor, leak: float) -> tf.Tensor:
    return tf.where(positive, upstream, upstream * tf.cast(leak, upstream.dtype))


@_compiled
def leaky_relu_grad(upstream: tf.Tensor, positive: tf.Tensor, leak: float) -> tf.Tensor:
    """The gradient of a leaky ReLU.

    Args:
        upstream: that of its outputs, [...].
        positive: which of its outputs are, [...] bool.
        leak: its slope elsewhere.
    """
    return _times_slopes(upstream, positive, leak)


@_compiled
def leaky_relu_grad_of_outputs(upstream: tf.Tensor, outputs: tf.Tensor, leak: float) -> tf.Tensor:
    """The same from its outputs themselves, where these are kept for something else."""
    return _times_slopes(upstream, outputs > 0, leak)


@_compiled
def leaky_relu_avgpool_grad(upstream: tf.Tensor, positive: tf.Tensor, leak: float) -> tf.Tensor:
    """The gradient of a leaky ReLU whose outputs' means of 2 x 2 are taken.

    Args:
        upstream: that of the means, [B, H, W, C].
        positive: which outputs are, [B, 2H, 2W, C] bool.
        leak: its slope elsewhere.

    Returns:
        [B, 2H, 2W, C].
    """
    height, width, channels = upstream.shape[1:]
    pixels = tf.reshape(positive, [-1, height, 2, width, 2, channels])
    share = (upstream / 4)[:, :, None, :, None]
    return tf.reshape(_times_slopes(share, pixels, leak), tf.shape(positive))


def _inverse_norm(features: tf.Tensor, epsilon: float) -> tf.Tensor:
    return tf.math.rsqrt(tf.reduce_mean(tf.square(features), axis=-1, keepdims=True) + epsilon)


@_compiled
def pixel_norm(features: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Features over their root mean square, [..., C]."""
    exact = tf.cast(features, tf.float32)
    return tf.cast(exact * _inverse_norm(exact, epsilon), features.dtype)


@_compiled
def pixel_norm_gradient(features: tf.Tensor, upstream: tf.Tensor, epsilon: float) -> tf.Tensor:
    """The gradient of `pixel_norm`.

    Args:
        features: [..., C], its inputs.
        upstream: [..., C], the gradient of its outputs.
        epsilon: as there.

    Returns:
        [..., C], the gradient of the features.
    """
    exact, by = tf.cast(features, tf.float32), tf.cast(upstream, tf.float32)
    inverse = _inverse_norm(exact, epsilon)
    along = tf.reduce_mean(exact * by, axis=-1, keepdims=True)
    return tf.cast(inverse * (by - exact * along * tf.square(inverse)), features.dtype)


@_compiled
def lerp(start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """(1 - t) start + t end, [...]."""
    mixed = (1 - t) * tf.cast(start, tf.float32) + t * tf.cast(end, tf.float32)
    return tf.cast(mixed, start.dtype)


@_compiled
def lerp_gradient(upstream: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients of start and end, [...] each."""
    by = tf.cast(upstream, tf.float32)
    return tf.cast((1 - t) * by, upstream.dtype), tf.cast(t * by, upstream.dtype)
