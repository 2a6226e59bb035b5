"""DeepFashion In-shop as a source: PSGAN section 3.1's second dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psgan_tf.data.conversion import deepfashion
from psgan_tf.data.conversion.sources.base import (
    Source,
    SourceExample,
    SourceKeypoints,
    common_side,
    files_below,
)
from psgan_tf.images.pictures import find_pictures
from psgan_tf.keypoints.dataset_folder import CARD_FILE, RejectedItem, read_card
from psgan_tf.keypoints.openpose import FILE_ENDING, OPENPOSE18, read_openpose

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
    """All keypoints that were given, by the pictures' `deepfashion.picture_key`.

    Of several for one picture the first are taken, the others are problems.
    """

    def __init__(self) -> None:
        self.measured: dict[str, SourceKeypoints] = {}
        self.places: dict[str, str] = {}  # where a picture's keypoints are from
        self.broken: dict[str, RejectedItem] = {}  # what is wrong with a picture's keypoint file
        self.problems: list[RejectedItem] = []
        self.notes: list[str] = []

    def add_table(self, path: Path, coordinates: str) -> None:
        table, problems, system = deepfashion.read_keypoint_table(path, coordinates)
        frame = (float(deepfashion.FRAME_PX), float(deepfashion.FRAME_PX))
        for key, keypoints in table.items():
            self._add(key, SourceKeypoints(keypoints, frame, padded=True), f"{path.name} {key}")
        self.problems += problems
        what = "256 x 256 picture" if system == "256" else "middle 176 x 256, so 40 is added to x"
        self.notes.append(f"{path.name}: {len(table):,} rows in pixels of the {what}")

    def add_openpose(self, directory: Path, min_confidence: float) -> None:
        files = files_below(directory, ".json")
        keys = {file: deepfashion.picture_key(file.removesuffix(".json")) for file in files}
        for file, key in keys.items():
            if key is None:
                # In the data set's own folder lie JSON files that are no keypoints.
                if file.endswith(FILE_ENDING):
                    reason = "missing picture: the keypoint file has no In-shop picture's name"
                    self.problems.append(RejectedItem(file, reason))
                continue
            try:
                pose = read_openpose(directory / file, min_confidence)
                self._add(key, SourceKeypoints(pose.in_schema(OPENPOSE18), pose.measured_in), file)
            except ValueError as error:
                problem = RejectedItem(file, f"broken annotation: {file}: {error}")
                if self.broken.setdefault(key, problem) is not problem:
                    self.problems.append(problem)
        others = sum(key is None and not file.endswith(FILE_ENDING) for file, key in keys.items())
        if others:
            self.notes.append(f"{directory.name}: {others:,} JSON files have other names")
        self.notes.append(f"{directory.name}: {sum(map(bool, keys.values())):,} OpenPose files")

    def _add(self, key: str, measured: SourceKeypoints, place: str) -> None:
        if key in self.measured:
            reason = f"keypoints given twice: those of {self.places[key]} are taken"
            self.problems.append(RejectedItem(place, reason))
            return
        self.measured[key], self.places[key] = measured, place

    def compare(self, listed: set[str]) -> None:
        """Reports what the pictures that are listed, by their keys, do not show."""
        self.problems += [problem for key, problem in self.broken.items() if key in self.measured]
        unlisted = {*self.measured, *self.broken} - listed
        if unlisted:
            self.notes.append(
                f"{len(unlisted):,} keypoint files or table rows are of pictures not in the "
                f"partition, the first is {min(unlisted)}"
            )

    def why_not(self, key: str) -> str | None:
        """Why a picture has no keypoints, or None where it has."""
        if key in self.measured:
            return None
        if key in self.broken:
            return self.broken[key].reason
        return "no keypoints: in no table and no OpenPose file"


def _unused_pictures(directory: Path, used: set[str], listed: set[str]) -> list[str]:
    """Notes on the pictures of a folder that are not converted: unlisted, or second copies."""
    keys = [deepfashion.picture_key(picture) for picture in set(find_pictures(directory)) - used]
    copies = sum(key in listed for key in keys)
    counts = {
        "are not in the partition": len(keys) - copies,
        "are further copies of listed ones": copies,
    }
    return [f"{count:,} pictures {what}" for what, count in counts.items() if count]


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
    listed = {deepfashion.picture_key(row.image) or "" for row in rows}
    given.compare(listed)
    examples = []
    for row in rows:
        key = deepfashion.picture_key(row.image) or ""
        reason = given.why_not(key)
        if row.image not in pictures:
            reason = "missing picture: there is no such file"
        if reason is not None:
            problems.append(RejectedItem(row.image, reason))
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
        notes=(*given.notes, *_unused_pictures(directory, set(pictures.values()), listed)),
    )
