"""Convolutions whose filter gradients are summed slab by slab against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.model.ops import kernels
from psgan_tf.model.ops.convolutions import convolve
from psgan_tf.model.ops.cpu.slab_gradients import conv2d_with_slab_gradients
from psgan_tf.model.ops.kernels import FAST, SLAB_ROWS, Kernels
from second_derivatives import assert_same, normal

BIAS = [0.5, -1.0, 2.0, 0.25]


@pytest.mark.parametrize("slabs", [1, 2, 4])
def test_values_and_derivatives_are_those_of_the_convolution(slabs):
    assert_same(
        lambda x, w: conv2d_with_slab_gradients(x, w, tf.constant(BIAS)),
        lambda x, w: tf.nn.conv2d(x, w, 1, "SAME") + BIAS,
        normal(2, slabs * SLAB_ROWS, 5, 3),
        0.3 * normal(3, 3, 3, 4),
        tolerance=5e-6,
    )


def test_the_bias_gets_the_sum_of_what_comes():
    features, kernel = normal(2, 2 * SLAB_ROWS, 5, 3), normal(3, 3, 3, 4)
    upstream, bias = normal(2, 2 * SLAB_ROWS, 5, 4), tf.constant(BIAS)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        outputs = conv2d_with_slab_gradients(features, kernel, bias)
    expected = upstream.numpy().sum(axis=(0, 1, 2))
    np.testing.assert_allclose(tape.gradient(outputs, bias, upstream), expected, rtol=1e-4)


def test_what_reaches_over_a_seam_is_counted_once():
    # A single pixel above the seam and a single gradient below it: they meet in one tap.
    features, upstream = np.zeros((1, 2 * SLAB_ROWS, 5, 1)), np.zeros((1, 2 * SLAB_ROWS, 5, 1))
    features[0, SLAB_ROWS - 1, 2], upstream[0, SLAB_ROWS, 3] = 3.0, 5.0
    kernel = tf.zeros([3, 3, 1, 1])
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        outputs = conv2d_with_slab_gradients(
            tf.constant(features, tf.float32), kernel, tf.zeros([1])
        )
    gradient = tape.gradient(outputs, kernel, tf.constant(upstream, tf.float32))
    expected = np.zeros((3, 3))
    expected[0, 0] = 15.0  # the pixel above and left of where the gradient is
    np.testing.assert_array_equal(gradient[:, :, 0, 0], expected)


def filter_gradient_in_float64(features, upstream):
    """[3, 3, C, F] float64: a product per tap of the padded pictures and what comes back."""
    padded = np.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = features.shape[1:3]
    taps = [
        np.einsum("bhwc,bhwf->cf", padded[:, row : row + height, column : column + width], upstream)
        for row in range(3)
        for column in range(3)
    ]
    return np.reshape(taps, [3, 3, features.shape[3], upstream.shape[3]])


def test_in_bfloat16_it_is_as_near_to_the_sum_as_tensorflows():
    # Processors without instructions for bfloat16 keep partial sums in it, so that neither sum is
    # exact there (both 0.6 % of the largest value off, root mean square). Where they have them, a
    # result is rounded once, and three times with slabs: at most 2**-9 of it each time.
    features, upstream = (
        tf.cast(normal(2, 4 * SLAB_ROWS, 24, 16, seed=s), tf.bfloat16) for s in (0, 1)
    )
    kernel = tf.cast(normal(3, 3, 16, 16), tf.bfloat16)
    expected = filter_gradient_in_float64(*(tf.cast(t, tf.float64) for t in (features, upstream)))

    def error(function):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            outputs = function()
        gradient = tf.cast(tape.gradient(outputs, kernel, upstream), tf.float64)
        return np.sqrt(np.mean((gradient - expected) ** 2))

    ours = error(lambda: conv2d_with_slab_gradients(features, kernel, tf.zeros([16], tf.bfloat16)))
    theirs = error(lambda: tf.nn.conv2d(features, kernel, 1, "SAME"))
    assert ours < 1.1 * theirs + 2**-8 * np.sqrt(np.mean(expected**2))


def slabs_in(form, size=128, dtype="bfloat16"):
    """How many of the filter gradients in a convolution's graph are those of slabs."""
    with tf.Graph().as_default() as graph:
        features, kernel = tf.zeros([2, size, size, 4], dtype), tf.zeros([3, 3, 4, 4], dtype)
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            outputs = convolve(features, kernel, tf.zeros([4], dtype), form)
        tape.gradient(outputs, kernel)
    gradients = [op for op in graph.get_operations() if op.type == "Conv2DBackpropFilter"]
    return sum(op.inputs[2].shape[1] == SLAB_ROWS for op in gradients)


STEP = Kernels(training=True)


def test_training_takes_them_for_large_pictures_in_bfloat16():
    assert slabs_in(STEP) == 1
    assert slabs_in(STEP, size=64) == slabs_in(STEP, size=144) == 0
    assert slabs_in(STEP, dtype="float32") == 0
    assert slabs_in(FAST) == slabs_in(Kernels("plain", training=True)) == 0


def test_a_gpu_takes_its_own_librarys(monkeypatch):
    monkeypatch.setattr(kernels, "on_processors", lambda: False)
    assert slabs_in(STEP) == 0
