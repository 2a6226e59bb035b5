"""The loop around the training step: phases, ticks, checkpoints, samples."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import tensorflow as tf

from psgan_tf.common.processes import return_free_memory
from psgan_tf.data.input_pipeline import TrainingData, mirror_keypoints
from psgan_tf.training.checkpoints import CheckpointStore, TrainingState
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.distributed.multi_worker import input_context, local_batches
from psgan_tf.training.noise import TrainingNoise
from psgan_tf.training.optimizers import reset_moments, set_learning_rate
from psgan_tf.training.reporting import Reporter, Tick
from psgan_tf.training.schedule import GrowthState, Phase, Schedule
from psgan_tf.training.step import TrainingStep


def training_noise(config: TrainingConfig, data: TrainingData) -> TrainingNoise:
    """Random numbers of a run's steps, poses of its data among them."""
    mirror = None
    if config.mirror and config.network.num_keypoints:
        card = data.card
        mirror = functools.partial(
            mirror_keypoints, frame=card.keypoint_frame, skeleton=card.skeleton
        )
    return TrainingNoise(config.seed, tf.constant(data.keypoint_table()), mirror)


# From whether to stop and whether a checkpoint is due, of one worker, to what all do.
Decision = Callable[[bool, bool], tuple[bool, bool]]


def own_decision(stopping: bool, due: bool) -> tuple[bool, bool]:
    """The decision of a process that trains alone."""
    return stopping, due


class Trainer:
    """Trains a state on data along a schedule.

    Args:
        config: the run's options.
        schedule: batches already split over the strategy's replicas.
        data: the training set.
        strategy: made before `state`.
        state: made or restored inside the strategy's scope.
        kernels: see `TrainingStep`.
    """

    def __init__(
        self,
        config: TrainingConfig,
        schedule: Schedule,
        data: TrainingData,
        strategy: tf.distribute.Strategy,
        state: TrainingState,
        kernels: str = "fast",
    ):
        self.config = config
        self.schedule = schedule
        self.data = data
        self.strategy = strategy
        self.state = state
        self._step = TrainingStep(config, strategy, state, training_noise(config, data), kernels)
        self._steps: dict[Phase, Callable] = {}
        # Kept beside the variable: reading that would wait for the device at each step.
        self._phase_index = int(state.phase_index.numpy())

    # ---------------------------------------------------------------------------------------------
    # The step

    def step(self, growth: GrowthState, batch: tuple) -> dict[str, tf.Tensor]:
        """Trains both networks on one global batch.

        Args:
            growth: from `Schedule.growth_at` at the images shown.
            batch: images [B, N, N, 3] uint8 and keypoints [B, M, 3] float32, distributed.

        Returns:
            Means over the batch, float32 scalars by name.
        """
        phase = growth.phase
        if phase.index != self._phase_index:
            self._enter(phase)
        is_first = phase not in self._steps
        if is_first:
            self._steps[phase] = self._step.of_phase(phase)
            # Also where a run goes on in mid-phase, perhaps with another rate than before.
            for optimizer in (self.state.generator_optimizer, self.state.discriminator_optimizer):
                set_learning_rate(optimizer, phase.learning_rate)
        alpha = tf.constant(growth.alpha, tf.float32)
        measures = self._steps[phase](*batch, self.state.images_shown.read_value(), alpha)
        if is_first:
            return_free_memory()  # a quarter of a GiB that tracing and compiling took
        self.state.images_shown.assign(growth.images_after)
        return measures

    def _enter(self, phase: Phase) -> None:
        """Starts a phase with optimizers as at the run's start (both ends of each fade)."""
        state = self.state
        with self.strategy.scope():
            reset_moments(state.generator_optimizer, state.generator.trainable_variables)
            reset_moments(state.discriminator_optimizer, state.discriminator.trainable_variables)
        state.phase_index.assign(phase.index)
        self._phase_index = phase.index

    # ---------------------------------------------------------------------------------------------
    # The loop

    def run(
        self,
        store: CheckpointStore,
        reporter: Reporter,
        stop: Callable[[], bool],
        agreed: Decision = own_decision,
    ) -> bool:
        """Trains until the schedule ends or `stop()` is true, checkpointing on the way.

        Args:
            store: where checkpoints go.
            reporter: shows progress.
            stop: asked after each batch.
            agreed: what all workers make of their own wishes, after each batch.

        Returns:
            Whether the schedule is complete.

        Raises:
            FloatingPointError: when a loss is not finite; no checkpoint is written then.
        """
        last_save = time.monotonic()
        images_shown = int(self.state.images_shown.numpy())
        phase, batches, tick = None, None, None
        while images_shown < self.schedule.total_images:
            growth = self.schedule.growth_at(images_shown)
            if growth.phase != phase:
                phase = growth.phase
                batches = self._batches(phase, images_shown)
            tick = tick or Tick(images_shown)
            traced = phase in self._steps
            with tick.clock(growth, counts=traced):
                measures = self.step(growth, next(batches))
            tick.add(measures)
            before, images_shown = images_shown, growth.images_after
            phase_ends = images_shown >= phase.end_images
            due = time.monotonic() - last_save > 60 * self.config.checkpoint_minutes
            stopping, due = agreed(stop(), due)
            saving = phase_ends or stopping or due
            # A checkpoint ends a tick as well: what it covers is then told even if we are killed.
            if saving or _passes(before, images_shown, self.config.tick_kimg.at(phase.resolution)):
                tick.check_finite()
                reporter.tick(tick, self.schedule)
                tick = None
            if saving:
                store.save()
                last_save = time.monotonic()
            if phase_ends or _passes(
                before, images_shown, self.config.sample_kimg.at(phase.resolution)
            ):
                reporter.samples(self.state, growth)
            if stopping:
                return images_shown >= self.schedule.total_images
        return True

    def _batches(self, phase: Phase, images_shown: int):
        of_phase = (phase.resolution, phase.batch_size, images_shown)
        if isinstance(self.strategy, tf.distribute.MultiWorkerMirroredStrategy):
            share = self.data.batches(*of_phase, input_context(self.strategy))
            return local_batches(self.strategy, share)
        return iter(self.strategy.experimental_distribute_dataset(self.data.batches(*of_phase)))


def _passes(before: int, after: int, interval_kimg: float) -> bool:
    """Whether a multiple of the interval lies in (before, after]."""
    interval = max(1, round(1000 * interval_kimg))
    return before // interval != after // interval
