"""Weights by name: there and back, and over to another architecture."""

import dataclasses

import numpy as np
import pytest

from psgan_tf.model.networks import Discriminator, Generator
from psgan_tf.model.weights import (
    Architecture,
    dump_weights,
    load_weights,
    map_weights,
    named_variables,
)
from tiny_networks import (
    TINY,
    randomize,
    some_images,
    some_keypoints,
    some_latents,
    tiny_discriminator,
    tiny_generator,
)

NAMES = ("hips", "head", "tail")
WITHOUT_POSE = dataclasses.replace(TINY, num_keypoints=0)
POSED, PLAIN = Architecture(TINY, NAMES), Architecture(WITHOUT_POSE, ())
BOTH = pytest.mark.parametrize("kind", [Generator, Discriminator])


def outputs(network, keypoints, resolution=16):
    latents, images = some_latents(), some_images(resolution)
    inputs = latents if isinstance(network, Generator) else images
    return network(inputs, keypoints=keypoints, resolution=resolution).numpy()


def random_weights(kind, config, seed):
    return dump_weights(randomize(kind(config), seed))


def silenced(weights, rows, config=TINY):
    """The weights with these planes of the pose multiplied by zero."""
    weights = {name: value.copy() for name, value in weights.items()}
    for name, kernel in weights.items():
        if name.endswith("/conv0/kernel"):
            kernel[:, :, [kernel.shape[2] - config.num_keypoints + row for row in rows]] = 0
    return weights


def network_with(kind, config, weights):
    network = kind(config)
    load_weights(network, weights)
    return network


# -------------------------------------------------------------------------------------------------
# Dump and load


@BOTH
def test_dumped_weights_draw_the_same_in_a_new_network(kind):
    network = tiny_generator() if kind is Generator else tiny_discriminator()
    weights = dump_weights(network)
    again = network_with(kind, TINY, weights)
    keypoints = some_keypoints()
    np.testing.assert_array_equal(outputs(again, keypoints), outputs(network, keypoints))
    for name, value in dump_weights(again).items():
        assert type(value) is np.ndarray
        np.testing.assert_array_equal(value, weights[name])


def test_names_are_those_of_places_in_the_network():
    generator = tiny_generator()
    variables = named_variables(generator)
    assert variables["generator/16x16/conv1/kernel"] is generator.block_at(16).conv1.kernel
    assert variables["generator/4x4/to_rgb/bias"] is generator.block_at(4).to_rgb.bias
    assert list(variables)[:2] == ["generator/4x4/dense/kernel", "generator/4x4/dense/bias"]
    assert len(variables) == len(generator.trainable_variables)


def test_a_dump_is_a_copy():
    generator = tiny_generator()
    weights = dump_weights(generator)
    before = weights["generator/4x4/conv0/kernel"].copy()
    randomize(generator, seed=9)
    np.testing.assert_array_equal(weights["generator/4x4/conv0/kernel"], before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("generator/8x8/conv1/bias"), "shapes: generator/8x8/conv1/bias. Use"),
        (lambda w: w.update({"generator/32x32/x": 0}), "shapes: generator/32x32/x. Use map_wei"),
        (
            lambda w: w.update({"generator/4x4/dense/bias": np.zeros(9)}),
            "`weights` must hold exactly the network's weights. Received other names or shapes: "
            "generator/4x4/dense/bias. Use map_weights to carry weights over to another arch",
        ),
        (lambda w: w.clear(), "conv1/kernel, generator/16x16/to_rgb/bias and 13 more. Use"),
    ],
)
def test_other_weights_are_refused_by_name_and_nothing_is_set(change, message):
    generator = tiny_generator()
    before = dump_weights(generator)
    weights = random_weights(Generator, TINY, seed=9)
    change(weights)
    with pytest.raises(ValueError) as error:  # noqa: PT011  the whole text is compared
        load_weights(generator, weights)
    assert message in str(error.value)
    for name, value in dump_weights(generator).items():
        np.testing.assert_array_equal(value, before[name])


# -------------------------------------------------------------------------------------------------
# Another architecture


@BOTH
def test_the_same_architecture_takes_everything(kind):
    source, target = random_weights(kind, TINY, 1), random_weights(kind, TINY, 2)
    weights, taken = map_weights(source, target, POSED, POSED)
    assert taken == list(target)
    for name in target:
        np.testing.assert_array_equal(weights[name], source[name])


@BOTH
def test_new_planes_that_weigh_nothing_leave_the_function_as_it_was(kind):
    source = random_weights(kind, WITHOUT_POSE, 1)
    target = silenced(random_weights(kind, TINY, 2), rows=range(3))
    weights, taken = map_weights(source, target, PLAIN, POSED)
    assert taken == list(target)
    expected = outputs(network_with(kind, WITHOUT_POSE, source), None)
    mapped = network_with(kind, TINY, weights)
    for seed in (5, 6):
        found = outputs(mapped, some_keypoints(seed=seed))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@BOTH
def test_planes_that_are_dropped_leave_the_rest_as_it_was(kind):
    source = silenced(random_weights(kind, TINY, 1), rows=range(3))
    weights, taken = map_weights(source, random_weights(kind, WITHOUT_POSE, 2), POSED, PLAIN)
    assert len(taken) == len(source)
    expected = outputs(network_with(kind, TINY, source), some_keypoints())
    found = outputs(network_with(kind, WITHOUT_POSE, weights), None)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@BOTH
def test_planes_follow_the_names_of_their_keypoints(kind):
    # Source rows: hips, head, tail. Target rows: tail, wing, hips, neck.
    more = dataclasses.replace(TINY, num_keypoints=4)
    source = silenced(random_weights(kind, TINY, 1), rows=[1])
    target = silenced(random_weights(kind, more, 2), rows=[1, 3], config=more)
    weights, _ = map_weights(
        source, target, POSED, Architecture(more, ("tail", "wing", "hips", "neck"))
    )
    keypoints = some_keypoints()
    others = some_keypoints(config=more, seed=8)
    others[:, 0], others[:, 2] = keypoints[:, 2], keypoints[:, 0]
    expected = outputs(network_with(kind, TINY, source), keypoints)
    found = outputs(network_with(kind, more, weights), others)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_planes_that_the_source_lacks_keep_their_own_values():
    target = random_weights(Generator, TINY, 2)
    weights, _ = map_weights(random_weights(Generator, WITHOUT_POSE, 1), target, PLAIN, POSED)
    name = "generator/8x8/conv0/kernel"
    np.testing.assert_array_equal(weights[name][:, :, -3:], target[name][:, :, -3:])
    assert not np.any(weights[name][:, :, :-3] == target[name][:, :, :-3])


@BOTH
def test_a_larger_network_takes_the_smaller_one_as_its_beginning(kind):
    smaller = dataclasses.replace(TINY, resolution=8)
    source, target = random_weights(kind, smaller, 1), random_weights(kind, TINY, 2)
    weights, taken = map_weights(source, target, Architecture(smaller, NAMES), POSED)
    assert taken == list(source)
    for name in target.keys() - source.keys():
        np.testing.assert_array_equal(weights[name], target[name])
    keypoints = some_keypoints()
    np.testing.assert_array_equal(
        outputs(network_with(kind, TINY, weights), keypoints, 8),
        outputs(network_with(kind, smaller, source), keypoints, 8),
    )


@BOTH
def test_a_single_scale_network_takes_the_features_of_an_all_scale_one(kind):
    single = dataclasses.replace(TINY, pose_resolutions=(8,))
    source = random_weights(kind, TINY, 1)
    for name in ("4x4", "16x16"):
        source[f"{kind.__name__.lower()}/{name}/conv0/kernel"][:, :, -3:] = 0
    weights, taken = map_weights(
        source, random_weights(kind, single, 2), POSED, Architecture(single, NAMES)
    )
    assert len(taken) == len(source)
    keypoints = some_keypoints()
    found = outputs(network_with(kind, single, weights), keypoints)
    expected = outputs(network_with(kind, TINY, source), keypoints)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@BOTH
def test_scales_without_a_pose_are_taken_whole_when_keypoints_are_renamed(kind):
    single = dataclasses.replace(TINY, pose_resolutions=(16,))
    source, target = random_weights(kind, single, 1), random_weights(kind, single, 2)
    weights, _ = map_weights(
        source,
        target,
        Architecture(single, NAMES),
        Architecture(single, ("tail", "head", "hips")),
    )
    name = f"{kind.__name__.lower()}/8x8/conv0/kernel"
    np.testing.assert_array_equal(weights[name], source[name])


@BOTH
def test_other_widths_keep_what_does_not_fit(kind):
    wider = dataclasses.replace(TINY, fmap_max=12, num_keypoints=0)
    source, target = random_weights(kind, WITHOUT_POSE, 1), random_weights(kind, wider, 2)
    weights, taken = map_weights(source, target, PLAIN, Architecture(wider, ()))
    assert {name: value.shape for name, value in weights.items()} == {
        name: value.shape for name, value in target.items()
    }
    for name in target:
        fits = source[name].shape == target[name].shape
        assert (name in taken) == fits
        np.testing.assert_array_equal(weights[name], (source if fits else target)[name])


PAPER = dataclasses.replace(TINY, limb_points=2, limbs=((0, 1),))
EQUALIZED = dataclasses.replace(PAPER, pose_maps="equalized")


@BOTH
@pytest.mark.parametrize(("before", "after"), [(PAPER, EQUALIZED), (EQUALIZED, PAPER)])
def test_other_values_of_pose_maps_leave_what_a_convolution_computes_as_it_was(kind, before, after):
    source = random_weights(kind, before, 1)
    weights, taken = map_weights(
        source,
        random_weights(kind, after, 2),
        Architecture(before, NAMES),
        Architecture(after, NAMES),
    )
    assert taken == list(source)
    networks = network_with(kind, before, source), network_with(kind, after, weights)
    for n in (8, 16):
        convolutions = [network.block_at(n).conv0 for network in networks]
        size = n // 2 if convolutions[0].upscale else n
        channels = convolutions[0].kernel.shape[2] - PAPER.num_pose_planes
        features = np.random.default_rng(n).normal(size=(3, size, size, channels))
        points = networks[0].pose_points(some_keypoints())
        expected, found = (
            conv(features.astype(np.float32), keypoints=points)[:, 1:-1, 1:-1]
            for conv in convolutions
        )
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_planes_along_limbs_are_named_by_their_ends():
    architecture = Architecture(PAPER, NAMES)
    assert architecture.planes_at(8) == (*NAMES, "hips-head 1/3", "hips-head 2/3")
    nowhere = dataclasses.replace(PAPER, pose_resolutions=(16,))
    assert Architecture(nowhere, NAMES).planes_at(8) == ()


def test_mapping_changes_neither_of_its_arguments():
    source, target = random_weights(Generator, TINY, 1), random_weights(Generator, WITHOUT_POSE, 2)
    before = [{name: value.copy() for name, value in w.items()} for w in (source, target)]
    map_weights(source, target, POSED, PLAIN)
    for weights, copies in zip((source, target), before, strict=True):
        for name in copies:
            np.testing.assert_array_equal(weights[name], copies[name])
