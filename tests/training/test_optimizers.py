"""Adam and the moving average against numpy's, step by step."""

import numpy as np
import pytest
import tensorflow as tf

from numpy_oracles import Adam
from psgan_tf.training.optimizers import (
    averaged_value,
    discriminator_optimizer,
    generator_optimizer,
    reset_moments,
    set_learning_rate,
)

RNG = np.random.default_rng(0)
STARTS = [RNG.normal(size=shape).astype(np.float32) for shape in ((3, 2), (4,))]
GRADIENTS = [
    [(10.0 ** (3 - step) * RNG.normal(size=start.shape)).astype(np.float32) for start in STARTS]
    for step in range(8)
]
RATES = [0.001, 0.001, 0.001, 0.0008, 0.0008, 0.0006, 0.1, 0.1]
DECAY = 0.9


def two_variables():
    return [tf.Variable(start, name=f"weight{i}") for i, start in enumerate(STARTS)]


def made(kind, variables):
    if kind == "generator":
        return generator_optimizer(variables, DECAY)
    return discriminator_optimizer(variables)


def train(optimizer, variables, gradients, rate):
    set_learning_rate(optimizer, rate)
    optimizer.apply_gradients(zip(map(tf.constant, gradients), variables, strict=True))


def slots(optimizer, variables, name):
    inner = getattr(optimizer, "_optimizer", optimizer)
    return [inner.get_slot(variable, name).numpy() for variable in variables]


def averages(optimizer, variables):
    return [averaged_value(optimizer, variable).numpy() for variable in variables]


def assert_all_near(arrays, expected):
    for array, other in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["discriminator", "generator"])
def test_eight_steps_agree_with_numpys_adam(kind):
    variables, adam = two_variables(), Adam(STARTS)
    optimizer = made(kind, variables)
    for gradients, rate in zip(GRADIENTS, RATES, strict=True):
        train(optimizer, variables, gradients, rate)
        adam.step(gradients, rate)
        assert_all_near([v.numpy() for v in variables], adam.values)
        assert_all_near(slots(optimizer, variables, "v"), adam.second_moments)
        assert_all_near(slots(optimizer, variables, "m"), gradients)  # beta1 is 0


@pytest.mark.parametrize("kind", ["discriminator", "generator"])
def test_the_epsilon_is_1e_8_by_hand(kind):
    # At the first step v = 0.01 g^2 and the rate is corrected by 0.1: for g = 1e-7 the step is
    # rate * 0.1 * 1e-7 / (1e-8 + 1e-8), half the rate. With Keras' epsilon it were an eleventh.
    variable = tf.Variable([1.0])
    train(made(kind, [variable]), [variable], [[1e-7]], rate=0.5)
    np.testing.assert_allclose(variable, [0.75], rtol=1e-5)


def test_nothing_moves_before_a_rate_is_set():
    variables = two_variables()
    optimizer = discriminator_optimizer(variables)
    optimizer.apply_gradients(zip(map(tf.constant, GRADIENTS[0]), variables, strict=True))
    np.testing.assert_array_equal(variables[0], STARTS[0])


def test_the_average_follows_the_weights_after_each_step():
    variables = two_variables()
    optimizer = generator_optimizer(variables, DECAY)
    expected = [start.astype(np.float64) for start in STARTS]
    for gradients, rate in zip(GRADIENTS, RATES, strict=True):
        train(optimizer, variables, gradients, rate)
        expected = [
            DECAY * average + (1 - DECAY) * variable.numpy()
            for average, variable in zip(expected, variables, strict=True)
        ]
        assert_all_near(averages(optimizer, variables), expected)


def test_the_average_of_a_weight_that_was_never_trained_is_its_start_to_the_last_bit():
    variables = two_variables()
    optimizer = generator_optimizer(variables, DECAY)
    for gradients in GRADIENTS:
        train(optimizer, variables[:1], gradients[:1], rate=0.1)
    np.testing.assert_array_equal(averaged_value(optimizer, variables[1]), STARTS[1])
    np.testing.assert_array_equal(variables[1], STARTS[1])
    assert not np.allclose(averaged_value(optimizer, variables[0]), STARTS[0])


def test_a_late_weight_is_averaged_from_its_own_start():
    variables = two_variables()
    optimizer = generator_optimizer(variables, DECAY)
    train(optimizer, variables[:1], GRADIENTS[0][:1], rate=0.1)
    train(optimizer, variables, GRADIENTS[1], rate=0.1)
    expected = DECAY * STARTS[1] + (1 - DECAY) * variables[1].numpy()
    assert_all_near(averages(optimizer, variables)[1:], [expected])


@pytest.mark.parametrize("kind", ["discriminator", "generator"])
def test_after_a_reset_adam_is_as_at_its_start_and_the_average_stays(kind):
    variables = two_variables()
    optimizer = made(kind, variables)
    for gradients in GRADIENTS[:3]:
        train(optimizer, variables, gradients, rate=0.1)
    before = averages(optimizer, variables) if kind == "generator" else []
    values = [v.numpy() for v in variables]

    reset_moments(optimizer, variables)
    assert int(optimizer.iterations) == 0
    for name in ("m", "v"):
        assert not any(slot.any() for slot in slots(optimizer, variables, name))
    for variable, value in zip(variables, values, strict=True):
        np.testing.assert_array_equal(variable, value)
    if kind == "generator":
        for average, value in zip(averages(optimizer, variables), before, strict=True):
            np.testing.assert_array_equal(average, value)

    adam = Adam(values)
    for gradients in GRADIENTS[3:]:
        train(optimizer, variables, gradients, rate=0.01)
        adam.step(gradients, 0.01)
    assert_all_near([v.numpy() for v in variables], adam.values)


@pytest.mark.parametrize("kind", ["discriminator", "generator"])
def test_all_slots_are_there_before_the_first_step_and_no_step_adds_any(kind):
    variables = two_variables()
    optimizer = made(kind, variables)
    before = {weight.name for weight in optimizer.weights}
    assert not any(slot.any() for n in ("m", "v") for slot in slots(optimizer, variables, n))
    train(optimizer, variables, GRADIENTS[0], rate=0.1)
    assert {weight.name for weight in optimizer.weights} == before


def test_a_traced_step_equals_an_eager_one():
    eager, traced = two_variables(), two_variables()
    optimizers = [generator_optimizer(variables, DECAY) for variables in (eager, traced)]

    @tf.function
    def step(gradients):
        optimizers[1].apply_gradients(zip(gradients, traced, strict=True))

    for gradients, rate in zip(GRADIENTS, RATES, strict=True):
        train(optimizers[0], eager, gradients, rate)
        set_learning_rate(optimizers[1], rate)
        step([tf.constant(gradient) for gradient in gradients])
    assert_all_near([v.numpy() for v in traced], [v.numpy() for v in eager])
    assert_all_near(averages(optimizers[1], traced), averages(optimizers[0], eager))
