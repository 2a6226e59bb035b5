"""Common form of every input: a list of examples, and what was left out on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from psgan_tf.images.pictures import PictureError, oriented_size, square_offset
from psgan_tf.keypoints.dataset_folder import RejectedItem
from psgan_tf.keypoints.schema import Keypoints, Skeleton


class SourceKeypoints(NamedTuple):
    """Keypoints and what they are measured in; the arguments of `pictures.place_keypoints`.

    Args:
        keypoints: [M, 3] float32, x, y, visible 0/1.
        measured_in: (width, height) that stand for the picture; None for its own pixels.
        padded: `measured_in` stands for the picture padded to a square instead.
    """

    keypoints: Keypoints
    measured_in: tuple[float, float] | None = None
    padded: bool = False


@dataclass(frozen=True)
class SourceExample:
    """One picture to convert.

    Args:
        path: where the picture is.
        name: what it is called in its source.
        measured: its keypoints.
        costume: its costume, or empty.
        motion: the motion that it is a frame of, or empty.
        split: `train` or `test`.
    """

    path: str
    name: str
    measured: SourceKeypoints
    costume: str = ""
    motion: str = ""
    split: str = "train"


@dataclass(frozen=True)
class Source:
    """All that conversion needs to know about its input.

    Args:
        name: what the dataset is called unless told otherwise.
        form: `folder`, `openpose` or `deepfashion`.
        skeleton: schema of all keypoints.
        frame_px: size in pixels of the square keypoint frame.
        examples: the pictures that can be tried.
        left_out: what is known not to be usable, each with its reason.
        min_keypoints: the form's own rule: pictures with fewer visible keypoints are left out.
        card: entries for the dataset card.
        notes: what the reader found or took for granted, one line each.
    """

    name: str
    form: str
    skeleton: Skeleton
    frame_px: int
    examples: tuple[SourceExample, ...]
    left_out: tuple[RejectedItem, ...]
    min_keypoints: int
    card: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def files_below(directory: Path, ending: str) -> list[str]:
    """Paths of the files below a directory whose names end so, relative, sorted, none hidden."""
    found = []
    for parent, directories, files in os.walk(directory, followlinks=True):
        directories[:] = [d for d in directories if not d.startswith(".")]
        found += [
            Path(parent, file).relative_to(directory).as_posix()
            for file in files
            if file.endswith(ending) and not file.startswith(".")
        ]
    return sorted(found)


def common_side(
    examples: Sequence[SourceExample], mode: str, left_out: Sequence[RejectedItem]
) -> int:
    """The square size, in pixels, that most pictures have; the larger of two as common.

    Args:
        examples: whose pictures' heads are read.
        mode: how they become square, `pad` or `crop`.
        left_out: why other pictures are no examples, for the error.

    Raises:
        ValueError: not one of the pictures can be opened.
    """
    sides: Counter[int] = Counter()
    broken = list(left_out)
    for example in examples:
        try:
            sides[square_offset(*oriented_size(example.path), mode)[0]] += 1
        except PictureError as error:  # conversion reports it too
            broken.append(RejectedItem(example.name, str(error)))
    if not sides:
        first = f", the first is {broken[0].name}: {broken[0].reason}" if broken else ""
        raise ValueError(
            "`input` must hold pictures with keypoints. Received: none that can be used and "
            f"{len(broken)} that cannot{first}. Check the folder, and `--keypoints`."
        )
    return max(sides, key=lambda side: (sides[side], side))
