"""OpenPose's keypoint files, the form that detectors and pose editors exchange.

One JSON file a picture, `<name>_keypoints.json`: `people`, each with `pose_keypoints_2d` (older:
`pose_keypoints`), a flat list of x, y, confidence, where 0, 0, 0 is a point that was not found.
25 points are BODY_25, 18 the older COCO model, 17 plain COCO order without a neck; all become
the 18 points of PSGAN section 3.1. Coordinates may be pixels, or normalised by OpenPose's
`keypoint_scale` 3 (0 to 1) or 4 (-1 to 1). Pose editors add `canvas_width` and `canvas_height`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from psgan_tf.files import read_json
from psgan_tf.skeleton import (
    SKELETONS,
    Keypoints,
    Skeleton,
    convert_keypoints,
    is_finite_float32,
)

NORMALISED = (1.0, 1.0)
OPENPOSE18 = SKELETONS["openpose18"]
FILE_ENDING = "_keypoints.json"

_SCHEMA_OF_LENGTH = {
    skeleton.num_keypoints: skeleton
    for skeleton in (SKELETONS["body25"], OPENPOSE18, SKELETONS["coco17"])
}


@dataclass(frozen=True)
class Pose:
    """The one pose taken from a file.

    Args:
        keypoints: [18, 3] float32 in `openpose18` order: x, y, visible 0/1.
        measured_in: (width, height) of what x and y are measured in: (1, 1) for normalised ones,
            an editor's canvas in pixels, or None for the pixels of the picture itself.
        num_people: how many people the file holds; without any, no keypoint is visible.
        schema: name of the schema that the file is written in, empty without people.
        canvas: (width, height) in pixels that an editor noted, whose shape normalised
            coordinates lack; None without one.
    """

    keypoints: Keypoints
    measured_in: tuple[float, float] | None
    num_people: int
    schema: str
    canvas: tuple[int, int] | None = None


def _read_person(person: Any) -> tuple[Skeleton, Keypoints] | None:
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
    if not all(is_finite_float32(value) for value in values):
        raise ValueError("a person has keypoint values that are no finite numbers")
    points = np.asarray(values, np.float32).reshape(-1, 3)
    return _SCHEMA_OF_LENGTH[len(points)], points


def _taken(skeleton: Skeleton, points: Keypoints, min_confidence: float) -> Keypoints:
    """A person in `openpose18` order with visible 0/1; points not found are all 0."""
    found = points[:, 2] > max(min_confidence, 0.0)
    visible = np.concatenate([points[:, :2], found[:, None]], axis=1) * found[:, None]
    return convert_keypoints(visible, skeleton, OPENPOSE18)


def _merit(skeleton: Skeleton, points: Keypoints, min_confidence: float) -> tuple[float, float]:
    """What the best of several people has most of."""
    visible = _taken(skeleton, points, min_confidence)[:, 2]
    return float(visible.sum()), float(convert_keypoints(points, skeleton, OPENPOSE18)[:, 2].sum())


def _canvas(document: dict[str, Any]) -> tuple[int, int] | None:
    """The canvas size that pose editors note, in pixels; None where there is none, or 0."""
    width, height = document.get("canvas_width"), document.get("canvas_height")
    if width in (None, 0) and height in (None, 0):
        return None
    if not (is_finite_float32(width) and is_finite_float32(height) and min(width, height) >= 1):
        raise ValueError(f"the canvas must be of pixels, not {width!r:.20} x {height!r:.20}")
    return round(width), round(height)


def parse_openpose(document: Any, min_confidence: float = 0.0) -> Pose:
    """Takes the best person of an OpenPose document: most points, then highest confidence.

    Args:
        document: `{"people": [{"pose_keypoints_2d": [123, 45, 0.9, ...]}]}`, or a list of one such.
        min_confidence: points of this confidence or less count as not found.

    Raises:
        ValueError: the document is not of OpenPose's form; the text is a short reason.
    """
    # Pose editors write a list of frames, for a still picture of one.
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict) or not isinstance(document.get("people"), list):
        raise ValueError("not an OpenPose file: it has no list `people`")
    people = [person for person in map(_read_person, document["people"]) if person is not None]
    canvas = _canvas(document)
    measured_in: tuple[float, float] | None = canvas
    if not people:
        return Pose(np.zeros((OPENPOSE18.num_keypoints, 3), np.float32), canvas, 0, "", canvas)
    # The whole file decides what its numbers are: one hand alone may lie in the corner pixel.
    found = np.concatenate([points[points[:, 2] > 0] for _, points in people])
    skeleton, points = max(people, key=lambda person: _merit(person[0], person[1], min_confidence))
    if len(found) and np.all(np.abs(found[:, :2]) <= 1):
        measured_in = NORMALISED
        if np.any(found[:, :2] < 0):  # keypoint_scale 4 puts the top left corner at (-1, -1)
            points = np.concatenate([(points[:, :2] + 1) / 2, points[:, 2:]], axis=1)
    taken = _taken(skeleton, points, min_confidence)
    return Pose(taken, measured_in, len(people), skeleton.name, canvas)


def read_openpose(path: str | os.PathLike[str], min_confidence: float = 0.0) -> Pose:
    """`parse_openpose` of a file; ValueError as well where it is missing or no JSON."""
    return parse_openpose(read_json(path), min_confidence)
