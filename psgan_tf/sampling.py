"""Pictures from a run's newest checkpoint: the averaged generator at the resolution it reached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from psgan_tf.characters import Character, file_name, load_character
from psgan_tf.checkpoints import load_run_weights
from psgan_tf.config import load_options
from psgan_tf.dataset_card import DatasetCard
from psgan_tf.latents import latents_from_seeds
from psgan_tf.reporting import to_uint8
from psgan_tf.schedule import build_schedule

# Pictures of this many pixels are drawn in one call.
_BATCH_PX = 1 << 21


def parse_seeds(text: str) -> list[int]:
    """Seeds from `0-7,42`.

    Raises:
        ValueError: when the text is not of that form.
    """
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.strip().partition("-")
            chosen = range(int(first), int(last if dash else first) + 1)
            if not chosen or chosen[-1] >= 2**63 or len(seeds) + len(chosen) > 10_000:
                raise ValueError
            seeds += chosen
    except ValueError:
        raise ValueError(
            "`seeds` must be numbers and ranges such as 0-7,42, at most 10,000 in all. "
            f"Received: seeds={text!r}."
        ) from None
    return seeds


class Column(NamedTuple):
    """Somebody to draw: the start of the files' names, [Z] float32, and the pictures' text."""

    file_name: str
    latent: npt.NDArray[np.float32]
    text: dict[str, str]


def read_characters(paths: Sequence[str], latent_size: int) -> list[Character]:
    """Saved characters that a network of that latent size can draw.

    Raises:
        ValueError: when a file is no character or its latent has another size.
    """
    characters = [load_character(path) for path in paths]
    for path, character in zip(paths, characters, strict=True):
        if len(character.latent) != latent_size:
            raise ValueError(
                f"`characters` must have latents of {latent_size} values, as this run's network. "
                f"Received: {path}, with {len(character.latent)}. "
                "Draw it with a run of the network that it was saved from."
            )
    return characters


def columns_of(
    seeds: Sequence[int],
    seed_latents: npt.NDArray[np.float32],
    characters: Sequence[Character],
) -> list[Column]:
    """Seeds, then characters, each with a file name of its own.

    Args:
        seeds: numbers of new characters.
        seed_latents: [len(seeds), Z] float32.
        characters: saved ones; of several of one name the later get a number.
    """
    columns = {
        f"seed{seed:04d}": Column(f"seed{seed:04d}", latent, {"seed": str(seed)})
        for seed, latent in zip(seeds, seed_latents, strict=True)
    }
    for character in characters:
        plain = name = file_name(character.name)
        number = 1
        while name.casefold() in columns:
            number += 1
            name = f"{plain}-{number}"
        columns[name.casefold()] = Column(name, character.latent, {"character": character.name})
    return list(columns.values())


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
        stage = schedule.stage_in(weights.phase_index, weights.images_shown)
        self.resolution = stage.phase.resolution
        self._alpha = tf.constant(stage.alpha) if stage.phase.fading else None
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

    def images_in_pose(
        self, latents: npt.NDArray[np.float32], keypoints: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.uint8]:
        """Pictures of any number of characters in one pose, a few in each call.

        Args:
            latents: [N, Z] float32.
            keypoints: [M, 3] float32, as in `images`.

        Returns:
            [N, R, R, 3] uint8.
        """
        step = max(1, _BATCH_PX // self.resolution**2)
        parts = []
        for start in range(0, len(latents), step):
            some = latents[start : start + step]
            parts.append(self.images(some, np.repeat(keypoints[None], len(some), axis=0)))
        return np.concatenate(parts)
