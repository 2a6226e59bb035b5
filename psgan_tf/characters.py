"""Character files: a name, a latent and the network it belongs to, in one small `.npz`.

Written by `generate`, read by whatever draws a character again. No TensorFlow.
"""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

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
