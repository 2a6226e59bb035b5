"""Makes the pictures of blocks; each worker process keeps what it needs for the next one."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from PIL import Image

from psgan_tf.common.processes import end_with_parent
from psgan_tf.keypoints.dataset_folder import ManifestRow
from psgan_tf.motion.bone_names import read_bone_map
from psgan_tf.motion.camera import Camera
from psgan_tf.motion.motion import Motion
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.plan import Block, Clip, Shot, frames_of
from tools.avatars.dataset.poses import Poses, pose_avatar, poses_of
from tools.avatars.dataset.render_folder import RenderFolder, write_picture
from tools.avatars.loading.avatar import Avatar, load_avatar
from tools.avatars.loading.costumes import PLAIN_COSTUME, Costume, dressed, read_costumes
from tools.avatars.mixed_poses.mixer import MIXED, PoseMixer
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.figure import Figure
from tools.avatars.renderer.figure_building import build_figure
from tools.avatars.renderer.rasterizer import Frame

# Half the time of Pillow's default, for pictures a sixth larger.
_PNG_COMPRESSION = 3

# A dataset has few motions; poses of one take some megabytes.
_POSES_KEPT = 64

# What is between two reasons for refusal in the manifest.
REASONS_MARK = "; "


@dataclass(frozen=True)
class Job:
    """What a worker must know.

    Attributes:
        options: the user's choices.
        clips: the motions.
        test_motions: names of those in the test split.
        names: for each avatar its name and its costumes' names, as the manifest has them.
        cameras: for each avatar its level camera; empty while the job is being planned.
    """

    options: RenderOptions
    clips: tuple[Clip, ...]
    test_motions: tuple[str, ...]
    names: tuple[tuple[str, tuple[str, ...]], ...]
    cameras: tuple[Camera, ...] = ()


def read_looks(options: RenderOptions, avatar: int) -> tuple[Costume, ...]:
    """The costumes of one avatar."""
    path = options.costumes[avatar] if options.costumes else None
    return (PLAIN_COSTUME,) if path is None else read_costumes(path)


def encode_picture(picture: np.ndarray, transparent: bool) -> bytes:
    """A PNG of [H, W, 4] uint8; without alpha where the background is white."""
    buffer = io.BytesIO()
    pixels = picture if transparent else np.ascontiguousarray(picture[..., :3])
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=_PNG_COMPRESSION)
    return buffer.getvalue()


class Studio:
    """Draws blocks of a job's pictures. One for a process.

    Args:
        job: the job.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.avatar = lru_cache(maxsize=2)(self._load_avatar)
        self.figure = lru_cache(maxsize=1)(self._build_figure)
        self.poses = lru_cache(maxsize=_POSES_KEPT)(self._pose)
        self.mixed_poses = lru_cache(maxsize=2)(self._mix)
        self._mixer = lru_cache(maxsize=2)(self._make_mixer)

    @cached_property
    def _gl_painter(self) -> Any:
        """Made on first use: a context belongs to the process that made it."""
        from tools.avatars.renderer.gl_backend import GlPainter

        options = self.job.options
        size_px = (options.size_px, options.size_px)
        transparent = options.background == "transparent"
        return GlPainter(size_px, options.samples_per_pixel, transparent)

    def _load_avatar(self, index: int) -> Avatar:
        options = self.job.options
        bones = read_bone_map(options.avatar_bones) if options.avatar_bones else None
        return load_avatar(options.avatars[index], bones)

    def _build_figure(self, avatar: int, costume: int) -> Figure:
        look = read_looks(self.job.options, avatar)[costume]
        return build_figure(dressed(self.avatar(avatar).surfaces, look), look.expression)

    def _read_motion(self, motion: int) -> Motion:
        options = self.job.options
        bones = read_bone_map(options.motion_bones) if options.motion_bones else None
        return self.job.clips[motion].read(bones)

    def _make_mixer(self, avatar: int) -> PoseMixer:
        options, clips = self.job.options, self.job.clips
        motions = [
            self._read_motion(index)
            for index, clip in enumerate(clips)
            if clip.name not in self.job.test_motions
        ]
        skeleton = self.avatar(avatar).skeleton
        return PoseMixer(skeleton, motions, options.ground, options.seed)

    def _mix(
        self, avatar: int, costume: int, numbers: tuple[int, ...]
    ) -> tuple[Poses, tuple[tuple[str, ...], ...]]:
        """Mixed poses by their numbers, and why others were refused before each."""
        name, costumes = self.job.names[avatar]
        mixed = self._mixer(avatar).poses(f"{name}/{costumes[costume]}", numbers)
        times = np.zeros(len(numbers))
        poses = poses_of(self.avatar(avatar).rig, mixed.posed, np.array(numbers), times)
        return poses, mixed.refused

    def _pose(self, avatar: int, motion: int) -> Poses:
        options = self.job.options
        read = self._read_motion(motion)
        loaded = self.avatar(avatar)
        return pose_avatar(
            loaded.rig, loaded.skeleton, read, frames_of(read, options), options.ground
        )

    def draw(self, figure: Figure, frame: Frame) -> np.ndarray:
        """[size, size, 4] uint8, by the backend that was chosen."""
        options = self.job.options
        if options.backend == "gl":
            return self._gl_painter.draw(figure, frame)
        return draw_on_cpu(
            frame,
            figure.material_table,
            figure.bank,
            (options.size_px, options.size_px),
            options.samples_per_pixel,
            transparent=options.background == "transparent",
        )

    def shoot(self, block: Block, shot: Shot) -> tuple[bytes, ManifestRow]:
        """The PNG of one shot and its row of the manifest."""
        job, options = self.job, self.job.options
        poses, place, attributes = self._pose_of(block, shot)
        figure = self.figure(block.avatar, block.costume)
        camera = shot.camera(job.cameras[block.avatar])
        hips = poses.hips[place][None]
        frame = figure.posed(
            poses.node_worlds[place],
            camera.matrices(hips)[0],
            options.size_px,
            options.outline_scale,
        )
        picture = self.draw(figure, frame)
        avatar_name, costumes = job.names[block.avatar]
        row = ManifestRow(
            image=shot.image,
            keypoints=camera.keypoints(poses.keypoints[place][None], hips)[0],
            attributes={
                "avatar": avatar_name,
                "costume": costumes[block.costume],
                **attributes,
                "yaw_rad": round(camera.yaw_rad, 6),
                "pitch_rad": round(camera.pitch_rad, 6),
            },
        )
        return encode_picture(picture, options.background == "transparent"), row

    def _pose_of(self, block: Block, shot: Shot) -> tuple[Poses, int, dict[str, Any]]:
        """Poses, which of them a shot shows, and what the manifest says of it."""
        if block.motion is None:
            numbers = tuple(dict.fromkeys(shot.pose for shot in block.shots))
            poses, refused = self.mixed_poses(block.avatar, block.costume, numbers)
            place = numbers.index(shot.pose)
            reasons = REASONS_MARK.join(refused[place])
            attributes = {"motion": MIXED, "split": "train", "frame": shot.pose}
            return poses, place, {**attributes, "refused": reasons}
        poses = self.poses(block.avatar, block.motion)
        motion = self.job.clips[block.motion].name
        return (
            poses,
            shot.pose,
            {
                "motion": motion,
                "split": "test" if motion in self.job.test_motions else "train",
                "frame": int(poses.frames[shot.pose]),
                "time_s": round(float(poses.times_secs[shot.pose]), 4),
            },
        )

    def make(self, block: Block) -> int:
        """Writes and notes a block; returns how many pictures it has."""
        folder = RenderFolder(self.job.options.output)
        rows: list[ManifestRow] = []
        lengths: list[int] = []
        for shot in block.shots:
            data, row = self.shoot(block, shot)
            path = folder.directory / shot.image
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(path, data)
            rows.append(row)
            lengths.append(len(data))
        folder.note(block.index, rows, lengths)
        return len(rows)


_studio: Studio | None = None


def start_worker(job: Job) -> None:
    """Prepares a worker process."""
    global _studio
    end_with_parent()
    _studio = Studio(job)


def make_block(block: Block) -> int:
    """What a worker process does for one block."""
    assert _studio is not None, "start_worker runs first"
    return _studio.make(block)
