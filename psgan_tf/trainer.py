"""The training step on n replicas and the loop around it.

PSGAN sections 3.1 and 3.2: WGAN-GP, one discriminator step and one generator step a batch. The
discriminator sees the real batch's poses for real and fake alike; the generator's step draws
fresh poses from the training set. One code path serves 1 and n replicas: losses are sums over a
replica's examples divided by the global batch, gradients are sums over replicas.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import tensorflow as tf

from psgan_tf.checkpoints import CheckpointStore, TrainingState
from psgan_tf.config import TrainingConfig
from psgan_tf.data import TrainingData, mirror_keypoints
from psgan_tf.layers import downscale2x, lerp, upscale2x
from psgan_tf.losses import discriminator_losses, generator_losses
from psgan_tf.optimizers import Optimizer, reset_moments, set_learning_rate
from psgan_tf.reporting import Reporter, Tick
from psgan_tf.schedule import PerResolution, Phase, Schedule, Stage

# Streams of training noise; each draws from its own Philox key.
_D_LATENTS, _G_LATENTS, _MIX, _POSES, _POSE_MIRROR = range(1, 6)


def fade_reals(images: tf.Tensor, alpha: tf.Tensor | None) -> tf.Tensor:
    """Real pictures as the networks see them: -1 to 1, faded in like the newest layers.

    Args:
        images: [B, N, N, 3] uint8.
        alpha: float32 scalar, or None outside fades.

    Returns:
        [B, N, N, 3] float32.
    """
    images = tf.cast(images, tf.float32) / 127.5 - 1.0
    return images if alpha is None else lerp(upscale2x(downscale2x(images)), images, alpha)


class Trainer:
    """Trains a state on data along a schedule.

    Args:
        config: the run's options.
        schedule: batches already split over the strategy's replicas.
        data: the training set.
        strategy: made before `state`.
        state: made or restored inside the strategy's scope.
    """

    def __init__(
        self,
        config: TrainingConfig,
        schedule: Schedule,
        data: TrainingData,
        strategy: tf.distribute.Strategy,
        state: TrainingState,
    ):
        self.config = config
        self.schedule = schedule
        self.data = data
        self.strategy = strategy
        self.state = state
        self._poses = tf.constant(data.keypoint_table())
        self._steps: dict[Phase, Callable] = {}
        # Kept beside the variable: reading that would wait for the device at each step.
        self._phase_index = int(state.phase_index.numpy())

    # ---------------------------------------------------------------------------------------------
    # The step

    def step(self, stage: Stage, batch: tuple) -> dict[str, tf.Tensor]:
        """Trains both networks on one global batch.

        Args:
            stage: from `Schedule.stage_at` at the images shown.
            batch: images [B, N, N, 3] uint8 and keypoints [B, M, 3] float32, distributed.

        Returns:
            Means over the batch, float32 scalars by name.
        """
        phase = stage.phase
        if phase.index != self._phase_index:
            self._enter(phase)
        if phase not in self._steps:
            self._steps[phase] = self._step_function(phase)
            # Also where a run goes on in mid-phase, perhaps with another rate than before.
            for optimizer in (self.state.generator_optimizer, self.state.discriminator_optimizer):
                set_learning_rate(optimizer, phase.learning_rate)
        alpha = tf.constant(stage.alpha, tf.float32)
        measures = self._steps[phase](*batch, self.state.images_shown.read_value(), alpha)
        self.state.images_shown.assign(stage.images_after)
        return measures

    def _enter(self, phase: Phase) -> None:
        """Starts a phase with optimizers as at the run's start (both ends of each fade)."""
        state = self.state
        with self.strategy.scope():
            reset_moments(state.generator_optimizer, state.generator.trainable_variables)
            reset_moments(state.discriminator_optimizer, state.discriminator.trainable_variables)
        state.phase_index.assign(phase.index)
        self._phase_index = phase.index

    def _step_function(self, phase: Phase) -> Callable:
        """The step of one resolution, with or without a fade, traced when it is first called."""

        def step(images, keypoints, images_shown, alpha):
            alpha = alpha if phase.fading else None
            measures = {}
            for name, gradients_of, optimizer, network in (
                (
                    "discriminator",
                    self._discriminator_gradients,
                    self.state.discriminator_optimizer,
                    self.state.discriminator,
                ),
                (
                    "generator",
                    self._generator_gradients,
                    self.state.generator_optimizer,
                    self.state.generator,
                ),
            ):
                gradients, finite, means = self.strategy.run(
                    gradients_of, args=(phase, images, keypoints, images_shown, alpha)
                )
                finite, means = self._first_replica((finite, means))
                variables = network.active_variables(phase.resolution, phase.fading)
                self._apply_if(finite, optimizer, gradients, variables)
                measures |= means
                measures[f"{name}_skipped"] = 1.0 - tf.cast(finite, tf.float32)
            return measures

        return tf.function(step)

    def _discriminator_gradients(self, phase, images, keypoints, images_shown, alpha):
        """On one replica: gradients summed over replicas, whether finite, means to report."""
        reals = fade_reals(images, alpha)
        latents = self._normal(_D_LATENTS, phase, images_shown)
        mix = self._local(
            tf.random.stateless_uniform(
                [phase.batch_size], self._key(_MIX, images_shown), alg="philox"
            )
        )
        pose = {"keypoints": keypoints, "resolution": phase.resolution, "alpha": alpha}
        fakes = self.state.generator(latents, **pose)
        variables = self.state.discriminator.active_variables(phase.resolution, phase.fading)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            values = discriminator_losses(
                lambda pictures: self.state.discriminator(pictures, **pose),
                reals,
                fakes,
                mix,
                gradient_penalty_weight=self.config.gradient_penalty_weight,
                drift_weight=self.config.drift_weight,
            )
            loss = tf.reduce_sum(values["discriminator_loss"]) / phase.batch_size
        return self._summed(tape.gradient(loss, variables), values, phase)

    def _generator_gradients(self, phase, images, keypoints, images_shown, alpha):
        """On one replica: as above, for the generator; its poses are drawn afresh."""
        del images, keypoints
        latents = self._normal(_G_LATENTS, phase, images_shown)
        pose = {
            "keypoints": self._fresh_poses(phase, images_shown),
            "resolution": phase.resolution,
            "alpha": alpha,
        }
        variables = self.state.generator.active_variables(phase.resolution, phase.fading)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            fakes = self.state.generator(latents, **pose)
            losses = generator_losses(
                lambda pictures: self.state.discriminator(pictures, **pose), fakes
            )
            loss = tf.reduce_sum(losses) / phase.batch_size
        gradients = tape.gradient(loss, variables)
        return self._summed(gradients, {"generator_loss": losses}, phase)

    def _summed(self, gradients, values, phase):
        """Sums over replicas; the mean of each value over the global batch."""
        replica = tf.distribute.get_replica_context()
        means = {name: tf.reduce_sum(v) / phase.batch_size for name, v in values.items()}
        gradients, means = replica.all_reduce(tf.distribute.ReduceOp.SUM, [gradients, means])
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
        return gradients, finite, means

    def _apply_if(self, finite, optimizer: Optimizer, gradients, variables) -> None:
        """Updates the weights, or leaves all as it is where a gradient is not finite.

        The condition stands outside the replicas: inside it, an update cannot merge them.
        Zero gradients would not do: they still move the second moment and the average.
        """

        def apply(gradients):
            optimizer.apply_gradients(
                zip(gradients, variables, strict=True), experimental_aggregate_gradients=False
            )

        def apply_on_replicas():
            self.strategy.run(apply, args=(gradients,))
            return tf.constant(True)

        tf.cond(finite, apply_on_replicas, lambda: tf.constant(False))

    def _first_replica(self, values):
        """All replicas hold the same sums; takes the first one's."""
        return tf.nest.map_structure(
            lambda value: self.strategy.experimental_local_results(value)[0], values
        )

    # ---------------------------------------------------------------------------------------------
    # Noise, keyed by seed and images shown; every replica takes its rows of the same global draw

    def _key(self, stream: int, images_shown: tf.Tensor) -> tf.Tensor:
        return tf.stack([tf.constant(8 * self.config.seed + stream, tf.int64), images_shown])

    def _local(self, values: tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        rows = values.shape[0] // replica.num_replicas_in_sync
        start = tf.cast(replica.replica_id_in_sync_group, tf.int32) * rows
        return values[start : start + rows]

    def _normal(self, stream: int, phase: Phase, images_shown: tf.Tensor) -> tf.Tensor:
        shape = [phase.batch_size, self.config.network.latent_size]
        key = self._key(stream, images_shown)
        return self._local(tf.random.stateless_normal(shape, key, alg="philox"))

    def _fresh_poses(self, phase: Phase, images_shown: tf.Tensor) -> tf.Tensor:
        """Poses of random training examples: [B, M, 3]."""
        rows = tf.random.stateless_uniform(
            [phase.batch_size],
            self._key(_POSES, images_shown),
            maxval=self._poses.shape[0],
            dtype=tf.int32,
            alg="philox",
        )
        poses = tf.gather(self._poses, rows)
        if self.config.mirror and self.config.network.num_keypoints:
            key = self._key(_POSE_MIRROR, images_shown)
            coins = tf.random.stateless_uniform([phase.batch_size, 1, 1], key, alg="philox")
            card = self.data.card
            mirrored = mirror_keypoints(poses, card.keypoint_frame, card.skeleton)
            poses = tf.where(coins < 0.5, mirrored, poses)
        return self._local(poses)

    # ---------------------------------------------------------------------------------------------
    # The loop

    def run(self, store: CheckpointStore, reporter: Reporter, stop: Callable[[], bool]) -> bool:
        """Trains until the schedule ends or `stop()` is true, checkpointing on the way.

        Args:
            store: where checkpoints go.
            reporter: shows progress.
            stop: asked after each batch.

        Returns:
            Whether the schedule is complete.

        Raises:
            FloatingPointError: when a loss is not finite; no checkpoint is written then.
        """
        tick_kimg = PerResolution.parse(self.config.tick_kimg, "tick_kimg")
        sample_kimg = PerResolution.parse(self.config.sample_kimg, "sample_kimg")
        last_save = time.monotonic()
        images_shown = int(self.state.images_shown.numpy())
        phase, batches, tick = None, None, None
        while images_shown < self.schedule.total_images:
            stage = self.schedule.stage_at(images_shown)
            if stage.phase != phase:
                phase = stage.phase
                batches = self._batches(phase, images_shown)
            tick = tick or Tick(images_shown)
            traced = phase in self._steps
            with tick.clock(stage, counts=traced):
                measures = self.step(stage, next(batches))
            tick.add(measures)
            before, images_shown = images_shown, stage.images_after
            phase_ends = images_shown >= phase.end_images
            stopping = stop()
            due = time.monotonic() - last_save > 60 * self.config.checkpoint_minutes
            saving = phase_ends or stopping or due
            # A checkpoint ends a tick as well: what it covers is then told even if we are killed.
            if saving or _passes(before, images_shown, tick_kimg.at(phase.resolution)):
                tick.check_finite()
                reporter.tick(tick, self.schedule)
                tick = None
            if saving:
                store.save()
                last_save = time.monotonic()
            if phase_ends or _passes(before, images_shown, sample_kimg.at(phase.resolution)):
                reporter.samples(self.state, stage)
            if stopping:
                return images_shown >= self.schedule.total_images
        return True

    def _batches(self, phase: Phase, images_shown: int):
        dataset = self.data.batches(phase.resolution, phase.batch_size, images_shown)
        return iter(self.strategy.experimental_distribute_dataset(dataset))


def _passes(before: int, after: int, interval_kimg: float) -> bool:
    """Whether a multiple of the interval lies in (before, after]."""
    interval = max(1, round(1000 * interval_kimg))
    return before // interval != after // interval
