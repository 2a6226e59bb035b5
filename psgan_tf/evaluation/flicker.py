"""Flicker of films from frame to frame, and keypoints off their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from psgan_tf.images.pictures import Pixels
from psgan_tf.keypoints.schema import Keypoints


def frame_differences(frames: Pixels) -> npt.NDArray[np.float32]:
    """How much a value of a pixel changes from each frame to the next, on average.

    Args:
        frames: [F, H, W, 3] uint8, at least two.

    Returns:
        [F - 1] in levels of 0..255.
    """
    levels = frames.astype(np.float32)
    differences: npt.NDArray[np.float32] = np.abs(levels[1:] - levels[:-1]).mean(axis=(1, 2, 3))
    return differences


def distance_px(found: Keypoints, exact: Keypoints) -> float:
    """The mean distance of [F, M, 3] keypoints from where they ought to be, of those in sight."""
    seen = exact[..., 2] > 0
    return float(np.linalg.norm((found - exact)[seen][:, :2], axis=-1).mean())


def jittered(keypoints: Keypoints, sigma_px: float, seed: int) -> Keypoints:
    """[F, M, 3] keypoints as a detector finds them: each x and y off by independent normal noise.

    Args:
        keypoints: the exact ones.
        sigma_px: standard deviation.
        seed: of the noise.
    """
    noisy = keypoints.copy()
    noise = np.random.default_rng(seed).normal(0.0, sigma_px, keypoints[..., :2].shape)
    noisy[..., :2] += noise.astype(np.float32)
    return noisy


@dataclass(frozen=True)
class Flicker:
    """Frame differences of films, in levels of 0..255.

    Attributes:
        mean: over all frames of all films.
        largest: of each film, the mean of these; far above `mean` where a film goes in jumps.
    """

    mean: float
    largest: float


def flicker_of(films: Sequence[Pixels]) -> Flicker:
    """The flicker of some films, each [F, H, W, 3] uint8."""
    differences = [frame_differences(film) for film in films]
    return Flicker(
        float(np.mean([one.mean() for one in differences])),
        float(np.mean([one.max() for one in differences])),
    )
