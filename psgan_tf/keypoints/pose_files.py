"""Pose files of every form, as they stand: not yet in a model's schema or frame.

| form | told by |
|---|---|
| our own: `{"schema", "image_size", "frames", ...}` | `schema` |
| COCO annotations or results | `annotations`, or a list with `image_id` |
| OpenPose, and the editors of ControlNet poses | anything else |

docs/pose_files.md describes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from psgan_tf.keypoints.coco import COCO17, is_coco, parse_coco
from psgan_tf.keypoints.dataset_folder import read_keypoints
from psgan_tf.keypoints.openpose import FILE_ENDING, NORMALISED, Pose, parse_openpose_frames
from psgan_tf.keypoints.schema import Keypoints, Skeleton, is_finite_float32, skeleton_from_json

_LARGEST_FPS = 1000

Size = tuple[int, int]


class FilePose(NamedTuple):
    """A pose as its file has it.

    Args:
        name: what to call it.
        skeleton: the schema that it is written in.
        keypoints: [M, 3] float32 x, y in pixels of `size`, visible.
        size: (width, height) in pixels of the picture; None where the file does not say it.
    """

    name: str
    skeleton: Skeleton
    keypoints: Keypoints
    size: Size | None


def is_own_form(document: Any) -> bool:
    """Whether a document is a pose file of our own."""
    return isinstance(document, dict) and "schema" in document


def pose_name(path: Path) -> str:
    """What to call the pose of a file: `walk` for `walk_keypoints.json`."""
    return path.name.removesuffix(".json").removesuffix("_keypoints")


def numbers_in(name: str) -> list[Any]:
    """A key that sorts `frame_9` before `frame_10`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def pose_files_in(folder: Path) -> list[Path]:
    """A folder's OpenPose files in the order of their numbers, else all its JSON files."""
    for pattern in (f"*{FILE_ENDING}", "*.json"):
        files = sorted(folder.glob(pattern), key=lambda file: numbers_in(file.name))
        if files:
            return files
    return []


def read_fps(document: Any, name: str) -> float | None:
    """The rate that a document of our own form notes, in poses a second; None for none.

    Raises:
        ValueError: it is no rate.
    """
    fps = document.get("fps") if is_own_form(document) else None
    if fps is not None and not (type(fps) in (int, float) and 0 < fps <= _LARGEST_FPS):
        raise ValueError(
            f"`fps` of {name} must be a number above 0 and at most {_LARGEST_FPS}. "
            f"Received: {fps!r:.40}."
        )
    return fps


def _names(name: str, count: int) -> list[str]:
    """What to call the poses of one file."""
    return [name] if count == 1 else [f"{name}_{number:04d}" for number in range(count)]


def _of_own_form(name: str, document: dict[str, Any]) -> list[FilePose]:
    own = skeleton_from_json(document)
    size = document.get("image_size")
    if not (
        isinstance(size, list)
        and len(size) == 2
        and all(is_finite_float32(v) and v > 0 and v == int(v) for v in size)
    ):
        raise ValueError(
            f"`image_size` must be [width, height] in whole pixels. Received: {size!r:.60}. "
            "Write the size of the frame that x and y are measured in."
        )
    frames = document.get("frames")
    if not isinstance(frames, list):
        raise ValueError(
            f"`frames` must be a list of poses. Received: {frames!r:.60}. "
            "Put even a single pose into a list."
        )
    names = document.get("names", _names(name, len(frames)))
    if (
        not isinstance(names, list)
        or len(names) != len(frames)
        or not all(isinstance(entry, str) and entry for entry in names)
    ):
        raise ValueError(
            f"`names` must be a list of {len(frames)} names, one for each of `frames`. "
            f"Received: {names!r:.60}. Leave it out to have the poses numbered."
        )
    whole = int(size[0]), int(size[1])
    keypoints = [read_keypoints(values, own.num_keypoints) for values in frames]
    return [FilePose(n, own, k, whole) for n, k in zip(names, keypoints, strict=True)]


def _of_openpose(name: str, pose: Pose, default_size: Size | None) -> FilePose:
    # Without a canvas the pixels are those of a picture that we do not have.
    size, keypoints = pose.canvas or default_size, pose.keypoints.copy()
    if pose.measured_in == NORMALISED and pose.num_people:
        if size is None:
            raise ValueError(
                "`pose_size` must be given: x and y are normalised and the file notes no canvas. "
                "Received: nothing. Give the size of the picture with `--pose_size=WxH`."
            )
        keypoints[:, :2] *= size
    return FilePose(name, pose.skeleton, keypoints, size)


def parse_poses(
    name: str, document: Any, default_size: Size | None = None, person: int | None = None
) -> list[FilePose]:
    """The poses of a document of any form, one a frame, also of frames that show no one.

    Args:
        name: what to call it.
        document: its JSON.
        default_size: (width, height) in pixels of its pictures where it does not say them.
        person: whom to take where a frame shows several, from 1; None for the most complete.

    Raises:
        ValueError: it is of none of the forms, or broken.
    """
    if is_own_form(document):
        return _of_own_form(name, document)
    if is_coco(document):
        found = parse_coco(document, person)
        return [FilePose(p.name, COCO17, p.keypoints, p.size or default_size) for p in found]
    poses = parse_openpose_frames(document, person=person)
    named = zip(_names(name, len(poses)), poses, strict=True)
    return [_of_openpose(own_name, pose, default_size) for own_name, pose in named]


def _row(x: np.float32, y: np.float32, visible: np.float32) -> list[float]:
    # By way of text a float32 gets the fewest digits that read back as the same number.
    return [float(str(x)), float(str(y)), int(visible)]


def own_document(
    skeleton: Skeleton,
    size: Size,
    keypoints: Sequence[Keypoints] | Keypoints,
    fps: float | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """A pose file of our own form, as JSON values.

    Args:
        skeleton: the schema of the poses.
        size: (width, height) of what x and y are measured in, in pixels.
        keypoints: [F, M, 3] float32 x, y, visible.
        fps: poses a second, where they are a motion.
        names: of the poses; without, readers number them.
    """
    return {
        **skeleton.to_json(),
        "image_size": list(size),
        **({} if fps is None else {"fps": fps}),
        **({} if names is None else {"names": list(names)}),
        "frames": [[_row(*point) for point in frame] for frame in keypoints],
    }
