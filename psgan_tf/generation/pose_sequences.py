"""Sequences of a model's keypoints, frame by frame, from motions and poses of any kind.

| source | what it is |
|---|---|
| `walk.bvh`, `dance.vmd`, `idle.vrma`, `all.glb#Walk` | a motion in 3D (`psgan_tf/motion/`) |
| `FOLDER` | OpenPose files, one a frame, in the order of their numbers |
| `FOLDER#motion` | a motion of a dataset folder, in the order of its `time_s` |
| `poses.json` | a pose file of any form (`psgan_tf/keypoints/pose_files.py`) |

Motions in 3D are sampled in angle space, flat ones along smooth curves (`resampling.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.common.frame_rate import check_fps
from psgan_tf.generation.limb_lengths import with_limbs
from psgan_tf.generation.pose_spec import PoseSpec, View, keypoints_of_motion
from psgan_tf.keypoints.pose_files import own_document
from psgan_tf.keypoints.resampling import closed_keypoints, resampled_keypoints
from psgan_tf.keypoints.schema import Keypoints
from psgan_tf.keypoints.smoothing import Smoothing
from psgan_tf.keypoints.timed_poses import DEFAULT_FPS, TimedPoses, read_timed_poses, split_source
from psgan_tf.motion.bone_names import read_bone_map
from psgan_tf.motion.foot_tips import foot_tips
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.loops import closed_loop
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.rest_skeleton import RestSkeleton, rest_skeleton_of


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
        limbs: whose limb lengths flat poses get, one of LIMBS.
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
    limbs: str = "auto"
    motion_bones: Path | None = None
    smoothing: Smoothing = field(default_factory=Smoothing)
    hold: int = 1


def rest_skeleton_of_file(path: str | Path) -> RestSkeleton:
    """The proportions of the avatar in a VRM or glTF file.

    Raises:
        ValueError: it is none, or lacks a required bone.
    """
    gltf = read_gltf(path)
    rig = rig_of_gltf(gltf)
    return rest_skeleton_of(rig, foot_tips(gltf, rig))


def read_sequence(source: str, pose_spec: PoseSpec, options: SequenceOptions) -> PoseSequence:
    """A motion as keypoints of a model.

    Args:
        source: see the module's table.
        pose_spec: the model's schema, frame and avatar.
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
        _check_unturned(options.view)
        poses = read_timed_poses(
            path,
            clip,
            pose_spec.skeleton,
            pose_spec.frame_px,
            options.source_fps,
            options.pose_size,
        )
        sequence = _of_flat_poses(with_limbs(poses, pose_spec, options.limbs), options)
    else:
        sequence = _of_motion(path, clip, pose_spec, options)
    if not sequence.keypoints[..., 2].any():
        raise ValueError(
            f"`motion` must show a joint of the model's schema {pose_spec.skeleton.name!r} within "
            f"its picture. Received: {source!r}, in which none is. Give the size of the pictures "
            "that OpenPose files are of with --pose_size=WxH, or another --zoom."
        )
    closed = options.loop_secs is not None
    smooth = options.smoothing.apply(sequence.keypoints, sequence.fps, pose_spec.frame_px, closed)
    return held(replace(sequence, keypoints=smooth), options.hold)


def _check_unturned(view: View) -> None:
    """Refuses another view of flat poses, which have one side only."""
    if view != View():
        raise ValueError(
            "`yaw`, `pitch`, `zoom` and `framing` must be left out for flat motions, which have no "
            f"third dimension. Received: {view}. Give a motion in 3D."
        )


def _span_of(num_frames: int, fps: float, span_secs: tuple[float, float | None]) -> slice:
    """The frames within a span; ValueError where there is none."""
    end_secs = (num_frames - 1) / fps if span_secs[1] is None else span_secs[1]
    first, last = np.ceil(span_secs[0] * fps - 1e-6), np.floor(end_secs * fps + 1e-6)
    if not 0 <= first <= min(last, num_frames - 1):
        raise ValueError(
            f"`from_secs` and `to_secs` must take a part of the motion, which is from 0 to "
            f"{(num_frames - 1) / fps:.2f} s. Received: {span_secs[0]:g} to {span_secs[1]}."
        )
    return slice(int(first), int(min(last, num_frames - 1)) + 1)


def _of_motion(
    path: Path, clip: str | None, pose_spec: PoseSpec, options: SequenceOptions
) -> PoseSequence:
    bones = None if options.motion_bones is None else read_bone_map(options.motion_bones)
    motion = motion_from_file(path, clip, options.fps, bones)
    motion = motion.frames(_span_of(motion.num_frames, motion.fps, options.span_secs))
    if options.loop_secs is not None:
        motion = closed_loop(motion, options.loop_secs)
    return PoseSequence(
        motion.name, motion.fps, keypoints_of_motion(pose_spec, motion, options.view)
    )


def _of_flat_poses(poses: TimedPoses, options: SequenceOptions) -> PoseSequence:
    times, fps = poses.times_secs, options.fps
    if fps is None:
        # The rate that most of the steps have, for sources whose times are not quite even.
        fps = 1.0 / float(np.median(np.diff(times))) if len(times) > 1 else DEFAULT_FPS
        fps = check_fps(round(fps, 3))
    keypoints = resampled_keypoints(times, poses.keypoints, fps)
    keypoints = keypoints[_span_of(len(keypoints), fps, options.span_secs)]
    if options.loop_secs is not None:
        keypoints = closed_keypoints(keypoints, options.loop_secs, fps)
    return PoseSequence(poses.name, fps, keypoints)


def write_sequence(path: str | Path, sequence: PoseSequence, pose_spec: PoseSpec) -> None:
    """Writes a sequence as a pose file, which `read_sequence` and other programs read."""
    size = pose_spec.frame_px, pose_spec.frame_px
    document = own_document(pose_spec.skeleton, size, sequence.keypoints, sequence.fps)
    write_atomically(path, json_text(document))


def held(sequence: PoseSequence, frames: int) -> PoseSequence:
    """Each pose for so many frames ("on twos"), at as many times the rate."""
    return replace(
        sequence,
        fps=sequence.fps * frames,
        keypoints=np.repeat(sequence.keypoints, frames, axis=0),
    )
