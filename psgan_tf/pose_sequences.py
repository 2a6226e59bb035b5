"""From a motion of any kind to a model's keypoints, frame by frame.

| source | what it is |
|---|---|
| `walk.bvh`, `dance.vmd`, `idle.vrma`, `all.glb#Walk` | a motion in 3D (`psgan_tf/motion/`) |
| `FOLDER` | OpenPose files, one a frame, in the order of their numbers |
| `FOLDER#motion` | a motion of a dataset folder, in the order of its `time_s` |
| `poses.json` | an OpenPose file, or a pose file of our own (`psgan_tf/poses.py`) with `fps` |

Motions in 3D are sampled in angle space, flat ones along smooth curves (`resampling.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf.files import json_text, read_json, write_atomically
from psgan_tf.interchange import PoseRow, is_dataset_folder, read_folder
from psgan_tf.motion.bone_names import read_bone_map
from psgan_tf.motion.foot_tips import foot_tips
from psgan_tf.motion.gltf import read_gltf
from psgan_tf.motion.loops import closed_loop
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.motions import check_fps
from psgan_tf.motion.openpose import FILE_ENDING
from psgan_tf.motion.rest_skeleton import RestSkeleton, rest_skeleton_of
from psgan_tf.motion.vrm_humanoid import rig_of_gltf
from psgan_tf.pictures import place_keypoints
from psgan_tf.pose_smoothing import Smoothing
from psgan_tf.poses import poses_of_document
from psgan_tf.resampling import Floats, closed_keypoints, resampled_keypoints
from psgan_tf.skeleton import Keypoints, Skeleton, is_finite_float32
from psgan_tf.stage import Stage, View, in_schema, keypoints_of_motion

_CLIP_MARK = "#"
_DEFAULT_SOURCE_FPS = 30.0


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """Poses at a steady rate, as a model takes them.

    Attributes:
        name: the motion's.
        fps: frames a second.
        keypoints: [F, M, 3] float32, x and y in pixels of the model's frame, visible 0/1.
    """

    name: str
    fps: float
    keypoints: Keypoints

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.keypoints)


@dataclass(frozen=True)
class SequenceOptions:
    """How a source becomes a sequence.

    Attributes:
        fps: frames a second of the result; None for the source's own rate.
        view: from where motions in 3D are looked at.
        span_secs: the part to take, from and to; None for the end.
        loop_secs: blend so much of the end into the start, to a loop; None for no loop.
        source_fps: the rate of flat poses that do not say theirs; None for 30.
        pose_size: (width, height) in pixels of the pictures of OpenPose files without a canvas.
        motion_bones: bone map file for motions with names of their own.
        smoothing: of trembling poses.
        hold: frames that each pose is held, for animation "on twos"; the rate stays `fps`.
    """

    fps: float | None = None
    view: View = field(default_factory=View)
    span_secs: tuple[float, float | None] = (0.0, None)
    loop_secs: float | None = None
    source_fps: float | None = None
    pose_size: tuple[int, int] | None = None
    motion_bones: Path | None = None
    smoothing: Smoothing = field(default_factory=Smoothing)
    hold: int = 1


@dataclass(frozen=True, eq=False)
class _TimedPoses:
    """Flat poses at times of their own, in the model's schema and frame."""

    name: str
    times_secs: Floats
    keypoints: Keypoints


def rest_skeleton_of_file(path: str | Path) -> RestSkeleton:
    """The proportions of the avatar in a VRM or glTF file.

    Raises:
        ValueError: it is none, or lacks a required bone.
    """
    gltf = read_gltf(path)
    rig = rig_of_gltf(gltf)
    return rest_skeleton_of(rig, foot_tips(gltf, rig))


def split_source(text: str) -> tuple[Path, str | None]:
    """(path, clip) of `path` or `path#clip`; a path whose own name has a # is meant first."""
    if Path(text).exists() or _CLIP_MARK not in text:
        return Path(text), None
    name, _, clip = text.rpartition(_CLIP_MARK)
    return Path(name), clip


def read_sequence(source: str, stage: Stage, options: SequenceOptions) -> PoseSequence:
    """A motion as keypoints of a model.

    Args:
        source: see the module's table.
        stage: the model's schema, frame and avatar.
        options: rate, part, side and loop.

    Raises:
        ValueError: there is no such source or clip, it cannot be read, shares no joint with the
            model's schema, or the part is empty.
    """
    path, clip = split_source(source)
    if not path.exists():
        raise ValueError(
            f"`motion` must be a file or folder. Received: {source!r}, which does not exist. "
            "Name a BVH, VMD, VRMA or glTF file, a folder of OpenPose files, FOLDER#motion of a "
            "dataset, or a pose file."
        )
    if options.fps is not None:
        options = replace(options, fps=check_fps(options.fps) / options.hold)
    if path.is_dir() or path.suffix.lower() == ".json":
        sequence = _of_flat_poses(_read_poses(path, clip, stage, options), options)
    else:
        sequence = _of_motion(path, clip, stage, options)
    if not sequence.keypoints[..., 2].any():
        raise ValueError(
            f"`motion` must show a joint of the model's schema {stage.skeleton.name!r} within its "
            f"picture. Received: {source!r}, in which none is. Give the size of the pictures that "
            "OpenPose files are of with --pose_size=WxH, or another --zoom."
        )
    closed = options.loop_secs is not None
    smooth = options.smoothing.apply(sequence.keypoints, sequence.fps, stage.frame_px, closed)
    return held(replace(sequence, keypoints=smooth), options.hold)


def _span_of(num_frames: int, fps: float, span_secs: tuple[float, float | None]) -> slice:
    """The frames within a span; ValueError where there is none."""
    first = int(np.ceil(span_secs[0] * fps - 1e-6))
    last = num_frames - 1 if span_secs[1] is None else int(np.floor(span_secs[1] * fps + 1e-6))
    if not 0 <= first <= min(last, num_frames - 1):
        raise ValueError(
            f"`from_secs` and `to_secs` must take a part of the motion, which is from 0 to "
            f"{(num_frames - 1) / fps:.2f} s. Received: {span_secs[0]:g} to {span_secs[1]}."
        )
    return slice(first, last + 1)


def _of_motion(
    path: Path, clip: str | None, stage: Stage, options: SequenceOptions
) -> PoseSequence:
    bones = None if options.motion_bones is None else read_bone_map(options.motion_bones)
    motion = motion_from_file(path, clip, options.fps, bones)
    motion = motion.frames(_span_of(motion.num_frames, motion.fps, options.span_secs))
    if options.loop_secs is not None:
        motion = closed_loop(motion, options.loop_secs)
    return PoseSequence(motion.name, motion.fps, keypoints_of_motion(stage, motion, options.view))


def _of_flat_poses(poses: _TimedPoses, options: SequenceOptions) -> PoseSequence:
    times, fps = poses.times_secs, options.fps
    if fps is None:
        # The rate that most of the steps have, for sources whose times are not quite even.
        fps = 1.0 / float(np.median(np.diff(times))) if len(times) > 1 else _DEFAULT_SOURCE_FPS
        fps = check_fps(round(fps, 3))
    keypoints = resampled_keypoints(times, poses.keypoints, fps)
    keypoints = keypoints[_span_of(len(keypoints), fps, options.span_secs)]
    if options.loop_secs is not None:
        keypoints = closed_keypoints(keypoints, options.loop_secs, fps)
    return PoseSequence(poses.name, fps, keypoints)


def _read_poses(
    path: Path, clip: str | None, stage: Stage, options: SequenceOptions
) -> _TimedPoses:
    if is_dataset_folder(path):
        return _of_dataset(path, clip, stage, options)
    if clip is not None:
        raise ValueError(
            f"`motion` must name a clip of a glTF file or a motion of a dataset folder after its "
            f"#. Received: {clip!r} of {path.name}, which has none."
        )
    if path.is_dir():
        return _of_openpose_folder(path, stage, options)
    document = read_json(path)
    poses = poses_of_document(path, document, stage.skeleton, stage.frame_px, options.pose_size)
    if not poses:
        raise ValueError(f"`motion` must hold a pose. Received: {path}, which holds none.")
    fps = document.get("fps") if isinstance(document, dict) else None
    if fps is not None and not (type(fps) in (int, float) and 0 < fps <= 1000):
        raise ValueError(
            f"`fps` of {path.name} must be a number above 0 and at most 1000. Received: {fps!r}."
        )
    rate = options.source_fps or fps or _DEFAULT_SOURCE_FPS
    return _evenly(path.stem, [pose.keypoints for pose in poses], rate)


def _evenly(name: str, keypoints: Sequence[Keypoints], fps: float) -> _TimedPoses:
    return _TimedPoses(name, np.arange(len(keypoints)) / check_fps(fps), np.stack(keypoints))


def _numbers_in(name: str) -> list[Any]:
    """A key that sorts `frame_9` before `frame_10`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def _of_openpose_folder(path: Path, stage: Stage, options: SequenceOptions) -> _TimedPoses:
    """One file a frame; a frame with no one in it keeps its time, with all joints missing."""
    files = sorted(path.glob(f"*{FILE_ENDING}"), key=lambda file: _numbers_in(file.name))
    files = files or sorted(path.glob("*.json"), key=lambda file: _numbers_in(file.name))
    if not files:
        raise ValueError(
            f"`motion` must be a dataset folder or hold OpenPose files (*{FILE_ENDING}). "
            f"Received: {path}, which holds neither."
        )
    frames = []
    for file in files:
        poses = poses_of_document(
            file, read_json(file), stage.skeleton, stage.frame_px, options.pose_size
        )
        missing = np.zeros((stage.skeleton.num_keypoints, 3), np.float32)
        frames.append(poses[0].keypoints if poses else missing)
    return _evenly(path.name, frames, options.source_fps or _DEFAULT_SOURCE_FPS)


def _of_dataset(
    path: Path, motion: str | None, stage: Stage, options: SequenceOptions
) -> _TimedPoses:
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
        fps = check_fps(options.source_fps or _DEFAULT_SOURCE_FPS)
        stamps = [number / fps for number in range(len(rows))]
    times = dict(zip(stamps, rows, strict=True))
    ordered = sorted(times)
    keypoints = [
        _placed(times[stamp].keypoints, folder.skeleton, folder.image_size, stage)
        for stamp in ordered
    ]
    return _TimedPoses(motion or path.name, np.array(ordered) - ordered[0], np.stack(keypoints))


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


def write_sequence(path: str | Path, sequence: PoseSequence, stage: Stage) -> None:
    """Writes a sequence as a pose file, which `read_sequence` and other programs read."""
    rows = [
        [[float(str(x)), float(str(y)), int(visible)] for x, y, visible in frame]
        for frame in sequence.keypoints
    ]
    document = {
        **stage.skeleton.to_json(),
        "image_size": [stage.frame_px, stage.frame_px],
        "fps": sequence.fps,
        "frames": rows,
    }
    write_atomically(path, json_text(document))


def held(sequence: PoseSequence, frames: int) -> PoseSequence:
    """Each pose for so many frames ("on twos"), at as many times the rate."""
    return replace(
        sequence,
        fps=sequence.fps * frames,
        keypoints=np.repeat(sequence.keypoints, frames, axis=0),
    )
