"""Pictures of the built-in avatar for the documentation: costumes, motions, poses, close-ups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import radians

import numpy as np

from psgan_tf.images.contact_sheets import contact_sheet
from psgan_tf.motion.camera import Camera
from psgan_tf.motion.motion import Motion
from psgan_tf.motion.motion_files import motion_from_file
from tools.avatars.builtin.builtin_files import BuiltinFiles
from tools.avatars.builtin.motions.motions import TEST_MOTIONS
from tools.avatars.dataset.framing import (
    TIGHT_FOLLOW,
    fitted_camera,
    reach_of,
    reaches_of,
    tight_camera,
)
from tools.avatars.dataset.options import Angles
from tools.avatars.dataset.plan import Shot
from tools.avatars.dataset.poses import Poses, evenly_spaced_frames, pose_avatar, poses_of
from tools.avatars.loading.avatar import load_avatar
from tools.avatars.loading.costumes import dressed, read_costumes
from tools.avatars.mixed_poses.mixer import PoseMixer
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.figure import Figure
from tools.avatars.renderer.figure_building import build_figure

_SAMPLES = 3
_COSTUME_PX, _COSTUME_COLUMNS = 224, 10
_MOMENT_PX, _MOMENTS = 220, 7
# She is slender: so much of a picture's width is enough, but for arms spread out.
_MOMENT_WIDTH_PX = 124
_CLOSE_UP_PX = 1024
_MIXED_PX, _MIXED_EACH = 112, 4
_MIXED_YAW = Angles((-60.0, 60.0), is_range=True)


@dataclass(frozen=True)
class CloseUp:
    """What a close-up shows.

    Attributes:
        costume, motion: by name.
        moment: of the motion, 0 to 1.
        bone: humanoid bone in the middle of the picture.
        offset: from the bone, in metres in canonical axes.
        height: of what the picture shows, in metres.
        yaw_degrees: as in `Shot`.
    """

    costume: str
    motion: str
    moment: float
    bone: str
    offset: tuple[float, float, float]
    height: float
    yaw_degrees: float


CLOSE_UPS = (
    CloseUp("sailor-summer", "idle", 0.0, "head", (0.0, 0.09, 0.0), 0.42, 24.0),
    CloseUp("idol-pink", "idle", 0.0, "head", (0.0, 0.09, 0.0), 0.42, -62.0),
    CloseUp("sailor-summer", "wave", 0.45, "rightHand", (0.0, 0.05, 0.0), 0.3, 0.0),
    CloseUp("track-suit", "idle", 0.0, "rightHand", (0.0, -0.06, 0.0), 0.3, 50.0),
)


class Showcase:
    """The built-in avatar before a camera.

    Args:
        files: where she is, see `builtin.files.write_builtin_files`.
    """

    def __init__(self, files: BuiltinFiles):
        self._files = files
        self._avatar = load_avatar(files.avatar)
        self._costumes = {costume.name: costume for costume in read_costumes(files.costumes)}

    def costumes(self) -> np.ndarray:
        """Each costume once, with its name: [H, W, 3] uint8."""
        poses = self._poses("idle", 1)
        shot = Shot("", 0, 12.0, 0.0)
        figures = [self._figure(name) for name in self._costumes]
        reaches = [reach_of(figure, poses, [shot]) for figure in figures]
        camera = shot.camera(fitted_camera(reaches, _COSTUME_PX, 1.0))
        tiles = [self._draw(figure, poses, 0, camera, poses.hips[0]) for figure in figures]
        return contact_sheet(tiles, list(self._costumes), _COSTUME_COLUMNS)

    def motions(self, costume: str) -> np.ndarray:
        """Moments of each motion in one costume, two motions a row: [H, W, 3] uint8."""
        figure = self._figure(costume)
        poses = {name: self._poses(name, _MOMENTS) for name in self._files.motions}
        shots = [Shot("", moment, 30.0, 6.0) for moment in range(_MOMENTS)]
        reaches = [reach_of(figure, some, shots) for some in poses.values()]
        level = fitted_camera(reaches, _MOMENT_PX, 1.0)
        tiles, captions = [], []
        for name, some in poses.items():
            for shot in shots:
                camera = shot.camera(level)
                tile = self._draw(figure, some, shot.pose, camera, some.hips[shot.pose])
                left = (_MOMENT_PX - _MOMENT_WIDTH_PX) // 2
                tiles.append(tile[:, left : left + _MOMENT_WIDTH_PX])
                captions.append(name if shot.pose == 0 else "")
        return contact_sheet(tiles, captions, 2 * _MOMENTS)

    def mixed_poses(self, costumes: Sequence[str]) -> np.ndarray:
        """Mixed poses, a column for each costume, tightly framed: [H, W, 3] uint8."""
        skeleton, names = self._avatar.skeleton, self._files.motions
        motions = [motion_from_file(names[name]) for name in names if name not in TEST_MOTIONS]
        mixer = PoseMixer(skeleton, motions, "motion", seed=0)
        numbers = np.arange(_MIXED_EACH)
        figures = [self._figure(costume) for costume in costumes]
        poses, shots, reaches = [], [], []
        for costume, figure in zip(costumes, figures, strict=True):
            posed = mixer.poses(costume, numbers.tolist()).posed
            poses.append(poses_of(self._avatar.rig, posed, numbers, np.zeros(_MIXED_EACH)))
            shots.append(
                [Shot("", k, *_MIXED_YAW.for_pose(0, costume, k), 0.0) for k in range(_MIXED_EACH)]
            )
            reaches.append(reaches_of(figure, poses[-1], shots[-1], TIGHT_FOLLOW))
        level = tight_camera(np.concatenate(reaches), _MIXED_PX, 1.0)
        tiles = [
            self._draw(figure, some, k, views[k].camera(level), some.hips[k])
            for k in range(_MIXED_EACH)
            for figure, some, views in zip(figures, poses, shots, strict=True)
        ]
        captions = [*costumes, *([""] * (len(tiles) - len(costumes)))]
        return contact_sheet(tiles, captions, len(costumes))

    def close_ups(self, shown: Sequence[CloseUp] = CLOSE_UPS) -> np.ndarray:
        """Close-ups at 1024 x 1024 each, two a row: [H, W, 3] uint8."""
        tiles = list(self._close_ups(shown))
        rows = [np.concatenate(tiles[i : i + 2], axis=1) for i in range(0, len(tiles), 2)]
        return np.concatenate(rows)

    def _close_ups(self, shown: Sequence[CloseUp]) -> Iterator[np.ndarray]:
        for one in shown:
            motion = motion_from_file(self._files.motions[one.motion])
            frame = round(one.moment * (motion.num_frames - 1))
            poses = self._poses_at(motion, np.array([frame]))
            node = self._avatar.rig.bones[one.bone]
            middle = poses.node_worlds[0, node, :3, 3] + one.offset
            camera = Camera(
                size_px=_CLOSE_UP_PX,
                pixels_per_unit=_CLOSE_UP_PX / one.height,
                yaw_rad=radians(one.yaw_degrees),
                target=(float(middle[0]), float(middle[1]), float(middle[2])),
            )
            yield self._draw(self._figure(one.costume), poses, 0, camera, np.zeros(3))

    def _figure(self, costume: str) -> Figure:
        look = self._costumes[costume]
        return build_figure(dressed(self._avatar.surfaces, look), look.expression)

    def _poses(self, name: str, count: int) -> Poses:
        motion = motion_from_file(self._files.motions[name])
        return self._poses_at(motion, evenly_spaced_frames(motion, count))

    def _poses_at(self, motion: Motion, frames: np.ndarray) -> Poses:
        return pose_avatar(self._avatar.rig, self._avatar.skeleton, motion, frames, "motion")

    def _draw(
        self, figure: Figure, poses: Poses, pose: int, camera: Camera, hips: np.ndarray
    ) -> np.ndarray:
        """One picture, [S, S, 3] uint8; the camera's target counts from the hips' ground."""
        matrix = camera.matrices(hips[None])[0]
        frame = figure.posed(poses.node_worlds[pose], matrix, camera.size_px)
        size = (camera.size_px, camera.size_px)
        table, bank = figure.material_table, figure.bank
        return draw_on_cpu(frame, table, bank, size, _SAMPLES, transparent=False)[..., :3]
