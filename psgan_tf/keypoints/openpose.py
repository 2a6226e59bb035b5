"""OpenPose's keypoint files, the form that detectors and pose editors exchange.

One JSON file a picture, `<name>_keypoints.json`: `people`, each with `pose_keypoints_2d` (older:
`pose_keypoints`), a flat list of x, y, confidence, where 0, 0, 0 is a point that was not found.
25 points are BODY_25, 18 the older COCO model (BODY_18), 17 plain COCO order without a neck.
Coordinates may be pixels, or normalised by OpenPose's `keypoint_scale` 3 (0 to 1) or 4 (-1 to 1).

The editors of ControlNet poses add `canvas_width` and `canvas_height`, write null for what is
missing, and put several frames into one file: a list of them, or `frames`. An early one wrote
`{"width", "height", "keypoints": [[[x, y], ...], ...]}`. Hands, faces and `animals` are passed
over. docs/pose_files.md describes all of these.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from psgan_tf.common.files import read_json
from psgan_tf.keypoints.schema import SKELETONS, Keypoints, Skeleton, is_finite_float32
from psgan_tf.keypoints.schema_conversion import convert_keypoints

NORMALISED = (1.0, 1.0)
OPENPOSE18 = SKELETONS["openpose18"]
FILE_ENDING = "_keypoints.json"

_SCHEMA_OF_LENGTH = {
    skeleton.num_keypoints: skeleton
    for skeleton in (SKELETONS["body25"], OPENPOSE18, SKELETONS["coco17"])
}
OPENPOSE_SCHEMAS = tuple(skeleton.name for skeleton in _SCHEMA_OF_LENGTH.values())

_Person = tuple[Skeleton, Keypoints]


@dataclass(frozen=True, eq=False)
class Pose:
    """The one pose taken from a frame.

    Args:
        keypoints: [M, 3] float32 in the order of `skeleton`: x, y, visible 0/1.
        measured_in: (width, height) of what x and y are measured in: (1, 1) for normalised ones,
            an editor's canvas in pixels, or None for the pixels of the picture itself.
        num_people: how many people the frame holds; without any, no keypoint is visible.
        skeleton: the schema that the frame is written in; `openpose18` without people.
        canvas: (width, height) in pixels that an editor noted, whose shape normalised
            coordinates lack; None without one.
    """

    keypoints: Keypoints
    measured_in: tuple[float, float] | None
    num_people: int
    skeleton: Skeleton
    canvas: tuple[int, int] | None = None

    @property
    def schema(self) -> str:
        """Name of the schema that the frame is written in, empty without people."""
        return self.skeleton.name if self.num_people else ""

    def in_schema(self, skeleton: Skeleton) -> Keypoints:
        """[M, 3] float32 in the order of another schema, joined by name."""
        return convert_keypoints(self.keypoints, self.skeleton, skeleton)


def _frames(document: Any) -> list[dict[str, Any]]:
    """The frames of a document, each an object with `people`, or a `width` of the early form."""
    shared = {}
    if isinstance(document, dict) and isinstance(document.get("frames"), list):
        shared = {k: document[k] for k in ("canvas_width", "canvas_height") if k in document}
        document = document["frames"]
    listed = document if isinstance(document, list) else [document]
    if not listed or not all(isinstance(frame, dict) for frame in listed):
        raise ValueError("not an OpenPose file: it has no list `people`")
    frames = [{**shared, **frame} for frame in listed]
    for frame in frames:
        if "persons" in frame:
            frame.setdefault("people", frame["persons"])
    return frames


def _people(frame: dict[str, Any]) -> list[Any]:
    """Those in a frame, each an object with a flat list of points."""
    people = frame.get("people")
    if isinstance(people, list):
        return people
    points = frame.get("keypoints")
    if people is not None or not isinstance(points, list):
        raise ValueError("not an OpenPose file: it has no list `people`")
    # The early form: [x, y] of each point of one person, or of several.
    several = any(map(_is_list_of_lists, points))
    groups = points if several or not points else [points]
    return [{"pose_keypoints_2d": _flat(group)} for group in groups]


def _is_list_of_lists(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(entry, list) for entry in value)


def _flat(points: Any) -> list[Any]:
    """[x, y], or null, of each point as a flat list of x, y, confidence; [0, 0] is missing."""
    if not isinstance(points, list):
        raise ValueError("not an OpenPose file: a person is no list of points")
    values: list[Any] = []
    for point in points:
        if isinstance(point, list) and len(point) < 2:
            raise ValueError(f"a person has the point {point!r:.40}; x and y are needed")
        known = isinstance(point, list) and point[:2] != [0, 0]
        values += [*point[:2], 1] if known else [0, 0, 0]
    return values


def _read_person(person: Any) -> _Person | None:
    """A person's schema and [M, 3] x, y, confidence; None for one with no body points listed."""
    if not isinstance(person, dict):
        raise ValueError("not an OpenPose file: a person is not a JSON object")
    values = person.get("pose_keypoints_2d", person.get("pose_keypoints"))
    if values is None or values == []:
        return None
    if not isinstance(values, list) or len(values) % 3 or len(values) // 3 not in _SCHEMA_OF_LENGTH:
        count = f"{len(values)} numbers" if isinstance(values, list) else repr(values)[:40]
        raise ValueError(
            f"a person has {count}; x, y and confidence of 25, 18 or 17 points are needed"
        )
    rows = [values[first : first + 3] for first in range(0, len(values), 3)]
    rows = [[0, 0, 0] if None in row else row for row in rows]
    if not all(is_finite_float32(value) for row in rows for value in row):
        raise ValueError("a person has keypoint values that are no finite numbers")
    return _SCHEMA_OF_LENGTH[len(rows)], np.asarray(rows, np.float32)


def _found(points: Keypoints, min_confidence: float) -> Keypoints:
    """A person's points with visible 0/1 for confidence; points not found are all 0."""
    found = points[:, 2] > max(min_confidence, 0.0)
    visible: Keypoints = points * found[:, None]
    visible[:, 2] = found
    return visible


def _merit(points: Keypoints, min_confidence: float) -> tuple[float, float]:
    """What the best of several people has most of."""
    return float(_found(points, min_confidence)[:, 2].sum()), float(points[:, 2].sum())


def _canvas(frame: dict[str, Any]) -> tuple[int, int] | None:
    """The canvas size that pose editors note, in pixels; None where there is none, or 0."""
    sides = ("canvas_width", "canvas_height") if "people" in frame else ("width", "height")
    width, height = (frame.get(side) for side in sides)
    if width in (None, 0) and height in (None, 0):
        return None
    if not (is_finite_float32(width) and is_finite_float32(height) and min(width, height) >= 1):
        raise ValueError(f"the canvas must be of pixels, not {width!r:.20} x {height!r:.20}")
    return round(width), round(height)


def _chosen(people: Sequence[_Person], min_confidence: float, person: int | None) -> _Person | None:
    """The person asked for, from 1, or the one with most points; None where there is none."""
    if person is not None:
        return people[person - 1] if person <= len(people) else None
    return max(people, key=lambda one: _merit(one[1], min_confidence), default=None)


def parse_openpose_frames(
    document: Any, min_confidence: float = 0.0, person: int | None = None
) -> list[Pose]:
    """Takes one person of each frame of an OpenPose or pose editor's document.

    Args:
        document: `{"people": [{"pose_keypoints_2d": [123, 45, 0.9, ...]}]}`, a list of such, or
            another form that the module describes.
        min_confidence: points of this confidence or less count as not found.
        person: whom to take, 1 for the first that is listed with body points; None for the one
            with most points, then the highest confidence. Frames without them show no one.

    Raises:
        ValueError: the document is not of OpenPose's form; the text is a short reason.
    """
    if person is not None and person < 1:
        raise ValueError(f"`person` must be 1 or more. Received: {person}. 1 is the first.")
    frames = _frames(document)
    crowds = [[p for p in map(_read_person, _people(frame)) if p is not None] for frame in frames]
    canvases = [_canvas(frame) for frame in frames]
    # The whole file decides what its numbers are: one hand alone may lie in the corner pixel.
    everyone = [points[points[:, 2] > 0, :2] for crowd in crowds for _, points in crowd]
    found = np.concatenate([*everyone, np.zeros((0, 2), np.float32)])
    normalised = len(found) > 0 and bool(np.all(np.abs(found) <= 1))
    signed = normalised and bool(np.any(found < 0))
    poses = []
    for crowd, canvas in zip(crowds, canvases, strict=True):
        measured_in = NORMALISED if normalised else canvas
        chosen = _chosen(crowd, min_confidence, person)
        if chosen is None:
            missing = np.zeros((OPENPOSE18.num_keypoints, 3), np.float32)
            poses.append(Pose(missing, measured_in, 0, OPENPOSE18, canvas))
            continue
        skeleton, points = chosen
        if signed:  # keypoint_scale 4 puts the top left corner at (-1, -1)
            points = np.concatenate([(points[:, :2] + 1) / 2, points[:, 2:]], axis=1)
        taken = _found(points, min_confidence)
        poses.append(Pose(taken, measured_in, len(crowd), skeleton, canvas))
    return poses


def parse_openpose(document: Any, min_confidence: float = 0.0) -> Pose:
    """Takes the best person of a document of one frame; arguments as `parse_openpose_frames`.

    Raises:
        ValueError: the document is not of OpenPose's form, or holds several frames.
    """
    poses = parse_openpose_frames(document, min_confidence)
    if len(poses) > 1:
        raise ValueError(f"it holds {len(poses)} frames, where one is needed")
    return poses[0]


def read_openpose(path: str | os.PathLike[str], min_confidence: float = 0.0) -> Pose:
    """`parse_openpose` of a file; ValueError as well where it is missing or no JSON."""
    return parse_openpose(read_json(path), min_confidence)


def _flat_values(keypoints: Keypoints) -> list[float]:
    """x, y, confidence of each point in turn; 0, 0, 0 for one that is missing."""
    # By way of text a float32 gets the fewest digits that read back as the same number.
    return [
        value
        for x, y, visible in keypoints
        for value in ((float(str(x)), float(str(y)), 1.0) if visible else (0.0, 0.0, 0.0))
    ]


def openpose_document(
    keypoints: Keypoints, size: tuple[int, int] | None, for_editors: bool = False
) -> dict[str, Any]:
    """A pose as OpenPose, or a ControlNet pose editor, writes it; without people if none shows.

    Args:
        keypoints: [M, 3] float32 of 25, 18 or 17 points: x, y in pixels of `size`, visible.
        size: (width, height) in pixels, noted as the canvas; None for none.
        for_editors: the keys that pose editors look for, in place of OpenPose's.
    """
    parts = ("face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")
    people: list[dict[str, Any]] = []
    if keypoints[:, 2].any():
        person: dict[str, Any] = {} if for_editors else {"person_id": [-1]}
        person["pose_keypoints_2d"] = _flat_values(keypoints)
        people.append({**person, **{part: None if for_editors else [] for part in parts}})
    document: dict[str, Any] = {"people": people}
    document = {**document, "animals": []} if for_editors else {"version": 1.3, **document}
    if size is not None:
        document |= {"canvas_width": size[0], "canvas_height": size[1]}
    return document
