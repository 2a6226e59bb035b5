"""The process of one worker, held to one core.

Run as `python -m tools.benchmark.multi_worker.pinned_worker CASE`.
"""

from __future__ import annotations

import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from psgan_tf.model.ops.devices import peak_memory_gib
from psgan_tf.training.checkpoints import new_state
from psgan_tf.training.distributed.cluster import VARIABLE
from psgan_tf.training.distributed.multi_worker import start_workers
from psgan_tf.training.synthetic_data import SyntheticData
from psgan_tf.training.trainer import Trainer
from tools.benchmark.steps.cases import Case
from tools.benchmark.steps.training import stage_schedule
from tools.benchmark.turns.turn_taker import Work, serve


class WorkerSteps:
    """Steps of one growth, each on this worker's part of the global batch.

    Args:
        case: the growth, with the global batch.
        own_batch: this worker's pictures of it.
        steps: training steps of a turn.
        strategy: of all workers.

    Raises:
        ValueError: the loss is not finite, so that times would say nothing.
    """

    def __init__(
        self, case: Case, own_batch: int, steps: int, strategy: tf.distribute.Strategy
    ) -> None:
        network, config = case.network, case.training
        schedule = stage_schedule(config, case.fading)
        with strategy.scope():
            state = new_state(network, ema_decay=config.ema_decay, dtype=config.dtype_policy)
        data = SyntheticData(network, own_batch, case.resolution)
        self._trainer = Trainer(config, schedule, data, strategy, state)
        self._batch = data.batch()
        self._stage = schedule.growth_at(schedule.phases[0].start_images)
        self._steps = steps
        if not np.isfinite(self._loss()):
            raise ValueError("the step's loss is not finite: its time says nothing")

    def step(self) -> dict[str, Any]:
        """A turn's steps; reading a loss waits for each."""
        start_secs = time.process_time()
        losses = [self._loss() for _ in range(self._steps)]
        return {
            "generator_losses": losses,
            "cpu_secs": time.process_time() - start_secs,
            "peak_gib": peak_memory_gib(),
        }

    def end(self) -> dict[str, Any]:
        """Nothing more."""
        return {}

    def _loss(self) -> float:
        return float(self._trainer.step(self._stage, self._batch)["generator_loss"])


def prepare(fields: dict[str, Any]) -> Work:
    """The work of one worker, pinned and warmed up; without TF_CONFIG it works alone."""
    os.sched_setaffinity(0, {fields["core"]})
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    # A sum over workers may hold one thread until the others are there.
    tf.config.threading.set_inter_op_parallelism_threads(2)
    if fields["tf_config"]:
        os.environ[VARIABLE] = fields["tf_config"]
        strategy = start_workers()
    else:
        strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    return WorkerSteps(Case(**fields["case"]), fields["own_batch"], fields["steps"], strategy)


if __name__ == "__main__":
    tf.get_logger().setLevel("WARNING")
    serve(prepare)
