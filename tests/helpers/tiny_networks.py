"""Networks of a few thousand weights, all of them random, and something to call them with."""

import numpy as np

from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.networks import Discriminator, Generator

# Three resolutions and two widths: C(4) = C(8) = 8 and C(16) = 4.
TINY = NetworkConfig(
    resolution=16,
    num_keypoints=3,
    keypoint_frame=64,
    latent_size=5,
    fmap_base=32,
    fmap_max=8,
)
RESOLUTIONS_AND_FADES = [(4, None), (8, 0.3), (8, None), (16, 0.3), (16, None)]


def randomize(network, seed=0):
    """Gives all weights values, biases too, which start at zero; the same for a seed."""
    rng = np.random.default_rng(seed)
    for variable in network.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return network


def tiny_generator(config=TINY, **arguments):
    return randomize(Generator(config, **arguments), seed=1)


def tiny_discriminator(config=TINY, **arguments):
    return randomize(Discriminator(config, **arguments), seed=2)


def some_latents(count=3, config=TINY):
    return np.random.default_rng(3).normal(size=(count, config.latent_size)).astype(np.float32)


def some_images(resolution, count=3):
    rng = np.random.default_rng(4)
    return rng.uniform(-1, 1, (count, resolution, resolution, 3)).astype(np.float32)


def some_keypoints(count=3, config=TINY, seed=5):
    """Poses, about one keypoint in ten missing."""
    rng = np.random.default_rng(seed)
    shape = (count, config.num_keypoints, 3)
    keypoints = rng.uniform(0, config.keypoint_frame, shape).astype(np.float32)
    keypoints[..., 2] = rng.uniform(size=shape[:2]) < 0.9
    return keypoints
