"""A forward pass of the generator to measure."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from psgan_tf.model.arithmetic import generator_multiplications
from psgan_tf.model.networks import Generator
from psgan_tf.model.ops.devices import peak_memory_gib
from psgan_tf.model.ops.kernels import Kernels
from psgan_tf.training.synthetic_data import SyntheticData
from tools.benchmark.steps.arithmetic import function_flops
from tools.benchmark.steps.cases import Case


class GenerationWork:
    """Forward passes of the generator, fully grown or half-way through a fade.

    Args:
        case: the stage.
    """

    def __init__(self, case: Case) -> None:
        network = case.network
        generator = Generator(network, dtype=case.training.dtype_policy)
        _, self._poses = SyntheticData(network, case.batch, case.resolution).batch()
        self._latents = tf.random.stateless_normal([case.batch, network.latent_size], [0, 0])
        alpha = tf.constant(0.5) if case.fading else None
        kernels = Kernels(case.kernels)
        self._draw = tf.function(
            lambda latents, poses: generator(
                latents, keypoints=poses, resolution=case.resolution, alpha=alpha, kernels=kernels
            )
        )
        self._plain_flop = 2 * case.batch * generator_multiplications(network, case.resolution)
        self.step()

    def step(self) -> dict[str, Any]:
        """One batch; fetching its pictures waits for the device."""
        self._draw(self._latents, self._poses).numpy()
        return {}

    def end(self) -> dict[str, Any]:
        """Memory, and the arithmetic of one pass: in this form, and in the plain one by rule."""
        return {
            "peak_gib": peak_memory_gib(),
            "gflop": 1e-9 * function_flops(self._draw, self._latents, self._poses),
            "plain_gflop": 1e-9 * self._plain_flop,
        }
