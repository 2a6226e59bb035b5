"""Pixel norm and the minibatch standard deviation.

Progressive GAN (Karras et al., 2018) sections 3 and 4.2. Tensors are NHWC; statistics are taken in
float32 whatever the precision.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.ops.cpu import xla_passes
from psgan_tf.model.ops.kernels import FAST, Kernels

EPSILON = 1e-8


def pixel_norm(features: tf.Tensor, kernels: Kernels = FAST) -> tf.Tensor:
    """Scales each position's feature vector to unit root mean square.

    b = a / sqrt(mean_c(a_c^2) + 1e-8), Progressive GAN section 4.2. Also used on latents [B, Z].

    Args:
        features: [..., C], float32 or bfloat16, whose range the gradient needs.
        kernels: the forms to compute in.
    """
    if not kernels.fast:
        return features * tf.cast(tf.math.rsqrt(_mean_square(features) + EPSILON), features.dtype)
    if kernels.use_xla(features):
        return _pixel_norm_xla(features)
    inverse = tf.cast(_inverse_norm(features, kernels), features.dtype)
    if kernels.use_euclidean_norm(features):
        # A product that spreads its factor takes longer; but gradients would keep what is spread.
        inverse = tf.broadcast_to(inverse, tf.shape(features))
    return features * inverse


def _inverse_norm(features: tf.Tensor, kernels: Kernels) -> tf.Tensor:
    """1 / sqrt(mean_c(a_c^2) + 1e-8), [..., 1] float32.

    Its gradient, -a_c / C times the third power, is written down so that no float32 copy of the
    features is kept for it.
    """
    mean_square = _mean_square_rounded if kernels.use_euclidean_norm(features) else _mean_square

    @tf.custom_gradient
    def inverse_norm(features: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            # Computed anew, so that this can be differentiated again; the graph holds it only once.
            factor = -upstream * _inverse_norm(features, kernels) ** 3 / features.shape[-1]
            return features * tf.cast(factor, features.dtype)

        return tf.math.rsqrt(mean_square(features) + EPSILON), gradient

    return inverse_norm(features)


def _mean_square(features: tf.Tensor) -> tf.Tensor:
    """mean_c(a_c^2), [..., 1] float32."""
    return tf.reduce_mean(tf.square(tf.cast(features, tf.float32)), axis=-1, keepdims=True)


def _mean_square_rounded(features: tf.Tensor) -> tf.Tensor:
    """The same in a third of the time for bfloat16: summed in float32, but the sum is rounded."""
    norm = tf.raw_ops.EuclideanNorm(input=features, axis=[-1], keep_dims=True)
    return tf.square(tf.cast(norm, tf.float32)) / features.shape[-1]


@tf.custom_gradient
def _pixel_norm_xla(
    features: tf.Tensor,
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    return xla_passes.pixel_norm(
        features, EPSILON
    ), lambda upstream: xla_passes.pixel_norm_gradient(features, upstream, EPSILON)


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
