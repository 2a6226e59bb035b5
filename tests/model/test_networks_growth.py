"""Fades: exact at both ends, and no block learns before its own."""

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.model.ops.resizing import downscale2x, upscale2x
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.schedule import build_schedule
from tiny_networks import (
    RESOLUTIONS_AND_FADES,
    TINY,
    some_images,
    some_keypoints,
    some_latents,
    tiny_discriminator,
    tiny_generator,
)


def norm(gradient):
    return 0.0 if gradient is None else float(tf.norm(gradient))


@pytest.mark.parametrize("resolution", [8, 16])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_fade_starts_as_half_the_resolution_and_ends_as_the_whole_to_the_last_bit(
    resolution, dtype
):
    generator, discriminator = tiny_generator(dtype=dtype), tiny_discriminator(dtype=dtype)
    latents, keypoints = some_latents(), some_keypoints()
    images = tf.cast(some_images(resolution), discriminator.compute_dtype)
    half, whole = ({"keypoints": keypoints, "resolution": n} for n in (resolution // 2, resolution))
    start, end = tf.constant(0.0), tf.constant(1.0)

    pictures = generator(latents, **whole, alpha=start)
    np.testing.assert_array_equal(pictures, upscale2x(generator(latents, **half)))
    pictures = generator(latents, **whole, alpha=end)
    np.testing.assert_array_equal(pictures, generator(latents, **whole))

    scores = discriminator(images, **whole, alpha=start)
    np.testing.assert_array_equal(scores, discriminator(downscale2x(images), **half))
    scores = discriminator(images, **whole, alpha=end)
    np.testing.assert_array_equal(scores, discriminator(images, **whole))


def gradients_at(network, inputs, **arguments):
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.square(network(inputs, keypoints=some_keypoints(), **arguments)))
    gradients = tape.gradient(total, network.trainable_variables)
    return dict(zip((v.name for v in network.trainable_variables), gradients, strict=True))


@pytest.mark.parametrize("make", [tiny_generator, tiny_discriminator])
def test_a_block_learns_from_the_first_batch_of_its_fade_on_and_not_before(make):
    network = make()
    config = TrainingConfig(TINY, "", "", batch_size="2", fade_kimg="0.006", stabilize_kimg="0.004")
    schedule = build_schedule(config)
    starts = {4: 0, 8: 4, 16: 14}
    learning_since = {}
    images_shown = 0
    while images_shown < schedule.total_images:
        growth = schedule.growth_at(images_shown)
        resolution = growth.phase.resolution
        alpha = growth.alpha if growth.phase.fading else None
        inputs = some_latents() if make is tiny_generator else some_images(resolution)
        gradients = gradients_at(network, inputs, resolution=resolution, alpha=alpha)
        for block in network.blocks:
            norms = [norm(g) for name, g in gradients.items() if f"/{block.name}/conv" in name]
            assert all(n > 0 for n in norms) or not any(norms)
            if any(norms):
                learning_since.setdefault(block.resolution, images_shown)
            assert any(norms) == (images_shown >= starts[block.resolution])
        images_shown = growth.images_after
    assert learning_since == starts


@pytest.mark.parametrize("resolution", [8, 16])
@pytest.mark.parametrize("make", [tiny_generator, tiny_discriminator])
def test_at_alpha_0_the_new_block_has_a_gradient_of_exactly_zero(make, resolution):
    network = make()
    inputs = some_latents() if make is tiny_generator else some_images(resolution)
    for alpha, learns in ((0.0, False), (1e-6, True)):
        gradients = gradients_at(network, inputs, resolution=resolution, alpha=alpha)
        new = [norm(g) for name, g in gradients.items() if f"/{resolution}x{resolution}/" in name]
        assert all(n > 0 for n in new) if learns else not any(new)


@pytest.mark.parametrize(("resolution", "alpha"), RESOLUTIONS_AND_FADES)
@pytest.mark.parametrize("make", [tiny_generator, tiny_discriminator])
def test_active_variables_are_those_with_a_gradient(make, resolution, alpha):
    network = make()
    inputs = some_latents() if make is tiny_generator else some_images(resolution)
    gradients = gradients_at(network, inputs, resolution=resolution, alpha=alpha)
    active = [v.name for v in network.active_variables(resolution, alpha is not None)]
    assert active == [name for name, gradient in gradients.items() if gradient is not None]
