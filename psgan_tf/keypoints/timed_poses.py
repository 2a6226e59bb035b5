"""Flat poses with their times: pose files, folders of OpenPose files, motions of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf.common.files import read_json
from psgan_tf.common.frame_rate import check_fps
from psgan_tf.keypoints.dataset_folder import (
    DatasetFolder,
    ManifestRow,
    is_dataset_folder,
    read_folder,
)
from psgan_tf.keypoints.named_poses import poses_of_document
from psgan_tf.keypoints.openpose import FILE_ENDING
from psgan_tf.keypoints.placement import place_keypoints
from psgan_tf.keypoints.pose_files import is_own_form, pose_files_in, read_fps
from psgan_tf.keypoints.resampling import Floats
from psgan_tf.keypoints.schema import Keypoints, Skeleton, is_finite_float32
from psgan_tf.keypoints.schema_conversion import in_schema

# Poses a second of sources that do not say theirs.
DEFAULT_FPS = 30.0
# Between a source's path and the name of a motion in it.
_CLIP_MARK = "#"


def split_source(text: str) -> tuple[Path, str | None]:
    """(path, clip) of `path` or `path#clip`; a path whose own name has a # is meant first."""
    if Path(text).exists() or _CLIP_MARK not in text:
        return Path(text), None
    name, _, clip = text.rpartition(_CLIP_MARK)
    return Path(name), clip


@dataclass(frozen=True, eq=False)
class TimedPoses:
    """Flat poses at times of their own.

    Attributes:
        name: what to call them.
        times_secs: [F] ascending, from 0.
        keypoints: [F, M, 3] float32 in the schema and frame that were asked for.
        written_in_schema: they come from a pose file of our own form in that very schema.
        rest_skeleton: of the avatar that they were rendered from, as its dataset card has it in
            JSON; None where that is not known.
    """

    name: str
    times_secs: Floats
    keypoints: Keypoints
    written_in_schema: bool = False
    rest_skeleton: Any = None


def read_timed_poses(
    path: Path,
    motion: str | None,
    skeleton: Skeleton,
    frame_px: int,
    source_fps: float | None = None,
    pose_size: tuple[int, int] | None = None,
) -> TimedPoses:
    """The poses of a folder or JSON file, with their times.

    Args:
        path: a dataset folder, a folder of OpenPose files, or a pose file.
        motion: which of a dataset folder's motions; may be left out where there is one.
        skeleton: the schema wanted.
        frame_px: size in pixels of the square keypoint frame wanted.
        source_fps: the rate of sources that do not say theirs; None for 30.
        pose_size: (width, height) in pixels of the pictures of OpenPose files without a canvas.

    Raises:
        ValueError: nothing of these, no such motion, or no pose in it.
    """
    if is_dataset_folder(path):
        return _of_dataset(path, motion, skeleton, frame_px, source_fps)
    if motion is not None:
        raise ValueError(
            f"`motion` must name a clip of a glTF file or a motion of a dataset folder after its "
            f"#. Received: {motion!r} of {path.name}, which has none."
        )
    if path.is_dir():
        return _of_openpose_folder(path, skeleton, frame_px, source_fps, pose_size)
    document = read_json(path)
    poses = poses_of_document(path, document, skeleton, frame_px, pose_size, keep_empty=True)
    if not poses:
        raise ValueError(f"`motion` must hold a pose. Received: {path}, which holds none.")
    rate = source_fps or read_fps(document, path.name) or DEFAULT_FPS
    same_schema = is_own_form(document) and document["schema"] == skeleton.name
    return _evenly(path.stem, [pose.keypoints for pose in poses], rate, same_schema)


def _evenly(
    name: str, keypoints: Sequence[Keypoints], fps: float, written_in_schema: bool = False
) -> TimedPoses:
    times = np.arange(len(keypoints)) / check_fps(fps)
    return TimedPoses(name, times, np.stack(keypoints), written_in_schema)


def _of_openpose_folder(
    path: Path,
    skeleton: Skeleton,
    frame_px: int,
    source_fps: float | None,
    pose_size: tuple[int, int] | None,
) -> TimedPoses:
    """One file a frame; a frame with no one in it keeps its time, with all joints missing."""
    files = pose_files_in(path)
    if not files:
        raise ValueError(
            f"`motion` must be a dataset folder or hold OpenPose files (*{FILE_ENDING}). "
            f"Received: {path}, which holds neither."
        )
    frames = []
    for file in files:
        poses = poses_of_document(file, read_json(file), skeleton, frame_px, pose_size)
        missing = np.zeros((skeleton.num_keypoints, 3), np.float32)
        frames.append(poses[0].keypoints if poses else missing)
    return _evenly(path.name, frames, source_fps or DEFAULT_FPS)


def _of_dataset(
    path: Path, motion: str | None, skeleton: Skeleton, frame_px: int, source_fps: float | None
) -> TimedPoses:
    """The poses of one motion of a dataset folder, as one of its looks from one side goes."""
    folder = read_folder(path)
    motions = list(dict.fromkeys(row.text("motion") for row in folder.rows if row.text("motion")))
    if motion is None and len(motions) == 1:
        motion = motions[0]
    if motion not in motions:
        raise ValueError(
            f"`motion` must name a motion of {path.name} after a #: "
            f"{', '.join(motions[:60]) or 'it names none'}. Received: {motion!r}."
        )
    rows = _one_look([row for row in folder.rows if row.text("motion") == motion])
    noted = [row.attributes.get("time_s") for row in rows]
    stamps = [float(stamp) for stamp in noted if is_finite_float32(stamp)]
    if len(stamps) < len(rows):
        fps = check_fps(source_fps or DEFAULT_FPS)
        stamps = [number / fps for number in range(len(rows))]
    times = dict(zip(stamps, rows, strict=True))
    ordered = sorted(times)
    keypoints = [_placed(times[stamp].keypoints, folder, skeleton, frame_px) for stamp in ordered]
    return TimedPoses(
        motion or path.name,
        np.array(ordered) - ordered[0],
        np.stack(keypoints),
        rest_skeleton=_rest_skeleton_of(folder, rows[0].text("avatar")),
    )


def _rest_skeleton_of(folder: DatasetFolder, avatar: str) -> Any:
    """The rest skeleton that a dataset folder's card has of an avatar, as JSON; None for none."""
    entries = folder.card.get("avatars")
    named = [e for e in (entries if isinstance(entries, list) else []) if isinstance(e, dict)]
    entry = next((e for e in named if e.get("name") == avatar), folder.card)
    return entry.get("rest_skeleton")


def _one_look(rows: Sequence[ManifestRow]) -> list[ManifestRow]:
    """The rows of the first one's avatar and costume; others show the same poses again."""
    first = rows[0]
    same = [r for r in rows if all(r.text(k) == first.text(k) for k in ("avatar", "costume"))]
    # A pose that was taken from several sides is taken from the first of them.
    seen = {row.text("time_s") or row.image: row for row in reversed(same)}
    return [row for row in same if seen[row.text("time_s") or row.image] is row]


def _placed(
    keypoints: Keypoints, folder: DatasetFolder, skeleton: Skeleton, frame_px: int
) -> Keypoints:
    converted = in_schema(keypoints[None], folder.skeleton, skeleton)[0]
    return place_keypoints(converted, folder.image_size, "pad", frame_px)
