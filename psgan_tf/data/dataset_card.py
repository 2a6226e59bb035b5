"""The dataset card, `dataset.json` beside the shards: what the dataset is, holds and is called.

It travels on into the run directory and every export. Imports no TensorFlow.
"""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psgan_tf.common.files import json_text, read_json, write_atomically
from psgan_tf.keypoints.schema import Skeleton, skeleton_from_json

CARD_FILE = "dataset.json"
CARD_FORMAT = 1


def shard_name(name: str, split: str, resolution: int, shard: int, num_shards: int) -> str:
    """A shard's file name, for instance `avatar-train-r0064.tfrecord-00000-of-00008`."""
    return f"{name}-{split}-r{resolution:04d}.tfrecord-{shard:05d}-of-{num_shards:05d}"


def is_shard_name(file_name: str) -> bool:
    """Whether a file's name is one that `shard_name` gives."""
    return re.fullmatch(r".+-r\d{4,}\.tfrecord-\d{5,}-of-\d{5,}", file_name) is not None


@dataclass(frozen=True)
class Split:
    """Contents of a split.

    Args:
        examples: number of pictures, the same at each resolution.
        shard_examples: number of pictures in each shard.
        checksums: for each resolution, the SHA-256 of each shard.
    """

    examples: int
    shard_examples: tuple[int, ...]
    checksums: dict[int, tuple[str, ...]]

    @property
    def num_shards(self) -> int:
        """Number of shards at each resolution."""
        return len(self.shard_examples)


@dataclass(frozen=True)
class DatasetCard:
    """Card of a dataset, for training, generation and every export.

    Args:
        name: the shards' common name.
        skeleton: keypoint schema.
        keypoint_frame: size in pixels of the square that keypoints are measured in.
        resolutions: sizes in pixels that there are shards of, ascending.
        splits: `train`, and `test` where pictures were kept apart.
        licence: the pictures' licence.
        credits: who is to be credited.
        source: where the pictures come from.
        rest_skeleton: the avatar's bones at rest, where known.
        camera: the camera that the pictures were taken with, where known.
        counts: `kept`, and how many pictures were left out for each reason.
        conversion: the settings that the shards were made with.
        details: whatever else the source's own card says.
    """

    name: str
    skeleton: Skeleton
    keypoint_frame: int
    resolutions: tuple[int, ...]
    splits: dict[str, Split]
    licence: Any = None
    credits: Any = None
    source: Any = None
    rest_skeleton: Any = None
    camera: Any = None
    counts: dict[str, int] = field(default_factory=dict)
    conversion: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The card as JSON values; `from_json` reads it back equal."""
        document = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        document["skeleton"] = self.skeleton.to_json()
        document["splits"] = {key: dataclasses.asdict(split) for key, split in self.splits.items()}
        return {"format": CARD_FORMAT, **document}

    @classmethod
    def from_json(cls, document: Any) -> DatasetCard:
        """Reads `to_json`'s form; ValueError where an entry is missing or of a wrong form."""
        if not isinstance(document, dict) or document.get("format") != CARD_FORMAT:
            found = document.get("format") if isinstance(document, dict) else document
            raise ValueError(
                f"`format` of a dataset card must be {CARD_FORMAT}. Received: {found!r:.40}. "
                "Convert the pictures again with `python -m tools.make_tfrecords`."
            )
        known = {f.name for f in dataclasses.fields(cls)}
        entries = {key: value for key, value in document.items() if key in known}
        try:
            entries["skeleton"] = skeleton_from_json(entries["skeleton"])
            entries["resolutions"] = tuple(int(n) for n in entries["resolutions"])
            entries["splits"] = {
                key: Split(
                    int(split["examples"]),
                    tuple(split["shard_examples"]),
                    {int(n): tuple(sums) for n, sums in split["checksums"].items()},
                )
                for key, split in entries["splits"].items()
            }
            return cls(**entries)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"A dataset card must hold all its entries. Received one with {error!r} wrong. "
                "Convert the pictures again with `python -m tools.make_tfrecords`."
            ) from None

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> DatasetCard:
        """Reads a dataset directory's card.

        Raises:
            ValueError: no such directory, no card in it, or a broken one.
        """
        path = Path(directory) / CARD_FILE
        if not path.is_file():
            what = "holds no finished dataset" if path.parent.is_dir() else "does not exist"
            raise ValueError(
                f"`{directory}` {what}: there is no {CARD_FILE}. Make one with "
                f"`python -m tools.make_tfrecords --input=FOLDER --output={directory}`."
            )
        try:
            return cls.from_json(read_json(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the card into a dataset directory, whole or not at all."""
        write_atomically(Path(directory) / CARD_FILE, json_text(self.to_json()))


def shard_paths(
    directory: str | os.PathLike[str], card: DatasetCard, split: str, resolution: int
) -> list[str]:
    """The shards of a split at a resolution, in order, each known to be there.

    Raises:
        ValueError: the card has no such split or resolution, or a shard is missing.
    """
    for argument, value, known in (
        ("split", split, tuple(card.splits)),
        ("resolution", resolution, card.resolutions),
    ):
        if value not in known:
            raise ValueError(
                f"`{argument}` must be one that `{directory}` holds: "
                f"{', '.join(str(k) for k in known)}. Received: {value!r}. "
                "Choose one of these, or convert again with tools/make_tfrecords.py."
            )
    num_shards = card.splits[split].num_shards
    names = [shard_name(card.name, split, resolution, i, num_shards) for i in range(num_shards)]
    missing = [name for name in names if not (Path(directory) / name).is_file()]
    if missing:
        raise ValueError(
            f"`{directory}` must hold all {num_shards} shards of {split} at {resolution} px. "
            f"Missing: {len(missing)}, the first is {missing[0]}. Copy them here, or run the "
            "same tools/make_tfrecords.py command again: it makes what is missing."
        )
    return [str(Path(directory) / name) for name in names]
