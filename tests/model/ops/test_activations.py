"""The leaky ReLU: values by hand, derivatives of both orders, in passes of their own and fused."""

import numpy as np
import pytest
import tensorflow as tf

from forced_kernels import ForcedKernels
from psgan_tf.model.ops import kernels
from psgan_tf.model.ops.activations import leaky_relu, leaky_relu_downscaled
from psgan_tf.model.ops.kernels import PLAIN, Kernels
from psgan_tf.model.ops.resizing import downscale2x
from second_derivatives import assert_same, normal

APART, FUSED = ForcedKernels(), ForcedKernels(xla=True)
FORMS = pytest.mark.parametrize("form", [PLAIN, APART, FUSED], ids=["plain", "apart", "fused"])


@FORMS
def test_leaky_relu_keeps_a_fifth_of_what_is_negative(form):
    np.testing.assert_allclose(leaky_relu([-1.0, 0.0, 2.0], form), [-0.2, 0.0, 2.0])


@FORMS
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_leaky_relu_has_its_derivatives_of_both_orders(dtype, form):
    features = tf.constant([-3.0, -1e-30, -0.0, 0.0, 1e-30, 2.0], dtype)
    weights = tf.constant([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], dtype)

    @tf.function
    def derivatives(features, weights):
        with tf.GradientTape() as outer:
            outer.watch([features, weights])
            with tf.GradientTape() as inner:
                inner.watch(features)
                score = tf.reduce_sum(weights * leaky_relu(features, form))
            first = inner.gradient(score, features)
            penalty = tf.reduce_sum(tf.square(first))
        return first, *outer.gradient(penalty, [features, weights])

    slopes = np.array([0.2, 0.2, 0.2, 0.2, 1.0, 1.0])
    first, by_features, by_weights = derivatives(features, weights)
    rtol = 1e-6 if dtype == "float32" else 2**-7
    np.testing.assert_allclose(tf.cast(first, tf.float32), slopes * weights.numpy(), rtol=rtol)
    # TensorFlow's own operation says zeros where ours says that there is none.
    assert by_features is None or (form is PLAIN and not np.any(tf.cast(by_features, tf.float32)))
    expected = 2 * slopes**2 * weights.numpy().astype(np.float32)
    np.testing.assert_allclose(tf.cast(by_weights, tf.float32), expected, rtol=2 * rtol)


@FORMS
def test_downscaled_it_has_the_derivatives_of_its_parts(form):
    def plain(features, weights):
        return downscale2x(weights * tf.nn.leaky_relu(weights * features, 0.2))

    def fast(features, weights):
        # Positive weights pass through the activation, so that both sides are one function.
        return leaky_relu_downscaled(weights * weights * features, form)

    weights = tf.abs(normal(2, 4, 6, 3, seed=1)) + 0.1
    assert_same(fast, plain, normal(2, 4, 6, 3), weights)


def test_fused_passes_round_as_those_apart():
    features, upstream = (tf.cast(normal(2, 8, 8, 16, seed=s), tf.bfloat16) for s in (0, 1))
    pooled = tf.cast(normal(2, 4, 4, 16, seed=2), tf.bfloat16)
    results = []
    for form in (APART, FUSED):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(features)
            full, halved = leaky_relu(features, form), leaky_relu_downscaled(features, form)
        gradients = tape.gradient(full, features, upstream), tape.gradient(halved, features, pooled)
        results.append([tf.cast(tensor, tf.float32) for tensor in (full, halved, *gradients)])
    for apart, fused in zip(*results, strict=True):
        np.testing.assert_array_equal(apart, fused)


def test_only_large_maps_of_a_bfloat16_step_are_fused(monkeypatch):
    large = tf.zeros([1, 512, 512, 16], tf.bfloat16)
    step = Kernels(training=True)
    assert step.use_xla(large)
    assert not Kernels().use_xla(large)
    assert not Kernels("plain", training=True).use_xla(large)
    assert not step.use_xla(large[:, :256])
    assert not step.use_xla(tf.cast(large, tf.float32))
    monkeypatch.setattr(kernels, "on_processors", lambda: False)
    assert not step.use_xla(large)
