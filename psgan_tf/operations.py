"""The operations of Progressive GAN that have no weights.

Progressive GAN (Karras et al., 2018) sections 2, 3 and 4.2. Tensors are NHWC; statistics are taken
in float32 whatever the precision.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

LEAK = 0.2
EPSILON = 1e-8


@tf.custom_gradient
def leaky_relu(features: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Leaky ReLU of slope 0.2, whose gradient of any order is taken from its own outputs.

    These have the sign of the features and are kept in any case, as the next layer's inputs; so
    the features are not, and TensorFlow may fold the activation into the convolution before it.
    """
    outputs = tf.nn.leaky_relu(features, LEAK)
    return outputs, lambda upstream: _leaky_relu_gradient(upstream, tf.stop_gradient(outputs))


def _leaky_relu_gradient(upstream: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    if upstream.dtype == tf.float32:
        return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=outputs, alpha=LEAK)
    # On processors that operation takes six times as long in bfloat16, as no other here does.
    # Slopes wait for the gradients that they meet, else the penalty would keep them all.
    with tf.control_dependencies([upstream]):
        outputs = tf.identity(outputs)
    return upstream * tf.maximum(tf.sign(outputs), tf.cast(LEAK, upstream.dtype))


def pixel_norm(features: tf.Tensor) -> tf.Tensor:
    """Scales each position's feature vector to unit root mean square.

    b = a / sqrt(mean_c(a_c^2) + 1e-8), Progressive GAN section 4.2. Also used on latents [B, Z].

    Args:
        features: [..., C], float32 or bfloat16, whose range the gradient needs.
    """
    return features * tf.cast(_inverse_norm(features), features.dtype)


@tf.custom_gradient
def _inverse_norm(features: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """1 / sqrt(mean_c(a_c^2) + 1e-8), [..., 1] float32.

    Its gradient, -a_c / C times the third power, is written down so that no float32 copy of the
    features is kept for it.
    """
    squares = tf.square(tf.cast(features, tf.float32))
    inverse = tf.math.rsqrt(tf.reduce_mean(squares, axis=-1, keepdims=True) + EPSILON)

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        # Computed anew, so that this can be differentiated again; the graph holds it only once.
        factor = -upstream * _inverse_norm(features) ** 3 / features.shape[-1]
        return features * tf.cast(factor, features.dtype)

    return inverse, gradient


def upscale2x(images: tf.Tensor) -> tf.Tensor:
    """Nearest-neighbour doubling: [B, H, W, C] to [B, 2H, 2W, C]."""
    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    doubled = tf.broadcast_to(images[:, :, None, :, None], [batch, height, 2, width, 2, channels])
    return tf.reshape(doubled, [batch, 2 * height, 2 * width, channels])


def downscale2x(images: tf.Tensor) -> tf.Tensor:
    """Mean of 2 x 2 pixels: [B, 2H, 2W, C] to [B, H, W, C]."""
    return tf.nn.avg_pool2d(images, 2, 2, "VALID")


def lerp(start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """(1 - t) start + t end, in float32: exactly `start` at t = 0 and exactly `end` at t = 1."""
    mixed = (1 - t) * tf.cast(start, tf.float32) + t * tf.cast(end, tf.float32)
    return tf.cast(mixed, start.dtype)


def minibatch_stddev(features: tf.Tensor, slices: int = 1) -> tf.Tensor:
    """Appends one channel: how much the batch varies, Progressive GAN section 3.

    The standard deviation over the batch, averaged over positions and channels, one number for
    the whole batch: PSGAN's batch of 5 does not split into the groups of 4 of other versions.

    Args:
        features: [B, H, W, C].
        slices: consecutive equal parts of the batch that are measured apart; as many replicas
            would measure theirs.

    Returns:
        [B, H, W, C + 1].
    """
    parts = tf.split(tf.cast(features, tf.float32), slices) if slices > 1 else [features]
    channels = []
    for part in parts:
        variance = tf.math.reduce_variance(tf.cast(part, tf.float32), axis=0)
        deviation = tf.reduce_mean(tf.sqrt(variance + EPSILON))
        channels.append(tf.fill(tf.concat([tf.shape(part)[:-1], [1]], 0), deviation))
    channel = tf.concat(channels, axis=0) if slices > 1 else channels[0]
    return tf.concat([features, tf.cast(channel, features.dtype)], axis=-1)
