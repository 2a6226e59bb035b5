"""Plan of a dataset: avatars x costumes x motions x poses x cameras, in one order.

A costume's mixed poses come after its motions.

The plan depends on the options and the input files alone, so that a stopped job finds the same
plan again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import radians
from pathlib import Path

import numpy as np

from psgan_tf.motion.camera import Camera
from psgan_tf.motion.motion import Motion
from psgan_tf.motion.motion_files import list_clips, motion_from_file
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.poses import evenly_spaced_frames
from tools.avatars.mixed_poses.mixer import MIXED

# Pictures of one avatar, costume and motion that a process makes before it notes them as done.
BLOCK_PICTURES = 48

_CLIPS_MARK = "#"


def file_name(name: str) -> str:
    """A name with letters (of any script), digits, dots, dashes and underscores only."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "unnamed"


@dataclass(frozen=True)
class Clip:
    """One motion of the dataset.

    Attributes:
        name: unique in the dataset and fit for file names.
        path: its file.
        clip: its name in the file.
        fps: sampling rate; None for the file's own.
    """

    name: str
    path: Path
    clip: str
    fps: float | None = None

    def read(self, bone_map: Mapping[str, str] | None) -> Motion:
        """The motion itself."""
        return motion_from_file(self.path, self.clip, self.fps, bone_map)


@dataclass(frozen=True)
class Shot:
    """One picture to make: pose `pose` of its block's motion, from one side.

    Attributes:
        image: path in the dataset folder.
        pose: index among the poses taken of the motion; a mixed pose's number.
        yaw_degrees, pitch_degrees: where the camera stands.
    """

    image: str
    pose: int
    yaw_degrees: float
    pitch_degrees: float

    def camera(self, level: Camera) -> Camera:
        """The avatar's camera, given level and in front, moved to the shot's side."""
        return level.turned(radians(self.yaw_degrees), radians(self.pitch_degrees))


@dataclass(frozen=True)
class Block:
    """Pictures of one avatar in one costume and one motion; made and noted together.

    Attributes:
        index: its number in the plan.
        avatar, costume, motion: indices into the job's lists; no motion means mixed poses.
        shots: its pictures.
    """

    index: int
    avatar: int
    costume: int
    motion: int | None
    shots: tuple[Shot, ...]


def _split_motion(text: str) -> tuple[Path, tuple[str, ...]]:
    """(file, clips) of `file` or `file#clip,clip`; a file whose own name has a # is meant first."""
    if Path(text).exists() or _CLIPS_MARK not in text:
        return Path(text), ()
    name, _, clips = text.rpartition(_CLIPS_MARK)
    return Path(name), tuple(clip.strip() for clip in clips.split(",") if clip.strip())


def list_motions(motions: Sequence[str], fps: float | None) -> tuple[Clip, ...]:
    """The clips that the options' motions mean, each under a name of its own.

    Raises:
        ValueError: a file cannot be read or lacks a clip that is asked for.
    """
    clips = []
    for text in motions:
        path, wanted = _split_motion(text)
        present = list_clips(path)
        for name in wanted:
            if name not in present:
                raise ValueError(
                    f"`motion` must name clips of {path.name}. Received: {name!r}. "
                    f"It has {', '.join(present[:80])}."
                )
        clips += [Clip(file_name(name), path, name, fps) for name in wanted or present]
    taken: dict[str, int] = {}
    for clip in clips:
        taken[clip.name] = taken.get(clip.name, 0) + 1
    return tuple(
        _renamed(clip, clips) if taken[clip.name] > 1 else clip for clip in dict.fromkeys(clips)
    )


def _renamed(clip: Clip, clips: Sequence[Clip]) -> Clip:
    """The clip under its file's name as well, since another file has one of the same name."""
    same = [other for other in dict.fromkeys(clips) if other.name == clip.name]
    name = f"{file_name(clip.path.stem)}-{clip.name}"
    if len({other.path.stem for other in same}) < len(same):
        name += f"-{same.index(clip)}"
    return Clip(name, clip.path, clip.clip, clip.fps)


def frames_of(motion: Motion, options: RenderOptions) -> np.ndarray:
    """[P] int: the frames that poses are taken of."""
    if options.fps is not None:
        return np.arange(motion.num_frames)
    return evenly_spaced_frames(motion, options.poses_per_motion)


def choose_test_motions(options: RenderOptions, clips: Sequence[Clip]) -> tuple[str, ...]:
    """The motions of the test split: those named, else a part of them by the seed.

    Raises:
        ValueError: a name is no motion, or none is left for training.
    """
    names = [clip.name for clip in clips]
    if options.test_motions:
        wanted = set(options.test_motions)
        chosen_clips = [clip for clip in clips if wanted & {clip.name, clip.clip}]
        unknown = wanted - {name for clip in chosen_clips for name in (clip.name, clip.clip)}
        if unknown or len(chosen_clips) == len(clips):
            raise ValueError(
                "`test_motions` must name motions of the dataset and leave one to train on. "
                f"Received: {', '.join(options.test_motions)}. The motions are "
                f"{', '.join(names[:100])}."
            )
        return tuple(clip.name for clip in chosen_clips)
    count = min(round(options.test_fraction * len(names)), len(names) - 1)

    def draw(name: str) -> bytes:
        return hashlib.sha256(f"{options.seed}/{name}".encode()).digest()

    chosen = set(sorted(names, key=draw)[:count])
    return tuple(name for name in names if name in chosen)


def _angle_name(angles: Sequence[float], angle: float, letter: str) -> str:
    return f"_{letter}{angle:g}" if len(angles) > 1 else ""


def _shots(
    path: str, drawn_by: str, frames: Sequence[int], options: RenderOptions
) -> Iterator[Shot]:
    """The pictures of poses, all from their own sides.

    Args:
        path: the pictures', without the poses' numbers.
        drawn_by: with the seed and a frame, decides what is drawn.
        frames: of each pose.
        options: the options.
    """
    for pose, frame in enumerate(frames):
        yaws = options.yaw.for_pose(options.seed, f"yaw/{drawn_by}", frame)
        pitches = options.pitch.for_pose(options.seed, f"pitch/{drawn_by}", frame)
        for yaw in yaws:
            for pitch in pitches:
                name = f"{path}_{pose:04d}"
                name += _angle_name(yaws, yaw, "y") + _angle_name(pitches, pitch, "p")
                yield Shot(f"{name}.png", pose, yaw, pitch)


def plan_blocks(
    options: RenderOptions,
    looks: Sequence[tuple[str, Sequence[str]]],
    clips: Sequence[Clip],
    frames: Sequence[np.ndarray],
) -> tuple[Block, ...]:
    """All pictures of the dataset.

    Args:
        options: the options.
        looks: for each avatar its name and the names of its costumes.
        clips: the motions.
        frames: for each motion, the frames that poses are taken of.

    Raises:
        ValueError: a motion has the name that mixed poses have.
    """
    if options.mixed_poses and any(clip.name == MIXED for clip in clips):
        raise ValueError(
            f"`motion` must not be called {MIXED!r} beside mixed poses, which are called so. "
            "Received: a clip of that name. Rename it, or leave --mixed_poses out."
        )
    blocks: list[Block] = []

    def add(avatar: int, costume: int, motion: int | None, shots: tuple[Shot, ...]) -> None:
        for first in range(0, len(shots), BLOCK_PICTURES):
            part = shots[first : first + BLOCK_PICTURES]
            blocks.append(Block(len(blocks), avatar, costume, motion, part))

    for avatar, (avatar_name, costumes) in enumerate(looks):
        for costume, costume_name in enumerate(costumes):
            folder = f"images/{avatar_name}-{costume_name}"
            for motion, (clip, motion_frames) in enumerate(zip(clips, frames, strict=True)):
                path, numbers = f"{folder}/{clip.name}", motion_frames.tolist()
                add(avatar, costume, motion, tuple(_shots(path, clip.name, numbers, options)))
            drawn_by = f"{MIXED}/{avatar_name}-{costume_name}"
            mixed = _shots(f"{folder}/{MIXED}", drawn_by, range(options.mixed_poses), options)
            add(avatar, costume, None, tuple(mixed))
    return tuple(blocks)
