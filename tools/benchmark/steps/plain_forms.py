"""The networks as the paper draws them, in TensorFlow's own operations, to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tensorflow as tf

from psgan_tf.model import blocks, layers
from psgan_tf.model.ops.activations import LEAK
from psgan_tf.model.ops.convolutions import convolve_plain
from psgan_tf.model.ops.cpu import xla_passes
from psgan_tf.model.ops.normalization import EPSILON
from psgan_tf.model.ops.resizing import downscale2x
from psgan_tf.training import step as training_step
from psgan_tf.training.losses import Term


def use_plain_forms() -> None:
    """From here on networks and steps of this process are plain."""
    layers.convolve = convolve_plain
    layers.PoseConv2D.call_fast = layers.PoseConv2D.call_plain
    blocks.leaky_relu = _leaky_relu
    blocks.leaky_relu_downscaled = lambda features: downscale2x(_leaky_relu(features))
    blocks.pixel_norm = _pixel_norm
    xla_passes.fuses = lambda features: False
    training_step.sum_of_terms = _sum_of_terms


def _leaky_relu(features: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(features, LEAK)


def _pixel_norm(features: tf.Tensor) -> tf.Tensor:
    squares = tf.square(tf.cast(features, tf.float32))
    inverse = tf.math.rsqrt(tf.reduce_mean(squares, axis=-1, keepdims=True) + EPSILON)
    return features * tf.cast(inverse, features.dtype)


def _sum_of_terms(
    terms: Iterable[Term], variables: Sequence[tf.Variable], batch_size: int
) -> tuple[list[tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]:
    """`training_step.sum_of_terms`, of all terms at once."""
    losses, values = 0.0, {}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        for term in terms:
            term_losses, name, values[name] = term()
            losses += term_losses
        loss = tf.reduce_sum(losses) / batch_size
    return tape.gradient(loss, variables), losses, values
