"""Multiplications of the convolutions for one picture, for estimates of time left.

Counted, not measured: at other resolutions than the present one there is nothing to measure yet.
"""

from __future__ import annotations

from psgan_tf.model.config import NetworkConfig

# Passes of one training step over each network, in forward passes of that network (a gradient
# with respect to features or to weights costs one more each).
# Generator: forward for the discriminator's step; forward and both gradients in its own.
_GENERATOR_PASSES = 4
# Discriminator: real and fake with both gradients (6); the penalty's forward, input gradient and
# the gradients of both (6); the generator's step with the input gradient (2).
_DISCRIMINATOR_PASSES = 14


def generator_multiplications(network: NetworkConfig, resolution: int) -> int:
    """Multiplications of one picture's forward pass through the generator, heads left out."""
    total = 16 * network.latent_size * network.feature_maps(4)
    for n in network.resolutions:
        if n <= resolution:
            filters, pose = network.feature_maps(n), network.pose_planes_at(n)
            inputs = network.feature_maps(max(4, n // 2)) + pose
            total += 9 * n * n * inputs * filters
            if n > 4:
                total += 9 * n * n * filters * filters
    return total


def discriminator_multiplications(network: NetworkConfig, resolution: int) -> int:
    """The same for one picture through the discriminator."""
    hidden = network.feature_maps(2)
    total = 16 * network.feature_maps(4) * hidden + hidden
    for n in network.resolutions:
        if n <= resolution:
            filters, pose = network.feature_maps(n), network.pose_planes_at(n)
            statistic = 1 if n == 4 else 0
            total += 9 * n * n * (filters + statistic + pose) * filters
            if n > 4:
                total += 9 * n * n * filters * network.feature_maps(n // 2)
    return total


def step_multiplications(network: NetworkConfig, resolution: int) -> int:
    """Multiplications of one training step for each image of its batch."""
    return _GENERATOR_PASSES * generator_multiplications(
        network, resolution
    ) + _DISCRIMINATOR_PASSES * discriminator_multiplications(network, resolution)
