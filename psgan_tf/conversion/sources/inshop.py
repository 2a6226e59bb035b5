"""DeepFashion In-shop as a source: PSGAN section 3.1's second dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psgan_tf.conversion import deepfashion
from psgan_tf.conversion.sources.base import (
    Measured,
    Source,
    SourceExample,
    common_side,
    files_below,
)
from psgan_tf.interchange import CARD_FILE, Problem, read_card
from psgan_tf.motion.openpose import read_openpose

PARTITIONS = ("eval", "all")


def find_keypoints(directory: Path) -> list[Path]:
    """Keypoint tables in a data set folder, else the folder itself: OpenPose files may lie in it.

    Of a table in both coordinate systems the one of 256 x 256 is taken, which is unambiguous.
    """
    tables = sorted(
        table for place in ("", "*/") for table in directory.glob(f"{place}*annotation*.csv")
    )
    return [table for table in tables if "resize" not in table.name] or tables or [directory]


class _Keypoints:
    """All keypoints that were given, by the pictures' `deepfashion.picture_key`."""

    def __init__(self) -> None:
        self.measured: dict[str, Measured] = {}
        self.broken: dict[str, str] = {}  # what is wrong with a picture's keypoint file
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def add_table(self, path: Path, coordinates: str) -> None:
        table, problems, system = deepfashion.read_keypoint_table(path, coordinates)
        frame = (float(deepfashion.FRAME_PX), float(deepfashion.FRAME_PX))
        for key, keypoints in table.items():
            self.measured[key] = Measured(keypoints, frame, padded=True)
        self.problems += problems
        what = "256 x 256 picture" if system == "256" else "middle 176 x 256, so 40 is added to x"
        self.notes.append(f"{path.name}: {len(table):,} rows in pixels of the {what}")

    def add_openpose(self, directory: Path, min_confidence: float) -> None:
        files = files_below(directory, ".json")
        keys = {file: deepfashion.picture_key(file.removesuffix(".json")) for file in files}
        for file, key in keys.items():
            if key is None:
                continue
            try:
                pose = read_openpose(directory / file, min_confidence)
                self.measured[key] = Measured(pose.keypoints, pose.measured_in)
            except ValueError as error:
                self.broken[key] = f"broken annotation: {file}: {error}"
        self.notes.append(f"{directory.name}: {sum(map(bool, keys.values())):,} OpenPose files")

    def why_not(self, key: str) -> str | None:
        """Why a picture has no keypoints, or None where it has."""
        if key in self.measured:
            return None
        return self.broken.get(key, "no keypoints: in no table and no OpenPose file")


def from_inshop(
    directory: Path,
    keypoints: Sequence[Path],
    square: str,
    min_confidence: float,
    coordinates: str,
    partition: str,
) -> Source:
    """Reads a DeepFashion In-shop folder.

    Args:
        directory: the folder with `Eval/list_eval_partition.txt` and `Img/img/`.
        keypoints: keypoint tables, or folders of OpenPose files; empty looks in the folder.
        square: `pad` or `crop`: how pictures become square.
        min_confidence: OpenPose points of this confidence or less count as not found.
        coordinates: a table's coordinate system, see `deepfashion.read_keypoint_table`.
        partition: `eval` trains on the list's `train` rows and keeps `query` and `gallery` as
            the test split; `all` trains on everything.

    Raises:
        ValueError: the list or all keypoints are missing, or one of the files is another's.
    """
    list_path = deepfashion.find_partition(directory)
    if list_path is None:
        raise ValueError(
            f"`input` must hold {deepfashion.PARTITION_FILE}, in its Eval folder. "
            f"Received: {directory}, which does not. Give the In-shop folder itself."
        )
    rows, problems = deepfashion.read_partition(list_path)
    pictures = deepfashion.match_pictures(directory, rows)
    given = _Keypoints()
    for path in keypoints or find_keypoints(directory):
        if path.is_dir():
            given.add_openpose(path, min_confidence)
        else:
            given.add_table(path, coordinates)
    if not given.measured:
        raise ValueError(
            "`keypoints` must name a keypoint table (.csv) or a folder of OpenPose files. "
            f"Received: none that names a picture of {directory}. Give them in `--keypoints`."
        )
    examples = []
    for row in rows:
        key = deepfashion.picture_key(row.image) or ""
        reason = given.why_not(key)
        if row.image not in pictures:
            reason = "missing picture: there is no such file"
        if reason is not None:
            problems.append(Problem(row.image, reason))
            continue
        split = "train" if partition == "all" or row.status == "train" else "test"
        path_text = str(directory / pictures[row.image])
        examples.append(
            SourceExample(path_text, row.image, given.measured[key], row.item, split=split)
        )
    return Source(
        name="deepfashion",
        form="deepfashion",
        skeleton=deepfashion.SKELETON,
        frame_px=common_side(examples, square, problems),
        examples=tuple(examples),
        left_out=(*problems, *given.problems),
        min_keypoints=deepfashion.MIN_KEYPOINTS,
        card=read_card(directory / CARD_FILE),
        notes=tuple(given.notes),
    )
