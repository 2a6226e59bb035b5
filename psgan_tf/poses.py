"""Poses that a user names, brought to a model's keypoint schema and frame.

A dataset folder, an OpenPose file, a folder of OpenPose files, or a file of our own:

    {"schema": "avatar20", "image_size": [1024, 1024], "frames": [[[x, y, visible], ...], ...]}

whose `frames` hold one pose each, rows in the schema's order, pixels of `image_size`. An OpenPose
file without a canvas size is taken in pixels of `pose_size`, or else of the model's own frame.
Lines of a dataset folder's manifest that cannot be read are passed over.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from psgan_tf.files import read_json
from psgan_tf.interchange import is_dataset_folder, read_folder, read_keypoints
from psgan_tf.motion.openpose import FILE_ENDING, NORMALISED, OPENPOSE18, parse_openpose
from psgan_tf.pictures import place_keypoints
from psgan_tf.skeleton import (
    Keypoints,
    Skeleton,
    convert_keypoints,
    is_finite_float32,
    skeleton_from_json,
)


class NamedPose(NamedTuple):
    """A pose: what to call it, and [M, 3] float32 x, y in pixels of the frame, visible 0/1."""

    name: str
    keypoints: Keypoints


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
        path: a dataset folder, a folder of OpenPose files, an OpenPose file or one of our own.
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
        poses = poses_of_document(path, read_json(path), skeleton, frame_px, pose_size)
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
) -> list[NamedPose]:
    """The poses of a file that was read already; none for an OpenPose file with no one in it.

    Args:
        path: what to call it.
        document: its JSON.
        skeleton, frame_px, pose_size: as in `read_poses`.

    Raises:
        ValueError: as `read_poses`.
    """
    name = path.name.removesuffix(".json").removesuffix("_keypoints")
    try:
        if isinstance(document, dict) and "schema" in document:
            return _of_own_form(name, document, skeleton, frame_px)
        pose = parse_openpose(document)
        if not pose.keypoints[:, 2].any():
            return []
        # Without a canvas the pixels are those of a picture that we do not have.
        size = pose.canvas or pose_size or (frame_px, frame_px)
        keypoints = pose.keypoints.copy()
        if pose.measured_in == NORMALISED:
            keypoints[:, :2] *= size
        converted = _converted(keypoints, OPENPOSE18, skeleton)
        fitted = place_keypoints(converted, size, "pad", frame_px)
        if converted[:, 2].any() and not fitted[:, 2].any():
            raise ValueError(_out_of_frame(converted, size))
        return [NamedPose(name, fitted)]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _out_of_frame(keypoints: Keypoints, size: tuple[int, int]) -> str:
    """What to say of an OpenPose file of which no keypoint is in a frame of that size."""
    visible = keypoints[keypoints[:, 2] > 0, :2]
    (left, top), (right, bottom) = visible.min(axis=0), visible.max(axis=0)
    return (
        f"`poses` must show a keypoint within the picture of {size[0]} x {size[1]} px. "
        f"Received: points with x from {left:g} to {right:g} and y from {top:g} to {bottom:g}. "
        "Give the size of the picture that the file is of with `--pose_size=WxH`."
    )


def _of_own_form(
    name: str, document: dict[str, Any], skeleton: Skeleton, frame_px: int
) -> list[NamedPose]:
    own = skeleton_from_json(document)
    size = document.get("image_size")
    if not (
        isinstance(size, list)
        and len(size) == 2
        and all(is_finite_float32(v) and v > 0 for v in size)
    ):
        raise ValueError(
            f"`image_size` must be [width, height] in pixels. Received: {size!r:.60}. "
            "Write the size of the frame that x and y are measured in."
        )
    frames = document.get("frames")
    if not isinstance(frames, list):
        raise ValueError(
            f"`frames` must be a list of poses. Received: {frames!r:.60}. "
            "Put even a single pose into a list."
        )
    poses = []
    for number, values in enumerate(frames):
        keypoints = read_keypoints(values, own.num_keypoints)
        frame_name = name if len(frames) == 1 else f"{name}_{number:04d}"
        placed = place_keypoints(
            _converted(keypoints, own, skeleton), (size[0], size[1]), "pad", frame_px
        )
        poses.append(NamedPose(frame_name, placed))
    return poses


def _converted(keypoints: Keypoints, own: Skeleton, skeleton: Skeleton) -> Keypoints:
    """Keypoints in the model's schema; as they are where it has none."""
    if own == skeleton or not skeleton.num_keypoints:
        return keypoints
    return convert_keypoints(keypoints, own, skeleton)
