"""Time left of a run, from the seconds of an image and what each resolution costs."""

from __future__ import annotations

from psgan_tf.model.arithmetic import step_multiplications
from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.schedule import Schedule


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
    present = schedule.growth_after(images_shown).phase
    present_cost = step_multiplications(network, present.resolution)
    run = 0.0
    for phase in schedule.phases[present.index :]:
        images = phase.end_images - max(images_shown, phase.start_images)
        cost = step_multiplications(network, phase.resolution) / present_cost
        run += max(0, images) * cost * secs_per_image
    return max(0, present.end_images - images_shown) * secs_per_image, run
