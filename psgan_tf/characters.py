"""Characters by number and from files: a name, a latent and its network in one small `.npz`.

A file is written by `generate` and read by whatever draws the character again. No TensorFlow.
"""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from psgan_tf.files import write_atomically

_FILE_NAME_LENGTH = 60  # characters: in any script below the 255 bytes of file systems


def file_name(name: str) -> str:
    """A name with letters (of any script), digits, dots, dashes and underscores only."""
    return re.sub(r"[^\w.-]+", "-", name)[:_FILE_NAME_LENGTH].strip("-.") or "unnamed"


@dataclasses.dataclass(frozen=True)
class Character:
    """Somebody the generator can draw.

    Args:
        name: chosen by the user.
        latent: [Z] float32.
        model_fingerprint: of the checkpoint it was found in; another network draws another
            character from the same latent.
    """

    name: str
    latent: npt.NDArray[np.float32]
    model_fingerprint: str


def save_character(path: str | Path, character: Character) -> None:
    """Writes a character file; a file of that name is replaced at once or not at all.

    Raises:
        ValueError: when the ending is not `.npz` or the latent is no vector of finite numbers.
    """
    path = Path(path)
    latent = np.asarray(character.latent, np.float32)
    if path.suffix != ".npz":
        raise ValueError(f"`path` of a character must end in .npz. Received: path={str(path)!r}.")
    if latent.ndim != 1 or not np.isfinite(latent).all():
        raise ValueError(
            "`latent` of a character must be one vector of finite numbers. "
            f"Received: shape {latent.shape}."
        )
    buffer = io.BytesIO()
    np.savez(
        buffer,
        name=character.name,
        latent=latent,
        model_fingerprint=character.model_fingerprint,
    )
    write_atomically(path, buffer.getvalue())


def load_character(path: str | Path) -> Character:
    """Reads a character file.

    Raises:
        ValueError: when the file is missing or is no character file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            latent = np.asarray(arrays["latent"], np.float32)
            if latent.ndim != 1 or not np.isfinite(latent).all():
                raise ValueError(f"a latent of shape {latent.shape}, or with no finite numbers")
            return Character(str(arrays["name"]), latent, str(arrays["model_fingerprint"]))
    except Exception as error:  # a damaged file makes zipfile and numpy raise a dozen types
        raise ValueError(
            "`character` must be a file that save_character wrote. "
            f"Received: {str(path)!r} ({error})."
        ) from error


def read_characters(paths: Sequence[str], latent_size: int) -> list[Character]:
    """Saved characters that a network of that latent size can draw.

    Raises:
        ValueError: when a file is no character or its latent has another size.
    """
    characters = [load_character(path) for path in paths]
    for path, character in zip(paths, characters, strict=True):
        if len(character.latent) != latent_size:
            raise ValueError(
                f"`characters` must have latents of {latent_size} values, as this network takes. "
                f"Received: {path}, with {len(character.latent)}. "
                "Draw it with the network that it was saved from."
            )
    return characters


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


class Subject(NamedTuple):
    """Somebody to draw.

    Attributes:
        file_name: the start of the names of its pictures' files, unlike any other subject's.
        seed: its number; None for a saved character.
        latent: [Z] float32 of a saved character; None for a seed.
        text: what its pictures say of it.
    """

    file_name: str
    seed: int | None
    latent: npt.NDArray[np.float32] | None
    text: dict[str, str]


def subjects_of(seeds: Sequence[int], characters: Sequence[Character]) -> list[Subject]:
    """Seeds, then saved characters; of several characters of one name the later get a number."""
    subjects = {
        f"seed{seed:04d}": Subject(f"seed{seed:04d}", seed, None, {"seed": str(seed)})
        for seed in seeds
    }
    for character in characters:
        plain = name = file_name(character.name)
        number = 1
        while name.casefold() in subjects:
            number += 1
            name = f"{plain}-{number}"
        text = {"character": character.name}
        subjects[name.casefold()] = Subject(name, None, character.latent, text)
    return list(subjects.values())
