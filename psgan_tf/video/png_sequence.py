"""A folder of `frame_00001.png`, `frame_00002.png`, ..., that a stopped job can go on with.

`sequence.json` beside them says which settings they were made with.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from psgan_tf.common.files import json_text, read_json, write_atomically
from psgan_tf.images.pictures import encode_png
from psgan_tf.video.frames import Frame, ShapeCheck, temporary_name

SETTINGS_FILE = "sequence.json"
# The last chunk of every PNG, by which a whole file is known.
_END_OF_PNG = bytes.fromhex("0000000049454e44ae426082")


def frame_name(number: int) -> str:
    """The name of a frame, counted from 1."""
    return f"frame_{number:05d}.png"


class PngSequence:
    """Writes a PNG a frame; frames that are there already stay.

    Args:
        folder: made where it is missing.
        settings: JSON values, all that decides what the frames look like.
        text: text fields of each PNG.

    Raises:
        ValueError: the folder holds other files, or frames made with other settings.
        OSError: the folder cannot be written to.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], text: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._text = dict(text or {})
        self._check = ShapeCheck()
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / SETTINGS_FILE
        if not path.exists():
            if any(not entry.name.startswith(".") for entry in folder.iterdir()):
                raise ValueError(
                    "`output` must be an empty folder, or one of the same frames. "
                    f"Received: {folder}, which holds other files. Choose another folder."
                )
            write_atomically(path, json_text(dict(settings)))
        found = read_json(path)
        if found != settings:
            known = found if isinstance(found, dict) else {}
            changed = [key for key in settings if known.get(key) != settings[key]]
            raise ValueError(
                f"`output` must be an empty folder, or one of the same frames. Received: {folder}, "
                f"made with another {', '.join(changed) or 'version'}. Choose another folder, or "
                "delete this one."
            )

    def stored(self, number: int) -> Frame | None:
        """Frame `number`, counted from 1, as an earlier job left it; None where there is none."""
        path = self.folder / frame_name(number)
        try:
            with open(path, "rb") as file:
                file.seek(-len(_END_OF_PNG), os.SEEK_END)
                if file.read() != _END_OF_PNG:
                    return None
                return np.asarray(Image.open(file))
        except OSError:  # not there, or shorter than that
            return None

    def add(self, frame: Frame) -> None:
        """Writes the next frame, unless it is there."""
        self._number += 1
        frame = self._check.check(frame)
        if self.stored(self._number) is None:
            path = self.folder / frame_name(self._number)
            temporary = temporary_name(path)
            try:
                # Without waiting for the disk: a frame that a power cut emptied is made again.
                temporary.write_bytes(encode_png(frame, self._text))
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)

    def finish(self, path: Path) -> Path:
        """All frames are in place already."""
        del path  # a sequence's frames are whole at all times, so it has no other name
        return self.folder

    def abandon(self) -> None:
        """The frames stay."""
