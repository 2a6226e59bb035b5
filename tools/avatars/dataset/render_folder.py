"""The folder of a dataset while it is rendered: by which settings, and which blocks are done.

Notes lie in a hidden folder beside the pictures. A picture counts only once its block is noted,
and the manifest comes last, so that neither ever speaks of half a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psgan_tf.common.files import json_text, read_json, write_atomically
from psgan_tf.common.processes import exclusive
from psgan_tf.keypoints.dataset_folder import MANIFEST_FILE, ManifestRow, read_row, row_to_line
from psgan_tf.keypoints.schema import Skeleton

STATE_FOLDER = ".rendering"
# Where the files of the built-in avatar lie.
BUILTIN_FOLDER = "built-in"
_SETTINGS_FILE = "settings.json"


def write_picture(path: Path, data: bytes) -> None:
    """Writes a picture so that `path` never holds half of it.

    Without waiting for the disk, unlike `write_atomically`: notes hold each picture's length, so
    one that a power cut emptied is made again.
    """
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


class RenderFolder:
    """A dataset folder in the making.

    Args:
        directory: the folder; made where it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._state = directory / STATE_FOLDER

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other jobs out; the lock goes with the process, however that ends."""
        self._state.mkdir(parents=True, exist_ok=True)
        with exclusive(
            self._state / "lock",
            "`output` must be a folder that no other job is rendering into. Received: "
            f"{self.directory}. Wait for the other one, or choose another folder.",
        ):
            yield

    def take(self, settings: dict[str, Any]) -> None:
        """Makes the folder this job's.

        Raises:
            ValueError: it holds something else.
        """
        path = self._state / _SETTINGS_FILE
        if path.is_file():
            found = read_json(path)
            if found != settings:
                changed = [key for key in settings if found.get(key) != settings[key]]
                raise ValueError(
                    "`output` must be empty or a folder of the same job. Received: "
                    f"{self.directory}, made with another {', '.join(changed) or 'version'}. "
                    "Choose another folder, or delete this one."
                )
        else:
            self.refuse_other_files()
            write_atomically(path, json_text(settings))

    def refuse_other_files(self) -> None:
        """Raises ValueError where a folder that no job has taken yet is not empty."""
        if (self._state / _SETTINGS_FILE).is_file() or not self.directory.exists():
            return
        others = {entry.name for entry in self.directory.iterdir()}
        if others - {STATE_FOLDER, BUILTIN_FOLDER}:
            raise ValueError(
                "`output` must be empty or a folder of the same job. Received: "
                f"{self.directory}, which holds other files. Choose another folder."
            )

    def is_finished(self, images: Iterable[str]) -> bool:
        """Whether the manifest is there, which comes last, and so are all pictures."""
        return (self.directory / MANIFEST_FILE).is_file() and all(
            (self.directory / image).is_file() for image in images
        )

    def reopen(self) -> None:
        """Takes a finished dataset's manifest away, since pictures are missing."""
        (self.directory / MANIFEST_FILE).unlink(missing_ok=True)

    def _note(self, block: int) -> Path:
        return self._state / f"block-{block:06d}.json"

    def note(self, block: int, rows: Sequence[ManifestRow], lengths: Sequence[int]) -> None:
        """Notes a block whose pictures are all in place, with their lengths in bytes."""
        lines = [row_to_line(row) for row in rows]
        write_atomically(
            self._note(block), json.dumps({"rows": lines, "bytes": list(lengths)}) + "\n"
        )

    def noted(
        self, block: int, images: Sequence[str], skeleton: Skeleton
    ) -> list[ManifestRow] | None:
        """The rows of a block that is done and whose pictures are still there; None otherwise."""
        if not self._note(block).is_file():
            return None
        note = read_json(self._note(block))
        rows = [read_row(line, skeleton.num_keypoints) for line in note["rows"]]
        if [row.image for row in rows] != list(images):
            return None
        for row, length in zip(rows, note["bytes"], strict=True):
            path = self.directory / row.image
            if not path.is_file() or path.stat().st_size != length:
                return None
        return rows

    def forget_notes(self) -> None:
        """Removes the notes of a finished dataset and what killed processes left behind."""
        for path in self._state.glob("block-*.json"):
            path.unlink()
        for path in self.directory.rglob(".*.tmp-*"):
            path.unlink()
