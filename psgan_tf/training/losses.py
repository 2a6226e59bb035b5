"""Wasserstein loss with gradient penalty and drift: one function per term, one number per example.

WGAN-GP (Gulrajani et al., 2017, arXiv 1704.00028) equation 3 and Progressive GAN (arXiv 1710.10196)
appendix A.1; PSGAN section 3.2 keeps them. Discriminators come as functions of pictures alone: the
pose of each pair is already bound.

The discriminator's loss is D(fake) - D(real) + lambda (|grad D(mixed)| - 1)^2 + drift D(real)^2.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.ops.resizing import lerp

# Keeps the gradient of the norm finite where the norm is zero.
NORM_EPSILON = 1e-12

# Pictures [B, N, N, 3] float32 to scores [B] float32.
Critic = Callable[[tf.Tensor], tf.Tensor]


def real_loss(critic: Critic, reals: tf.Tensor, drift_weight: float) -> tuple[tf.Tensor, tf.Tensor]:
    """-D(real) + drift D(real)^2.

    Args:
        critic: the discriminator, the batch's poses bound.
        reals: [B, N, N, 3] float32.
        drift_weight: 0.001 in the paper.

    Returns:
        Losses [B] and scores [B], float32.
    """
    scores = critic(reals)
    return drift_weight * tf.square(scores) - scores, scores


def fake_loss(critic: Critic, fakes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """D(fake).

    Args:
        critic: as for `real_loss`.
        fakes: [B, N, N, 3] float32, pictures of the reals' poses.

    Returns:
        Losses [B] and scores [B], float32: the same.
    """
    scores = critic(fakes)
    return scores, scores


def gradient_penalty(
    critic: Critic, reals: tf.Tensor, fakes: tf.Tensor, mix: tf.Tensor, weight: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Penalty lambda (|grad D(mixed)| - 1)^2, on the line from each real picture to its fake.

    Args:
        critic: as for `real_loss`.
        reals, fakes: [B, N, N, 3] float32, pictures of the same poses.
        mix: [B] float32 in [0, 1), where on the line the gradient is taken.
        weight: lambda, 10 in the paper.

    Returns:
        Losses [B] and norms of the gradient [B], float32.
    """
    norms = gradient_norms(critic, lerp(reals, fakes, mix[:, None, None, None]))
    return weight * tf.square(norms - 1.0), norms


def gradient_norms(critic: Critic, images: tf.Tensor) -> tf.Tensor:
    """Norms of the scores' gradient with respect to each picture.

    The gradient is that of the batch's summed score, so that the minibatch statistic couples
    the pictures as it does in the reference.

    Args:
        critic: as for `real_loss`.
        images: [B, N, N, 3] float32.

    Returns:
        [B] float32.
    """
    with tf.GradientTape() as tape:
        tape.watch(images)
        scores = critic(images)
    gradients = tf.cast(tape.gradient(scores, images), tf.float32)
    return tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3]) + NORM_EPSILON)


def generator_loss(critic: Critic, fakes: tf.Tensor) -> tf.Tensor:
    """-D(fake), [B] float32.

    Args:
        critic: as for `real_loss`.
        fakes: [B, N, N, 3] float32.
    """
    return -critic(fakes)
