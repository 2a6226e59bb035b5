"""Koharu's measures: her joints in the T-pose, and the cross sections of her trunk and limbs.

Metres; x to her left, y up, z forward; the ground is y = 0. Only her left side is written down,
the right one is its mirror image. Standing she measures 1.58 m, a good six heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from psgan_tf.motion.humanoid import BONE_PARENTS
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve

HEIGHT = 1.58
CHIN_HEIGHT = 1.325
CROWN_HEIGHT = 1.562

_MIDDLE_JOINTS = {
    "hips": (0.0, 0.860, 0.0),
    "spine": (0.0, 0.930, 0.006),
    "chest": (0.0, 1.020, 0.006),
    "upperChest": (0.0, 1.125, -0.004),
    "neck": (0.0, 1.252, -0.022),
    "head": (0.0, 1.330, -0.012),
}
_LEFT_JOINTS = {
    "Eye": (0.034, 1.415, 0.062),
    "Shoulder": (0.034, 1.228, -0.014),
    "UpperArm": (0.116, 1.232, -0.014),
    "LowerArm": (0.338, 1.232, -0.018),
    "Hand": (0.540, 1.232, -0.014),
    "UpperLeg": (0.074, 0.815, 0.0),
    "LowerLeg": (0.070, 0.455, 0.002),
    "Foot": (0.066, 0.078, -0.012),
    "Toes": (0.070, 0.022, 0.098),
    "ThumbMetacarpal": (0.556, 1.226, 0.004),
    "ThumbProximal": (0.582, 1.217, 0.024),
    "ThumbDistal": (0.606, 1.210, 0.035),
    "IndexProximal": (0.622, 1.234, 0.012),
    "IndexIntermediate": (0.655, 1.229, 0.015),
    "IndexDistal": (0.674, 1.220, 0.016),
    "MiddleProximal": (0.626, 1.235, -0.006),
    "MiddleIntermediate": (0.662, 1.228, -0.006),
    "MiddleDistal": (0.682, 1.217, -0.006),
    "RingProximal": (0.622, 1.233, -0.023),
    "RingIntermediate": (0.656, 1.225, -0.025),
    "RingDistal": (0.674, 1.213, -0.026),
    "LittleProximal": (0.614, 1.229, -0.038),
    "LittleIntermediate": (0.639, 1.220, -0.042),
    "LittleDistal": (0.653, 1.210, -0.043),
}


def _joints() -> dict[str, FloatArray]:
    places = {name: np.array(place) for name, place in _MIDDLE_JOINTS.items()}
    for name, (x, y, z) in _LEFT_JOINTS.items():
        places["left" + name] = np.array([x, y, z])
        places["right" + name] = np.array([-x, y, z])
    return {name: places[name] for name in BONE_PARENTS if name in places}


# Each bone's joint in the T-pose, [3]; parents stand before their children.
JOINTS: Mapping[str, FloatArray] = _joints()
JOINT_NAMES: tuple[str, ...] = tuple(JOINTS)


@dataclass(frozen=True, eq=False)
class Profile:
    """The shape of a limb: rounded cross sections at right angles to one coordinate axis.

    Each section is made of four quarters of ellipses around its centre, so its reach towards each
    of the four sides can differ.

    Attributes:
        axis: 0, 1 or 2: the coordinate along which the limb lies.
        across: the two coordinates of its sections, the first where the angle is 0.
        knots: [K] rising values of the axis' coordinate.
        centers: [K, 2] of the sections, in the coordinates `across`.
        reaches: [K, 4] from the centre: along +first, -first, +second, -second.
    """

    axis: int
    across: tuple[int, int]
    knots: FloatArray
    centers: FloatArray
    reaches: FloatArray

    @property
    def start(self) -> float:
        """The axis' coordinate at fraction 0."""
        return float(self.knots[0])

    @property
    def end(self) -> float:
        """The axis' coordinate at fraction 1."""
        return float(self.knots[-1])

    def fraction_at(self, coordinate: ArrayLike) -> FloatArray:
        """Where along the limb, 0 to 1, a value of the axis' coordinate lies."""
        return (np.asarray(coordinate, np.float64) - self.start) / (self.end - self.start)

    def section(self, coordinate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """([..., 2] centres, [..., 4] reaches) at values of the axis' coordinate."""
        both = smooth_curve(self.knots, np.hstack([self.centers, self.reaches]), coordinate)
        return both[..., :2], both[..., 2:]

    def points(
        self, fractions: ArrayLike, angles: ArrayLike, offset: ArrayLike = 0.0
    ) -> FloatArray:
        """[..., 3]: points of the surface, `offset` metres outside it.

        Args:
            fractions: [...] along the limb, 0 to 1.
            angles: [...] around it in radians: 0 along the first axis of `across`, pi / 2 along
                the second.
            offset: metres, or [...] of them.
        """
        fractions, angles, offset = np.broadcast_arrays(
            np.asarray(fractions, np.float64), np.asarray(angles, np.float64), offset
        )
        coordinate = self.start + fractions * (self.end - self.start)
        centers, reaches = self.section(coordinate)
        cosine, sine = np.cos(angles), np.sin(angles)
        first = np.where(cosine >= 0, reaches[..., 0], reaches[..., 1]) + offset
        second = np.where(sine >= 0, reaches[..., 2], reaches[..., 3]) + offset
        result = np.empty((*coordinate.shape, 3))
        result[..., self.axis] = coordinate
        result[..., self.across[0]] = centers[..., 0] + first * cosine
        result[..., self.across[1]] = centers[..., 1] + second * sine
        return result

    def ring(self, fraction: float, count: int, offset: float = 0.0) -> FloatArray:
        """[count, 3]: one cross section, not closed."""
        return self.points(fraction, 2.0 * np.pi * np.arange(count) / count, offset)


def _profile(axis: int, across: tuple[int, int], rows: list[tuple[float, ...]]) -> Profile:
    """Rows: axis' coordinate, centre (2), reaches (4)."""
    table = np.array(sorted(rows))
    return Profile(axis, across, table[:, 0], table[:, 1:3], table[:, 3:])


def mirrored_profile(profile: Profile) -> Profile:
    """The profile of the other side: x is turned round."""
    if profile.axis == 0:
        return Profile(
            0, profile.across, -profile.knots[::-1], profile.centers[::-1], profile.reaches[::-1]
        )
    index = profile.across.index(0)
    centers, reaches = profile.centers.copy(), profile.reaches.copy()
    centers[:, index] *= -1.0
    reaches[:, [2 * index, 2 * index + 1]] = reaches[:, [2 * index + 1, 2 * index]]
    return Profile(profile.axis, profile.across, profile.knots, centers, reaches)


# y; centre x, z; reaches left, right, front, back. From between the legs to the base of the skull.
_TORSO = _profile(
    1,
    (0, 2),
    [
        (0.752, 0, 0.002, 0.030, 0.030, 0.026, 0.034),
        (0.775, 0, 0.000, 0.096, 0.096, 0.056, 0.070),
        (0.800, 0, 0.000, 0.132, 0.132, 0.068, 0.084),
        (0.830, 0, 0.000, 0.143, 0.143, 0.074, 0.090),
        (0.870, 0, 0.002, 0.135, 0.135, 0.075, 0.084),
        (0.920, 0, 0.006, 0.112, 0.112, 0.070, 0.068),
        (0.970, 0, 0.008, 0.094, 0.094, 0.062, 0.060),
        (1.020, 0, 0.006, 0.096, 0.096, 0.064, 0.062),
        (1.075, 0, 0.000, 0.107, 0.107, 0.068, 0.066),
        (1.130, 0, -0.006, 0.114, 0.114, 0.068, 0.068),
        (1.180, 0, -0.012, 0.112, 0.112, 0.060, 0.064),
        (1.218, 0, -0.016, 0.100, 0.100, 0.048, 0.054),
        (1.240, 0, -0.019, 0.074, 0.074, 0.040, 0.046),
        (1.256, 0, -0.020, 0.048, 0.048, 0.036, 0.041),
        (1.275, 0, -0.019, 0.036, 0.036, 0.032, 0.035),
        (1.310, 0, -0.015, 0.032, 0.032, 0.031, 0.033),
        (1.350, 0, -0.012, 0.033, 0.033, 0.030, 0.036),
        (1.395, 0, -0.014, 0.036, 0.036, 0.028, 0.042),
    ],
)
# x; centre z, y; reaches front, back, up, down. From inside the trunk to the wrist.
_ARM = _profile(
    0,
    (2, 1),
    [
        (0.085, -0.014, 1.222, 0.036, 0.036, 0.034, 0.044),
        (0.116, -0.014, 1.228, 0.036, 0.037, 0.033, 0.042),
        (0.150, -0.014, 1.230, 0.034, 0.036, 0.033, 0.037),
        (0.200, -0.015, 1.231, 0.032, 0.034, 0.032, 0.034),
        (0.260, -0.017, 1.232, 0.029, 0.031, 0.030, 0.031),
        (0.310, -0.018, 1.232, 0.027, 0.028, 0.027, 0.028),
        (0.338, -0.018, 1.232, 0.026, 0.027, 0.026, 0.026),
        (0.375, -0.017, 1.232, 0.028, 0.027, 0.027, 0.027),
        (0.410, -0.016, 1.232, 0.028, 0.027, 0.026, 0.026),
        (0.470, -0.015, 1.232, 0.024, 0.024, 0.022, 0.022),
        (0.520, -0.014, 1.232, 0.021, 0.021, 0.018, 0.018),
        (0.545, -0.014, 1.232, 0.021, 0.021, 0.016, 0.016),
    ],
)
# y; centre x, z; reaches outward, inward, front, back. From the hip to the sole.
_LEG = _profile(
    1,
    (0, 2),
    [
        (0.860, 0.074, 0.000, 0.058, 0.050, 0.062, 0.066),
        (0.815, 0.074, 0.000, 0.068, 0.064, 0.070, 0.078),
        (0.765, 0.074, 0.000, 0.072, 0.068, 0.072, 0.080),
        (0.700, 0.074, 0.001, 0.068, 0.064, 0.068, 0.072),
        (0.620, 0.073, 0.002, 0.060, 0.056, 0.061, 0.062),
        (0.540, 0.071, 0.002, 0.050, 0.048, 0.052, 0.052),
        (0.480, 0.070, 0.002, 0.043, 0.043, 0.046, 0.044),
        (0.455, 0.070, 0.002, 0.041, 0.041, 0.045, 0.041),
        (0.420, 0.070, 0.000, 0.040, 0.040, 0.041, 0.042),
        (0.360, 0.069, -0.003, 0.042, 0.041, 0.038, 0.049),
        (0.300, 0.068, -0.005, 0.040, 0.038, 0.036, 0.048),
        (0.230, 0.067, -0.008, 0.033, 0.032, 0.032, 0.039),
        (0.150, 0.066, -0.010, 0.026, 0.025, 0.026, 0.029),
        (0.090, 0.066, -0.012, 0.025, 0.024, 0.026, 0.027),
        (0.060, 0.066, -0.012, 0.026, 0.025, 0.030, 0.029),
        (0.030, 0.066, -0.012, 0.027, 0.026, 0.034, 0.031),
        (0.012, 0.066, -0.012, 0.025, 0.024, 0.032, 0.029),
    ],
)
# z; centre x, y; reaches outward, inward, up, down. From the heel to the tips of the toes.
_FOOT = _profile(
    2,
    (0, 1),
    [
        (-0.046, 0.066, 0.024, 0.012, 0.012, 0.014, 0.016),
        (-0.034, 0.066, 0.026, 0.024, 0.023, 0.030, 0.025),
        (-0.010, 0.066, 0.028, 0.028, 0.026, 0.040, 0.027),
        (0.030, 0.067, 0.026, 0.029, 0.025, 0.038, 0.025),
        (0.065, 0.069, 0.022, 0.034, 0.029, 0.024, 0.021),
        (0.098, 0.070, 0.019, 0.036, 0.033, 0.015, 0.018),
        (0.130, 0.070, 0.016, 0.032, 0.032, 0.011, 0.015),
        (0.152, 0.068, 0.014, 0.020, 0.024, 0.008, 0.012),
        (0.160, 0.067, 0.013, 0.008, 0.010, 0.004, 0.007),
    ],
)

PROFILES: Mapping[str, Profile] = {
    "torso": _TORSO,
    "leftArm": _ARM,
    "rightArm": mirrored_profile(_ARM),
    "leftLeg": _LEG,
    "rightLeg": mirrored_profile(_LEG),
    "leftFoot": _FOOT,
    "rightFoot": mirrored_profile(_FOOT),
}
