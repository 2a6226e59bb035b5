"""The training step: the gradients of both networks on each replica, and their updates.

PSGAN sections 3.1 and 3.2: WGAN-GP, one discriminator step and one generator step a batch. The
discriminator sees the real batch's poses for real and fake alike; the generator's step draws
fresh poses from the training set. One code path serves 1 and n replicas: losses are sums over a
replica's examples divided by the global batch, gradients are sums over parts and replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

from psgan_tf.model.ops.resizing import downscale2x, lerp, upscale2x
from psgan_tf.model.ops.step_scope import training_scope
from psgan_tf.training.checkpoints import TrainingState
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.gradient_accumulation import sum_over_parts
from psgan_tf.training.losses import (
    DISCRIMINATOR_VALUES,
    Term,
    discriminator_terms,
    generator_losses,
)
from psgan_tf.training.noise import TrainingNoise
from psgan_tf.training.optimizers import Optimizer
from psgan_tf.training.schedule import Phase


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


def sum_of_terms(
    terms: Iterable[Term], variables: Sequence[tf.Variable], batch_size: int
) -> tuple[list[tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]:
    """Gradients of the summed losses of all terms, one term after the other.

    In a graph a term starts when the gradients of the one before are done and its tensors gone: a
    step then needs memory for the largest term and not for all. One tape sees all terms, since
    the first one makes what the others share (`training_scope`).

    Args:
        terms: of a loss.
        variables: whose gradients they are; some term depends on each.
        batch_size: the losses' sum is divided by it.

    Returns:
        Gradients, losses [B] undivided, and what the terms measured, [B] by name.
    """
    gradients: list[tf.Tensor | None] = [None] * len(variables)
    losses, values = 0.0, {}
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(variables)
        for term in terms:
            done = tf.group(*[gradient for gradient in gradients if gradient is not None])
            with tf.control_dependencies([done]):
                term_losses, name, values[name] = term()
                loss = tf.reduce_sum(term_losses) / batch_size
            with tape.stop_recording():
                of_term = tape.gradient(loss, variables)
            gradients = [
                before if by is None else by if before is None else before + by
                for before, by in zip(gradients, of_term, strict=True)
            ]
            losses += term_losses
    return gradients, losses, values


class TrainingStep:
    """Makes the step of each phase.

    Args:
        config: the run's options.
        strategy: made before `state`.
        state: made or restored inside the strategy's scope.
        noise: what the steps draw.
    """

    def __init__(
        self,
        config: TrainingConfig,
        strategy: tf.distribute.Strategy,
        state: TrainingState,
        noise: TrainingNoise,
    ):
        self.config = config
        self.strategy = strategy
        self.state = state
        self.noise = noise

    def of_phase(self, phase: Phase) -> Callable:
        """The step of one resolution, with or without a fade, traced when it is first called.

        Returns:
            Function of images [B, N, N, 3] uint8 and keypoints [B, M, 3] float32, distributed,
            of images_shown, int64, and alpha, float32; it gives means over the batch by name.
        """

        def step(images, keypoints, images_shown, alpha):
            alpha = alpha if phase.fading else None
            measures, done = {}, []
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
                # What is drawn waits, and all else for it: tensors of both networks would not fit.
                with tf.control_dependencies(done):
                    images_shown = tf.identity(images_shown)
                gradients, finite, means = self.strategy.run(
                    gradients_of, args=(phase, images, keypoints, images_shown, alpha)
                )
                finite, means = self._first_replica((finite, means))
                done = [finite]
                variables = network.active_variables(phase.resolution, phase.fading)
                self._apply_if(finite, optimizer, gradients, variables)
                measures |= means
                measures[f"{name}_skipped"] = 1.0 - tf.cast(finite, tf.float32)
            return measures

        return tf.function(step)

    def _discriminator_gradients(self, phase, images, keypoints, images_shown, alpha):
        """On one replica: gradients summed over replicas, whether finite, means to report."""
        size = self.config.network.latent_size
        latents = self.noise.discriminator_latents(phase.batch_size, size, images_shown)
        mix = self.noise.mix(phase.batch_size, images_shown)
        variables = self.state.discriminator.active_variables(phase.resolution, phase.fading)

        def of_part(images, keypoints, latents, mix):
            pose = {"keypoints": keypoints, "resolution": phase.resolution, "alpha": alpha}
            reals, fakes = fade_reals(images, alpha), self.state.generator(latents, **pose)
            terms = discriminator_terms(
                lambda pictures: self.state.discriminator(pictures, **pose),
                reals,
                fakes,
                mix,
                gradient_penalty_weight=self.config.gradient_penalty_weight,
                drift_weight=self.config.drift_weight,
            )
            gradients, losses, values = sum_of_terms(terms, variables, phase.batch_size)
            return gradients, {"discriminator_loss": losses, **values}

        examples = (images, keypoints, latents, mix)
        return self._summed(of_part, examples, variables, DISCRIMINATOR_VALUES, phase)

    def _generator_gradients(self, phase, images, keypoints, images_shown, alpha):
        """On one replica: as above, for the generator; its poses are drawn afresh."""
        del images, keypoints
        size = self.config.network.latent_size
        latents = self.noise.generator_latents(phase.batch_size, size, images_shown)
        poses = self.noise.poses(phase.batch_size, images_shown)
        variables = self.state.generator.active_variables(phase.resolution, phase.fading)

        def of_part(latents, keypoints):
            pose = {"keypoints": keypoints, "resolution": phase.resolution, "alpha": alpha}
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                fakes = self.state.generator(latents, **pose)
                losses = generator_losses(
                    lambda pictures: self.state.discriminator(pictures, **pose), fakes
                )
                loss = tf.reduce_sum(losses) / phase.batch_size
            return tape.gradient(loss, variables), {"generator_loss": losses}

        return self._summed(of_part, (latents, poses), variables, ("generator_loss",), phase)

    def _summed(self, of_part, examples, variables, names, phase):
        """Sums over parts and replicas; the mean of each value over the global batch.

        Args:
            of_part: from a part of the examples to gradients, and values [B] by name.
            examples: the replica's, a tuple of tensors [B, ...].
            variables: whose gradients they are.
            names: of the values.
            phase: says the parts.
        """
        replica = tf.distribute.get_replica_context()

        def sums_of_part(*part):
            # Nothing starts before its examples, and what is drawn waits for the step before.
            with training_scope(), tf.control_dependencies(part):
                gradients, values = of_part(*part)
            return gradients, {name: tf.reduce_sum(values[name]) for name in names}

        zeros = [tf.zeros(variable.shape) for variable in variables], dict.fromkeys(names, 0.0)
        sizes = phase.parts(replica.num_replicas_in_sync)
        sums = sum_over_parts(sums_of_part, examples, sizes, zeros)
        gradients, sums = replica.all_reduce(tf.distribute.ReduceOp.SUM, list(sums))
        means = {name: value / phase.batch_size for name, value in sums.items()}
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
