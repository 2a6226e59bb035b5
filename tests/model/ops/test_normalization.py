"""Pixel norm and the minibatch deviation against hand-computed numbers and numpy."""

import math

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
from forced_kernels import ForcedKernels
from numpy_oracles import normal
from psgan_tf.model.ops.kernels import PLAIN, Kernels
from psgan_tf.model.ops.normalization import minibatch_stddev, pixel_norm
from second_derivatives import assert_same
from second_derivatives import normal as tensor


def test_pixel_norm_of_3_and_4_by_hand():
    # The mean of 9 and 16 is 12.5, whose root is 3.5355339.
    np.testing.assert_allclose(
        pixel_norm(tf.constant([[3.0, 4.0]])), [[0.8485281, 1.1313708]], rtol=1e-6
    )


@pytest.mark.parametrize("shape", [(2, 512), (2, 3, 5, 7)])
def test_pixel_norm_gives_each_position_unit_root_mean_square(shape):
    features = 100 * normal(*shape)
    normed = pixel_norm(features).numpy()
    np.testing.assert_allclose(normed, oracle.pixel_norm(features.astype(np.float64)), rtol=1e-5)
    np.testing.assert_allclose(np.square(normed).mean(axis=-1), 1.0, rtol=1e-5)


def test_pixel_norm_of_nothing_is_nothing_with_a_finite_gradient():
    features = tf.zeros([1, 2, 2, 4])
    with tf.GradientTape() as tape:
        tape.watch(features)
        normed = pixel_norm(features)
    np.testing.assert_array_equal(normed, features)
    np.testing.assert_allclose(tape.gradient(normed, features), 1e4, rtol=1e-5)


FORMS = pytest.mark.parametrize(
    "form",
    [PLAIN, Kernels(), Kernels(training=True), ForcedKernels(xla=True)],
    ids=["plain", "pictures alone", "training", "fused"],
)


@FORMS
def test_pixel_norm_has_the_derivatives_of_its_formula(form):
    def formula(features, weights):
        squares = tf.reduce_mean(tf.square(features), axis=-1, keepdims=True)
        return weights * features / tf.sqrt(squares + 1e-8)

    assert_same(
        lambda x, w: w * pixel_norm(x, form),
        formula,
        tensor(2, 3, 4, 5),
        tensor(2, 3, 4, 5, seed=1),
    )


def test_pixel_norm_of_small_bfloat16_features_has_the_gradient_of_float32():
    features = tf.constant([[1e-3, 2e-3, -1e-3, 3e-3]], tf.bfloat16)
    gradients = {}
    for dtype in (tf.float32, tf.bfloat16):
        cast = tf.cast(features, dtype)
        with tf.GradientTape() as tape:
            tape.watch(cast)
            normed = pixel_norm(cast)
        upstream = tf.constant([[1.0, 2.0, 3.0, 4.0]], dtype)
        gradients[dtype] = tf.cast(tape.gradient(normed, cast, upstream), tf.float32)
    scale = float(tf.reduce_max(tf.abs(gradients[tf.float32])))
    np.testing.assert_allclose(gradients[tf.bfloat16], gradients[tf.float32], atol=0.02 * scale)


def test_pixel_norm_measures_in_float32_what_is_bfloat16():
    # 4,095 ones and a 64: a running bfloat16 sum of squares would stop growing at 256.
    features = np.ones((1, 4096), np.float32)
    features[0, 0] = 64
    normed = pixel_norm(tf.constant(features, tf.bfloat16))
    assert normed.dtype == tf.bfloat16
    np.testing.assert_allclose(
        tf.cast(normed, tf.float32), features / math.sqrt(8191 / 4096), rtol=2**-7
    )


def test_training_rounds_the_norm_of_bfloat16_features_once():
    features = tf.cast(tensor(64, 7), tf.bfloat16)
    normed = pixel_norm(features, Kernels(training=True))
    squares = tf.reduce_mean(tf.square(tf.cast(features, tf.float32)), axis=-1, keepdims=True)
    inverse = tf.cast(tf.math.rsqrt(squares + 1e-8), tf.bfloat16)
    np.testing.assert_array_equal(normed, features * inverse)


# -------------------------------------------------------------------------------------------------
# Minibatch standard deviation


def stddev_of(features, slices=1):
    """The appended channel, one number an example, once it is seen to be constant over pixels."""
    features = tf.convert_to_tensor(features)
    with_channel = minibatch_stddev(features, slices)
    assert with_channel.dtype == features.dtype
    np.testing.assert_array_equal(with_channel[..., :-1], features)
    channel = tf.cast(with_channel[..., -1], tf.float32).numpy()
    np.testing.assert_array_equal(channel, np.broadcast_to(channel[:, :1, :1], channel.shape))
    return channel[:, 0, 0]


def test_two_pictures_deviate_by_half_their_difference():
    # Differences of 2, 4, 6 and 0 over a picture: deviations 1, 2, 3 and 0.0001.
    features = tf.reshape(tf.constant([0.0, 0, 0, 5, 2, 4, 6, 5]), [2, 2, 2, 1])
    np.testing.assert_allclose(stddev_of(features), [6.0001 / 4] * 2, rtol=1e-6)


def test_a_picture_alone_deviates_by_the_root_of_the_epsilon():
    np.testing.assert_allclose(stddev_of(normal(1, 4, 4, 3)), [1e-4], rtol=1e-6)


@pytest.mark.parametrize("batch", [2, 5, 12, 16])
def test_all_batches_of_the_paper_are_measured_whole(batch):
    features = normal(batch, 4, 4, 6)
    expected = oracle.with_stddev(features.astype(np.float64))[:, 0, 0, -1]
    np.testing.assert_allclose(stddev_of(features), expected, rtol=1e-5)


def test_the_order_of_the_batch_does_not_matter():
    features = normal(5, 4, 4, 6)
    np.testing.assert_allclose(stddev_of(features[[3, 0, 4, 1, 2]]), stddev_of(features), rtol=1e-6)


def test_slices_are_measured_apart():
    features = normal(6, 4, 4, 2) * np.repeat([1, 10, 100], 2)[:, None, None, None]
    features = features.astype(np.float32)
    apart = np.concatenate([stddev_of(features[i : i + 2]) for i in (0, 2, 4)])
    np.testing.assert_array_equal(stddev_of(features, slices=3), apart)
    assert len(set(apart)) == 3


def test_the_deviation_of_bfloat16_features_is_taken_in_float32():
    features = tf.constant(300 + normal(16, 4, 4, 6), tf.bfloat16)
    exact = oracle.with_stddev(tf.cast(features, tf.float64).numpy())[0, 0, 0, -1]
    np.testing.assert_allclose(stddev_of(features), exact, rtol=2**-8)


@pytest.mark.parametrize("batch", [1, 4])
def test_gradients_of_identical_pictures_are_finite_to_the_second_order(batch):
    features = tf.ones([batch, 4, 4, 2])
    with tf.GradientTape() as outer:
        outer.watch(features)
        with tf.GradientTape() as inner:
            inner.watch(features)
            total = tf.reduce_sum(tf.square(minibatch_stddev(features)))
        first = inner.gradient(total, features)
        norm = tf.reduce_sum(tf.square(first))
    np.testing.assert_allclose(first, 2.0, rtol=1e-5)
    assert np.isfinite(outer.gradient(norm, features)).all()
