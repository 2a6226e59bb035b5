"""Films of a network: one character in many poses."""

from __future__ import annotations

import numpy as np

from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.generation.backends.protocol import batches_of


def drawn(sampler: Sampler, keypoints: np.ndarray, seed: int) -> np.ndarray:
    """The character of a seed in all poses, batch by batch.

    Args:
        sampler: the network.
        keypoints: [F, M, 3] float32.
        seed: of the character.

    Returns:
        [F, R, R, 3] uint8.
    """
    latent = sampler.latents([seed])
    return np.concatenate(
        [
            sampler.images(np.repeat(latent, len(part), axis=0), keypoints[part])
            for part in batches_of(len(keypoints), sampler.resolution)
        ]
    )
