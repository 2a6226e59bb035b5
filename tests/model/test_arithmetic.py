"""Multiplications counted from the shapes of the real kernels."""

import math

import pytest
import tensorflow as tf

from psgan_tf.model.arithmetic import (
    discriminator_multiplications,
    generator_multiplications,
    step_multiplications,
)
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.networks import Discriminator, Generator

NETWORKS = [
    NetworkConfig(resolution=32, num_keypoints=3, latent_size=7, fmap_base=64, fmap_max=24),
    NetworkConfig(resolution=16, num_keypoints=0, latent_size=5, fmap_base=16, fmap_max=4),
    NetworkConfig(resolution=64, pose_resolutions=(8, 64), fmap_base=256, fmap_max=32),
]


def counted(network, resolution):
    """Multiplications by the kernels that a call uses: each tap once a pixel that it is put on."""
    total = 0
    for variable in network.active_variables(resolution, fading=False):
        block, layer, weight = variable.name.removesuffix(":0").split("/")[-3:]
        if weight == "kernel" and not layer.endswith("_rgb"):
            is_convolution = len(variable.shape) == 4
            pixels = int(block.split("x")[0]) ** 2 if is_convolution else 1
            total += math.prod(variable.shape) * pixels
    return total


@pytest.mark.parametrize("config", NETWORKS)
def test_counts_are_those_of_the_real_kernels(config):
    with tf.Graph().as_default():
        generator, discriminator = Generator(config), Discriminator(config)
    for resolution in config.resolutions:
        expected = counted(generator, resolution)
        assert generator_multiplications(config, resolution) == expected
        expected = counted(discriminator, resolution)
        assert discriminator_multiplications(config, resolution) == expected


def test_a_network_of_two_features_by_hand():
    config = NetworkConfig(resolution=8, num_keypoints=1, latent_size=3, fmap_base=8, fmap_max=2)
    # Dense 3 x 32; 4 x 4: 9 taps, 16 pixels, 3 channels to 2; 8 x 8: 64 pixels, 3 to 2 and 2 to 2.
    assert generator_multiplications(config, 4) == 96 + 9 * 16 * 3 * 2
    assert generator_multiplications(config, 8) == 96 + 9 * 16 * 6 + 9 * 64 * (6 + 4)
    # Dense 32 x 2 and 2 x 1; 4 x 4: features, statistic and pose, 4 to 2.
    assert discriminator_multiplications(config, 4) == 64 + 2 + 9 * 16 * 4 * 2
    # Four passes of the generator, fourteen of the discriminator.
    assert step_multiplications(config, 4) == 4 * (96 + 864) + 14 * (66 + 1152)


def test_the_full_generator_multiplies_48_6_billion_times_a_picture():
    # 3 x 3 over [features, pose] at 1024: 9 * 2^20 * ((32 + 20) * 16 + 16 * 16), and so on down.
    total = 16 * 512 * 512 + 9 * 16 * 532 * 512
    widths = {8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
    before = 512
    for n, width in widths.items():
        total += 9 * n * n * ((before + 20) * width + width * width)
        before = width
    assert generator_multiplications(NetworkConfig(), 1024) == total
    assert total == 48_598_908_928
