"""Poses that a user names, brought to a model's keypoint schema and frame.

A dataset folder, a pose file of any form (`pose_files.py`), a folder of OpenPose files, or a PNG
by `generate`. A file that does not note its picture's size is taken in pixels of `pose_size`, or
else of the model's own frame.
Lines of a dataset folder's manifest that cannot be read are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from psgan_tf.common.files import parse_json, read_json
from psgan_tf.images.png_text import read_png_text
from psgan_tf.keypoints.dataset_folder import is_dataset_folder, read_folder
from psgan_tf.keypoints.openpose import FILE_ENDING
from psgan_tf.keypoints.placement import place_keypoints
from psgan_tf.keypoints.pose_files import is_own_form, own_document, parse_poses, pose_name
from psgan_tf.keypoints.schema import Keypoints, Skeleton
from psgan_tf.keypoints.schema_conversion import check_convertible, convert_keypoints

# Text field of PNGs by `generate`: the poses that they show, as a pose file.
POSES_FIELD = "psgan_poses"


class NamedPose(NamedTuple):
    """A pose: what to call it, and [M, 3] float32 x, y in pixels of the frame, visible 0/1."""

    name: str
    keypoints: Keypoints


def poses_text(poses: Sequence[NamedPose], skeleton: Skeleton, frame_px: int) -> str:
    """Poses as the text of a PNG's field POSES_FIELD.

    Args:
        poses: of that schema.
        skeleton: the schema.
        frame_px: the square keypoint frame in pixels.
    """
    keypoints, names = [pose.keypoints for pose in poses], [pose.name for pose in poses]
    document = own_document(skeleton, (frame_px, frame_px), keypoints, names=names)
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _document(path: Path) -> Any:
    """The JSON of a pose file, or of a PNG's text."""
    if path.suffix.lower() != ".png" or not path.is_file():
        return read_json(path)  # says of a missing file what it has to
    text = read_png_text(path)
    if POSES_FIELD not in text:
        raise ValueError(
            "`poses` must be pose files, or PNGs by psgan_tf.generate. "
            f"Received: {str(path)!r}, a PNG whose text says no pose. Draw it with generate first."
        )
    try:
        return parse_json(text[POSES_FIELD])
    except ValueError as error:
        raise ValueError(f"{path}: the text of its field {POSES_FIELD}: {error}.") from None


def parse_pose_size(text: str) -> tuple[int, int] | None:
    """Reads `512x768`, a width and height in pixels; None for an empty text.

    Raises:
        ValueError: when the text is not of that form.
    """
    if not text:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text.strip().lower(), re.ASCII)
    if match is None:
        raise ValueError(
            "`pose_size` must be a width and height in pixels such as 512x768. "
            f"Received: {text!r:.40}. Write the size of the pictures that the poses are from."
        )
    return int(match[1]), int(match[2])


def read_poses(
    path: str | Path,
    skeleton: Skeleton,
    frame_px: int,
    pose_size: tuple[int, int] | None = None,
) -> list[NamedPose]:
    """The poses that a path holds, as a model of that schema and frame takes them.

    Args:
        path: a dataset folder, a folder of OpenPose files, a pose file of any form, or a PNG by
            `generate`.
        skeleton: the model's schema; poses of another one are converted by the names they share.
        frame_px: the model's square keypoint frame in pixels.
        pose_size: (width, height) in pixels of the pictures that OpenPose files without a canvas
            are measured in; None for the model's frame.

    Raises:
        ValueError: nothing there, nothing of these forms, no pose in it, a schema that shares
            no keypoint with the model's, or an OpenPose file all of whose points are out of the
            frame.
    """
    path = Path(path)
    if path.is_dir():
        poses = _of_folder(path, skeleton, frame_px, pose_size)
    else:
        poses = poses_of_document(path, _document(path), skeleton, frame_px, pose_size)
    if not poses:
        raise ValueError(
            f"`poses` must name at least one pose. Received: {str(path)!r}, which holds none. "
            f"Name a dataset folder, OpenPose files (*{FILE_ENDING}) or a pose file."
        )
    if skeleton.num_keypoints and not any(pose.keypoints[:, 2].any() for pose in poses):
        raise ValueError(
            f"`poses` must show keypoints of the model's schema {skeleton.name!r}. "
            f"Received: {str(path)!r}, in which none of them is visible. "
            "Use poses of that schema, or of one that shares names with it."
        )
    return poses


def poses_to_draw(
    path: str,
    skeleton: Skeleton | None,
    frame_px: int,
    pose_size: tuple[int, int] | None,
    max_poses: int,
) -> list[NamedPose]:
    """The poses that a path holds, at most so many of them at even distances.

    Args:
        path: as of `read_poses`.
        skeleton: the model's schema; None for one without poses, for which it is one empty pose.
        frame_px, pose_size: as of `read_poses`.
        max_poses: how many at most.

    Raises:
        ValueError: no path is given, `max_poses` is below 1, or as `read_poses`.
    """
    if skeleton is None:
        return [NamedPose("none", np.zeros([0, 3], np.float32))]
    if not path:
        raise ValueError(
            "`poses` must be given: this network draws a character in a pose. Received: nothing. "
            "Set --poses to a dataset folder, an OpenPose file or a pose file."
        )
    if max_poses < 1:
        raise ValueError(f"`max_poses` must be at least 1. Received: {max_poses}.")
    poses = read_poses(path, skeleton, frame_px, pose_size)
    rows = np.linspace(0, len(poses) - 1, min(max_poses, len(poses)))
    return [poses[round(row)] for row in rows]


def _of_folder(
    path: Path, skeleton: Skeleton, frame_px: int, pose_size: tuple[int, int] | None
) -> list[NamedPose]:
    if is_dataset_folder(path):
        folder = read_folder(path)
        return [
            NamedPose(
                Path(row.image).stem,
                place_keypoints(
                    _converted(row.keypoints, folder.skeleton, skeleton),
                    folder.image_size,
                    "pad",
                    frame_px,
                ),
            )
            for row in folder.rows
        ]
    files = sorted(path.glob(f"*{FILE_ENDING}"))
    return [
        p for f in files for p in poses_of_document(f, read_json(f), skeleton, frame_px, pose_size)
    ]


def poses_of_document(
    path: Path,
    document: Any,
    skeleton: Skeleton,
    frame_px: int,
    pose_size: tuple[int, int] | None,
    keep_empty: bool = False,
) -> list[NamedPose]:
    """The poses of a file that was read already, of any form that `pose_files.py` reads.

    Args:
        path: what to call it.
        document: its JSON.
        skeleton, frame_px, pose_size: as in `read_poses`.
        keep_empty: frames in which a detector found no one stay, with all keypoints missing.

    Raises:
        ValueError: as `read_poses`.
    """
    try:
        own_form = is_own_form(document)
        found = parse_poses(pose_name(path), document, pose_size or (frame_px, frame_px))
        if not (own_form or keep_empty):
            found = [pose for pose in found if pose.keypoints[:, 2].any()]
        converted = [_converted(pose.keypoints, pose.skeleton, skeleton) for pose in found]
        poses = []
        for pose, keypoints in zip(found, converted, strict=True):
            size = pose.size or (frame_px, frame_px)
            placed = place_keypoints(keypoints, size, "pad", frame_px)
            poses.append(NamedPose(pose.name, placed))
        visible = any(keypoints[:, 2].any() for keypoints in converted)
        if visible and not own_form and not any(p.keypoints[:, 2].any() for p in poses):
            first = next(i for i, keypoints in enumerate(converted) if keypoints[:, 2].any())
            raise ValueError(_out_of_frame(converted[first], found[first].size))
        return poses
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _out_of_frame(keypoints: Keypoints, size: tuple[int, int] | None) -> str:
    """What to say of a pose of which no keypoint is in a picture of that size."""
    width, height = size or (0, 0)
    visible = keypoints[keypoints[:, 2] > 0, :2]
    (left, top), (right, bottom) = visible.min(axis=0), visible.max(axis=0)
    return (
        f"`poses` must show a keypoint within the picture of {width} x {height} px. "
        f"Received: points with x from {left:g} to {right:g} and y from {top:g} to {bottom:g}. "
        "Give the size of the picture that the file is of with `--pose_size=WxH`."
    )


def _converted(keypoints: Keypoints, own: Skeleton, skeleton: Skeleton) -> Keypoints:
    """Keypoints in the model's schema; as they are where it has none."""
    if own == skeleton or not skeleton.num_keypoints:
        return keypoints
    check_convertible(own, skeleton)
    return convert_keypoints(keypoints, own, skeleton)
