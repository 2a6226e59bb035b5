"""Winograd's convolution against sums: values, derivatives, rounding, and where it is used."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from psgan_tf.model.layers import EqualizedConv2D
from psgan_tf.model.ops import convolutions
from psgan_tf.model.ops.cpu.winograd import winograd_conv2d
from psgan_tf.model.ops.kernels import FAST, Kernels
from psgan_tf.model.ops.resizing import upscale2x
from second_derivatives import assert_same, normal


def plain(features, kernel, doubled=False):
    return tf.nn.conv2d(upscale2x(features) if doubled else features, kernel, 1, "SAME")


@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize("size", [(4, 4), (8, 12)])
def test_values_and_derivatives_are_those_of_the_sum(size, doubled):
    assert_same(
        lambda x, w: winograd_conv2d(x, w, doubled=doubled),
        lambda x, w: plain(x, w, doubled),
        normal(2, *size, 3),
        0.3 * normal(3, 3, 3, 5),
        tolerance=5e-6,
    )


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("column", range(3))
def test_a_kernel_with_a_single_one_moves_the_picture(row, column):
    picture, kernel = np.zeros([1, 10, 10, 1], np.float32), np.zeros([3, 3, 1, 1], np.float32)
    picture[:, 1:9, 1:9] = normal(1, 8, 8, 1)
    kernel[row, column] = 1
    moved = winograd_conv2d(tf.constant(picture[:, 1:9, 1:9]), tf.constant(kernel))
    np.testing.assert_allclose(moved, picture[:, row : row + 8, column : column + 8], atol=5e-6)


def test_rounding_stays_near_that_of_the_sum():
    features, kernel = normal(2, 16, 16, 256), normal(3, 3, 256, 32) / 48
    exact = plain(tf.cast(features, tf.float64), tf.cast(kernel, tf.float64)).numpy()

    def rounding(results):
        return np.sqrt(np.mean((results - exact) ** 2)) / exact.std()

    # The points 0, 1, -1, 2, -2 would give 3.2e-6.
    assert rounding(winograd_conv2d(features, kernel)) < 2.4e-6


STEP = Kernels(training=True)


def products_in(form=STEP, *, batch, size=16, channels=256, filters=256, dtype="float32"):
    """How many products over all tiles `convolve` makes of such shapes."""
    with tf.Graph().as_default() as graph:
        kernel, bias = tf.zeros([3, 3, channels, filters], dtype), tf.zeros([filters], dtype)
        convolutions.convolve(tf.zeros([batch, size, size, channels], dtype), kernel, bias, form)
    products = [op for op in graph.get_operations() if op.type == "BatchMatMulV2"]
    return sum(op.outputs[0].shape[0] == 36 for op in products)


def test_training_takes_it_where_channels_and_results_are_many():
    assert products_in(batch=4) == 1
    assert products_in(batch=4, channels=64) == products_in(batch=4, filters=64) == 0
    assert products_in(batch=1) == products_in(batch=4, size=4) == 0
    assert products_in(batch=1, size=64) == 1
    assert products_in(batch=1, size=128) == 0
    assert products_in(batch=4, dtype="bfloat16") == 0


def test_generation_does_not_take_it():
    assert products_in(FAST, batch=16, size=64) == 0
    assert products_in(Kernels("plain", training=True), batch=16, size=64) == 0


def test_pictures_of_unknown_size_are_convolved_as_they_come():
    inputs = keras.Input([None, None, 3])
    assert EqualizedConv2D(4)(inputs).shape == (None, None, None, 4)
