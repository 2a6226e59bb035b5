"""Two ways to compute one thing: the same values, first and second derivatives."""

import numpy as np
import tensorflow as tf


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32))


def derivatives(function, features, kernel):
    """Value, first derivatives by both, and those of a gradient's norm by both."""
    with tf.GradientTape() as outer:
        outer.watch([features, kernel])
        with tf.GradientTape() as inner:
            inner.watch([features, kernel])
            value = function(features, kernel)
            score = tf.reduce_sum(tf.sin(value))
        first = inner.gradient(score, [features, kernel])
        norm = tf.reduce_sum(tf.square(first[0]))
    return [value, *first, *outer.gradient(norm, [features, kernel])]


def assert_same(fast, plain, features, kernel, tolerance=2e-6):
    for ours, theirs in zip(
        derivatives(fast, features, kernel), derivatives(plain, features, kernel), strict=True
    ):
        scale = float(tf.reduce_max(tf.abs(theirs)))
        np.testing.assert_allclose(ours, theirs, atol=tolerance * scale)
