"""Self-collision of a posed character: how deep its limbs lie in one another, by capsules.

A capsule is all that lies within a radius of a segment. Limbs are given capsules between the
skeleton's joints, with the radii of a slender body in leg lengths; a limb's root, which lies in
its neighbour by nature, is left out. The depth of two limbs is the sum of their radii less the
distance of their segments. Garments and hair are not measured: they yield.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from psgan_tf.motion.humanoid import SIDES
from psgan_tf.motion.rest_skeleton import RestSkeleton, SkeletonPoint
from psgan_tf.motion.retarget import PosedSkeleton
from psgan_tf.motion.transforms import FloatArray

# Radii and lengths, in leg lengths.
_RADII: Mapping[str, float] = {
    "pelvis": 0.088,
    "chest": 0.084,
    "neck": 0.045,
    "head": 0.122,
    "UpperArm": 0.040,
    "LowerArm": 0.033,
    "Hand": 0.034,
    "Hip": 0.088,
    "UpperLeg": 0.076,
    "LowerLeg": 0.052,
    "Foot": 0.040,
}
_HAND_LEGS = 0.15
# Centre of the skull's lower and upper half, above the head's joint and before it.
_SKULL_LEGS = ((0.095, 0.02), (0.175, 0.02))
# Half the distance of the trunk's two capsules, in halves of the upper legs' distance.
_PELVIS_SPREAD, _WAIST_SPREAD, _CHEST_SPREAD = 0.95, 0.5, 0.68
_SHOULDER_DROP_LEGS = 0.05
# Where the limb is clear of what it hangs on, as parts of its first segment.
_ARM_CLEAR, _LEG_CLEAR = 0.5, 0.45

# Skin yields so far before a touch counts as penetration, in leg lengths.
_YIELD_LEGS = 0.02
_GROUND_YIELD_LEGS = 0.04

_TRUNK = ("pelvis", "chest")
_ARM = ("UpperArm", "LowerArm", "Hand")
_LEG = ("UpperLeg", "LowerLeg", "Foot")
# The root of the thigh, which is clear of the arms only.
_HIP = "Hip"
# Kinds of penetration: limbs against others, which are of the `other` side, of `both`, or of none.
_KINDS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str | None], ...] = (
    ("an arm through the trunk", _ARM, _TRUNK, None),
    ("an arm through the head", _ARM, ("neck", "head"), None),
    ("an arm through the other", _ARM, _ARM, "other"),
    ("an arm through a leg", _ARM, (_HIP, *_LEG), "both"),
    ("a leg through the other", _LEG, _LEG, "other"),
    ("a leg through the trunk", _LEG, (*_TRUNK, "neck", "head"), None),
)
_GROUND = "a limb through the ground"
PENETRATIONS = (*(kind for kind, *_ in _KINDS), _GROUND)


@dataclass(frozen=True, eq=False)
class Capsule:
    """All within `radius` of the segment between two points of a skeleton.

    Attributes:
        name: the limb ("LowerArm"), the same on both sides.
        side: "left", "right", or "" for the trunk and head.
        start, end: its segment's ends.
        radius: in the skeleton's unit.
    """

    name: str
    side: str
    start: SkeletonPoint
    end: SkeletonPoint
    radius: float


def segment_distances(
    first_starts: FloatArray,
    first_ends: FloatArray,
    second_starts: FloatArray,
    second_ends: FloatArray,
) -> FloatArray:
    """[...]: the least distances between segments, of [..., 3] ends each.

    The nearest point of the first line is sought, kept within the segment, and answered by the
    second's nearest point and again by the first's (Ericson, Real-Time Collision Detection, 5.1.9).
    """
    first, second = first_ends - first_starts, second_ends - second_starts
    between = first_starts - second_starts
    a = np.sum(first * first, axis=-1)
    e = np.sum(second * second, axis=-1)
    b = np.sum(first * second, axis=-1)
    c = np.sum(first * between, axis=-1)
    f = np.sum(second * between, axis=-1)
    determinant = a * e - b * b
    skew = determinant > 1e-12 * a * e
    along = np.where(skew, (b * f - c * e) / np.where(skew, determinant, 1.0), 0.0)
    along = np.clip(along, 0.0, 1.0)
    across = np.clip((b * along + f) / np.where(e > 0, e, 1.0), 0.0, 1.0)
    along = np.clip((b * across - c) / np.where(a > 0, a, 1.0), 0.0, 1.0)
    gaps = between + along[..., None] * first - across[..., None] * second
    distances: FloatArray = np.linalg.norm(gaps, axis=-1)
    return distances


class BodyCapsules:
    """The capsules of a character.

    Args:
        skeleton: the character.
    """

    def __init__(self, skeleton: RestSkeleton) -> None:
        self._skeleton = skeleton
        self._rest = dict(zip(skeleton.bones, skeleton.t_pose, strict=True))

    @cached_property
    def capsules(self) -> tuple[Capsule, ...]:
        """All of them."""
        limbs = [limb for side in SIDES for limb in self._limbs(side)]
        return (*self._trunk(), *limbs)

    def depths(self, posed: PosedSkeleton) -> FloatArray:
        """[F, K]: the greatest depth of each of PENETRATIONS, below 0 where there is air between.

        In the skeleton's unit. Yielding skin and soft ground are taken off already, so that above
        0 means through.
        """
        starts = posed.points(tuple(capsule.start for capsule in self.capsules))
        ends = posed.points(tuple(capsule.end for capsule in self.capsules))
        legs = self._skeleton.leg_length
        first, second, kinds = self._pairs
        radii = np.array([capsule.radius for capsule in self.capsules])
        distances = segment_distances(
            starts[:, first], ends[:, first], starts[:, second], ends[:, second]
        )
        depths = radii[first] + radii[second] - distances - _YIELD_LEGS * legs
        result = np.empty((len(depths), len(PENETRATIONS)))
        for kind in range(len(_KINDS)):
            result[:, kind] = depths[:, kinds == kind].max(axis=1)
        lowest = np.minimum(starts, ends)[..., 1] - radii
        # Feet stand on the ground by the ground rule; seats yield.
        free = [capsule.name not in ("Foot", "pelvis", _HIP) for capsule in self.capsules]
        result[:, -1] = -lowest[:, free].min(axis=1) - _GROUND_YIELD_LEGS * legs
        return result

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices of the capsules that are measured against one another, and their kinds."""
        pairs = []
        for kind, (_, limbs, others, whose) in enumerate(_KINDS):
            for i, one in enumerate(self.capsules):
                for j, other in enumerate(self.capsules):
                    if one.name not in limbs or other.name not in others:
                        continue
                    if whose == "other" and (one.side, other.side) != SIDES:
                        continue
                    pairs.append((i, j, kind))
        first, second, kinds = np.array(pairs).T
        return first, second, kinds

    def _point(self, bone: str, place: FloatArray) -> SkeletonPoint:
        """The point that moves with a bone and is at `place` in the T-pose."""
        index = self._skeleton.bones.index(bone)
        return SkeletonPoint(bone, index, place - self._rest[bone], True)

    def _capsule(
        self, name: str, side: str, start: tuple[str, FloatArray], end: tuple[str, FloatArray]
    ) -> Capsule:
        radius = _RADII[name] * self._skeleton.leg_length
        return Capsule(name, side, self._point(*start), self._point(*end), radius)

    def _trunk(self) -> list[Capsule]:
        rest, legs = self._rest, self._skeleton.leg_length
        middle = next(bone for bone in ("chest", "spine", "hips") if bone in rest)
        top = next(bone for bone in ("upperChest", "chest", "spine") if bone in rest)
        half = abs(rest["leftUpperLeg"][0] - rest["rightUpperLeg"][0]) / 2.0
        shoulders = (rest["leftUpperArm"] + rest["rightUpperArm"]) / 2.0
        shoulders = shoulders - [0.0, _SHOULDER_DROP_LEGS * legs, 0.0]
        head = rest["head"]
        capsules = []
        for sign in (1.0, -1.0):
            low, waist, high = (
                np.array([sign * half * spread, 0.0, 0.0])
                for spread in (_PELVIS_SPREAD, _WAIST_SPREAD, _CHEST_SPREAD)
            )
            belly = (middle, rest[middle] + waist)
            capsules.append(self._capsule("pelvis", "", ("hips", rest["hips"] + low), belly))
            capsules.append(self._capsule("chest", "", belly, (top, shoulders + high)))
        capsules.append(self._capsule("neck", "", (top, shoulders), ("head", head)))
        low_skull, high_skull = (
            head + np.array([0.0, up * legs, forward * legs]) for up, forward in _SKULL_LEGS
        )
        capsules.append(self._capsule("head", "", ("head", low_skull), ("head", high_skull)))
        return capsules

    def _limbs(self, side: str) -> list[Capsule]:
        legs = self._skeleton.leg_length
        arm = [(side + name, self._rest[side + name]) for name in ("UpperArm", "LowerArm", "Hand")]
        leg = [(side + name, self._rest[side + name]) for name in ("UpperLeg", "LowerLeg", "Foot")]
        along = arm[2][1] - arm[1][1]
        along = along / max(float(np.linalg.norm(along)), 1e-9)
        tip = next(p for p in self._skeleton.contacts if p.name == side + "ToeTip")
        tip_bone = self._skeleton.bones[tip.bone]
        toes = (tip_bone, self._rest[tip_bone] + tip.offset)
        return [
            self._capsule("UpperArm", side, _part_way(arm[0], arm[1], _ARM_CLEAR), arm[1]),
            self._capsule("LowerArm", side, arm[1], arm[2]),
            self._capsule("Hand", side, arm[2], (arm[2][0], arm[2][1] + along * _HAND_LEGS * legs)),
            self._capsule(_HIP, side, leg[0], _part_way(leg[0], leg[1], _LEG_CLEAR)),
            self._capsule("UpperLeg", side, _part_way(leg[0], leg[1], _LEG_CLEAR), leg[1]),
            self._capsule("LowerLeg", side, leg[1], leg[2]),
            self._capsule("Foot", side, leg[2], toes),
        ]


def _part_way(
    start: tuple[str, FloatArray], end: tuple[str, FloatArray], fraction: float
) -> tuple[str, FloatArray]:
    return start[0], start[1] + fraction * (end[1] - start[1])
