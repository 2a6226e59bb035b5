"""Doubling, halving and interpolation against hand-computed numbers and numpy."""

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
from forced_kernels import ForcedKernels
from numpy_oracles import normal
from psgan_tf.model.ops.kernels import FAST
from psgan_tf.model.ops.resizing import downscale2x, lerp, upscale2x
from second_derivatives import assert_same
from second_derivatives import normal as tensor


def test_upscaling_repeats_each_pixel_by_hand():
    image = tf.constant([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(upscale2x(image)[0, :, :, 0], expected)


def test_downscaling_takes_the_mean_of_four_by_hand():
    image = tf.reshape(tf.constant([1.0, 2, 5, 6, 3, 4, 7, 9]), [1, 2, 4, 1])
    np.testing.assert_array_equal(downscale2x(image)[0, :, :, 0], [[2.5, 6.75]])


def test_scaling_agrees_with_numpy_for_oblong_pictures():
    images = normal(2, 4, 6, 3)
    np.testing.assert_array_equal(upscale2x(images), oracle.upscale(images))
    np.testing.assert_allclose(downscale2x(images), oracle.downscale(images), atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_downscaling_undoes_upscaling_exactly(dtype):
    images = tf.constant(normal(2, 4, 4, 3), dtype)
    assert upscale2x(images).dtype == dtype
    np.testing.assert_array_equal(downscale2x(upscale2x(images)), images)


@pytest.mark.parametrize("form", [FAST, ForcedKernels(xla=True)], ids=["apart", "fused"])
def test_lerp_has_the_derivatives_of_its_formula(form):
    alpha = tf.constant(0.3)
    assert_same(
        lambda x, y: lerp(x, y, alpha, form),
        lambda x, y: 0.7 * x + 0.3 * y,
        tensor(2, 3, 4, 5),
        tensor(2, 3, 4, 5, seed=1),
    )


def test_lerp_at_a_quarter_by_hand():
    np.testing.assert_array_equal(
        lerp(tf.constant([8.0, -4]), tf.constant([4.0, 0]), 0.25), [7, -3]
    )


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_lerp_gives_its_ends_to_the_last_bit(dtype):
    start = tf.constant(normal(10_000), dtype)
    end = tf.constant(100 * normal(10_000, seed=1), dtype)
    np.testing.assert_array_equal(lerp(start, end, 0.0), start)
    np.testing.assert_array_equal(lerp(start, end, 1.0), end)
    assert lerp(start, end, 0.5).dtype == dtype
    # The usual short form does not.
    assert np.any(start + (end - start) * 1 != end)


def test_lerp_weighs_bfloat16_features_with_a_float32_alpha():
    # In bfloat16 this alpha would be 0.30078125, and the result 3 bits of its mantissa larger.
    mixed = lerp(tf.zeros([1], tf.bfloat16), tf.constant([1024.0], tf.bfloat16), 0.3)
    assert float(mixed[0]) == 308  # the bfloat16 nearest to 307.2
    mixed = lerp(tf.zeros([1]), tf.ones([1]), tf.constant(0.3))
    assert float(mixed[0]) == np.float32(0.3)
