"""The dataset folder: pictures with exact keypoints, as any tool can write them.

Three files beside the pictures (UTF-8):

- `manifest.jsonl`: one JSON object a line. `image`: path relative to the folder. `keypoints`:
  [[x, y, visible], ...] in the schema's order. Optional: `costume`, `motion` (names or numbers),
  `split` (`train` or `test`), and whatever else the maker knows (`time_s`, `yaw_rad`, ...).
- `skeleton.json`: `schema`, `keypoints` (names in order) and `image_size` ([width, height]: the
  frame whose pixels x and y are). A schema of one's own may add `mirror_pairs` and `limbs`.
- `card.json`, optional: `name`, `licence`, `credits`, `source`, `rest_skeleton`, `camera`, and
  anything else worth carrying to every dataset and model made from the folder.

x and y are continuous pixels, origin top left, so that the pixel is (floor x, floor y). visible
is 0 for a point that is missing or out of frame, 1 for a known one; a maker that can tell may
write 2 for a point in plain sight, leaving 1 to those that something hides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from psgan_tf.common.files import json_text, parse_json, read_json, write_atomically
from psgan_tf.images.pictures import PictureError, oriented_size
from psgan_tf.keypoints.schema import Keypoints, Skeleton, is_finite_float32, skeleton_from_json

MANIFEST_FILE = "manifest.jsonl"
SKELETON_FILE = "skeleton.json"
CARD_FILE = "card.json"
SPLITS = ("train", "test")
_LARGEST_SIDE_PX = 1 << 16


class RejectedItem(NamedTuple):
    """Something that could not be used: what it is called, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class ManifestRow:
    """One line of the manifest.

    Args:
        image: path of the picture, relative to the folder, with forward slashes.
        keypoints: [M, 3] float32, x and y in pixels of `image_size`, visible 0, 1 or 2.
        attributes: the line's other entries (`costume`, `motion`, `split`, ...) as they stand.
    """

    image: str
    keypoints: Keypoints
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """An attribute as text, numbers included; empty where the row has none."""
        value = self.attributes.get(key)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class DatasetFolder:
    """A dataset folder as read.

    Args:
        directory: where it lies.
        skeleton: its keypoint schema.
        image_size: (width, height) in pixels of the frame that keypoints are measured in.
        card: the contents of `card.json`, empty without one.
        rows: the usable lines of the manifest, in order.
        problems: the lines that are not usable, each with its reason.
    """

    directory: Path
    skeleton: Skeleton
    image_size: tuple[int, int]
    card: dict[str, Any]
    rows: tuple[ManifestRow, ...]
    problems: tuple[RejectedItem, ...]


def is_dataset_folder(directory: str | Path) -> bool:
    """Whether the directory holds a manifest."""
    return (Path(directory) / MANIFEST_FILE).is_file()


def read_card(path: str | Path) -> dict[str, Any]:
    """Reads a `card.json`; an empty card where there is no such file.

    Raises:
        ValueError: it is no JSON object, or its name is no text.
    """
    if not Path(path).exists():
        return {}
    card = read_json(path)
    if not isinstance(card, dict) or not isinstance(card.get("name", ""), str):
        raise ValueError(
            f"`{path}` must hold one JSON object whose `name` is text. "
            f"Received: {card!r:.80}. See dataset_folder.py for its entries."
        )
    if "license" in card:
        card.setdefault("licence", card.pop("license"))
    return card


def read_skeleton(path: str | Path) -> tuple[Skeleton, tuple[int, int]]:
    """Reads a `skeleton.json`: the schema and the keypoint frame (width, height) in pixels.

    Raises:
        ValueError: the file is missing or one of its entries is wrong.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise ValueError(f"`{path}` must hold one JSON object. Received: {document!r:.80}.")
    try:
        skeleton = skeleton_from_json(document)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    size = document.get("image_size")
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(type(side) is int and 0 < side <= _LARGEST_SIDE_PX for side in size)
    ):
        raise ValueError(
            f"`image_size` in {path} must be [width, height], two whole numbers of pixels up to "
            f"{_LARGEST_SIDE_PX:,}. Received: {size!r:.80}. "
            "Write the size that keypoints are measured in."
        )
    return skeleton, (size[0], size[1])


def read_keypoints(values: Any, num_keypoints: int) -> Keypoints:
    """JSON rows of x, y, visible as [M, 3] float32; an invisible point may have null coordinates.

    Raises:
        ValueError: another number of rows, or a value that is no finite number.
    """
    if not isinstance(values, list) or len(values) != num_keypoints:
        count = len(values) if isinstance(values, list) else repr(values)[:40]
        raise ValueError(f"keypoints must be {num_keypoints} rows of x, y, visible, not {count}")
    keypoints = np.zeros((num_keypoints, 3), np.float32)
    for row, value in enumerate(values):
        if not isinstance(value, list) or len(value) != 3:
            raise ValueError(f"keypoint {row} must be [x, y, visible], not {value!r:.40}")
        x, y, visible = value
        if visible not in (0, 1, 2):
            raise ValueError(f"keypoint {row}: visible must be 0, 1 or 2, not {visible!r:.40}")
        known = is_finite_float32(x) and is_finite_float32(y)
        if visible and not known:
            raise ValueError(f"keypoint {row}: x and y must be finite numbers, not {value!r:.40}")
        keypoints[row] = (x, y, visible) if known else (0, 0, 0)
    return keypoints


def read_row(line: str, num_keypoints: int) -> ManifestRow:
    """Reads one line of a manifest; ValueError with a short reason where it is not usable."""
    try:
        entries = parse_json(line)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(entries, dict):
        raise ValueError("not a JSON object")
    image = entries.pop("image", None)
    if not isinstance(image, str) or not image:
        raise ValueError("no image is named")
    path = PurePosixPath(image)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"image {image} lies outside the folder")
    if "keypoints" not in entries:
        raise ValueError("no keypoints")
    split = entries.get("split")
    if split is not None and split not in SPLITS:
        raise ValueError(f"split must be train or test, not {split!r:.40}")
    return ManifestRow(
        path.as_posix(), read_keypoints(entries.pop("keypoints"), num_keypoints), entries
    )


def _line_name(line: str, number: int) -> str:
    """What to call a line that is not usable: its picture if it names one, and its number."""
    try:
        image = parse_json(line)["image"]
    except (ValueError, TypeError, KeyError):
        image = None
    place = f"{MANIFEST_FILE} line {number}"
    return f"{image} ({place})" if isinstance(image, str) else place


def read_folder(directory: str | Path) -> DatasetFolder:
    """Reads a dataset folder without opening its pictures.

    Lines that are not usable are listed in `problems`, they do not stop the reading.

    Raises:
        ValueError: the manifest, `skeleton.json` or `card.json` as a whole is not usable.
    """
    directory = Path(directory)
    if not is_dataset_folder(directory):
        raise ValueError(
            f"There is no {MANIFEST_FILE} in `{directory}`. Give the folder that holds it, with "
            f"{SKELETON_FILE} beside it."
        )
    skeleton, image_size = read_skeleton(directory / SKELETON_FILE)
    card = read_card(directory / CARD_FILE)
    rows: dict[str, ManifestRow] = {}
    problems = []
    # A name in another encoding stays one broken line.
    text = (directory / MANIFEST_FILE).read_bytes().decode("utf-8-sig", "surrogateescape")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = read_row(line, skeleton.num_keypoints)
            if row.image in rows:
                raise ValueError("the image is listed twice")
            rows[row.image] = row
        except ValueError as error:
            problems.append(RejectedItem(_line_name(line, number), f"broken annotation: {error}"))
    return DatasetFolder(
        directory, skeleton, image_size, card, tuple(rows.values()), tuple(problems)
    )


def row_to_line(row: ManifestRow) -> str:
    """A row as its line of the manifest, without the line's end; `read_row` reads it back equal."""
    # float32's own shortest text: 147.452, not 147.45199584960938.
    points = np.asarray(row.keypoints, np.float32)
    keypoints = [[float(str(x)), float(str(y)), int(v)] for x, y, v in points]
    entries = {"image": row.image, "keypoints": keypoints, **row.attributes}
    return json.dumps(entries, ensure_ascii=False, allow_nan=False)


def write_folder(
    directory: str | Path,
    skeleton: Skeleton,
    image_size: tuple[int, int],
    rows: Iterable[ManifestRow],
    card: Mapping[str, Any],
) -> None:
    """Writes the three files of a dataset folder whose pictures are already there.

    The manifest comes last and whole, so that its presence means a finished folder.

    Args:
        directory: the folder; made where it is missing.
        skeleton: keypoint schema of all rows.
        image_size: (width, height) in pixels of the frame that keypoints are measured in.
        rows: the lines, each checked before it is written.
        card: entries of `card.json`.

    Raises:
        ValueError: a row could not be read back.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    lines = []
    for row in rows:
        lines.append(row_to_line(row))
        try:
            read_row(lines[-1], skeleton.num_keypoints)
        except ValueError as error:
            raise ValueError(
                f"`rows` holds one that is not usable, {row.image}: {error}."
            ) from None
    schema = {**skeleton.to_json(), "image_size": list(image_size)}
    write_atomically(directory / CARD_FILE, json_text(dict(card)))
    write_atomically(directory / SKELETON_FILE, json_text(schema))
    write_atomically(directory / MANIFEST_FILE, "".join(line + "\n" for line in lines))


def check_folder(directory: str | Path) -> list[RejectedItem]:
    """All that is wrong with a dataset folder: its lines, and pictures missing or out of shape.

    Reads each picture's head only; `tools/make_tfrecords.py --check` reads them whole.

    Raises:
        ValueError: as `read_folder`.
    """
    folder = read_folder(directory)
    problems = list(folder.problems)
    for row in folder.rows:
        try:
            size = oriented_size(folder.directory / row.image)
        except PictureError as error:
            problems.append(RejectedItem(row.image, str(error)))
            continue
        if not same_shape(size, folder.image_size):
            problems.append(RejectedItem(row.image, shape_problem(size, folder.image_size)))
    return problems


def same_shape(size: tuple[float, float], frame: tuple[float, float]) -> bool:
    """Whether a picture has a frame's aspect ratio, to the rounding of its sides to pixels."""
    scale = max(size[0] / frame[0], size[1] / frame[1])
    return abs(frame[0] * scale - size[0]) <= 1 and abs(frame[1] * scale - size[1]) <= 1


def shape_problem(size: tuple[int, int], frame: tuple[int, int]) -> str:
    """The reason given for a picture whose shape is not that of its keypoints' frame."""
    return (
        f"wrong shape: the picture is {size[0]} x {size[1]}, "
        f"its keypoints are measured in {frame[0]} x {frame[1]}"
    )
