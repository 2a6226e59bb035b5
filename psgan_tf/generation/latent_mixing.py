"""Latents of one frame or a path of frames: seeds, saved characters, blends, interpolation.

A latent's direction is who it is, its length says nothing. So blends are means on the sphere:
of two characters the point on the great circle between them, at the weights' place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from psgan_tf.generation.characters import PICTURE_ENDING, Character, read_characters

Latents = npt.NDArray[np.float32]

_SEED_MARK = "seed"
_FILE_ENDINGS = (".npz", PICTURE_ENDING)
# The mean on the sphere is found in a few steps; from points all round it there is none.
_MEAN_STEPS = 100
_MEAN_PRECISION = 1e-9
_OPPOSITE = 1e-4


@dataclass(frozen=True)
class BlendPart:
    """One of those that a blend or a walk is made of.

    Attributes:
        seed: its number; None for a saved character.
        path: its file, empty for a seed.
        weight: its share, above 0.
    """

    seed: int | None
    path: str
    weight: float = 1.0

    @property
    def text(self) -> str:
        """`seed42` or the file."""
        return self.path if self.seed is None else f"{_SEED_MARK}{self.seed}"


def parse_parts(text: str, flag: str, weighted: bool) -> tuple[BlendPart, ...]:
    """Reads `aoi.npz:0.7,seed42:0.3`; without weights all count the same.

    Args:
        text: parts, separated by commas.
        flag: what to call it in errors.
        weighted: whether parts may have weights.

    Raises:
        ValueError: another form, or a weight that is not above 0.
    """
    parts = []
    for item in text.split(","):
        name, mark, weight_text = (
            item.strip().rpartition(":") if weighted else (item.strip(), "", "")
        )
        name, weight_text = (name, weight_text) if mark else (item.strip(), "1")
        try:
            weight = float(weight_text)
        except ValueError:
            name, weight = item.strip(), 1.0  # a colon of the file's own name
        number = name.removeprefix(_SEED_MARK)
        is_seed = number.isascii() and number.isdigit() and int(number) < 2**63
        is_file = name.lower().endswith(_FILE_ENDINGS)
        if not name or not 0 < weight < math.inf or not (is_seed or is_file):
            form = "aoi.npz:0.7,seed42:0.3" if weighted else "aoi.npz,seed42"
            raise ValueError(
                f"`{flag}` must be saved characters and seeds, as {form}"
                f"{', with weights above 0' if weighted else ''}. Received: {text!r}."
            )
        parts.append(
            BlendPart(int(number), "", weight) if is_seed else BlendPart(None, name, weight)
        )
    return tuple(parts)


def mixed_name(names: Sequence[str], weights: Sequence[float]) -> str:
    """For instance `0.7 aoi.npz + 0.3 seed42`."""
    return " + ".join(f"{weight:g} {name}" for weight, name in zip(weights, names, strict=True))


@dataclass(frozen=True)
class LatentPath:
    """Who is seen in the frames of an animation.

    Attributes:
        parts: those that it is made of.
        walks: it goes from one part to the next, instead of mixing them.
    """

    parts: tuple[BlendPart, ...]
    walks: bool = False

    @property
    def name(self) -> str:
        """For instance `seed7`, `0.7 aoi.npz + 0.3 seed42` or `seed1 to seed2`."""
        if self.walks:
            return " to ".join(part.text for part in self.parts)
        if len(self.parts) == 1:
            return self.parts[0].text
        return mixed_name([part.text for part in self.parts], [part.weight for part in self.parts])

    def latents(self, of_parts: Latents, num_frames: int, closed: bool) -> Latents:
        """The latent in each frame.

        Args:
            of_parts: [N, Z], as `latents_of` gives them.
            num_frames: F.
            closed: a walk goes back to its start.

        Returns:
            [F, Z] float32.
        """
        if self.walks:
            return walk(of_parts, num_frames, closed)
        if len(self.parts) > 1:
            of_parts = spherical_mean(of_parts, [part.weight for part in self.parts])[None]
        return np.repeat(of_parts, num_frames, axis=0)


def parse_latent_path(seed: int, character: str, blend: str, walk_of: str) -> LatentPath:
    """The latents that a user names: a seed, unless one of the others is given.

    Raises:
        ValueError: several are given, or one is of another form.
    """
    given = {"character": character, "blend": blend, "walk": walk_of}
    named = [name for name, text in given.items() if text]
    if len(named) > 1:
        raise ValueError(
            f"`character`, `blend` and `walk` exclude each other. Received: {', '.join(named)}. "
            "Give one of them, or a seed."
        )
    if not named:
        return LatentPath((BlendPart(seed, ""),))
    if character:
        return LatentPath((BlendPart(None, character),))
    return LatentPath(parse_parts(given[named[0]], named[0], bool(blend)), bool(walk_of))


def latents_of(
    parts: Sequence[BlendPart],
    latent_size: int,
    latents_from_seeds: Callable[[list[int]], Latents],
) -> tuple[Latents, list[Character]]:
    """The latent of each part, and the saved characters among them.

    Args:
        parts: N of them.
        latent_size: Z.
        latents_from_seeds: seeds to [S, Z].

    Raises:
        ValueError: a file is no character, or one of a network of another latent size.
    """
    characters = read_characters([part.path for part in parts if part.seed is None], latent_size)
    seeds = [part.seed for part in parts if part.seed is not None]
    of_seeds = iter(latents_from_seeds(seeds) if seeds else ())
    of_files = iter(character.latent for character in characters)
    latents = [next(of_files if part.seed is None else of_seeds) for part in parts]
    return np.stack(latents).astype(np.float32), characters


def spherical_mean(latents: npt.NDArray[Any], weights: Sequence[float]) -> Latents:
    """The weighted mean of directions on the sphere, at the weighted mean of lengths.

    The point from which the weighted arcs to all directions cancel out (Buss and Fillmore,
    "Spherical averages", 2001); for two latents spherical interpolation.

    Args:
        latents: [N, Z].
        weights: N numbers above 0.

    Returns:
        [Z] float32.

    Raises:
        ValueError: the directions cancel out, as those of two opposite latents, or one is zero.
    """
    shares = np.asarray(weights, np.float64) / np.sum(weights)
    lengths = np.linalg.norm(latents.astype(np.float64), axis=1)
    if not lengths.all():
        raise ValueError(
            "`blend` and `walk` must be of characters whose latents have a direction. "
            "Received: one of zeros. Leave it out."
        )
    directions = latents / lengths[:, None]
    mean = shares @ directions
    for _ in range(_MEAN_STEPS):
        if np.linalg.norm(mean) < _OPPOSITE:
            raise ValueError(
                "`blend` and `walk` must be of characters that do not cancel each other out. "
                "Received: opposite ones. Choose others, or other weights."
            )
        mean /= np.linalg.norm(mean)
        cosines = np.clip(directions @ mean, -1.0, 1.0)
        angles = np.arccos(cosines)
        sines = np.sin(angles)
        scales = np.where(sines < 1e-12, 1.0, angles / np.where(sines < 1e-12, 1.0, sines))
        step = shares @ (scales[:, None] * (directions - cosines[:, None] * mean))
        length = float(np.linalg.norm(step))
        mean = math.cos(length) * mean + math.sin(length) * step / max(length, 1e-300)
        if length < _MEAN_PRECISION:
            break
    blended: Latents = (mean * (shares @ lengths)).astype(np.float32)
    return blended


def walk(latents: npt.NDArray[Any], num_frames: int, closed: bool) -> Latents:
    """From one character to the next and the next, in equal times along great circles.

    Args:
        latents: [N, Z], at least one.
        num_frames: F.
        closed: go back to the first at the end, for pictures that play for ever.

    Returns:
        [F, Z] float32; the first and, unless closed, the last frame are exactly the ends.
    """
    stops = np.concatenate([latents, latents[:1]]) if closed else latents
    last = num_frames if closed else max(num_frames - 1, 1)
    frames = []
    for frame in range(num_frames):
        place = frame * (len(stops) - 1) / last  # rounded once: exact where it is a whole number
        before = min(int(place), max(len(stops) - 2, 0))
        t = place - before
        if t in (0.0, 1.0):
            frames.append(stops[before + round(t)])
        else:
            frames.append(spherical_mean(stops[before : before + 2], (1.0 - t, t)))
    path: Latents = np.stack(frames).astype(np.float32)
    return path
