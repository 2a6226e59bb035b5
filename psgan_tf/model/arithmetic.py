"""How much a picture costs: multiplications of the convolutions, for estimates of time left.

Counted, not measured: at other resolutions than the present one there is nothing to measure yet.
"""

from __future__ import annotations

from psgan_tf.training.config import NetworkConfig
from psgan_tf.training.schedule import Schedule

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


def seconds_left(
    schedule: Schedule,
    network: NetworkConfig,
    images_shown: int,
    secs_per_image: float,
) -> tuple[float, float]:
    """Time left in the phase and in the run, other resolutions scaled by their cost.

    Args:
        schedule: the run's schedule.
        network: the networks' shape.
        images_shown: so far.
        secs_per_image: measured at the present resolution.

    Returns:
        Seconds left in the phase that the last image belongs to, and in the run.
    """
    present = schedule.reached(images_shown).phase
    present_cost = step_multiplications(network, present.resolution)
    run = 0.0
    for phase in schedule.phases[present.index :]:
        images = phase.end_images - max(images_shown, phase.start_images)
        cost = step_multiplications(network, phase.resolution) / present_cost
        run += max(0, images) * cost * secs_per_image
    return max(0, present.end_images - images_shown) * secs_per_image, run
