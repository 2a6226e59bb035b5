"""Pictures from a run's newest checkpoint: the averaged generator at the resolution it reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.generation.backends.protocol import without_poses
from psgan_tf.generation.latent_mixing import Latents
from psgan_tf.images.pictures import Pixels, to_uint8
from psgan_tf.keypoints.schema import Keypoints
from psgan_tf.model.latents import latents_from_seeds
from psgan_tf.training.checkpoints import load_run_weights
from psgan_tf.training.config import load_options
from psgan_tf.training.schedule import build_schedule


class Sampler:
    """Draws characters of a trained run in given poses.

    Args:
        run_dir: directory of a training run, finished or not.

    Raises:
        ValueError: when it holds no run or no checkpoint.
    """

    def __init__(self, run_dir: str | Path):
        options = load_options(run_dir)
        self.card = DatasetCard.load(run_dir)
        weights = load_run_weights(run_dir)
        self.network = weights.network
        self.images_shown = weights.images_shown
        self.fingerprint = weights.fingerprint
        schedule = build_schedule(options)
        growth = schedule.growth_in_phase(weights.phase_index, weights.images_shown)
        self.resolution = growth.phase.resolution
        self._alpha = tf.constant(growth.alpha) if growth.phase.fading else None
        self._generator = weights.averaged()
        self._call = tf.function(
            lambda latents, keypoints: self._generator(
                latents, keypoints=keypoints, resolution=self.resolution, alpha=self._alpha
            ),
            reduce_retracing=True,
        )

    def latents(self, seeds: list[int]) -> npt.NDArray[np.float32]:
        """The latents of seeds, [N, Z]; the same for a seed in every run of that latent size."""
        return latents_from_seeds(tf.constant(seeds, tf.int64), self.network.latent_size).numpy()

    def images(
        self, latents: npt.NDArray[np.float32], keypoints: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.uint8]:
        """Pictures of characters in poses, pair by pair.

        Args:
            latents: [N, Z] float32.
            keypoints: [N, M, 3] float32, x and y in pixels of the card's frame, visibility 0/1.

        Returns:
            [N, R, R, 3] uint8.
        """
        keypoints = keypoints[:, : self.network.num_keypoints]
        return to_uint8(self._call(tf.constant(latents), tf.constant(keypoints)).numpy())


class CheckpointBackend:
    """Draws with a training run's newest checkpoint.

    Args:
        run_dir: the run.

    Raises:
        ValueError: it holds no run or no checkpoint.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self._sampler = Sampler(run_dir)
        if not self._sampler.network.num_keypoints:
            raise ValueError(without_poses("run_dir", str(run_dir)))
        self.resolution = self._sampler.resolution
        self.latent_size = self._sampler.network.latent_size
        self.fingerprint = self._sampler.fingerprint

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        return self._sampler.images(latents, keypoints)
