"""COCO's keypoint files: the annotations of a data set, and the results that detectors write.

Annotations are one object: `images` with `id`, `file_name`, `width` and `height`, and
`annotations` with `image_id` and `keypoints`, a flat list of x, y, v of 17 points, where v = 0 is
a point that is missing. Results are a list of `{"image_id", "keypoints", "score"}`.
Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from psgan_tf.keypoints.schema import SKELETONS, Keypoints, is_finite_float32

COCO17 = SKELETONS["coco17"]


class CocoPose(NamedTuple):
    """The one pose taken of a picture.

    Args:
        name: the picture's, without its ending; its number in results.
        keypoints: [17, 3] float32: x, y in pixels of the picture, visible 0/1.
        size: (width, height) of the picture in pixels; None where the file does not say it.
    """

    name: str
    keypoints: Keypoints
    size: tuple[int, int] | None


def is_coco(document: Any) -> bool:
    """Whether a document has COCO's form, rather than that of OpenPose or a pose file."""
    if isinstance(document, dict):
        return "annotations" in document
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(entry, dict) and "image_id" in entry for entry in document)
    )


def _read_keypoints(entry: Any) -> Keypoints:
    values = entry.get("keypoints") if isinstance(entry, dict) else None
    if not isinstance(values, list) or len(values) != 3 * COCO17.num_keypoints:
        count = f"{len(values)} numbers" if isinstance(values, list) else "no `keypoints`"
        raise ValueError(f"an annotation has {count}; x, y and v of 17 points are needed")
    if not all(is_finite_float32(value) for value in values):
        raise ValueError("an annotation has keypoint values that are no finite numbers")
    points = np.asarray(values, np.float32).reshape(-1, 3)
    found = points[:, 2:] > 0
    return np.where(found, np.concatenate([points[:, :2], found], axis=1), 0).astype(np.float32)


def _read_image(entry: Any) -> tuple[Any, str, tuple[int, int] | None]:
    """A picture's id, name and size."""
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), (int, str)):
        raise ValueError(f"`images` must be objects with an `id`, not {entry!r:.40}")
    name, size = Path(str(entry.get("file_name", entry["id"]))).stem, None
    width, height = entry.get("width"), entry.get("height")
    if is_finite_float32(width) and is_finite_float32(height) and min(width, height) > 0:
        size = max(1, round(width)), max(1, round(height))
    return entry["id"], name, size


def parse_coco(document: Any, person: int | None = None) -> list[CocoPose]:
    """Takes one person of each picture, in the order of the pictures.

    Args:
        document: as the module describes; `is_coco` holds.
        person: whom to take of several, 1 for the first listed; None for the one with most
            points, then the highest score. Pictures without them show no one.

    Raises:
        ValueError: the document is broken; the text is a short reason.
    """
    if person is not None and person < 1:
        raise ValueError(f"`person` must be 1 or more. Received: {person}. 1 is the first.")
    images = document.get("images", []) if isinstance(document, dict) else []
    entries = document["annotations"] if isinstance(document, dict) else document
    if not isinstance(images, list) or not isinstance(entries, list):
        raise ValueError("`images` and `annotations` must be lists")
    pictures = {key: (name, size) for key, name, size in map(_read_image, images)}
    people: dict[Any, list[tuple[float, Keypoints]]] = {key: [] for key in pictures}
    for entry in entries:
        points = _read_keypoints(entry)
        key, score = entry.get("image_id"), entry.get("score", 0.0)
        if not isinstance(key, (int, str)):
            raise ValueError(f"an annotation has no `image_id`, but {key!r:.40}")
        if points[:, 2].any():
            people.setdefault(key, []).append((score if is_finite_float32(score) else 0.0, points))
    poses = []
    for key, crowd in people.items():
        if person is None:
            crowd = sorted(crowd, key=lambda one: (-one[1][:, 2].sum(), -one[0]))
        index = (person or 1) - 1
        missing = np.zeros((COCO17.num_keypoints, 3), np.float32)
        name, size = pictures.get(key, (str(key), None))
        poses.append(CocoPose(name, crowd[index][1] if index < len(crowd) else missing, size))
    return poses


def _annotation(number: int, keypoints: Keypoints) -> dict[str, Any]:
    """The annotation of picture `number`: points in pixels, and the box round them."""
    shown = keypoints[keypoints[:, 2] > 0, :2].astype(np.float64)
    low, high = shown.min(axis=0), shown.max(axis=0)
    values: list[float] = []
    for x, y, visible in keypoints:
        # By way of text a float32 gets the fewest digits that read back as the same number.
        values += [float(str(x)), float(str(y)), 2] if visible else [0, 0, 0]
    return {
        "id": number,
        "image_id": number,
        "category_id": 1,
        "iscrowd": 0,
        "keypoints": values,
        "num_keypoints": len(shown),
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "area": float(np.prod(high - low)),
    }


def coco_document(poses: Sequence[CocoPose]) -> dict[str, Any]:
    """Poses of pictures whose sizes are known, as COCO annotations.

    A pose that shows no point is a picture without an annotation.
    """
    images, annotations = [], []
    for number, pose in enumerate(poses, start=1):
        if pose.size is None:
            raise ValueError(f"`size` of {pose.name} must be known. Received: None.")
        width, height = pose.size
        image = {"id": number, "file_name": f"{pose.name}.png", "width": width, "height": height}
        images.append(image)
        if pose.keypoints[:, 2].any():
            annotations.append(_annotation(number, pose.keypoints))
    category = {
        "id": 1,
        "name": "person",
        "keypoints": list(COCO17.keypoints),
        "skeleton": [[a + 1, b + 1] for a, b in COCO17.limbs],
    }
    return {"images": images, "annotations": annotations, "categories": [category]}
