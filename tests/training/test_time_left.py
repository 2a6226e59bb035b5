"""The time that is left of a run, by hand."""

import pytest

from psgan_tf.model.arithmetic import (
    step_multiplications,
)
from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.schedule import build_schedule
from psgan_tf.training.time_left import seconds_left


def a_schedule(config):
    return build_schedule(
        TrainingConfig(config, "", "", batch_size="4", fade_kimg="2", stabilize_kimg="1")
    )


def test_time_left_by_hand():
    config = NetworkConfig(resolution=8, num_keypoints=0, latent_size=4, fmap_base=8, fmap_max=2)
    # 4 x 4 to 1 kimg, fade to 3 kimg, 8 x 8 to 4 kimg.
    schedule = a_schedule(config)
    ratio = step_multiplications(config, 8) / step_multiplications(config, 4)
    assert ratio > 2
    left_in_phase, left = seconds_left(schedule, config, 400, secs_per_image=0.5)
    assert left_in_phase == pytest.approx(600 * 0.5)
    assert left == pytest.approx((600 + 3000 * ratio) * 0.5)
    left_in_phase, left = seconds_left(schedule, config, 1400, secs_per_image=0.5)
    assert (left_in_phase, left) == pytest.approx((1600 * 0.5, 2600 * 0.5))
    # The tick that ends a phase still belongs to it.
    left_in_phase, left = seconds_left(schedule, config, 1000, secs_per_image=0.5)
    assert (left_in_phase, left) == pytest.approx((0, 3000 * ratio * 0.5))


@pytest.mark.parametrize("images_shown", [4000, 4003])
def test_no_time_is_left_at_the_end(images_shown):
    config = NetworkConfig(resolution=8, num_keypoints=0)
    assert seconds_left(a_schedule(config), config, images_shown, 1.0) == (0, 0)
