"""Each block against the numpy oracle, and what enters where."""

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
from psgan_tf.model.blocks import (
    DiscriminatorBlock,
    DiscriminatorHead,
    GeneratorBlock,
    GeneratorInputBlock,
)
from psgan_tf.model.config import NetworkConfig
from tiny_networks import TINY, randomize, some_keypoints

KEYPOINTS = some_keypoints()


def normal(*shape):
    """The same numbers for a shape, whichever tests run."""
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def built(block_class, resolution, config=TINY, **arguments):
    """A block with random weights, and these as the numpy oracle takes them."""
    block = block_class(resolution, config, name=f"{resolution}x{resolution}", **arguments)
    block.build(None)
    randomize(block)
    network = (
        "generator" if block_class in (GeneratorInputBlock, GeneratorBlock) else "discriminator"
    )
    weights = {f"{network}/{v.name[:-2]}": v.numpy() for v in block.trainable_variables}
    return block, oracle.Networks(weights, KEYPOINTS, config.keypoint_frame)


def assert_near(tensor, expected):
    np.testing.assert_allclose(tensor, expected, rtol=1e-4, atol=1e-5)


def test_the_generators_first_block_agrees_with_numpy():
    stem, expected = built(GeneratorInputBlock, 4)
    latents = normal(3, TINY.latent_size)
    features = stem(latents, keypoints=KEYPOINTS)
    assert_near(features, expected.generator_features(latents.astype(np.float64), 4))


def test_the_generator_sees_only_the_direction_of_a_latent():
    stem, _ = built(GeneratorInputBlock, 4)
    latents = normal(3, TINY.latent_size)
    longer = stem(7 * latents, keypoints=KEYPOINTS)
    assert_near(longer, stem(latents, keypoints=KEYPOINTS))


def test_a_generator_block_agrees_with_numpy():
    block, network = built(GeneratorBlock, 16)
    features = normal(3, 8, 8, 8)
    x = network.posed(16, oracle.upscale(features))
    for conv in ("conv0", "conv1"):
        x = oracle.pixel_norm(oracle.leaky_relu(network.conv(f"generator/16x16/{conv}", x)))
    assert_near(block(features, keypoints=KEYPOINTS), x)
    assert_near(block.to_rgb(x), network.conv("generator/16x16/to_rgb", x, gain=1))


def test_a_discriminator_block_agrees_with_numpy():
    block, network = built(DiscriminatorBlock, 16)
    features = normal(3, 16, 16, 4)
    assert_near(block(features, keypoints=KEYPOINTS), network.halved(16, features))


def test_reading_a_picture_agrees_with_numpy():
    block, network = built(DiscriminatorBlock, 16)
    images = normal(3, 16, 16, 3)
    assert_near(block.from_rgb(images), network.from_rgb(16, images))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_discriminators_last_block_agrees_with_numpy(batch):
    head, network = built(DiscriminatorHead, 4)
    network.maps = {n: maps[:batch] for n, maps in network.maps.items()}
    images = normal(batch, 4, 4, 3)
    scores = head(head.from_rgb(images), keypoints=KEYPOINTS[:batch])
    assert scores.shape == (batch,)
    assert_near(scores, network.discriminator(images, 4))


def test_activation_comes_before_pooling():
    # Pooled first, +1 and -1 would cancel; activated first, 0.4 of the positive part is left.
    config = NetworkConfig(resolution=8, num_keypoints=0, fmap_base=4, fmap_max=1)
    block = DiscriminatorBlock(8, config)
    block.build(None)
    scale = block.conv0.kernel_scale
    for conv in (block.conv0, block.conv1):
        kernel = np.zeros((3, 3, 1, 1), np.float32)
        kernel[1, 1] = 1 / scale
        conv.kernel.assign(kernel)
    block.conv0.bias.assign([10.0])  # so that the first activation changes nothing
    block.conv1.bias.assign([-10.0])
    checks = np.indices((8, 8)).sum(axis=0) % 2 * 2 - 1
    outputs = block(tf.constant(checks[None, :, :, None], tf.float32))
    np.testing.assert_allclose(outputs, np.full((1, 4, 4, 1), 0.4), rtol=1e-5)


def statistic_only(head):
    """Leaves of the head's first convolution what reads the statistic of the batch."""
    kernel = np.zeros(head.conv0.kernel.shape, np.float32)
    kernel[:, :, TINY.feature_maps(4)] = head.conv0.kernel[:, :, TINY.feature_maps(4)]
    head.conv0.kernel.assign(kernel)


def test_the_statistic_of_the_batch_does_not_feel_the_pose():
    head, _ = built(DiscriminatorHead, 4)
    features, other = normal(3, 4, 4, 8), some_keypoints(seed=6)
    assert np.all(head(features, keypoints=other) != head(features, keypoints=KEYPOINTS))
    statistic_only(head)
    scores = head(features, keypoints=KEYPOINTS)
    np.testing.assert_array_equal(head(features, keypoints=other), scores)
    np.testing.assert_array_equal(scores, np.full(3, scores[0]))
    assert head(2 * features, keypoints=KEYPOINTS)[0] != scores[0]


def test_slices_of_the_batch_are_scored_as_if_alone():
    head, _ = built(DiscriminatorHead, 4)
    sliced, _ = built(DiscriminatorHead, 4, stddev_slices=2)
    features, keypoints = normal(6, 4, 4, 8), some_keypoints(6)
    apart = [head(features[part], keypoints=keypoints[part]) for part in (slice(3), slice(3, 6))]
    assert_near(sliced(features, keypoints=keypoints), np.concatenate(apart))
    assert not np.allclose(head(features, keypoints=keypoints), np.concatenate(apart))


@pytest.mark.parametrize("block_class", [GeneratorInputBlock, GeneratorBlock, DiscriminatorBlock])
def test_a_block_of_no_resolution_of_the_network_is_refused(block_class):
    with pytest.raises(ValueError, match=r"`resolution` must be among \[4, 8, 16\].*=32"):
        block_class(32, TINY)


def test_a_scale_that_the_pose_does_not_enter_has_no_planes():
    config = NetworkConfig(resolution=8, num_keypoints=3, fmap_max=2, pose_resolutions=(8,))
    inputs = [
        built(kind, n, config)[0].conv0.kernel.shape[2]
        for kind, n in (
            (GeneratorInputBlock, 4),
            (GeneratorBlock, 8),
            (DiscriminatorBlock, 8),
            (DiscriminatorHead, 4),
        )
    ]
    assert inputs == [2, 2 + 3, 2 + 3, 2 + 1]
