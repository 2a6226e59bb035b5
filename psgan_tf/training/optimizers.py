"""Adam with the paper's settings, and the generator's moving average around it.

PSGAN section 3.2; Progressive GAN appendix A.1. The only module that imports tensorflow_addons.
"""

from __future__ import annotations

import warnings

import tensorflow as tf

with warnings.catch_warnings():
    # TensorFlow Addons announces its end of life at import; BUILD.md says why it is pinned.
    warnings.simplefilter("ignore")
    import tensorflow_addons as tfa

Optimizer = tf.keras.optimizers.legacy.Optimizer


def discriminator_optimizer(variables: list[tf.Variable]) -> Optimizer:
    """Adam (beta1 0, beta2 0.99, epsilon 1e-8) with its slots already made.

    Args:
        variables: all weights that may ever be trained, active or not yet.
    """
    return _with_slots(_adam(), variables)


def generator_optimizer(variables: list[tf.Variable], ema_decay: float) -> Optimizer:
    """The same Adam inside a moving average of the weights, one update a step.

    A weight's average starts at the weight's own first value, so layers that are not active yet
    average to what they are. The average is taken after each step, the reference takes it before.

    Args:
        variables: all weights that may ever be trained, active or not yet.
        ema_decay: for example 0.999.
    """
    average = tfa.optimizers.MovingAverage(
        _adam(), average_decay=ema_decay, dynamic_decay=False, start_step=0
    )
    return _with_slots(average, variables)


def averaged_value(optimizer: Optimizer, variable: tf.Variable) -> tf.Variable:
    """The moving average of a weight."""
    return optimizer.get_slot(variable, "average")


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Sets Adam's rate, inside the moving average or not."""
    optimizer.learning_rate = learning_rate


def reset_moments(optimizer: Optimizer, variables: list[tf.Variable]) -> None:
    """Puts Adam back to its start: both moments and the step count, never the average.

    Done at both ends of each fade, where the loss changes its shape.
    """
    for variable in variables:
        for name in ("m", "v"):
            slot = _adam_of(optimizer).get_slot(variable, name)
            slot.assign(tf.zeros_like(slot))
    optimizer.iterations.assign(0)


def _adam() -> Optimizer:
    # The rate is set by the schedule before the first step; 0 makes forgetting that visible.
    return tf.keras.optimizers.legacy.Adam(0.0, beta_1=0.0, beta_2=0.99, epsilon=1e-8)


def _adam_of(optimizer: Optimizer) -> Optimizer:
    return getattr(optimizer, "_optimizer", optimizer)


def _with_slots(optimizer: Optimizer, variables: list[tf.Variable]) -> Optimizer:
    # Slots made inside a traced step break under MirroredStrategy.
    optimizer._create_all_weights(variables)
    return optimizer
