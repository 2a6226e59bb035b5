"""Latents from seeds, the same everywhere, and along the sphere from one latent to another.

A seed's latent depends on nothing but the seed and the latent size: not on the batch, not on its
neighbours, not on the process. Philox is named, since the default generator differs by device.
"""

from __future__ import annotations

import tensorflow as tf

# Second half of the key of a seed's latent.
_CHARACTER_STREAM = 0


def latents_from_seeds(seeds: tf.Tensor, latent_size: int) -> tf.Tensor:
    """The latent of each seed.

    Args:
        seeds: [N] int64.
        latent_size: Z.

    Returns:
        [N, Z] float32, normal numbers.
    """
    seeds = tf.cast(seeds, tf.int64)
    return tf.map_fn(
        lambda seed: tf.random.stateless_normal(
            [latent_size], tf.stack([seed, _CHARACTER_STREAM]), alg="philox"
        ),
        seeds,
        fn_output_signature=tf.TensorSpec([latent_size], tf.float32),
    )


def slerp(start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """Spherical interpolation of latents; directions turn evenly, lengths go over evenly.

    Latents of normal numbers lie near a sphere, and the network sees their direction only: a
    straight line would pass nearer the centre, through few characters for most of its length.

    Args:
        start, end: [N, Z] float32.
        t: [N] float32, 0 for `start`, 1 for `end`.

    Returns:
        [N, Z] float32, exactly `start` at t = 0 and `end` at t = 1. Opposite directions have no
        shortest way; they go over in a straight line.
    """
    t = tf.convert_to_tensor(t)[:, None]
    start_length = tf.norm(start, axis=-1, keepdims=True)
    end_length = tf.norm(end, axis=-1, keepdims=True)
    cosine = tf.reduce_sum(start * end, axis=-1, keepdims=True) / (start_length * end_length)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    sine = tf.sin(angle)
    # Equal and opposite directions divide by zero: the straight line is their limit or stand-in.
    straight = sine < 1e-4
    safe = tf.where(straight, tf.ones_like(sine), sine)
    start_weight = tf.where(straight, 1 - t, tf.sin((1 - t) * angle) / safe)
    end_weight = tf.where(straight, t, tf.sin(t * angle) / safe)
    length = (1 - t) * start_length + t * end_length
    between = length * (start_weight * start / start_length + end_weight * end / end_length)
    return tf.where(t <= 0, start, tf.where(t >= 1, end, between))
