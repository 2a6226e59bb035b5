"""Both networks whole: sizes and constants of the paper, numbers of the numpy oracle, errors."""

import dataclasses
import functools
import json

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.networks import Discriminator, Generator
from psgan_tf.model.weights import dump_weights
from tiny_networks import (
    RESOLUTIONS_AND_FADES,
    TINY,
    some_images,
    some_keypoints,
    some_latents,
    tiny_discriminator,
    tiny_generator,
)

WITHOUT_POSE = dataclasses.replace(TINY, num_keypoints=0)
AT_8_ONLY = dataclasses.replace(TINY, pose_resolutions=(8,))


@functools.cache
def planned(config):
    """Both networks with all shapes and constants, but no memory for their weights."""
    with tf.Graph().as_default():
        return Generator(config), Discriminator(config)


def count(variables):
    return sum(variable.shape.num_elements() for variable in variables)


# -------------------------------------------------------------------------------------------------
# Sizes and constants


@pytest.mark.parametrize(
    ("resolution", "num_keypoints", "g_path", "g_all", "d_path", "d_all"),
    [
        (64, 0, 22_484_227, 22_490_383, 22_489_857, 22_498_049),
        (64, 20, 22_898_947, 22_905_103, 22_904_577, 22_912_769),
        (128, 20, 23_364_227, 23_371_154, 23_369_857, 23_379_073),
        (256, 0, 23_036_995, 23_044_309, 23_042_625, 23_052_353),
        (256, 18, 23_441_347, 23_448_661, 23_446_977, 23_456_705),
        (512, 20, 23_519_651, 23_527_160, 23_525_281, 23_535_265),
        (1024, 0, 23_071_507, 23_079_115, 23_077_137, 23_087_249),
        (1024, 20, 23_529_427, 23_537_035, 23_535_057, 23_545_169),
    ],
)
def test_parameter_counts_are_those_of_the_paper(
    resolution, num_keypoints, g_path, g_all, d_path, d_all
):
    """`pytest -rP -k parameter_counts` prints the table."""
    config = NetworkConfig(resolution=resolution, num_keypoints=num_keypoints)
    generator, discriminator = planned(config)
    counts = [
        count(variables)
        for network in (generator, discriminator)
        for variables in (network.active_variables(resolution, False), network.trainable_variables)
    ]
    table = zip(("G path", "G all", "D path", "D all"), counts, strict=True)
    print(
        f"{resolution:4d} px, M {num_keypoints:2d}:",
        ", ".join(f"{name} {number:,}" for name, number in table),
    )
    assert counts == [g_path, g_all, d_path, d_all]


def test_parts_of_the_networks_count_as_in_progressive_gan():
    generator, discriminator = planned(NetworkConfig(resolution=4, num_keypoints=0))
    stem, head = generator.block_at(4), discriminator.block_at(4)
    assert count(stem.dense.trainable_variables) == 4_194_816
    assert count(stem.conv0.trainable_variables) == 2_359_808
    assert count(head.conv0.trainable_variables) == 2_364_416
    assert count(head.dense0.trainable_variables) == 4_194_816
    assert count(head.dense1.trainable_variables) == 513


def test_the_pose_adds_nine_weights_a_plane_and_feature_map():
    with_pose, without = planned(NetworkConfig()), planned(NetworkConfig(num_keypoints=0))
    for more, fewer in zip(with_pose, without, strict=True):
        added = count(more.trainable_variables) - count(fewer.trainable_variables)
        assert added == 9 * 20 * (4 * 512 + 256 + 128 + 64 + 32 + 16)


def test_every_layer_of_the_full_networks_has_its_constant():
    generator, discriminator = planned(NetworkConfig())
    scales = {
        "G 4 dense": (generator.block_at(4).dense, 0.015625),
        "G 4 conv0": (generator.block_at(4).conv0, 0.0204380),
        "G 64 conv0": (generator.block_at(64).conv0, 0.0204380),
        "G 64 conv1": (generator.block_at(64).conv1, 2**0.5 / (9 * 256) ** 0.5),
        "G 1024 conv0": (generator.block_at(1024).conv0, 2**0.5 / (9 * (32 + 20)) ** 0.5),
        "G 1024 to_rgb": (generator.block_at(1024).to_rgb, 0.25),
        "D 1024 from_rgb": (discriminator.block_at(1024).from_rgb_conv, 0.8164966),
        "D 1024 conv0": (discriminator.block_at(1024).conv0, 2**0.5 / (9 * (16 + 20)) ** 0.5),
        "D 1024 conv1": (discriminator.block_at(1024).conv1, 2**0.5 / (9 * 16) ** 0.5),
        "D 4 conv0": (discriminator.block_at(4).conv0, 0.0204188),
        "D 4 dense0": (discriminator.block_at(4).dense0, 0.015625),
        "D 4 dense1": (discriminator.block_at(4).dense1, 0.0441942),
    }
    for name, (layer, scale) in scales.items():
        assert layer.kernel_scale == pytest.approx(scale, abs=5e-8), name
    plain, plain_discriminator = planned(NetworkConfig(num_keypoints=0))
    assert plain.block_at(8).conv0.kernel_scale == pytest.approx(0.0208333, abs=5e-8)
    assert plain_discriminator.block_at(4).conv0.kernel_scale == pytest.approx(0.0208130, abs=5e-8)


# -------------------------------------------------------------------------------------------------
# What is computed


@pytest.mark.parametrize(("resolution", "alpha"), RESOLUTIONS_AND_FADES)
@pytest.mark.parametrize("config", [TINY, WITHOUT_POSE, AT_8_ONLY], ids=["M3", "M0", "pose at 8"])
def test_both_networks_agree_with_numpy(config, resolution, alpha):
    generator, discriminator = tiny_generator(config), tiny_discriminator(config)
    keypoints = some_keypoints(config=config) if config.num_keypoints else None
    expected = oracle.Networks(
        dump_weights(generator) | dump_weights(discriminator),
        keypoints,
        config.keypoint_frame,
        config.pose_resolutions,
    )
    arguments = {"keypoints": keypoints, "resolution": resolution, "alpha": alpha}
    latents, images = some_latents(config=config), some_images(resolution)
    pictures, scores = generator(latents, **arguments), discriminator(images, **arguments)
    assert (pictures.dtype, scores.dtype) == (tf.float32, tf.float32)
    assert (pictures.shape, scores.shape) == ((3, resolution, resolution, 3), (3,))
    np.testing.assert_allclose(
        pictures, expected.generator(latents.astype(np.float64), resolution, alpha), atol=2e-5
    )
    np.testing.assert_allclose(
        scores, expected.discriminator(images.astype(np.float64), resolution, alpha), atol=2e-5
    )


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_traced_call_of_any_batch_and_alpha_equals_the_eager_one(network):
    model = tiny_generator() if network == "generator" else tiny_discriminator()
    inputs = some_latents() if network == "generator" else some_images(8)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, *inputs.shape[1:]]),
            tf.TensorSpec([None, 3, 3]),
            tf.TensorSpec([]),
        ]
    )
    def call(inputs, keypoints, alpha):
        return model(inputs, keypoints=keypoints, resolution=8, alpha=alpha)

    for batch, alpha in ((3, 0.25), (1, 1.0)):
        arguments = inputs[:batch], some_keypoints(batch), alpha
        expected = model(inputs[:batch], keypoints=arguments[1], resolution=8, alpha=alpha)
        np.testing.assert_allclose(call(*arguments), expected, rtol=1e-4, atol=1e-5)
    assert call.experimental_get_tracing_count() == 1


def test_a_picture_depends_on_its_own_latent_and_pose_only():
    generator = tiny_generator()
    latents, keypoints = some_latents(), some_keypoints()
    together = generator(latents, keypoints=keypoints, resolution=16)
    for row in range(3):
        rows = slice(row, row + 1)
        alone = generator(latents[rows], keypoints=keypoints[rows], resolution=16)
        np.testing.assert_allclose(alone, together[rows], atol=1e-5)


def test_scores_follow_their_pictures_through_another_order_of_the_batch():
    discriminator = tiny_discriminator()
    images, keypoints, order = some_images(16), some_keypoints(), [2, 0, 1]
    scores = discriminator(images, keypoints=keypoints, resolution=16)
    turned = discriminator(images[order], keypoints=keypoints[order], resolution=16)
    np.testing.assert_allclose(turned, scores.numpy()[order], rtol=1e-4)


@pytest.mark.parametrize("batch", [5, 2, 1])
def test_the_small_batches_of_large_resolutions_are_scored(batch):
    arguments = {"keypoints": some_keypoints(batch), "resolution": 16}
    scores = tiny_discriminator()(some_images(16, batch), **arguments)
    assert scores.shape == (batch,)
    assert np.isfinite(scores).all()


# -------------------------------------------------------------------------------------------------
# Names, configuration, errors


def test_weights_have_readable_names():
    config = dataclasses.replace(TINY, resolution=8)
    generator, discriminator = Generator(config), Discriminator(config)
    assert [v.name for v in generator.trainable_variables] == [
        f"generator/{layer}/{weight}:0"
        for layer in (
            "4x4/dense",
            "4x4/conv0",
            "4x4/to_rgb",
            "8x8/conv0",
            "8x8/conv1",
            "8x8/to_rgb",
        )
        for weight in ("kernel", "bias")
    ]
    assert [v.name for v in discriminator.trainable_variables] == [
        f"discriminator/{layer}/{weight}:0"
        for layer in (
            "4x4/from_rgb",
            "4x4/conv0",
            "4x4/dense0",
            "4x4/dense1",
            "8x8/from_rgb",
            "8x8/conv0",
            "8x8/conv1",
        )
        for weight in ("kernel", "bias")
    ]


def test_the_weights_of_a_resolution_do_not_depend_on_the_final_one():
    final, grown = tiny_generator(dataclasses.replace(TINY, resolution=8)), tiny_generator()
    small, large = dump_weights(final), dump_weights(grown)
    assert {name: large[name].shape for name in small} == {n: v.shape for n, v in small.items()}
    assert {name.split("/")[1] for name in large.keys() - small.keys()} == {"16x16"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Generator(AT_8_ONLY, dtype="mixed_bfloat16"),
        lambda: Discriminator(TINY, stddev_slices=2, name="critic"),
    ],
)
def test_a_network_is_made_again_from_its_configuration(make):
    network = make()
    config = json.loads(json.dumps(network.get_config()))
    again = type(network).from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    assert (again.name, again.config) == (network.name, network.config)
    assert again.dtype_policy.name == network.dtype_policy.name
    names = [[v.name for v in n.trainable_variables] for n in (again, network)]
    assert names[0] == names[1]


KEYPOINTS = some_keypoints()


@pytest.mark.parametrize("make", [tiny_generator, tiny_discriminator])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 32}, r"`resolution` must be among \[4, 8, 16\]\. Received: .*=32"),
        ({"resolution": 4, "alpha": 0.5}, r"`alpha` must be None at 4 x 4"),
        ({"keypoints": None}, r"`keypoints` must be \[batch, 3, 3\].*num_keypoints=3.*None"),
        ({"keypoints": KEYPOINTS[:, :2]}, r"`keypoints` must be .*Received: .*\(3, 2, 3\)"),
        ({"keypoints": KEYPOINTS[0]}, r"`keypoints` must be .*Received: .*\(3, 3\)"),
        (
            {"keypoints": KEYPOINTS.astype(tf.bfloat16.as_numpy_dtype)},
            r"`keypoints` must be float32.*Received: bfloat16.*keyword",
        ),
        ({"keypoints": KEYPOINTS.astype(np.float64)}, r"`keypoints` must be float32.*float64"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(make, arguments, message):
    arguments = {"keypoints": KEYPOINTS, "resolution": 8, **arguments}
    resolution = arguments["resolution"]
    inputs = some_latents() if make is tiny_generator else some_images(resolution)
    with pytest.raises(ValueError, match=message):
        make()(inputs, **arguments)


@pytest.mark.parametrize("make", [tiny_generator, tiny_discriminator])
def test_keypoints_are_not_taken_by_position_where_keras_would_cast_them(make):
    with pytest.raises(TypeError, match="positional"):
        make()(some_latents(), KEYPOINTS, resolution=8)


def test_pictures_of_another_size_are_refused_rather_than_scored_as_fewer():
    # Four pictures of 4 x 4 hold as many numbers after the 8 x 8 block as one of 8 x 8.
    keypoints = some_keypoints(4)
    with pytest.raises(ValueError, match=r"`images` must be \[batch, 8, 8, 3\].*\(4, 4, 4, 3\)"):
        tiny_discriminator()(some_images(4, 4), keypoints=keypoints, resolution=8)
