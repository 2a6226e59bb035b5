"""A motion, whatever file it came from: how a humanoid turns and travels, frame by frame.

Rotations are relative to the T-pose in canonical axes (x to the character's left, y up, z
forward; see `rig.py`) and composed with the ancestors' (world rotations), so a motion fits every
rig. Travel is in leg lengths, so that short legs make short steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from psgan_tf.common.frame_rate import LARGEST_FPS, check_fps
from psgan_tf.motion.humanoid import BONE_PARENTS, HUMANOID_BONES, ancestor_among
from psgan_tf.motion.transforms import (
    FloatArray,
    angles_between,
    conjugate_quaternions,
    multiply_quaternions,
    slerp,
)

# Ten minutes at 30 frames a second may always be sampled; longer needs that many stored keys.
_FREE_FRAMES = 18_000
_MOST_FRAMES = 500_000

_LOOP_ANGLE_RAD = np.radians(6.0)
_LOOP_HEIGHT_LEGS = 0.03


def check_frame_count(num_frames: float, num_keys: int, source: str) -> int:
    """`num_frames` as an integer, if the file's own length explains it.

    One damaged number must not make a small file into a motion of years.

    Raises:
        ValueError: no frame, or far more frames than keys.
    """
    if not num_frames >= 1:
        raise ValueError(
            f"`{source}` must hold at least one frame of motion. Received: none. "
            "Export it again with its animation."
        )
    limit = min(_MOST_FRAMES, max(_FREE_FRAMES, 4 * num_keys))
    if num_frames > limit:
        raise ValueError(
            f"`{source}` must not be longer than {limit} frames, given its {num_keys} keys. "
            f"Received: {num_frames:.0f} frames. Cut it into parts, or ask for fewer frames a "
            "second."
        )
    return int(num_frames)


@dataclass(frozen=True, eq=False)
class Motion:
    """A humanoid's motion.

    Attributes:
        name: the clip's name.
        source: the file's name.
        fps: frames a second; frame k is at k / fps seconds.
        bones: the B humanoid bones that the motion moves, parents before children.
        rotations: [F, B, 4] float64 unit quaternions (x, y, z, w): each bone's world rotation
            relative to the T-pose, in canonical axes.
        hips_offsets: [F, 3] float64: the hips' position relative to standing upright at the origin,
            in canonical axes and leg lengths.
    """

    name: str
    source: str
    fps: float
    bones: tuple[str, ...]
    rotations: FloatArray
    hips_offsets: FloatArray

    def __post_init__(self) -> None:
        frames = len(self.rotations)
        if not 0 < self.fps <= LARGEST_FPS:
            raise ValueError(
                f"`fps` of {self.source} must be above 0 and at most {LARGEST_FPS:g}. "
                f"Received: {self.fps:g}. Correct the file's frame time."
            )
        if frames < 1 or not self.bones:
            raise ValueError(
                f"`{self.source}` must move at least one humanoid bone for one frame. Received: "
                f"{frames} frames, {len(self.bones)} bones. Choose another clip or give a bone map."
            )
        if self.rotations.shape != (frames, len(self.bones), 4) or self.hips_offsets.shape != (
            frames,
            3,
        ):
            raise ValueError(
                "`rotations` must be [F, B, 4] and `hips_offsets` [F, 3]. Received: "
                f"{self.rotations.shape} and {self.hips_offsets.shape} for {len(self.bones)} bones."
            )
        if not (np.isfinite(self.rotations).all() and np.isfinite(self.hips_offsets).all()):
            raise ValueError(
                f"`{self.source}` must hold finite numbers. Received: NaN or infinity in the "
                "motion. The file is damaged; export it again."
            )

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.rotations)

    @property
    def duration_secs(self) -> float:
        """From the first frame to the last."""
        return (self.num_frames - 1) / self.fps

    @property
    def times_secs(self) -> FloatArray:
        """[F]: the time of each frame."""
        return np.arange(self.num_frames) / self.fps

    @property
    def loops(self) -> bool:
        """Whether the last frame leads back to the first (a hint: pose alike, hips as high)."""
        if self.num_frames < 3:
            return False
        turn = angles_between(self.rotations[0], self.rotations[-1]).max()
        rise = abs(self.hips_offsets[0, 1] - self.hips_offsets[-1, 1])
        return bool(turn < _LOOP_ANGLE_RAD and rise < _LOOP_HEIGHT_LEGS)

    def frames(self, frames: slice) -> Motion:
        """The same motion cut to a slice of its frames (without steps)."""
        return replace(
            self, rotations=self.rotations[frames], hips_offsets=self.hips_offsets[frames]
        )


def resampled(motion: Motion, fps: float) -> Motion:
    """The motion at another frame rate, equally long to within one new frame.

    Each joint's angle relative to its parent is interpolated on the sphere (the short way), the
    hips' path linearly. Frame k of the result is the motion at k / fps seconds.

    Raises:
        ValueError: `fps` is not above 0, or gives too many frames.
    """
    check_fps(fps)
    if fps == motion.fps:
        return motion
    # Rounding must not lose the last frame where the rates divide each other.
    count = int(np.floor(motion.duration_secs * fps + 1e-6)) + 1
    check_frame_count(count, motion.num_frames, motion.source)
    places = np.minimum(np.arange(count) * (motion.fps / fps), motion.num_frames - 1.0)
    before = np.minimum(places.astype(np.int64), max(motion.num_frames - 2, 0))
    after = np.minimum(before + 1, motion.num_frames - 1)
    between = blended(_frames_at(motion, before), _frames_at(motion, after), places - before)
    return replace(between, fps=float(fps))


def blended(first: Motion, second: Motion, fractions: FloatArray) -> Motion:
    """Frame by frame between two motions, joint by joint in angle space.

    Args:
        first, second: motions of the same bones and F frames; the result is otherwise like `first`.
        fractions: [F], 0 for the first, 1 for the second.
    """
    turned = slerp(_relative_to_parents(first), _relative_to_parents(second), fractions[:, None])
    offsets = first.hips_offsets
    return replace(
        first,
        rotations=_composed_with_parents(first.bones, turned),
        hips_offsets=offsets + (second.hips_offsets - offsets) * fractions[:, None],
    )


def _frames_at(motion: Motion, frames: npt.NDArray[np.int64]) -> Motion:
    return replace(
        motion, rotations=motion.rotations[frames], hips_offsets=motion.hips_offsets[frames]
    )


def _parent_columns(bones: tuple[str, ...]) -> list[int]:
    """For each bone the column of its nearest ancestor among `bones`, -1 for none."""
    columns = {bone: column for column, bone in enumerate(bones)}
    parents = (ancestor_among(bone, columns) for bone in bones)
    return [-1 if parent is None else columns[parent] for parent in parents]


def _relative_to_parents(motion: Motion) -> FloatArray:
    local = motion.rotations.copy()
    for column, parent in enumerate(_parent_columns(motion.bones)):
        if parent >= 0:
            local[:, column] = multiply_quaternions(
                conjugate_quaternions(motion.rotations[:, parent]), motion.rotations[:, column]
            )
    return local


def _composed_with_parents(bones: tuple[str, ...], local: FloatArray) -> FloatArray:
    world = local.copy()
    for column, parent in enumerate(_parent_columns(bones)):
        if parent >= 0:
            world[:, column] = multiply_quaternions(world[:, parent], local[:, column])
    return world


def in_humanoid_order(bones: set[str]) -> tuple[str, ...]:
    """The bones with parents before children, as `Motion.bones` wants them."""
    assert bones <= set(BONE_PARENTS)
    return tuple(bone for bone in HUMANOID_BONES if bone in bones)
