"""A training step to measure, on random data."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from psgan_tf.model.arithmetic import step_multiplications
from psgan_tf.model.ops.devices import peak_memory_gib
from psgan_tf.training.checkpoints import new_state
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.schedule import Schedule, build_schedule
from psgan_tf.training.synthetic_data import SyntheticData
from psgan_tf.training.trainer import Trainer
from tools.benchmark.steps.arithmetic import function_flops
from tools.benchmark.steps.cases import Case


def stage_schedule(config: TrainingConfig, fading: bool) -> Schedule:
    """Only the phase of the final resolution, with or without a fade."""
    phases = build_schedule(config).phases
    return Schedule(
        tuple(p for p in phases if p.resolution == config.network.resolution and p.fading == fading)
    )


class TrainingWork:
    """Steps of one growth: G step and D step with gradient penalty, updates included.

    Args:
        case: the growth.

    Raises:
        ValueError: the loss is not finite, so that times would say nothing.
    """

    def __init__(self, case: Case) -> None:
        network, config = case.network, case.training
        schedule = stage_schedule(config, case.fading)
        gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
        strategy = tf.distribute.MirroredStrategy(gpus or ["CPU:0"])
        with strategy.scope():
            state = new_state(network, ema_decay=config.ema_decay, dtype=config.dtype_policy)
        data = SyntheticData(network, case.batch, case.resolution)
        self._trainer = Trainer(config, schedule, data, strategy, state, case.kernels)
        self._batch = data.batch()
        self._stage = schedule.growth_at(schedule.phases[0].start_images)
        self._plain_flop = 2 * case.batch * step_multiplications(network, case.resolution)
        if not np.isfinite(self._loss()):
            raise ValueError("the step's loss is not finite: its time says nothing")

    def step(self) -> dict[str, Any]:
        """One step; reading its loss waits for the device."""
        return {"generator_loss": self._loss()}

    def end(self) -> dict[str, Any]:
        """Memory, and the arithmetic of one step: in this form, and in the plain one by rule."""
        peak_gib = peak_memory_gib()  # before the trace that counts
        step = tf.function(lambda: self._trainer.step(self._stage, self._batch))
        return {
            "peak_gib": peak_gib,
            "gflop": 1e-9 * function_flops(step),
            "plain_gflop": 1e-9 * self._plain_flop,
        }

    def _loss(self) -> float:
        return float(self._trainer.step(self._stage, self._batch)["generator_loss"])
