"""The rendered truth of an animation: the avatar itself before the camera of a run's dataset.

What the renderer shows and what the network is asked for are the same poses to the pixel, so
pictures can be compared frame by frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.generation.pose_spec import PoseSpec
from psgan_tf.images.pictures import resized
from psgan_tf.motion.camera import Camera
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.plan import list_motions
from tools.avatars.dataset.presets import BUILTIN, with_builtin_files
from tools.avatars.dataset.worker import Job, Studio, read_looks


def costumes_of(card: DatasetCard, avatar: str) -> str:
    """The costumes that a dataset of an avatar shows, as `Truth` takes them.

    Args:
        card: the dataset's.
        avatar: its file, which is worn as it is, or `built-in`.

    Raises:
        ValueError: the card names no costumes of the built-in avatar.
    """
    if avatar != BUILTIN:
        return ""
    avatars = card.details.get("avatars") or [{}]
    names = avatars[0].get("costumes")
    if not names:
        raise ValueError(
            "`avatar` must be given where the run's dataset card does not name the built-in "
            "avatar's costumes. Received: nothing. Set --avatar and --costumes to its files."
        )
    return f"{BUILTIN}#{','.join(names)}"


def nearest_film(film: np.ndarray, others: Mapping[str, np.ndarray]) -> str:
    """The name of the film that differs least from one, value by value; all [F, H, W, 3] uint8."""
    levels = film.astype(np.float32)
    return min(others, key=lambda name: float(np.abs(others[name] - levels).mean()))


@dataclass(frozen=True, eq=False)
class Take:
    """Poses before the camera, one a frame.

    Attributes:
        name: the motion's.
        poses: [F] which of the motion's frames each is.
        cameras: F cameras.
        keypoints: [F, 20, 3] float32, what the network is to be asked for.
    """

    name: str
    poses: np.ndarray
    cameras: tuple[Camera, ...]
    keypoints: np.ndarray

    def part(self, num_frames: int) -> Take:
        """The first frames, at most so many."""
        first = slice(num_frames)
        return Take(self.name, self.poses[first], self.cameras[first], self.keypoints[first])


class Truth:
    """An avatar with its costumes and motions, before the camera of a pose spec.

    Args:
        pose_spec: camera, frame and ground rule of the run's dataset.
        avatar: its file, or `built-in`.
        costumes: costume file, `built-in#NAME,...`, or empty for the avatar as it is.
        motions: files, `FILE#CLIP` or `built-in#NAME,...`.
        fps: poses a second.
        resolution: size in pixels that pictures are made for, as the dataset's were.
        folder: for files of the built-in avatar.

    Raises:
        ValueError: the pose spec has no camera, or an input is unusable.
    """

    def __init__(
        self,
        pose_spec: PoseSpec,
        avatar: str,
        costumes: str,
        motions: Sequence[str],
        fps: float,
        resolution: int,
        folder: Path,
    ) -> None:
        if pose_spec.camera is None:
            raise ValueError(
                "`run_dir` must be of a dataset whose card has a camera. Received: one without. "
                "Datasets by tools.render_avatars have one."
            )
        self._camera, self._resolution = pose_spec.camera, resolution
        options = RenderOptions(
            avatars=(Path(avatar),),
            output=folder,
            motions=tuple(motions),
            costumes=(Path(costumes),) if costumes else (),
            size_px=pose_spec.frame_px,
            fps=fps,
            ground=pose_spec.ground,
        )
        options = with_builtin_files(options)
        clips = list_motions(options.motions, fps)
        self.costumes = tuple(look.name for look in read_looks(options, 0))
        self.motions = tuple(clip.name for clip in clips)
        self._studio = Studio(Job(options, clips, (), (("avatar", self.costumes),)))

    def motion(self, name: str) -> Take:
        """All of a motion."""
        count = len(self._studio.poses(0, self.motions.index(name)).frames)
        return self._take(name, np.arange(count), [self._camera] * count)

    def pan(self, name: str, moment: float, step_px: float, num_frames: int) -> Take:
        """One pose that goes to the right.

        Args:
            name: the motion.
            moment: which of its poses, 0 to 1.
            step_px: pixels of the pictures from each frame to the next.
            num_frames: F; the pose is in its place in the middle of them.
        """
        count = len(self._studio.poses(0, self.motions.index(name)).frames)
        step_units = (
            step_px * self._camera.size_px / self._resolution / self._camera.pixels_per_unit
        )
        x, y, z = self._camera.target
        ways = step_units * (np.arange(num_frames) - (num_frames - 1) / 2)
        cameras = [replace(self._camera, target=(x - way, y, z)) for way in ways.tolist()]
        return self._take(name, np.full(num_frames, round(moment * (count - 1))), cameras)

    def _take(self, name: str, poses: np.ndarray, cameras: Sequence[Camera]) -> Take:
        posed = self._studio.poses(0, self.motions.index(name))
        keypoints = [
            camera.keypoints(posed.keypoints[[pose]], posed.hips[[pose]])[0]
            for pose, camera in zip(poses, cameras, strict=True)
        ]
        return Take(name, poses, tuple(cameras), np.stack(keypoints))

    def pictures(self, take: Take, costume: str) -> np.ndarray:
        """The rendered frames, made small as the dataset's pictures are: [F, R, R, 3] uint8."""
        options = self._studio.job.options
        figure = self._studio.figure(0, self.costumes.index(costume))
        posed = self._studio.poses(0, self.motions.index(take.name))
        pictures = []
        for pose, camera in zip(take.poses, take.cameras, strict=True):
            pixels = camera.matrices(posed.hips[[pose]])[0]
            frame = figure.posed(posed.node_worlds[pose], pixels, options.size_px)
            large = np.ascontiguousarray(self._studio.draw(figure, frame)[..., :3])
            pictures.append(resized(large, self._resolution))
        return np.stack(pictures)
