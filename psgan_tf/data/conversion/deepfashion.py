"""DeepFashion In-shop, as PSGAN section 3.1 uses it: its lists, its names, its keypoint tables.

- `Eval/list_eval_partition.txt`: a count, a header, then rows of picture, item and status
  (`train`, `query` or `gallery`); pictures are `img/WOMEN/Dresses/id_00000002/02_1_front.jpg`.
- Keypoint tables `name:keypoints_y:keypoints_x`, as pose transfer projects exchange them: y first,
  -1 in both for a point that was not found, 0 a legal coordinate. Two systems are in use: pixels
  of the 256 x 256 picture, and of its middle 176 x 256 (x is 40 less there).
- Those tables flatten the names and each project spells them its own way, so pictures are
  matched by what all spellings share.

The paper leaves out pictures with fewer than 10 of the 18 keypoints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from psgan_tf.common.files import parse_json
from psgan_tf.images.pictures import find_pictures
from psgan_tf.keypoints.dataset_folder import RejectedItem
from psgan_tf.keypoints.schema import SKELETONS, Keypoints, is_finite_float32

SKELETON = SKELETONS["openpose18"]
MIN_KEYPOINTS = 10  # PSGAN section 3.1
FRAME_PX = 256  # what keypoint tables are measured in: the picture padded to a square of this size
CROP_OFFSET_PX = 40  # (256 - 176) / 2
PARTITION_FILE = "list_eval_partition.txt"
STATUSES = ("train", "query", "gallery")
COORDINATES = ("auto", "256", "176")

_TABLE_HEADER = "name:keypoints_y:keypoints_x"
_KEY = re.compile(r"(wo)?men[a-z]+id\d{10}\d(front|side|back|full|flat|additional)")


def picture_key(name: str) -> str | None:
    """What all spellings of a picture's name share, or None where it is no In-shop name.

    Example: `img/WOMEN/Tees_Tanks/id_00007838/05_7_additional.jpg`,
    `fashionWOMENTees_Tanksid0000783805_7additional.jpg` and
    `fasionWOMENTeesTanksid0000783805_7additional.jpg` all give
    `womenteestanksid00007838057additional`.
    """
    stem = name.rsplit(".", 1)[0] if "." in name.rsplit("/", 1)[-1] else name
    match = _KEY.search(re.sub(r"[^a-z0-9]", "", stem.lower()))
    return match.group() if match else None


@dataclass(frozen=True)
class PartitionRow:
    """One picture of the evaluation partition."""

    image: str
    item: str
    status: str


def read_partition(path: str | Path) -> tuple[list[PartitionRow], list[RejectedItem]]:
    """Reads `list_eval_partition.txt`: its rows, and the lines that are not usable.

    A list shorter than its own count is reported as a problem too: it was cut.

    Raises:
        ValueError: the file does not start with the count and the header.
    """
    path = Path(path)
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if len(lines) < 2 or not lines[0].strip().isdigit() or "image_name" not in lines[1]:
        raise ValueError(
            f"`{path}` must start with a count and the header "
            f"`image_name item_id evaluation_status`. Received: {' | '.join(lines[:2])!r:.80}. "
            "Take the file from the data set's Eval folder as it is."
        )
    rows, problems = {}, []
    for number, line in enumerate(lines[2:], start=3):
        columns = line.split()
        if not columns:
            continue
        place = f"{PARTITION_FILE} line {number}"
        if len(columns) != 3 or columns[2] not in STATUSES or picture_key(columns[0]) is None:
            problems.append(
                RejectedItem(place, f"broken annotation: not a partition row: {line:.60}")
            )
        elif columns[0] in rows:
            problems.append(RejectedItem(place, f"broken annotation: {columns[0]} is listed twice"))
        else:
            rows[columns[0]] = PartitionRow(*columns)
    listed = len(rows) + len(problems)
    if listed != int(lines[0]):
        reason = f"broken annotation: its first line says {int(lines[0])} rows, it has {listed}"
        problems.append(RejectedItem(PARTITION_FILE, reason))
    return list(rows.values()), problems


def read_points(text_y: str, text_x: str) -> Keypoints:
    """A table row's two integer lists as [18, 3] float32 x, y, visible; missing points are 0."""
    lists = []
    for text in (text_x, text_y):
        values = parse_json(text)
        if (
            not isinstance(values, list)
            or len(values) != SKELETON.num_keypoints
            or not all(map(is_finite_float32, values))
        ):
            raise ValueError(
                f"{SKELETON.num_keypoints} finite numbers are needed, not {text.strip():.40}"
            )
        lists.append(values)
    xy = np.asarray(lists, np.float32).T
    visible = np.any(xy != -1, axis=1, keepdims=True)  # -1 in one of both is a legal coordinate
    points: Keypoints = np.concatenate([xy, visible], axis=1) * visible
    return points


def system_of(points: Keypoints, file_name: str) -> str:
    """Which coordinate system a table is in: `256` or `176`.

    Decisive are values that only one of them can hold; then the file's name; then where the
    people stand, for each picture's subject is in its middle (128, or 88 in the crop).

    Args:
        points: [P, 2] float32, x and y of all points found in the table.
        file_name: projects call the cropped table `...-resize-annotation-...`.
    """
    if not len(points):
        return "256"
    x = points[:, 0]
    if x.max() >= FRAME_PX - CROP_OFFSET_PX:
        return "256"
    if x.min() < 0:
        return "176"
    if "resize" in file_name.lower():
        return "176"
    middles = (FRAME_PX / 2, FRAME_PX / 2 - CROP_OFFSET_PX)
    return "256" if abs(np.median(x) - middles[0]) <= abs(np.median(x) - middles[1]) else "176"


def read_keypoint_table(
    path: str | Path, coordinates: str = "auto"
) -> tuple[dict[str, Keypoints], list[RejectedItem], str]:
    """Reads a `name:keypoints_y:keypoints_x` table.

    Args:
        path: the file.
        coordinates: `256`, `176` (see `system_of`), or `auto`.

    Returns:
        For each picture (by `picture_key`) its keypoints, [18, 3] float32, x, y, visible 0/1 in
        pixels of the 256 x 256 picture; the rows that are not usable; and the table's system.

    Raises:
        ValueError: the file is no such table, or `coordinates` is no system.
    """
    path = Path(path)
    if coordinates not in COORDINATES:
        raise ValueError(
            f"`coordinates` must be one of {', '.join(COORDINATES)}. Received: {coordinates!r}."
        )
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if not lines or lines[0].replace(" ", "") != _TABLE_HEADER:
        raise ValueError(
            f"`{path}` must be a keypoint table with the header `{_TABLE_HEADER}`. "
            f"Received: {(lines or [''])[0]!r:.80}."
        )
    table: dict[str, Keypoints] = {}
    problems = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        try:
            name, text_y, text_x = line.split(":")
            key = picture_key(name.strip())
            if key is None:
                raise ValueError(f"{name!r:.60} is no In-shop picture's name")
            if key in table:
                raise ValueError(f"{name:.80} is listed twice")
            table[key] = read_points(text_y, text_x)
        except ValueError as error:
            problems.append(
                RejectedItem(f"{path.name} line {number}", f"broken annotation: {error}")
            )
    if coordinates == "auto":
        found = [points[points[:, 2] > 0, :2] for points in table.values()]
        coordinates = system_of(np.concatenate([np.zeros((0, 2), np.float32), *found]), path.name)
    if coordinates == "176":
        for points in table.values():
            points[points[:, 2] > 0, 0] += CROP_OFFSET_PX
    return table, problems, coordinates


def find_partition(directory: str | Path) -> Path | None:
    """The partition list of a data set folder, where it holds one."""
    for place in ("Eval", "", "eval", "Anno"):
        path = Path(directory, place, PARTITION_FILE)
        if path.is_file():
            return path
    return None


def match_pictures(directory: str | Path, rows: list[PartitionRow]) -> dict[str, str]:
    """For each listed picture that is there, its path relative to the folder.

    The official layout is `Img/img/...` or `img/...`; elsewhere (flattened or renamed copies)
    pictures are matched by `picture_key`.
    """
    directory = Path(directory)
    for base in ("Img", ""):
        if any((directory / base / row.image).is_file() for row in rows):
            paths = {row.image: Path(base, row.image).as_posix() for row in rows}
            return {name: path for name, path in paths.items() if (directory / path).is_file()}
    by_key: dict[str | None, str] = {}
    for path in find_pictures(directory):
        by_key.setdefault(picture_key(path), path)
    keys = {row.image: picture_key(row.image) for row in rows}
    return {name: by_key[key] for name, key in keys.items() if key is not None and key in by_key}
