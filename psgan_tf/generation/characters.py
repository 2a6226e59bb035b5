"""Characters by number and from files: a name, a latent and its network in one small `.npz`.

A file is written by `generate` and read by whatever draws the character again. So is every PNG
that `generate` draws: its text says who is in it. No TensorFlow.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from psgan_tf.common.files import write_atomically
from psgan_tf.images.png_text import read_png_text

# Text fields of PNGs: who is in the picture, and by which network.
CHARACTERS_FIELD, MODEL_FIELD = "psgan_characters", "model"
PICTURE_ENDING = ".png"

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


def _checked(latent: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if latent.ndim != 1 or not np.isfinite(latent).all():
        raise ValueError(f"a latent of shape {latent.shape}, or with no finite numbers")
    return latent


def characters_text(names: Sequence[str], latents: npt.NDArray[np.float32]) -> str:
    """Who is in a picture, as the text of its field CHARACTERS_FIELD.

    Args:
        names: of N characters.
        latents: [N, Z] float32.
    """
    encoded = [base64.b64encode(latent.astype("<f4").tobytes()).decode() for latent in latents]
    return json.dumps(
        [{"name": n, "latent": z} for n, z in zip(names, encoded, strict=True)], ensure_ascii=False
    )


def _of_picture(path: str | Path) -> list[Character]:
    if not Path(path).is_file():
        raise ValueError("there is no such file")
    text = read_png_text(path)
    if not {CHARACTERS_FIELD, MODEL_FIELD} <= text.keys():
        raise ValueError("no PNG whose text says who is in it")
    found = []
    for entry in json.loads(text[CHARACTERS_FIELD]):
        latent = np.frombuffer(base64.b64decode(entry["latent"], validate=True), "<f4")
        character = Character(
            str(entry["name"]), _checked(latent.astype(np.float32)), text[MODEL_FIELD]
        )
        found.append(character)
    if not found:
        raise ValueError("a PNG of no characters")
    return found


def _of_file(path: str | Path) -> list[Character]:
    with np.load(path, allow_pickle=False) as arrays:
        latent = _checked(np.asarray(arrays["latent"], np.float32))
        return [Character(str(arrays["name"]), latent, str(arrays["model_fingerprint"]))]


def load_characters(path: str | Path) -> list[Character]:
    """The character of an `.npz`, or those that are in a PNG by `generate`: one or more.

    Raises:
        ValueError: when the file is missing or is neither.
    """
    try:
        is_picture = Path(path).suffix.lower() == PICTURE_ENDING
        return _of_picture(path) if is_picture else _of_file(path)
    except Exception as error:  # a damaged file makes zipfile and numpy raise a dozen types
        raise ValueError(
            "`character` must be a file that save_character wrote, or a PNG by psgan_tf.generate. "
            f"Received: {str(path)!r} ({error})."
        ) from error


def load_character(path: str | Path) -> Character:
    """The one character of a file.

    Raises:
        ValueError: as `load_characters`, or when a picture shows several.
    """
    character, *others = load_characters(path)
    if others:
        raise ValueError(
            f"`character` must be one. Received: {str(path)!r}, a sheet of {len(others) + 1}. "
            "Take the picture of one, or save it under a name with --save_character."
        )
    return character


def check_latent_sizes(characters: Sequence[Character], latent_size: int) -> None:
    """Refuses characters that a network of that latent size cannot draw."""
    for character in characters:
        if len(character.latent) != latent_size:
            raise ValueError(
                f"`characters` must have latents of {latent_size} values, as this network takes. "
                f"Received: {character.name}, with {len(character.latent)}. "
                "Draw it with the network that it was saved from."
            )


def read_characters(paths: Sequence[str], latent_size: int) -> list[Character]:
    """Saved characters, one a file, that a network of that latent size can draw.

    Raises:
        ValueError: when a file is no character or its latent has another size.
    """
    characters = [load_character(path) for path in paths]
    check_latent_sizes(characters, latent_size)
    return characters


def fingerprint_warnings(characters: Sequence[Character], model_fingerprint: str) -> list[str]:
    """A warning for each other checkpoint that characters were saved from."""
    names: dict[str, list[str]] = {}
    for character in characters:
        if character.model_fingerprint != model_fingerprint:
            names.setdefault(character.model_fingerprint, []).append(character.name)
    return [
        f"warning: {first} {f'and {len(others)} more were' if others else 'was'} saved from "
        f"checkpoint {fingerprint}, this one is {model_fingerprint}: "
        f"{'they' if others else 'the character'} may look different"
        for fingerprint, (first, *others) in names.items()
    ]


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


class DrawnCharacter(NamedTuple):
    """Somebody to draw.

    Attributes:
        file_name: the start of the names of its pictures' files, unlike any other subject's.
        name: a saved character's, or `seed7`.
        seed: its number; None for a saved character, a mixture or a step of a walk.
        latent: [Z] float32; None for a seed.
    """

    file_name: str
    name: str
    seed: int | None
    latent: npt.NDArray[np.float32] | None

    @property
    def text(self) -> dict[str, str]:
        """What its pictures say of it to people."""
        return {"character": self.name} if self.seed is None else {"seed": str(self.seed)}


def subjects_of(seeds: Sequence[int], characters: Sequence[Character]) -> list[DrawnCharacter]:
    """Seeds, then saved characters; of several characters of one name the later get a number."""
    subjects = {
        f"seed{seed:04d}": DrawnCharacter(f"seed{seed:04d}", f"seed{seed}", seed, None)
        for seed in seeds
    }
    for character in characters:
        plain = name = file_name(character.name)
        number = 1
        while name.casefold() in subjects:
            number += 1
            name = f"{plain}-{number}"
        subjects[name.casefold()] = DrawnCharacter(name, character.name, None, character.latent)
    return list(subjects.values())
