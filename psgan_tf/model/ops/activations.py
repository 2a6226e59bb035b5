"""Leaky ReLU of slope 0.2, Progressive GAN table 2, with gradients of any order.

Slopes have no gradient, so that every derivative is a product with them. They are taken from the
outputs, which have the sign of the features: these are not kept, and TensorFlow may fold the
activation into the convolution before it.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.ops.cpu import xla_passes
from psgan_tf.model.ops.resizing import downscale2x

LEAK = 0.2

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, None]]


@tf.custom_gradient
def leaky_relu(features: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """A fifth of what is negative. Its outputs are kept in any case, as the next layer's inputs."""
    outputs = tf.nn.leaky_relu(features, LEAK)
    return outputs, lambda upstream: _slope_product(upstream, tf.stop_gradient(outputs))


def _slope_product(upstream: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    if xla_passes.fuses(upstream):
        return _fused_slope_product(upstream, outputs)
    if upstream.dtype == tf.float32:
        return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=outputs, alpha=LEAK)
    # On processors that operation takes six times as long in bfloat16, as no other here does.
    # Slopes wait for the gradients that they meet, else the penalty would keep them all.
    with tf.control_dependencies([upstream]):
        outputs = tf.identity(outputs)
    return upstream * tf.maximum(tf.sign(outputs), tf.cast(LEAK, upstream.dtype))


@tf.custom_gradient
def _fused_slope_product(upstream: tf.Tensor, outputs: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    product = xla_passes.slope_product_of_outputs(upstream, outputs, LEAK)
    return product, lambda direction: (_fused_slope_product(direction, outputs), None)


def leaky_relu_downscaled(features: tf.Tensor) -> tf.Tensor:
    """`downscale2x(leaky_relu(features))`: [B, H, W, C] to [B, H/2, W/2, C].

    Nothing else reads the outputs, so that fused passes keep only which are positive.
    """
    if xla_passes.fuses(features):
        return _fused_leaky_relu_downscaled(features)
    return downscale2x(leaky_relu(features))


@tf.custom_gradient
def _fused_leaky_relu_downscaled(
    features: tf.Tensor,
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    outputs = tf.nn.leaky_relu(features, LEAK)
    positive = xla_passes.positive(outputs)
    return downscale2x(outputs), lambda upstream: _slope_product_of_means(upstream, positive)


@tf.custom_gradient
def _slope_product_of_means(upstream: tf.Tensor, positive: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    product = xla_passes.slope_product_of_means(upstream, positive, LEAK)
    return product, lambda direction: (_means_of_slope_product(direction, positive), None)


@tf.custom_gradient
def _means_of_slope_product(
    direction: tf.Tensor, positive: tf.Tensor
) -> tuple[tf.Tensor, Gradient]:
    product = xla_passes.slope_product(direction, positive, LEAK)
    return downscale2x(product), lambda upstream: (
        _slope_product_of_means(upstream, positive),
        None,
    )
