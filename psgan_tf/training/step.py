"""The training step: the gradients of both networks on each replica, and their updates.

PSGAN sections 3.1 and 3.2: WGAN-GP, one discriminator step and one generator step per batch. The
discriminator sees the real batch's poses for real and fake alike; the generator's step draws
fresh poses from the training set. One code path serves 1 and n replicas: losses are sums over a
replica's examples divided by the global batch, gradients are sums over parts and replicas.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from psgan_tf.model.networks import GrowingNetwork
from psgan_tf.model.ops.kernels import Kernels
from psgan_tf.model.ops.resizing import downscale2x, lerp, upscale2x
from psgan_tf.training.checkpoints import TrainingState
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.gradient_accumulation import LossGradients, sum_over_parts
from psgan_tf.training.losses import fake_loss, generator_loss, gradient_penalty, real_loss
from psgan_tf.training.noise import TrainingNoise
from psgan_tf.training.schedule import Phase

DISCRIMINATOR_MEASURES = ("discriminator_loss", "real_score", "fake_score", "gradient_norm")

# Gradients by variable, and sums over examples by name; of a part, a replica or the whole batch.
Sums = tuple[list[tf.Tensor], dict[str, tf.Tensor]]


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


def active_variables(network: GrowingNetwork, phase: Phase) -> list[tf.Variable]:
    """The weights that a phase trains."""
    return network.active_variables(phase.resolution, phase.fading)


def parts_of(phase: Phase) -> list[int]:
    """Sizes of the parts that the current replica computes one after the other."""
    return phase.parts(tf.distribute.get_replica_context().num_replicas_in_sync)


def zero_sums(variables: Sequence[tf.Variable], measures: Sequence[str]) -> Sums:
    """Sums over no examples."""
    return [tf.zeros(variable.shape) for variable in variables], dict.fromkeys(measures, 0.0)


def all_reduce(sums: Sums) -> Sums:
    """Sums of all replicas, on each of them."""
    replica = tf.distribute.get_replica_context()
    gradients, measures = replica.all_reduce(tf.distribute.ReduceOp.SUM, list(sums))
    return gradients, measures


class TrainingStep:
    """Makes the step of each phase.

    Args:
        config: the run's options.
        strategy: made before `state`.
        state: made or restored inside the strategy's scope.
        noise: what the steps draw.
        kernels: the forms that the networks compute in, `plain` or `fast`; `plain` also computes
            all terms of a loss at once.
    """

    def __init__(
        self,
        config: TrainingConfig,
        strategy: tf.distribute.Strategy,
        state: TrainingState,
        noise: TrainingNoise,
        kernels: str = "fast",
    ):
        self.config = config
        self.strategy = strategy
        self.state = state
        self.noise = noise
        self.kernels = kernels

    def of_phase(self, phase: Phase) -> Callable:
        """The step of one resolution, with or without a fade, traced when it is first called.

        Returns:
            `update` as a function of images, keypoints, images_shown and alpha.
        """
        return tf.function(functools.partial(self.update, phase))

    def update(self, phase, images, keypoints, images_shown, alpha) -> dict[str, tf.Tensor]:
        """One update of both networks.

        Args:
            phase: the phase of the batch.
            images: [B, N, N, 3] uint8, distributed over the replicas.
            keypoints: [B, M, 3] float32, distributed: x and y in pixels of the full size,
                visibility 0/1.
            images_shown: int64 scalar, the key of all noise.
            alpha: float32 scalar, weight of the newest layers; ignored outside fades.

        Returns:
            Means over the batch, float32 scalars by name.
        """
        alpha = alpha if phase.fading else None
        sums = self.strategy.run(
            self.discriminator_step, args=(phase, images, keypoints, images_shown, alpha)
        )
        means = self._apply("discriminator", phase, sums)
        # The generator's half starts after the discriminator's gradients, so that both never hold
        # memory at once.
        with tf.control_dependencies([means["discriminator_skipped"]]):
            images_shown = tf.identity(images_shown)
        sums = self.strategy.run(self.generator_step, args=(phase, images_shown, alpha))
        return means | self._apply("generator", phase, sums)

    def _apply(self, name: str, phase: Phase, sums) -> dict[str, tf.Tensor]:
        """Updates a network's weights, or leaves them where a gradient is not finite.

        The condition stands outside the replicas: inside it, an update cannot merge them.
        Zero gradients would not do: they still move the second moment and the average.

        Args:
            name: `generator` or `discriminator`.
            phase: the phase of the batch.
            sums: `Sums` of the whole batch, on each replica.

        Returns:
            Means over the batch by name, and whether the update was skipped, 0 or 1.
        """
        gradients, measures = sums
        optimizer = getattr(self.state, f"{name}_optimizer")
        variables = active_variables(getattr(self.state, name), phase)
        measures, own_gradients = self._first_replica((measures, gradients))
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in own_gradients])

        def apply(gradients):
            optimizer.apply_gradients(
                zip(gradients, variables, strict=True), experimental_aggregate_gradients=False
            )

        def apply_on_replicas():
            self.strategy.run(apply, args=(gradients,))
            return tf.constant(True)

        tf.cond(finite, apply_on_replicas, lambda: tf.constant(False))
        means = {key: total / phase.batch_size for key, total in measures.items()}
        return means | {f"{name}_skipped": 1.0 - tf.cast(finite, tf.float32)}

    def _first_replica(self, values):
        """All replicas hold the same sums; takes the first one's."""
        return tf.nest.map_structure(
            lambda value: self.strategy.experimental_local_results(value)[0], values
        )

    # ---------------------------------------------------------------------------------------------
    # On one replica

    def discriminator_step(self, phase, images, keypoints, images_shown, alpha) -> Sums:
        """The discriminator's gradients and measures, summed over all replicas."""
        latent_size = self.config.network.latent_size
        latents = self.noise.discriminator_latents(phase.batch_size, latent_size, images_shown)
        mix = self.noise.mix(phase.batch_size, images_shown)
        gradients_of = functools.partial(self.discriminator_gradients, phase, alpha)
        examples = (images, keypoints, latents, mix)
        variables = active_variables(self.state.discriminator, phase)
        zeros = zero_sums(variables, DISCRIMINATOR_MEASURES)
        return all_reduce(sum_over_parts(gradients_of, examples, parts_of(phase), zeros))

    def discriminator_gradients(self, phase, alpha, images, keypoints, latents, mix) -> Sums:
        """Those of one part of a batch: the terms of WGAN-GP, one after the other."""
        kernels = Kernels(self.kernels, training=True)
        call = {"resolution": phase.resolution, "alpha": alpha, "kernels": kernels}
        reals = fade_reals(images, alpha)
        fakes = self.state.generator(latents, keypoints=keypoints, **call)
        critic = functools.partial(self.state.discriminator, keypoints=keypoints, **call)
        variables = active_variables(self.state.discriminator, phase)
        gradients = LossGradients(variables, phase.batch_size, in_turn=kernels.fast)
        with gradients.term():
            real, real_scores = real_loss(critic, reals, self.config.drift_weight)
        gradients.add(real)
        with gradients.term():
            fake, fake_scores = fake_loss(critic, fakes)
        gradients.add(fake)
        with gradients.term():
            weight = self.config.gradient_penalty_weight
            penalty, norms = gradient_penalty(critic, reals, fakes, mix, weight)
        gradients.add(penalty)
        return gradients.total(), {
            "discriminator_loss": tf.reduce_sum(real + fake + penalty),
            "real_score": tf.reduce_sum(real_scores),
            "fake_score": tf.reduce_sum(fake_scores),
            "gradient_norm": tf.reduce_sum(norms),
        }

    def generator_step(self, phase, images_shown, alpha) -> Sums:
        """The generator's gradients and measures, summed over all replicas; poses of its own."""
        latent_size = self.config.network.latent_size
        latents = self.noise.generator_latents(phase.batch_size, latent_size, images_shown)
        keypoints = self.noise.poses(phase.batch_size, images_shown)
        gradients_of = functools.partial(self.generator_gradients, phase, alpha)
        zeros = zero_sums(active_variables(self.state.generator, phase), ("generator_loss",))
        sums = sum_over_parts(gradients_of, (latents, keypoints), parts_of(phase), zeros)
        return all_reduce(sums)

    def generator_gradients(self, phase, alpha, latents, keypoints) -> Sums:
        """Those of one part of a batch."""
        kernels = Kernels(self.kernels, training=True)
        call = {"resolution": phase.resolution, "alpha": alpha, "kernels": kernels}
        critic = functools.partial(self.state.discriminator, keypoints=keypoints, **call)
        variables = active_variables(self.state.generator, phase)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            fakes = self.state.generator(latents, keypoints=keypoints, **call)
            losses = generator_loss(critic, fakes)
            loss = tf.reduce_sum(losses) / phase.batch_size
        return tape.gradient(loss, variables), {"generator_loss": tf.reduce_sum(losses)}
