"""Legs that follow MikuMikuDance's leg IK: two bones to the ankle's target, one to the toe's.

A VMD file has no skeleton, so the legs' lengths are those of a standard model (`MmdRest`). All
positions are in MMD units (about 8 cm) and canonical axes.

The solution is MMD's own in closed form: the knee bends on its hinge until the leg is as long as
the way to the target, then the thigh turns by the smallest angle that brings the ankle there, and
the foot by the smallest angle that points it at the toe's target.

deviates from MMD: where a file never turns a thigh, MMD's knees look straight ahead even over feet
turned out; here the hip shares the foot's turn, which comes nearer to captured motion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psgan_tf.motion.transforms import (
    FloatArray,
    multiply_quaternions,
    normalise_quaternions,
    rotate_vectors,
)

# The part of the foot's turn out that the hip takes, and the most of it that is believed.
_HIP_SHARE = 0.5
_LARGEST_TURN_OUT_RAD = np.pi / 2.0

# How much shorter than straight a leg must be, so that the knee keeps a side to bend to.
_REACH = 0.9999


@dataclass(frozen=True)
class MmdRest:
    """Rest positions of a model's left side, x, y, z; the right side mirrors x.

    The defaults are round numbers of a model 20 units tall, which most dances are made for. Legs
    hang straight down in front of the lower body's joint.

    Attributes:
        centre, lower_body, leg, knee, ankle, toe: where the bones' joints rest.
        arm_angle_rad: how far the arms hang below the T-pose at rest.
    """

    centre: tuple[float, float, float] = (0.0, 8.0, 0.0)
    lower_body: tuple[float, float, float] = (0.0, 12.0, 0.0)
    leg: tuple[float, float, float] = (0.9, 11.0, 0.0)
    knee: tuple[float, float, float] = (0.9, 6.2, 0.0)
    ankle: tuple[float, float, float] = (0.9, 1.3, 0.0)
    toe: tuple[float, float, float] = (0.9, 0.0, 1.4)
    arm_angle_rad: float = float(np.radians(36.0))

    @property
    def leg_length(self) -> float:
        """Thigh plus shin."""
        return float(
            np.linalg.norm(np.subtract(self.leg, self.knee))
            + np.linalg.norm(np.subtract(self.knee, self.ankle))
        )

    def scaled(self, factor: float) -> MmdRest:
        """The same model, larger by `factor`."""

        def times(point: tuple[float, float, float]) -> tuple[float, float, float]:
            x, y, z = point
            return (x * factor, y * factor, z * factor)

        return MmdRest(
            times(self.centre),
            times(self.lower_body),
            times(self.leg),
            times(self.knee),
            times(self.ankle),
            times(self.toe),
            self.arm_angle_rad,
        )


def on_side(point: tuple[float, float, float], side: str) -> FloatArray:
    """[3]: a rest position of the left side, or its mirror image on the right."""
    return np.array(point) * ([1.0, 1.0, 1.0] if side == "left" else [-1.0, 1.0, 1.0])


def solve_leg(
    rest: MmdRest,
    side: str,
    root: FloatArray,
    target: FloatArray,
    thigh: FloatArray,
    foot: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Thigh and shin that bring the ankle to its target, or as near as the leg reaches.

    Args:
        rest: the model.
        side: "left" or "right".
        root: [F, 3] the leg's joint.
        target: [F, 3] where the ankle shall be.
        thigh: [F, 4] the thigh's world rotation before the IK; its x axis is the knee's hinge.
        foot: [F, 4] the foot's world rotation for the hip to share its turn out; None where the
            file itself turns the thigh.

    Returns:
        [F, 4] and [F, 4]: world rotations of thigh and shin.
    """
    upper = on_side(rest.knee, side) - on_side(rest.leg, side)
    lower = on_side(rest.ankle, side) - on_side(rest.knee, side)
    bend = _knee_angles(upper, lower, np.linalg.norm(target - root, axis=1))
    knee = np.zeros((len(bend), 4))
    knee[:, 0], knee[:, 3] = np.sin(bend / 2.0), np.cos(bend / 2.0)
    reach = rotate_vectors(thigh, upper + rotate_vectors(knee, lower))
    thigh = multiply_quaternions(_smallest_turns(reach, target - root), thigh)
    if foot is not None:
        thigh = multiply_quaternions(_shared_turn_out(target - root, thigh, foot), thigh)
    return thigh, multiply_quaternions(thigh, knee)


def solve_foot(rest: MmdRest, side: str, foot: FloatArray, towards: FloatArray) -> FloatArray:
    """[F, 4]: the foot turned from the world rotation `foot` to point along `towards` [F, 3]."""
    toe = on_side(rest.toe, side) - on_side(rest.ankle, side)
    return multiply_quaternions(_smallest_turns(rotate_vectors(foot, toe), towards), foot)


def _shared_turn_out(leg: FloatArray, thigh: FloatArray, foot: FloatArray) -> FloatArray:
    """[F, 4]: the turn about the line from hip to ankle that brings the knee half over the foot."""
    axis = leg / np.maximum(np.linalg.norm(leg, axis=1, keepdims=True), 1e-9)
    hinge, across = (rotate_vectors(turn, np.array([1.0, 0.0, 0.0])) for turn in (thigh, foot))
    across = across - axis * np.sum(across * axis, axis=1, keepdims=True)
    angles_rad = np.arctan2(
        np.sum(np.cross(hinge, across) * axis, axis=1), np.sum(hinge * across, axis=1)
    )
    angles_rad = angles_rad.clip(-_LARGEST_TURN_OUT_RAD, _LARGEST_TURN_OUT_RAD) * _HIP_SHARE
    return np.concatenate(
        [axis * np.sin(angles_rad / 2.0)[:, None], np.cos(angles_rad / 2.0)[:, None]], axis=1
    )


def _knee_angles(upper: FloatArray, lower: FloatArray, distances: FloatArray) -> FloatArray:
    """[F] radians about x (positive bends the shin back) that make the leg `distances` long.

    |upper + Rx(a) lower| = d is k = A cos a + B sin a with the terms below.
    """
    total, difference = (
        np.linalg.norm(upper) + np.linalg.norm(lower),
        abs(np.linalg.norm(upper) - np.linalg.norm(lower)),
    )
    distances = np.clip(distances, difference, _REACH * total)
    along = upper[1] * lower[1] + upper[2] * lower[2]
    across = upper[2] * lower[1] - upper[1] * lower[2]
    k = (distances**2 - upper @ upper - lower @ lower) / 2.0 - upper[0] * lower[0]
    ratio = np.clip(k / np.hypot(along, across), -1.0, 1.0)
    angles: FloatArray = np.arctan2(across, along) + np.arccos(ratio)
    return angles


def _smallest_turns(source: FloatArray, target: FloatArray) -> FloatArray:
    """[F, 4]: the smallest rotations from the directions [F, 3] to [F, 3]."""
    lengths = np.linalg.norm(source, axis=1) * np.linalg.norm(target, axis=1)
    turns = np.empty((len(source), 4))
    turns[:, :3] = np.cross(source, target)
    turns[:, 3] = lengths + np.sum(source * target, axis=1)
    return normalise_quaternions(turns)
