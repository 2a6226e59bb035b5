"""What draws an animation's frames: a run's checkpoint, or an exported SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from psgan_tf.casting import Latents, Part, latents_of
from psgan_tf.files import read_json
from psgan_tf.latents import latents_from_seeds
from psgan_tf.pictures import Pixels
from psgan_tf.sampling import Sampler
from psgan_tf.skeleton import Keypoints
from psgan_tf.stage import saved_model_folder

_SIGNATURE = "images_uint8"
_OUTPUT = "images"
_CARD_FILE = "model_card.json"


class RunPainter:
    """Draws with a training run's newest checkpoint.

    Args:
        run_dir: the run.

    Raises:
        ValueError: it holds no run or no checkpoint.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self._sampler = Sampler(run_dir)
        self.resolution = self._sampler.resolution
        self.latent_size = self._sampler.network.latent_size
        self.num_keypoints = self._sampler.network.num_keypoints
        self.fingerprint = self._sampler.fingerprint

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        return self._sampler.images(latents, keypoints)


class SavedModelPainter:
    """Draws with an exported model, in this process and without its network's code.

    Args:
        path: the SavedModel, or a folder of its versions.

    Raises:
        ValueError: there is none, or it is not one of a generator.
    """

    def __init__(self, path: str | Path) -> None:
        folder = saved_model_folder(path)
        model = read_json(folder / _CARD_FILE)["model"]
        self.resolution, self.latent_size = model["resolution"], model["latent_size"]
        self.num_keypoints, self.fingerprint = model["num_keypoints"], model["fingerprint"]
        loaded = tf.saved_model.load(str(folder))
        if _SIGNATURE not in loaded.signatures:
            raise ValueError(
                f"`saved_model` must have the signature {_SIGNATURE}. "
                f"Received: {folder}, with {', '.join(loaded.signatures)}."
            )
        # A signature alone does not keep the weights that it reads.
        self._loaded, self._call = loaded, loaded.signatures[_SIGNATURE]

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        images = self._call(latents=tf.constant(latents), keypoints=tf.constant(keypoints))
        return images[_OUTPUT].numpy()


ModelPainter = RunPainter | SavedModelPainter


def open_painter(run_dir: str, saved_model: str) -> ModelPainter:
    """The painter for the one of `run_dir` and `saved_model` that is not empty.

    Raises:
        ValueError: it cannot be opened, or its network takes no poses.
    """
    painter = RunPainter(run_dir) if run_dir else SavedModelPainter(saved_model)
    if not painter.num_keypoints:
        raise ValueError(
            "`run_dir` or `saved_model` must be of a network that takes poses. "
            "Received: one without. Draw its characters with psgan_tf.generate."
        )
    return painter


def latents_of_parts(
    parts: Sequence[Part], painter: ModelPainter, warn: Callable[[str], None]
) -> Latents:
    """The latents of a cast's parts, [N, Z].

    Args:
        parts: seeds and saved characters.
        painter: whose characters they are to be.
        warn: takes a line for each character that was saved from another checkpoint.

    Raises:
        ValueError: a file is no character, or one of another latent size.
    """

    def of_seeds(seeds: list[int]) -> Latents:
        return latents_from_seeds(tf.constant(seeds, tf.int64), painter.latent_size).numpy()

    latents, characters = latents_of(parts, painter.latent_size, of_seeds)
    for character in characters:
        if character.model_fingerprint != painter.fingerprint:
            warn(
                f"warning: {character.name} was saved from checkpoint "
                f"{character.model_fingerprint}, this one is {painter.fingerprint}: the character "
                "may look different"
            )
    return latents
