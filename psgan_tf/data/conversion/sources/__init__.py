"""Sources of pictures with keypoints: the three forms of input that conversion reads.

- `folder`: the project's own dataset folder (`keypoints/dataset_folder.py`);
- `openpose`: pictures with OpenPose's JSON files beside them or in a folder of their own;
- `deepfashion`: the In-shop folder (`deepfashion.py`) with keypoint tables or OpenPose's files.

Each becomes one `Source`, a list of examples. Only the pictures' heads are read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psgan_tf.data.conversion import deepfashion
from psgan_tf.data.conversion.sources.base import (
    Source,
    SourceExample,
    SourceKeypoints,
    files_below,
)
from psgan_tf.data.conversion.sources.folder import from_folder
from psgan_tf.data.conversion.sources.inshop import PARTITIONS, from_inshop
from psgan_tf.data.conversion.sources.openpose import from_openpose
from psgan_tf.keypoints.dataset_folder import is_dataset_folder
from psgan_tf.keypoints.openpose import FILE_ENDING

__all__ = ["FORMATS", "PARTITIONS", "ReadingOptions", "Source", "SourceExample", "SourceKeypoints"]

FORMATS = ("auto", "folder", "openpose", "deepfashion")


@dataclass(frozen=True)
class ReadingOptions:
    """How to read an input; each form takes what concerns it.

    Args:
        form: one of `FORMATS`; `auto` looks what the folder holds.
        keypoints: where the keypoints are, if not in the folder itself.
        square: `pad` or `crop`: how pictures become square.
        min_confidence: OpenPose points of this confidence or less count as not found.
        table_coordinates: see `deepfashion.read_keypoint_table`.
        partition: see `sources.inshop.from_inshop`.
        hide_occluded: see `sources.folder.from_folder`.
    """

    form: str = "auto"
    keypoints: Sequence[Path] = ()
    square: str = "pad"
    min_confidence: float = 0.0
    table_coordinates: str = "auto"
    partition: str = "eval"
    hide_occluded: bool = False


def detect_form(directory: Path) -> str | None:
    """Which of the three forms a folder has, by the files that it holds; None for none."""
    if is_dataset_folder(directory):
        return "folder"
    if deepfashion.find_partition(directory) is not None:
        return "deepfashion"
    return "openpose" if files_below(directory, FILE_ENDING) else None


def open_source(directory: Path, options: ReadingOptions) -> Source:
    """Reads an input folder's annotations.

    Raises:
        ValueError: the folder is missing or of no known form, or its annotations as a whole are
            not usable. Single pictures that are not are listed in the source's `left_out`.
    """
    for path in (directory, *options.keypoints):
        if not path.exists():
            raise ValueError(f"`{path}` does not exist. Give the folder's path as it is on disk.")
    form = options.form
    if form == "auto":
        form = detect_form(directory) or ("openpose" if options.keypoints else "")
    if form == "folder":
        return from_folder(directory, options.square, options.hide_occluded)
    if options.hide_occluded:
        raise ValueError(
            "`hide_occluded` is for dataset folders, detectors do not tell hidden points apart. "
            f"Received: it with `format={form}`. Raise `--min_confidence` instead."
        )
    if form == "deepfashion":
        return from_inshop(
            directory,
            options.keypoints,
            options.square,
            options.min_confidence,
            options.table_coordinates,
            options.partition,
        )
    if form == "openpose":
        keypoints = options.keypoints[0] if options.keypoints else directory
        if len(options.keypoints) > 1 or not keypoints.is_dir():
            raise ValueError(
                "`keypoints` must be one folder of OpenPose files. "
                f"Received: {', '.join(map(str, options.keypoints))}. Give their common folder."
            )
        return from_openpose(directory, keypoints, options.square, options.min_confidence)
    raise ValueError(
        "`input` must be a dataset folder (manifest.jsonl), pictures with OpenPose files "
        f"(*{FILE_ENDING}), or DeepFashion In-shop ({deepfashion.PARTITION_FILE}). "
        f"Received: {directory}, which holds none of these. Say where the keypoints are with "
        "`--keypoints`, or write a manifest."
    )
