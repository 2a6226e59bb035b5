"""Losses and gradient penalty of critics whose gradient is known."""

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
from loss_totals import discriminator_losses
from psgan_tf.model.weights import dump_weights
from psgan_tf.training.losses import generator_loss, gradient_norms
from tiny_networks import TINY, some_images, some_keypoints, tiny_discriminator

PAPER = {"gradient_penalty_weight": 10.0, "drift_weight": 0.001}
WITHOUT_DRIFT = {"gradient_penalty_weight": 10.0, "drift_weight": 0.0}
REALS, FAKES = some_images(4), some_images(4)[::-1].copy()
MIX = np.array([0.0, 0.25, 0.9], np.float32)
# A direction of length 3 in the space of pictures.
DIRECTION = np.random.default_rng(0).normal(size=(4, 4, 3)).astype(np.float32)
DIRECTION *= 3 / np.linalg.norm(DIRECTION)


def linear(images):
    """A critic whose gradient is DIRECTION everywhere."""
    return tf.reduce_sum(images * DIRECTION, axis=[1, 2, 3])


def half_square(images):
    """A critic whose gradient is the picture itself."""
    return tf.reduce_sum(tf.square(images), axis=[1, 2, 3]) / 2


def test_the_loss_of_a_linear_critic_is_its_closed_form():
    losses = discriminator_losses(linear, REALS, FAKES, MIX, **PAPER)
    real, fake = ((images * DIRECTION).sum(axis=(1, 2, 3)) for images in (REALS, FAKES))
    np.testing.assert_allclose(losses["real_score"], real, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(losses["fake_score"], fake, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(losses["gradient_norm"], [3, 3, 3], rtol=1e-5)
    # 10 (3 - 1)^2 = 40
    expected = fake - real + 40 + 0.001 * real**2
    np.testing.assert_allclose(losses["discriminator_loss"], expected, rtol=1e-5)


def test_a_critic_of_slope_1_pays_no_penalty():
    losses = discriminator_losses(lambda x: linear(x) / 3, REALS, REALS, MIX, **WITHOUT_DRIFT)
    np.testing.assert_allclose(losses["discriminator_loss"], [0, 0, 0], atol=1e-5)


def test_a_critic_that_is_zero_everywhere_pays_10():
    losses = discriminator_losses(lambda x: 0 * linear(x), REALS, FAKES, MIX, **PAPER)
    np.testing.assert_allclose(losses["discriminator_loss"], [10, 10, 10], rtol=1e-5)


def test_drift_by_hand_counts_reals_only():
    def flat(images):
        return 0 * linear(images) + (30.0 if images is REALS else 20.0)

    losses = discriminator_losses(
        flat, REALS, FAKES, MIX, gradient_penalty_weight=0.0, drift_weight=0.001
    )
    # 20 - 30 + 0.001 * 900
    np.testing.assert_allclose(losses["discriminator_loss"], [-9.1] * 3, rtol=1e-6)


def test_the_penalty_is_taken_on_the_line_from_each_real_to_its_fake():
    mixed = REALS + MIX[:, None, None, None] * (FAKES - REALS)
    lengths = np.sqrt(np.square(mixed).sum(axis=(1, 2, 3)))
    losses = discriminator_losses(half_square, REALS, FAKES, MIX, **WITHOUT_DRIFT)
    np.testing.assert_allclose(losses["gradient_norm"], lengths, rtol=1e-5)
    assert losses["gradient_norm"][0] == gradient_norms(half_square, tf.constant(REALS))[0]


def test_the_gradient_is_that_of_the_summed_score_through_a_statistic_of_the_batch():
    # Each score feels each picture: the sum of three scores is 4 times the sum of linear ones.
    def coupled(images):
        scores = linear(images)
        return scores + tf.reduce_sum(scores)

    norms = gradient_norms(coupled, tf.constant(REALS))
    np.testing.assert_allclose(norms, [12, 12, 12], rtol=1e-5)


def test_the_gradient_of_the_penalty_is_its_closed_form():
    # D = c |x|^2 / 2 has the norm c |x|; d/dc of 10 (c |x| - 1)^2 is 20 (c |x| - 1) |x|.
    c = tf.Variable(0.7)
    with tf.GradientTape() as tape:
        norms = gradient_norms(lambda x: c * half_square(x), tf.constant(REALS))
        penalty = 10 * tf.reduce_sum(tf.square(norms - 1))
    lengths = np.sqrt(np.square(REALS).sum(axis=(1, 2, 3)))
    expected = (20 * (0.7 * lengths - 1) * lengths).sum()
    np.testing.assert_allclose(tape.gradient(penalty, c), expected, rtol=1e-4)


def test_the_gradient_of_the_penalty_is_finite_where_the_norm_is_zero():
    slope = tf.Variable(tf.zeros_like(DIRECTION))
    with tf.GradientTape() as tape:
        losses = discriminator_losses(
            lambda x: tf.reduce_sum(x * slope, axis=[1, 2, 3]), REALS, REALS, MIX, **PAPER
        )
        loss = tf.reduce_sum(losses["discriminator_loss"])
    np.testing.assert_array_equal(tape.gradient(loss, slope), np.zeros_like(DIRECTION))


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_real_discriminator_has_finite_losses_and_gradients(dtype):
    discriminator = tiny_discriminator(dtype=dtype)
    variables = discriminator.active_variables(8, True)
    reals, fakes = some_images(8), some_images(8)[::-1].copy()
    with tf.GradientTape() as tape:
        losses = discriminator_losses(
            lambda x: discriminator(x, keypoints=some_keypoints(), resolution=8, alpha=0.5),
            reals,
            fakes,
            MIX,
            **PAPER,
        )
        loss = tf.reduce_sum(losses["discriminator_loss"])
    assert set(losses) == {"discriminator_loss", "real_score", "fake_score", "gradient_norm"}
    for values in losses.values():
        assert (values.shape, values.dtype) == ((3,), tf.float32)
        assert np.isfinite(values).all()
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert np.isfinite(gradient).all(), variable.name


def test_the_norms_of_a_real_discriminator_are_those_of_numpys_finite_differences():
    discriminator, keypoints = tiny_discriminator(), some_keypoints()
    networks = oracle.Networks(dump_weights(discriminator), keypoints, TINY.keypoint_frame)
    reals, step = REALS.astype(np.float64), 1e-5
    gradients = np.zeros_like(reals)
    for place in np.ndindex(reals.shape):
        totals = []
        for move in (-step, step):
            moved = reals.copy()
            moved[place] += move
            totals.append(networks.discriminator(moved, 4).sum())
        gradients[place] = (totals[1] - totals[0]) / (2 * step)
    norms = gradient_norms(
        lambda x: discriminator(x, keypoints=keypoints, resolution=4), tf.constant(REALS)
    )
    expected = np.sqrt(np.square(gradients).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(norms, expected, rtol=1e-4)


def test_the_generator_loses_what_its_pictures_are_scored():
    np.testing.assert_array_equal(generator_loss(linear, FAKES), -linear(FAKES))
