"""Poses that a user names, brought to a model's keypoint schema and frame.

A dataset folder, an OpenPose file, a folder of OpenPose files, or a file of our own:

    {"schema": "avatar20", "image_size": [1024, 1024], "frames": [[[x, y, visible], ...], ...]}

whose `frames` hold one pose each, rows in the schema's order, pixels of `image_size`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from psgan_tf.files import read_json
from psgan_tf.interchange import is_dataset_folder, read_folder, read_keypoints
from psgan_tf.motion.openpose import FILE_ENDING, OPENPOSE18, parse_openpose
from psgan_tf.pictures import place_keypoints
from psgan_tf.skeleton import Keypoints, Skeleton, convert_keypoints, skeleton_from_json


class NamedPose(NamedTuple):
    """A pose: what to call it, and [M, 3] float32 x, y in pixels of the frame, visible 0/1."""

    name: str
    keypoints: Keypoints


def read_poses(path: str | Path, skeleton: Skeleton, frame_px: int) -> list[NamedPose]:
    """The poses that a path holds, as a model of that schema and frame takes them.

    Args:
        path: a dataset folder, a folder of OpenPose files, an OpenPose file or one of our own.
        skeleton: the model's schema; poses of another one are converted by the names they share.
        frame_px: the model's square keypoint frame in pixels.

    Raises:
        ValueError: nothing there, nothing of these forms, no pose in it, or a schema that shares
            no keypoint with the model's.
    """
    path = Path(path)
    if path.is_dir():
        poses = _of_folder(path, skeleton, frame_px)
    else:
        poses = _of_document(path, read_json(path), skeleton, frame_px)
    if not poses:
        raise ValueError(
            f"`poses` must name at least one pose. Received: {str(path)!r}, which holds none. "
            f"Name a dataset folder, OpenPose files (*{FILE_ENDING}) or a pose file."
        )
    return poses


def _of_folder(path: Path, skeleton: Skeleton, frame_px: int) -> list[NamedPose]:
    if is_dataset_folder(path):
        folder = read_folder(path)
        return [
            NamedPose(
                Path(row.image).stem,
                _fit(row.keypoints, folder.skeleton, folder.image_size, skeleton, frame_px),
            )
            for row in folder.rows
        ]
    files = sorted(path.glob(f"*{FILE_ENDING}"))
    return [p for f in files for p in _of_document(f, read_json(f), skeleton, frame_px)]


def _of_document(path: Path, document: Any, skeleton: Skeleton, frame_px: int) -> list[NamedPose]:
    name = path.name.removesuffix(".json").removesuffix("_keypoints")
    try:
        if isinstance(document, dict) and "schema" in document:
            return _of_own_form(name, document, skeleton, frame_px)
        pose = parse_openpose(document)
        if pose.num_people == 0:
            return []
        # Without a canvas the pixels are those of a picture that we do not have.
        canvas = pose.measured_in or (frame_px, frame_px)
        return [NamedPose(name, _fit(pose.keypoints, OPENPOSE18, canvas, skeleton, frame_px))]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _of_own_form(
    name: str, document: dict[str, Any], skeleton: Skeleton, frame_px: int
) -> list[NamedPose]:
    own = skeleton_from_json(document)
    size = document.get("image_size")
    if not (
        isinstance(size, list)
        and len(size) == 2
        and all(type(v) in (int, float) and v > 0 for v in size)
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
        poses.append(NamedPose(frame_name, _fit(keypoints, own, size, skeleton, frame_px)))
    return poses


def _fit(
    keypoints: Keypoints, own: Skeleton, size: Any, skeleton: Skeleton, frame_px: int
) -> Keypoints:
    """Converts to the model's schema and pads the frame to the model's square one."""
    if own != skeleton and skeleton.num_keypoints:
        keypoints = convert_keypoints(keypoints, own, skeleton)
        if not keypoints[:, 2].any():
            raise ValueError(
                f"`poses` must share keypoints with the model's schema {skeleton.name!r}. "
                f"Received: schema {own.name!r} with none visible that it knows. "
                "Use poses of the model's schema."
            )
    width, height = size
    # The size only sets the shape: frames are padded to a square and scaled.
    return place_keypoints(keypoints, (width, height), "pad", frame_px)
