"""The body's surface in coordinates that clothes are cut by: around the trunk, an arm, a leg.

Each chart sends rays from a middle line; `reach` tells how far the skin is along them. A garment
is a grid of places on a chart with so much air above the skin, and it is moved by the weights of
the skin below it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from tools.avatars.builtin.body.body_field import signed_distance
from tools.avatars.builtin.body.proportions import PROFILES
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_step

# The trunk's rays lie level between these heights and fan out above and below.
TRUNK_LOW, TRUNK_HIGH = 0.850, 1.080
# Metres on the chart for one radian of the fan.
_FAN_METRES = 0.15
_TRUNK_Z = -0.006
# Where the trunk ends: an arm begins here, and the neck.
SHOULDER_X, NECK_Y = 0.134, 1.285
# The middle of the legs; trouser legs keep to their side of it.
_BETWEEN_LEGS = 0.002

# Angles and steps of the rays that charts are measured with.
_ANGLES, _STEPS = 64, 16

Rays = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, eq=False)
class Chart:
    """A part of the body, unrolled.

    Attributes:
        rays: of places (along, angle), each [N], gives the rays' [N, 3] origins and directions.
        along: [A] knots, rising.
        reaches: [A, B] metres to the skin; the B angles go round once, evenly.
    """

    rays: Rays
    along: FloatArray
    reaches: FloatArray

    def reach(self, along: ArrayLike, angle: ArrayLike) -> FloatArray:
        """Metres from the middle line to the skin, interpolated, for places of any shape."""
        along, angle = np.broadcast_arrays(np.asarray(along, float), np.asarray(angle, float))
        row = np.interp(along, self.along, np.arange(len(self.along)))
        count = self.reaches.shape[1]
        column = (angle / (2.0 * np.pi) * count) % count
        top = np.minimum(row.astype(int), len(self.along) - 2)
        left = column.astype(int) % count
        down, right = row - top, column - np.floor(column)
        beside = (left + 1) % count
        upper = self.reaches[top, left] * (1 - right) + self.reaches[top, beside] * right
        lower = self.reaches[top + 1, left] * (1 - right) + self.reaches[top + 1, beside] * right
        return np.asarray(upper * (1 - down) + lower * down)

    def points(self, along: ArrayLike, angle: ArrayLike, reach: ArrayLike) -> FloatArray:
        """[..., 3]: places at a distance from the middle line."""
        along, angle, reach = np.broadcast_arrays(
            np.asarray(along, float), np.asarray(angle, float), np.asarray(reach, float)
        )
        origins, directions = self.rays(along.ravel(), angle.ravel())
        return (origins + directions * reach.ravel()[:, None]).reshape(*along.shape, 3)


def _hits(
    origins: FloatArray, directions: FloatArray, limit: float, distance: Callable
) -> FloatArray:
    """[N] metres along rays from inside to where `distance` first is 0, at most `limit`."""
    reach = np.zeros(len(origins))
    for _ in range(_STEPS):
        away = distance(origins + directions * reach[:, None])
        # The field is steeper than a true distance in places: short steps do not jump the skin.
        reach = np.clip(reach - 0.85 * away, 0.0, limit)
    return reach


def _chart(rays: Rays, along: FloatArray, limit: float, distance: Callable) -> Chart:
    angles = 2.0 * np.pi * np.arange(_ANGLES) / _ANGLES
    places = np.meshgrid(along, angles, indexing="ij")
    origins, directions = rays(places[0].ravel(), places[1].ravel())
    reaches = _hits(origins, directions, limit, distance)
    return Chart(rays, along, reaches.reshape(len(along), _ANGLES))


def trunk_place(height: float, radius: float) -> float:
    """The trunk's chart coordinate of what lies at a height, `radius` from the middle."""
    if height > TRUNK_HIGH:
        return TRUNK_HIGH + _FAN_METRES * float(np.arctan2(height - TRUNK_HIGH, radius))
    if height < TRUNK_LOW:
        return TRUNK_LOW - _FAN_METRES * float(np.arctan2(TRUNK_LOW - height, radius))
    return height


def _trunk_rays(along: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angle 0 is to her left, a quarter turn in front."""
    level = np.clip(along, TRUNK_LOW, TRUNK_HIGH)
    pitch = (along - level) / _FAN_METRES
    zeros = np.zeros_like(along)
    origins = np.stack([zeros, level, zeros + _TRUNK_Z], axis=1)
    across = np.cos(pitch)
    directions = [across * np.cos(angle), np.sin(pitch), across * np.sin(angle)]
    return origins, np.stack(directions, axis=1)


def _trunk_distance(points: FloatArray) -> FloatArray:
    """The body without arms, legs and head, its cuts a little rounded."""
    body = signed_distance(points)
    cut = np.abs(points[:, 0]) - SHOULDER_X
    # Arms are cut off at the shoulder, legs below the hips.
    cut = np.where(points[:, 1] > 1.10, cut, -1.0)
    cut = np.maximum(cut, np.maximum(points[:, 1] - NECK_Y, 0.745 - points[:, 1]))
    softness = 0.008
    near = np.maximum(softness - np.abs(body - cut), 0.0) / softness
    return np.maximum(body, cut) + near**2 * softness * 0.25


@lru_cache(maxsize=1)
def trunk() -> Chart:
    """The trunk from between the legs (0.62) to the neck (1.30); `trunk_place` knows heights."""
    return _chart(_trunk_rays, np.linspace(0.62, 1.30, 70), 0.30, _trunk_distance)


def _arm_rays(along: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angle 0 is in front, a quarter turn up."""
    centers, _ = PROFILES["leftArm"].section(along)
    origins = np.stack([along, centers[:, 1], centers[:, 0]], axis=1)
    directions = np.stack([np.zeros_like(angle), np.sin(angle), np.cos(angle)], axis=1)
    return origins, directions


@lru_cache(maxsize=1)
def arm() -> Chart:
    """The left arm from the shoulder (x = 0.09) to the wrist (0.545)."""
    return _chart(_arm_rays, np.linspace(0.09, 0.545, 40), 0.046, signed_distance)


def leg_middle(height: ArrayLike) -> FloatArray:
    """[..., 2]: x and z of the left leg's middle line."""
    centers, _ = PROFILES["leftLeg"].section(np.asarray(height, float))
    return centers


def _leg_rays(along: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angle 0 is outward, a quarter turn in front."""
    centers = leg_middle(along)
    origins = np.stack([centers[:, 0], along, centers[:, 1]], axis=1)
    directions = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], axis=1)
    return origins, directions


def _leg_distance(points: FloatArray) -> FloatArray:
    # Below the ankle the heel and the instep would reach far out.
    shank = PROFILES["leftLeg"]
    _, reaches = shank.section(points[:, 1])
    around = np.hypot(points[:, 0] - 0.066, points[:, 2] + 0.012) - reaches.max(axis=1)
    low = points[:, 1] < 0.10
    body = signed_distance(points)
    return np.maximum(np.where(low, np.maximum(body, around), body), _BETWEEN_LEGS - points[:, 0])


@lru_cache(maxsize=1)
def leg() -> Chart:
    """The left leg from the ankle (y = 0.06) to the hip (0.84)."""
    return _chart(_leg_rays, np.linspace(0.06, 0.84, 48), 0.14, _leg_distance)


def _foot_rays(along: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angle 0 is outward, a quarter turn up."""
    centers, _ = PROFILES["leftFoot"].section(along)
    origins = np.stack([centers[:, 0], centers[:, 1], along], axis=1)
    directions = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
    return origins, directions


@lru_cache(maxsize=1)
def foot() -> Chart:
    """The left foot from the heel (z = -0.045) to the tips of the toes (0.158)."""
    profile = PROFILES["leftFoot"]
    along = np.linspace(-0.045, 0.158, 30)

    def distance(points: FloatArray) -> FloatArray:
        centers, reaches = profile.section(points[:, 2])
        first, second = points[:, 0] - centers[:, 0], points[:, 1] - centers[:, 1]
        across = np.where(first >= 0, reaches[:, 0], reaches[:, 1])
        high = np.where(second >= 0, reaches[:, 2], reaches[:, 3])
        ratio = np.hypot(first / across, second / high)
        return np.asarray((ratio - 1.0) * np.minimum(across, high))

    return _chart(_foot_rays, along, 0.08, distance)


def hanging(reaches: FloatArray, part: float, rows: slice) -> FloatArray:
    """Lets cloth hang from what is widest above it instead of following the skin back in.

    Args:
        reaches: [R, C], rows from below upward.
        part: 0 follows the skin, 1 hangs straight down.
        rows: those that hang; the first row above them is what they hang from.
    """
    result = reaches.copy()
    straight = np.maximum.accumulate(reaches[rows][::-1], axis=0)[::-1]
    result[rows] = reaches[rows] * (1.0 - part) + straight * part
    return result


def rounded(reaches: FloatArray, times: int) -> FloatArray:
    """[R, C] with hollows between neighbouring columns bridged, as stretched cloth does."""
    for _ in range(times):
        mean = 0.5 * (np.roll(reaches, 1, axis=1) + np.roll(reaches, -1, axis=1))
        reaches = np.maximum(reaches, mean)
    return reaches


def folds(angle: FloatArray, count: int, depth: float, sharpness: float = 0.0) -> FloatArray:
    """Waves around a garment, 0 to -`depth`; `sharpness` up to 1 makes pleats of them."""
    phase = (angle * count / (2.0 * np.pi)) % 1.0
    wave = 0.5 - 0.5 * np.cos(2.0 * np.pi * phase)
    pleat = np.where(phase < 0.8, phase / 0.8, (1.0 - phase) / 0.2)
    return -depth * (wave * (1.0 - sharpness) + pleat * sharpness)


def fade(along: FloatArray, low: float, high: float) -> FloatArray:
    """1 below `low`, 0 above `high`: for folds that begin at a seam."""
    return 1.0 - smooth_step(along, low, high)
