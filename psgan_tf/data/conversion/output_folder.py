"""The folder of a dataset while it is made: what is finished, and by which settings.

Notes on finished shards lie in a hidden folder beside them, so that a killed run can go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psgan_tf.common.files import read_json, write_atomically
from psgan_tf.common.processes import exclusive
from psgan_tf.data.conversion.shard_plan import Shard
from psgan_tf.data.dataset_card import CARD_FILE, DatasetCard, is_shard_name
from psgan_tf.keypoints.dataset_folder import RejectedItem

STATE_FOLDER = ".conversion"
SETTINGS_FILE = "settings.json"


@dataclass(frozen=True)
class ShardRecord:
    """What is noted of a finished shard."""

    digest: str
    kept: int
    left_out: tuple[RejectedItem, ...]
    bytes: dict[int, int]
    checksums: dict[int, str]


class OutputFolder:
    """The folder of a dataset while it is made: what is finished, and by which settings.

    Args:
        directory: the folder; made where it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / STATE_FOLDER

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other conversions out; the lock goes with the process, however that ends."""
        self.state.mkdir(parents=True, exist_ok=True)
        with exclusive(
            self.state / "lock",
            "`output` must be a folder that no other conversion is writing. "
            f"Received: {self.directory}. Wait for the other one, or choose another.",
        ):
            yield

    def settings(self) -> dict[str, Any] | None:
        """The settings of what is in the folder, finished or not; None for a new folder."""
        if (self.state / SETTINGS_FILE).is_file():
            return dict(read_json(self.state / SETTINGS_FILE))
        if (self.directory / CARD_FILE).is_file():
            settings = dict(DatasetCard.load(self.directory).conversion)
            settings.pop("input_digest", None)
            return settings
        return None

    def has_notes(self) -> bool:
        """Whether finished shards are noted; a copy without hidden files has none."""
        return any(path.name != SETTINGS_FILE for path in self.state.glob("*.json"))

    def take(self, settings: dict[str, Any], overwrite: bool) -> None:
        """Makes the folder this conversion's.

        Raises:
            ValueError: it holds another's, and `overwrite` is off.
        """
        found = self.settings()
        if found is not None and found != settings:
            changed = [key for key in settings if found.get(key) != settings[key]]
            if not overwrite:
                raise ValueError(
                    f"`output` must be empty or of the same settings. Received: {self.directory}, "
                    f"made with another {', '.join(changed)}. Choose another folder, or drop what "
                    "is there with `--overwrite`."
                )
            self.clear(str(found.get("name")))
        write_atomically(self.state / SETTINGS_FILE, json.dumps(settings, indent=1))
        # What a killed run was writing.
        for path in (*self.state.glob("*.tmp*"), *self.directory.glob(f".{CARD_FILE}.tmp*")):
            path.unlink()

    def clear(self, name: str) -> None:
        """Removes a dataset: its card, its notes, and the shards of that name."""
        (self.directory / CARD_FILE).unlink(missing_ok=True)
        for path in self.directory.iterdir():
            if is_shard_name(path.name) and path.name.startswith(f"{name}-"):
                path.unlink()
        for path in self.state.glob("*.json"):
            path.unlink()

    def _note(self, shard: Shard) -> Path:
        return self.state / f"{shard.split}-{shard.index:05d}.json"

    def finished(self, shard: Shard, paths: dict[int, Path]) -> ShardRecord | None:
        """What is noted of a shard, if it is finished, of the same input, and still there."""
        if not self._note(shard).is_file():
            return None
        note = read_json(self._note(shard))
        finished = ShardRecord(
            note["digest"],
            note["kept"],
            tuple(RejectedItem(*problem) for problem in note["left_out"]),
            {int(n): size for n, size in note["bytes"].items()},
            {int(n): checksum for n, checksum in note["checksums"].items()},
        )
        whole = finished.digest == shard.digest and all(
            path.is_file() and path.stat().st_size == finished.bytes.get(n)
            for n, path in paths.items()
        )
        return finished if whole else None

    def note(self, shard: Shard, finished: ShardRecord) -> None:
        """Notes a shard whose files are in place."""
        write_atomically(self._note(shard), json.dumps(vars(finished)))
