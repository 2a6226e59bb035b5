"""Wasserstein loss with gradient penalty and drift, one number an example.

WGAN-GP (Gulrajani et al., 2017) and Progressive GAN appendix A.1; PSGAN section 3.2 keeps them.
Discriminators come as functions of pictures alone: the pose of each pair is already bound.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.ops.resizing import lerp

# Keeps the gradient of the norm finite where the norm is zero.
NORM_EPSILON = 1e-12
DISCRIMINATOR_VALUES = ("discriminator_loss", "real_score", "fake_score", "gradient_norm")

# Gives losses [B], the name of what was measured, and that [B].
Term = Callable[[], tuple[tf.Tensor, str, tf.Tensor]]


def gradient_norms(discriminator: Callable, images: tf.Tensor) -> tf.Tensor:
    """Norms of the scores' gradient with respect to each picture.

    The gradient is that of the batch's summed score, so that the minibatch statistic couples
    the pictures as it does in the reference.

    Args:
        discriminator: pictures [B, N, N, 3] to scores [B].
        images: [B, N, N, 3] float32.

    Returns:
        [B] float32.
    """
    with tf.GradientTape() as tape:
        tape.watch(images)
        scores = discriminator(images)
    gradients = tf.cast(tape.gradient(scores, images), tf.float32)
    return tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3]) + NORM_EPSILON)


def discriminator_terms(
    discriminator: Callable,
    reals: tf.Tensor,
    fakes: tf.Tensor,
    mix: tf.Tensor,
    *,
    gradient_penalty_weight: float,
    drift_weight: float,
) -> tuple[Term, ...]:
    """D(fake) - D(real) + lambda (|grad D(mixed)| - 1)^2 + drift D(real)^2, for each pair.

    The terms are added up by whoever computes them: each calls the discriminator once, and none
    needs another, so that they can come one after the other.

    Args:
        discriminator: pictures [B, N, N, 3] to scores [B], the batch's poses bound.
        reals, fakes: [B, N, N, 3] float32, pictures of the same poses.
        mix: [B] float32 in [0, 1), where on the line from real to fake the penalty is taken.
        gradient_penalty_weight: lambda, 10 in the paper.
        drift_weight: 0.001 in the paper.

    Returns:
        Functions that give a term's losses [B], the name of what it measures, and that [B].
    """

    def real_term():
        scores = discriminator(reals)
        return drift_weight * tf.square(scores) - scores, "real_score", scores

    def fake_term():
        scores = discriminator(fakes)
        return scores, "fake_score", scores

    def penalty_term():
        norms = gradient_norms(discriminator, lerp(reals, fakes, mix[:, None, None, None]))
        return gradient_penalty_weight * tf.square(norms - 1.0), "gradient_norm", norms

    return real_term, fake_term, penalty_term


def generator_losses(discriminator: Callable, fakes: tf.Tensor) -> tf.Tensor:
    """-D(fake) for each picture.

    Args:
        discriminator: pictures [B, N, N, 3] to scores [B], the batch's poses bound.
        fakes: [B, N, N, 3] float32.

    Returns:
        [B] float32.
    """
    return -discriminator(fakes)
