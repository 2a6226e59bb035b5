"""Flat poses with their times: pose files, folders of OpenPose files, motions of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from psgan_tf.common.files import read_json
from psgan_tf.generation.pose_spec import Stage, in_schema
from psgan_tf.images.pictures import hide_outside, place_keypoints
from psgan_tf.keypoints.dataset_folder import DatasetFolder, PoseRow, is_dataset_folder, read_folder
from psgan_tf.keypoints.named_poses import poses_of_document
from psgan_tf.keypoints.openpose import FILE_ENDING
from psgan_tf.keypoints.pose_files import is_own_form, pose_files_in, read_fps
from psgan_tf.keypoints.resampling import Floats
from psgan_tf.keypoints.schema import SKELETONS, Keypoints, Skeleton, is_finite_float32
from psgan_tf.motion.keypoint_retarget import retarget_flat
from psgan_tf.motion.motion import check_fps

# Poses a second of sources that do not say theirs.
DEFAULT_FPS = 30.0

# Whose limb lengths poses get: the model's where theirs are another body's; the model's; theirs.
LIMBS = ("auto", "model", "source")


@dataclass(frozen=True, eq=False)
class TimedPoses:
    """Flat poses at times of their own.

    Attributes:
        name: what to call them.
        times_secs: [F] ascending, from 0.
        keypoints: [F, M, 3] float32 in the model's schema and frame.
        have_model_limbs: they are known to be, or were written as, the model's own avatar's.
    """

    name: str
    times_secs: Floats
    keypoints: Keypoints
    have_model_limbs: bool


def read_timed_poses(
    path: Path,
    motion: str | None,
    stage: Stage,
    source_fps: float | None,
    pose_size: tuple[int, int] | None,
) -> TimedPoses:
    """The poses of a folder or JSON file, with their times.

    Args:
        path: a dataset folder, a folder of OpenPose files, or a pose file.
        motion: which of a dataset folder's motions; may be left out where there is one.
        stage: the model's schema and frame.
        source_fps: the rate of sources that do not say theirs; None for 30.
        pose_size: (width, height) in pixels of the pictures of OpenPose files without a canvas.

    Raises:
        ValueError: nothing of these, no such motion, or no pose in it.
    """
    if is_dataset_folder(path):
        return _of_dataset(path, motion, stage, source_fps)
    if motion is not None:
        raise ValueError(
            f"`motion` must name a clip of a glTF file or a motion of a dataset folder after its "
            f"#. Received: {motion!r} of {path.name}, which has none."
        )
    if path.is_dir():
        return _of_openpose_folder(path, stage, source_fps, pose_size)
    document = read_json(path)
    poses = poses_of_document(
        path, document, stage.skeleton, stage.frame_px, pose_size, keep_empty=True
    )
    if not poses:
        raise ValueError(f"`motion` must hold a pose. Received: {path}, which holds none.")
    rate = source_fps or read_fps(document, path.name) or DEFAULT_FPS
    written_for_model = is_own_form(document) and document["schema"] == stage.skeleton.name
    return _evenly(path.stem, [pose.keypoints for pose in poses], rate, written_for_model)


def _evenly(
    name: str, keypoints: Sequence[Keypoints], fps: float, have_model_limbs: bool
) -> TimedPoses:
    times = np.arange(len(keypoints)) / check_fps(fps)
    return TimedPoses(name, times, np.stack(keypoints), have_model_limbs)


def _of_openpose_folder(
    path: Path, stage: Stage, source_fps: float | None, pose_size: tuple[int, int] | None
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
        poses = poses_of_document(file, read_json(file), stage.skeleton, stage.frame_px, pose_size)
        missing = np.zeros((stage.skeleton.num_keypoints, 3), np.float32)
        frames.append(poses[0].keypoints if poses else missing)
    return _evenly(path.name, frames, source_fps or DEFAULT_FPS, False)


def _of_dataset(
    path: Path, motion: str | None, stage: Stage, source_fps: float | None
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
    keypoints = [
        _placed(times[stamp].keypoints, folder.skeleton, folder.image_size, stage)
        for stamp in ordered
    ]
    same_limbs = _shows_avatar_of(stage, folder, rows[0].text("avatar"))
    stamps_secs = np.array(ordered) - ordered[0]
    return TimedPoses(motion or path.name, stamps_secs, np.stack(keypoints), same_limbs)


def _shows_avatar_of(stage: Stage, folder: DatasetFolder, avatar: str) -> bool:
    """Whether an avatar of a dataset folder has the limbs of the stage's."""
    entries = folder.card.get("avatars")
    named = [e for e in (entries if isinstance(entries, list) else []) if isinstance(e, dict)]
    entry = next((e for e in named if e.get("name") == avatar), folder.card)
    rest = stage.rest_skeleton
    return rest is not None and entry.get("rest_skeleton") == rest.to_json()


def _one_look(rows: Sequence[PoseRow]) -> list[PoseRow]:
    """The rows of the first one's avatar and costume; others show the same poses again."""
    first = rows[0]
    same = [r for r in rows if all(r.text(k) == first.text(k) for k in ("avatar", "costume"))]
    # A pose that was taken from several sides is taken from the first of them.
    seen = {row.text("time_s") or row.image: row for row in reversed(same)}
    return [row for row in same if seen[row.text("time_s") or row.image] is row]


def _placed(
    keypoints: Keypoints, own: Skeleton, image_size: tuple[int, int], stage: Stage
) -> Keypoints:
    converted = in_schema(keypoints[None], own, stage.skeleton)[0]
    return place_keypoints(converted, image_size, "pad", stage.frame_px)


def _knows_limbs(stage: Stage) -> bool:
    """Whether flat poses can be brought to the limbs of the stage's avatar."""
    has_body = stage.rest_skeleton is not None and stage.camera is not None
    return has_body and stage.skeleton == SKELETONS["avatar20"]


def _stay(poses: TimedPoses, stage: Stage) -> bool:
    """Whether `auto` leaves poses as they are: they need no change, or cannot have it."""
    if poses.have_model_limbs or not _knows_limbs(stage):
        return True
    return not poses.keypoints[:, stage.skeleton.index("hips"), 2].any()


def with_limbs(poses: TimedPoses, stage: Stage, limbs: str) -> TimedPoses:
    """The poses with the limb lengths that are wanted, see `motion/keypoint_retarget.py`.

    Args:
        poses: of the stage's schema and frame.
        stage: the model's avatar and camera.
        limbs: one of LIMBS.

    Raises:
        ValueError: `model` is asked for and the stage does not know its avatar, or no frame shows
            the hips.
    """
    if limbs == "source" or (limbs == "auto" and _stay(poses, stage)):
        return poses
    if not _knows_limbs(stage):
        raise ValueError(
            "`limbs` can be the model's where it takes poses of avatar20 and its dataset card has "
            "a rest skeleton and a camera. Received: a model without. Use --limbs=source."
        )
    assert stage.rest_skeleton is not None
    assert stage.camera is not None
    moved = retarget_flat(poses.keypoints, stage.rest_skeleton, stage.camera, stage.ground)
    return replace(poses, keypoints=hide_outside(moved, stage.frame_px))
