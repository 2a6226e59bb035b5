"""The random numbers of training, keyed by the seed and the images shown.

So a batch draws the same numbers whether the run went through or was resumed, and on n replicas
as on one: every replica takes its rows of the same global draw.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

# Streams of training noise; each draws from its own Philox key.
_D_LATENTS, _G_LATENTS, _MIX, _POSES, _POSE_MIRROR = range(1, 6)


def local_rows(values: tf.Tensor) -> tf.Tensor:
    """This replica's part of what was drawn for the global batch: [B, ...] to [B / n, ...]."""
    replica = tf.distribute.get_replica_context()
    rows = values.shape[0] // replica.num_replicas_in_sync
    start = tf.cast(replica.replica_id_in_sync_group, tf.int32) * rows
    return values[start : start + rows]


class TrainingNoise:
    """Random numbers of a training step, on the replica that asks.

    Args:
        seed: the run's.
        poses: [E, M, 3] float32, those of the training set.
        mirror: how poses are turned, left and right swapped; every second one is. None: none is.

    Call arguments, of all methods:
        batch_size: B, the global batch's.
        images_shown: int64 scalar, the key beside the seed.
    """

    def __init__(
        self, seed: int, poses: tf.Tensor, mirror: Callable[[tf.Tensor], tf.Tensor] | None
    ):
        self._seed = seed
        self._poses = poses
        self._mirror = mirror

    def _key(self, stream: int, images_shown: tf.Tensor) -> tf.Tensor:
        return tf.stack([tf.constant(8 * self._seed + stream, tf.int64), images_shown])

    def _normal(self, stream: int, shape: list[int], images_shown: tf.Tensor) -> tf.Tensor:
        key = self._key(stream, images_shown)
        return local_rows(tf.random.stateless_normal(shape, key, alg="philox"))

    def discriminator_latents(self, batch_size: int, size: int, images_shown) -> tf.Tensor:
        """Latents of the discriminator's step: [B / n, size] float32."""
        return self._normal(_D_LATENTS, [batch_size, size], images_shown)

    def generator_latents(self, batch_size: int, size: int, images_shown) -> tf.Tensor:
        """Latents of the generator's step: [B / n, size] float32."""
        return self._normal(_G_LATENTS, [batch_size, size], images_shown)

    def mix(self, batch_size: int, images_shown: tf.Tensor) -> tf.Tensor:
        """Places between real and fake of the penalty: [B / n] float32 in [0, 1)."""
        key = self._key(_MIX, images_shown)
        return local_rows(tf.random.stateless_uniform([batch_size], key, alg="philox"))

    def poses(self, batch_size: int, images_shown: tf.Tensor) -> tf.Tensor:
        """Poses of random training examples: [B / n, M, 3] float32."""
        rows = tf.random.stateless_uniform(
            [batch_size],
            self._key(_POSES, images_shown),
            maxval=self._poses.shape[0],
            dtype=tf.int32,
            alg="philox",
        )
        poses = tf.gather(self._poses, rows)
        if self._mirror:
            key = self._key(_POSE_MIRROR, images_shown)
            coins = tf.random.stateless_uniform([batch_size, 1, 1], key, alg="philox")
            poses = tf.where(coins < 0.5, self._mirror(poses), poses)
        return local_rows(poses)
