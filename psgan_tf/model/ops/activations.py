"""Leaky ReLU of slope 0.2, Progressive GAN table 2, with gradients of any order.

Slopes have no gradient, so that every derivative is a product with them. They are taken from the
outputs, which have the sign of the features: these are not kept, and TensorFlow may fold the
activation into the convolution before it.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.ops.cpu import xla_passes
from psgan_tf.model.ops.kernels import FAST, Kernels
from psgan_tf.model.ops.resizing import downscale2x

LEAK = 0.2

# From upstream's gradient to that of the features, and none by the slopes.
Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, None]]


def leaky_relu(features: tf.Tensor, kernels: Kernels = FAST) -> tf.Tensor:
    """A fifth of what is negative; its outputs are kept in any case, as the next layer's inputs.

    Args:
        features: [...], float32 or bfloat16.
        kernels: the forms to compute in.
    """
    features = tf.convert_to_tensor(features)
    if not kernels.fast:
        return tf.nn.leaky_relu(features, LEAK)
    return _leaky_relu_xla(features) if kernels.use_xla(features) else _leaky_relu(features)


@tf.custom_gradient
def _leaky_relu(features: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    outputs = tf.nn.leaky_relu(features, LEAK)
    return outputs, lambda upstream: _times_slopes(upstream, tf.stop_gradient(outputs))


def _times_slopes(upstream: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    if upstream.dtype == tf.float32:
        return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=outputs, alpha=LEAK)
    # On processors that operation takes six times as long in bfloat16, as no other here does.
    # Slopes wait for the gradients that they meet, else the penalty would keep them all.
    with tf.control_dependencies([upstream]):
        outputs = tf.identity(outputs)
    return upstream * tf.maximum(tf.sign(outputs), tf.cast(LEAK, upstream.dtype))


@tf.custom_gradient
def _leaky_relu_xla(features: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    outputs = tf.nn.leaky_relu(features, LEAK)
    return outputs, lambda upstream: _times_slopes_xla(upstream, tf.stop_gradient(outputs))


@tf.custom_gradient
def _times_slopes_xla(upstream: tf.Tensor, outputs: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    product = xla_passes.leaky_relu_grad_of_outputs(upstream, outputs, LEAK)
    return product, lambda direction: (_times_slopes_xla(direction, outputs), None)


def leaky_relu_downscaled(features: tf.Tensor, kernels: Kernels = FAST) -> tf.Tensor:
    """`downscale2x(leaky_relu(features))`: [B, H, W, C] to [B, H/2, W/2, C].

    Nothing else reads the outputs, so that compiled passes keep only which are positive.

    Args:
        features: [B, H, W, C].
        kernels: the forms to compute in.
    """
    if kernels.use_xla(features):
        return _leaky_relu_downscaled_xla(features)
    return downscale2x(leaky_relu(features, kernels))


@tf.custom_gradient
def _leaky_relu_downscaled_xla(
    features: tf.Tensor,
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    outputs = tf.nn.leaky_relu(features, LEAK)
    positive = xla_passes.positive(outputs)
    return downscale2x(outputs), lambda upstream: _leaky_relu_avgpool_grad(upstream, positive)


@tf.custom_gradient
def _leaky_relu_avgpool_grad(
    upstream: tf.Tensor, positive: tf.Tensor
) -> tuple[tf.Tensor, Gradient]:
    product = xla_passes.leaky_relu_avgpool_grad(upstream, positive, LEAK)
    return product, lambda direction: (_avgpool_of_slope_product(direction, positive), None)


@tf.custom_gradient
def _avgpool_of_slope_product(
    direction: tf.Tensor, positive: tf.Tensor
) -> tuple[tf.Tensor, Gradient]:
    product = xla_passes.leaky_relu_grad(direction, positive, LEAK)
    return downscale2x(product), lambda upstream: (
        _leaky_relu_avgpool_grad(upstream, positive),
        None,
    )
