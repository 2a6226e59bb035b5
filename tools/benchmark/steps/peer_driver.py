"""The process that measures the peer, tensorflow-gan's progressive GAN example, by its own API.

`python -m tools.benchmark.steps.peer_driver CASE`, in the environment of peer.py. Its widths are
those of psgan_tf, for both count blocks from 4 x 4 on: `min(fmap_base / 2^block, fmap_max)`. It
knows no poses, so M is 0. Its training step is what its `gan_train` runs with GANTrainSteps(1, 1):
the generator's update with its moving average, the discriminator's with the gradient penalty, and
the count of images.
"""

from __future__ import annotations

import inspect
import os
import types
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow_gan.examples.progressive_gan import networks, train

from psgan_tf.common.processes import peak_resident_gib
from tools.benchmark.steps.arithmetic import graph_flops
from tools.benchmark.turns.turn_taker import TURN_SECS, serve


def _argument_spec(function: Any) -> types.SimpleNamespace:
    """`inspect.getargspec`, which the peer calls and Python 3.11 no longer has."""
    names = ("args", "varargs", "keywords", "defaults")
    full = inspect.getfullargspec(function)
    return types.SimpleNamespace(**dict(zip(names, full, strict=False)))


inspect.getargspec = _argument_spec

# The example's own settings, beside those that a case brings.
_STAGE_IMAGES = 1000
_SETTINGS = {
    "start_height": 4,
    "start_width": 4,
    "scale_base": 2,
    "kernel_size": 3,
    "colors": 3,
    "to_rgb_use_tanh_activation": False,
    "fmap_decay": 1.0,
    "latent_vector_size": 512,
    "gradient_penalty_target": 1.0,
    "gradient_penalty_weight": 10.0,
    "real_score_penalty_weight": 0.001,
    "generator_learning_rate": 0.001,
    "discriminator_learning_rate": 0.001,
    "adam_beta1": 0.0,
    "adam_beta2": 0.99,
    "stable_stage_num_images": _STAGE_IMAGES,
    "transition_stage_num_images": _STAGE_IMAGES,
    "total_num_images": 10**9,
}


class PeerWork:
    """Steps of the peer's training, or forward passes of its generator.

    Args:
        case: the fields of a `Case`.
    """

    def __init__(self, case: dict[str, Any]) -> None:
        tf.disable_v2_behavior()
        blocks = case["resolution"].bit_length() - 2
        settings = {
            **_SETTINGS,
            "num_resolutions": blocks,
            "fmap_base": case["fmap_base"],
            "fmap_max": case["fmap_max"],
        }
        # The middle of the fade, or the start of the stage after it.
        self._session = tf.Session()
        make = self._training if case["subject"] == "train" else self._generation
        self._runs = make(case, blocks, settings)
        self.step()

    def _training(self, case: dict[str, Any], blocks: int, settings: dict[str, Any]) -> list[Any]:
        """What one step runs, one after the other."""
        size = [case["batch"], case["resolution"], case["resolution"], 3]
        noise = np.random.default_rng(0).uniform(-1, 1, size).astype(np.float32)
        pictures = tf.get_variable("pictures", initializer=noise, trainable=False)
        stage = 2 * (blocks - 1) - int(case["fading"])
        model = train.build_model(stage, case["batch"], pictures, **settings)
        # The middle of the fade, or the start of the stage after it.
        image = 2 * (blocks - 1) * _STAGE_IMAGES - int(case["fading"]) * _STAGE_IMAGES // 2
        start = tf.assign(model.current_image_id, image)
        self._session.run(tf.global_variables_initializer())
        self._session.run(start)
        operations = model.gan_train_ops
        return [
            operations.generator_train_op,
            operations.discriminator_train_op,
            operations.global_step_inc_op,
        ]

    def _generation(self, case: dict[str, Any], blocks: int, settings: dict[str, Any]) -> list[Any]:
        """The generator's pictures of fresh latents."""
        latents = train.make_latent_vectors(case["batch"], **settings)
        progress = blocks - 1.0 - 0.5 * case["fading"]
        pictures, _ = networks.generator(
            latents,
            tf.constant(progress),
            lambda block: networks.num_filters(
                block, settings["fmap_base"], settings["fmap_decay"], settings["fmap_max"]
            ),
            train.make_resolution_schedule(**settings),
        )
        self._session.run(tf.global_variables_initializer())
        return [pictures]

    def step(self) -> dict[str, Any]:
        """One step; fetching waits for the device."""
        for operation in self._runs:
            self._session.run(operation)
        return {}

    def end(self) -> dict[str, Any]:
        """Memory and arithmetic."""
        peak_gib = peak_resident_gib()
        graph = tf.get_default_graph().as_graph_def(add_shapes=True)
        flop = sum(graph_flops(graph, [run.name.split(":")[0]]) for run in self._runs)
        return {"peak_gib": peak_gib, "gflop": 1e-9 * flop, "plain_gflop": 1e-9 * flop}


if __name__ == "__main__":
    serve(PeerWork, TURN_SECS)
