"""Frame of reference of a model's poses: keypoint schema, frame, its avatar's limbs, its camera.

A motion becomes keypoints by the same way as when the training pictures were rendered: brought to
the avatar's limb lengths, put on the ground, and seen by the dataset's camera. What is needed
for that travels in the dataset card and in every exported model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import radians
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf.common.files import read_json
from psgan_tf.common.json_document import JsonValue
from psgan_tf.data.dataset_card import CARD_FILE, DatasetCard
from psgan_tf.generation.model_folders import SKELETON_ASSET, saved_model_folder
from psgan_tf.keypoints.schema import SKELETONS, Keypoints, Skeleton, skeleton_from_json
from psgan_tf.keypoints.schema_conversion import in_schema
from psgan_tf.motion.camera import Camera, camera_from_json, framed_camera
from psgan_tf.motion.motion import Motion
from psgan_tf.motion.rest_skeleton import RestSkeleton, rest_skeleton_from_json
from psgan_tf.motion.retarget import GROUND_RULES, PosedSkeleton, retarget
from psgan_tf.motion.transforms import FloatArray

_LARGEST_YAW = 3600.0

FRAMINGS = ("dataset", "motion")

# Keypoints end at the head's joint and the toes; the picture must hold the hair as well.
_HEAD_LEGS = 0.45


@dataclass(frozen=True, eq=False)
class PoseSpec:
    """What a model's poses are measured in.

    Attributes:
        skeleton: the model's keypoint schema.
        frame_px: size in pixels of the square that keypoints are measured in.
        rest_skeleton: the limbs of the avatar that it was trained on, where known.
        camera: the camera that its pictures were taken with, level and in front, where known.
        ground: what stood on the ground, one of GROUND_RULES.
    """

    skeleton: Skeleton
    frame_px: int
    rest_skeleton: RestSkeleton | None = None
    camera: Camera | None = None
    ground: str = "motion"


@dataclass(frozen=True)
class View:
    """From where a motion is looked at.

    Attributes:
        yaw_degrees: how far the character is turned to its left, in the first frame and in the
            last; in between it turns evenly.
        pitch_degrees: how far the camera looks down.
        zoom: factor on the size, round the picture's middle.
        framing: `dataset` for the camera of the training pictures, `motion` for one that shows
            all of this motion.
    """

    yaw_degrees: tuple[float, float] = (0.0, 0.0)
    pitch_degrees: float = 0.0
    zoom: float = 1.0
    framing: str = "dataset"


def parse_yaw(text: str) -> tuple[float, float]:
    """Reads `30`, or `0:360` for a turn from the first frame to the last.

    Raises:
        ValueError: another form.
    """
    first, mark, last = text.partition(":")
    try:
        ends = float(first), float(last if mark else first)
        if not max(map(abs, ends)) <= _LARGEST_YAW:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"`yaw` must be degrees such as 30, or 0:360 for a turn. Received: {text!r}."
        ) from None
    return ends


def _camera_of(value: Any, frame_px: int, source: str) -> Camera | None:
    """A card's camera brought to the keypoint frame; None for one that says only its kind."""
    if not isinstance(value, Mapping) or "pixels_per_unit" not in value:
        return None
    camera = camera_from_json(value, source)
    scale = frame_px / camera.size_px
    return replace(camera, size_px=frame_px, pixels_per_unit=camera.pixels_per_unit * scale)


def _avatar_entry(card: DatasetCard, avatar: str) -> Mapping[str, Any]:
    """Where `rest_skeleton` and `camera` stand: the card, or one of its avatars."""
    if not avatar:
        return {"rest_skeleton": card.rest_skeleton, "camera": card.camera}
    entries = card.details.get("avatars")
    named = {
        entry["name"]: entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    }
    if avatar not in named:
        raise ValueError(
            f"`avatar` must be one of the dataset's: {', '.join(named) or 'it names none'}. "
            f"Received: {avatar!r}. Take one of these, or a VRM or glTF file."
        )
    return named[avatar]


def pose_spec_of_card(card: DatasetCard, avatar: str = "") -> PoseSpec:
    """The pose spec of the pictures that a dataset card speaks of.

    Args:
        card: the dataset's, or a training run's.
        avatar: name of one of its avatars; the first one by default.

    Raises:
        ValueError: there is no such avatar, or its entries are damaged.
    """
    entry = _avatar_entry(card, avatar)
    rest, source = entry.get("rest_skeleton"), f"dataset card {card.name}"
    choices = card.details.get("choices")
    ground = choices.get("ground") if isinstance(choices, dict) else None
    return PoseSpec(
        card.skeleton,
        card.keypoint_frame,
        None if rest is None else rest_skeleton_from_json(rest, source),
        _camera_of(entry.get("camera"), card.keypoint_frame, source),
        ground if ground in GROUND_RULES else "motion",
    )


def stage_from_json(document: Any, source: str) -> PoseSpec:
    """The pose spec that a `skeleton.json` describes: a dataset folder's or an exported model's.

    Raises:
        ValueError: an entry is missing or wrong.
    """
    entry = JsonValue(document, "", source)
    width, height = entry["image_size"].numbers(2).tolist()
    if width != height or width < 1 or width != int(width):
        raise entry["image_size"].error("must be that of a square, in whole pixels")
    rest = entry.raw.get("rest_skeleton")
    return PoseSpec(
        skeleton_from_json(document),
        int(width),
        None if rest is None else rest_skeleton_from_json(rest, source),
        _camera_of(entry.raw.get("camera"), int(width), source),
    )


def read_stage(path: str | Path, avatar: str = "") -> PoseSpec:
    """The pose spec that a path tells of.

    Args:
        path: a training run or dataset (its `dataset.json`), an exported model or a folder of its
            versions (its `assets/skeleton.json`), or such a file itself.
        avatar: of a run or dataset, the name of one of its avatars.

    Raises:
        ValueError: there is nothing of these, or it is damaged, or has no such avatar.
    """
    path = Path(path)
    if path.is_dir() and (path / CARD_FILE).is_file():
        return pose_spec_of_card(DatasetCard.load(path), avatar)
    if path.is_dir():
        path = saved_model_folder(path) / SKELETON_ASSET
    document = read_json(path)
    if path.name == CARD_FILE:
        return pose_spec_of_card(DatasetCard.from_json(document), avatar)
    if avatar:
        raise ValueError(
            f"`avatar` must be a VRM or glTF file: {path} speaks of one avatar only. "
            f"Received: {avatar!r}."
        )
    return stage_from_json(document, str(path))


def _fitted(posed: PosedSkeleton, points: FloatArray, frame_px: int) -> Camera:
    """A camera that shows all of a motion from every side."""
    legs = posed.skeleton.leg_length
    reach = points - np.where([True, False, True], posed.hips[:, None], 0.0)
    half_width = float(np.hypot(reach[..., 0], reach[..., 2]).max())
    return framed_camera(frame_px, float(points[..., 1].max()) + _HEAD_LEGS * legs, half_width)


def _yaws(view: View, num_frames: int) -> FloatArray:
    """[F] radians, in even steps; a whole turn comes back to its start one frame after the end."""
    first, last = view.yaw_degrees
    closed = first != last and (last - first) % 360.0 == 0.0
    yaws: FloatArray = np.radians(np.linspace(first, last, num_frames, endpoint=not closed))
    return yaws


def keypoints_of_motion(pose_spec: PoseSpec, motion: Motion, view: View) -> Keypoints:
    """The keypoints of the model's avatar going through a motion.

    Args:
        pose_spec: whose avatar and camera; its rest skeleton must be known.
        motion: F frames.
        view: from where.

    Returns:
        [F, M, 3] float32 in the model's schema, x and y in pixels of its frame, visible 0/1.

    Raises:
        ValueError: the pose spec has no rest skeleton.
    """
    if pose_spec.rest_skeleton is None:
        raise ValueError(
            "`motion` in 3D needs the limb lengths of the character that the model was trained "
            "on. Received: a model whose dataset card has no rest skeleton. Name its avatar's "
            "file with --avatar=FILE.vrm, or use a motion of keypoints (OpenPose, pose files)."
        )
    posed = retarget(pose_spec.rest_skeleton, motion, pose_spec.ground)
    points = posed.keypoints
    level = pose_spec.camera if view.framing == "dataset" else None
    level = level or _fitted(posed, points, pose_spec.frame_px)
    level = replace(level, pixels_per_unit=level.pixels_per_unit * view.zoom)
    pitch_rad = radians(view.pitch_degrees)
    keypoints = np.empty((motion.num_frames, points.shape[1], 3), np.float32)
    for frame, yaw_rad in enumerate(_yaws(view, motion.num_frames).tolist()):
        camera, now = level.turned(yaw_rad, pitch_rad), slice(frame, frame + 1)
        keypoints[now] = camera.keypoints(points[now], posed.hips[now])
    return in_schema(keypoints, SKELETONS["avatar20"], pose_spec.skeleton)
