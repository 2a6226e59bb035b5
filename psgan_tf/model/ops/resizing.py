"""Doubling, halving and linear interpolation of pictures, as growth by fades needs them.

Progressive GAN (Karras et al., 2018) section 2. Tensors are NHWC.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.ops.cpu import xla_passes
from psgan_tf.model.ops.kernels import FAST, Kernels


def upscale2x(images: tf.Tensor) -> tf.Tensor:
    """Nearest-neighbour doubling: [B, H, W, C] to [B, 2H, 2W, C]."""
    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    doubled = tf.broadcast_to(images[:, :, None, :, None], [batch, height, 2, width, 2, channels])
    return tf.reshape(doubled, [batch, 2 * height, 2 * width, channels])


def downscale2x(images: tf.Tensor) -> tf.Tensor:
    """Mean of 2 x 2 pixels: [B, 2H, 2W, C] to [B, H, W, C]."""
    return tf.nn.avg_pool2d(images, 2, 2, "VALID")


def lerp(start: tf.Tensor, end: tf.Tensor, t: tf.Tensor, kernels: Kernels = FAST) -> tf.Tensor:
    """(1 - t) start + t end, in float32: exactly `start` at t = 0 and exactly `end` at t = 1.

    Args:
        start, end: [...], of one shape and type.
        t: float32, a scalar or of a shape that spreads over theirs.
        kernels: the forms to compute in.
    """
    if kernels.use_xla(start):
        return _lerp_xla(start, end, t)
    mixed = (1 - t) * tf.cast(start, tf.float32) + t * tf.cast(end, tf.float32)
    return tf.cast(mixed, start.dtype)


@tf.custom_gradient
def _lerp_xla(
    start: tf.Tensor, end: tf.Tensor, t: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, None]]]:
    mixed = xla_passes.lerp(start, end, t)
    return mixed, lambda upstream: (*_lerp_xla_gradient(upstream, t), None)


@tf.custom_gradient
def _lerp_xla_gradient(
    upstream: tf.Tensor, t: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tuple[tf.Tensor, None]]]:
    return xla_passes.lerp_gradient(upstream, t), lambda to_start, to_end: (
        _lerp_xla(to_start, to_end, t),
        None,
    )
