"""A character's proportions, apart from its file: all that poses and keypoints depend on.

The skeleton is written down in the T-pose, in canonical axes (x to the character's left, y up, z
forward) and the avatar's own unit, usually metres. A dataset card carries it as JSON, so that a
motion can be retargeted to the character a network was trained on without its avatar's file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from psgan_tf.common.json_document import JsonValue
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.motion.animated_rig import rest_ground
from psgan_tf.motion.humanoid import REQUIRED_BONES, SIDES
from psgan_tf.motion.rig import Rig, check_rig
from psgan_tf.motion.transforms import FloatArray

KEYPOINT_NAMES = SKELETONS["avatar20"].keypoints

# Where an avatar has neither toe bones nor a mesh to see: ankle to toes, in leg lengths.
_FOOT_LEGS = 0.2

_LARGEST_SCALE_RATIO = 1.001


@dataclass(frozen=True, eq=False)
class SkeletonPoint:
    """A point that moves with a bone.

    Attributes:
        name: keypoint name, or `leftHeel`, `leftToeTip` ... for what touches the ground.
        bone: index into the skeleton's bones.
        offset: [3] from the bone's joint, in the T-pose.
        filled: the avatar has no such bone, so the point was placed by geometry.
    """

    name: str
    bone: int
    offset: FloatArray
    filled: bool


@dataclass(frozen=True, eq=False)
class RestSkeleton:
    """A character's humanoid in the T-pose.

    Attributes:
        bones: B humanoid bones, the hips first, parents before children.
        parents: B indices into `bones`, -1 for the hips.
        offsets: [B, 3] from the parent's joint to the bone's; for the hips, from the ground below
            the origin when standing upright.
        leg_length: thigh plus shin.
        keypoints: the 20 points of schema `avatar20`, in its order.
        contacts: the points of the soles, and the hips, that the ground rule keeps above ground.
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: FloatArray
    leg_length: float
    keypoints: tuple[SkeletonPoint, ...]
    contacts: tuple[SkeletonPoint, ...]

    @property
    def filled(self) -> tuple[str, ...]:
        """The keypoints that were placed by geometry, for want of a bone."""
        return tuple(point.name for point in self.keypoints if point.filled)

    @property
    def t_pose(self) -> FloatArray:
        """[B, 3]: the joints in the T-pose."""
        positions = self.offsets.copy()
        for index, parent in enumerate(self.parents):
            if parent >= 0:
                positions[index] += positions[parent]
        return positions

    def to_json(self) -> dict[str, Any]:
        """Plain values for a dataset card; `rest_skeleton_from_json` reads them back."""

        def points(items: Sequence[SkeletonPoint]) -> list[dict[str, Any]]:
            return [
                {
                    "name": point.name,
                    "bone": self.bones[point.bone],
                    "offset": point.offset.tolist(),
                    "filled": point.filled,
                }
                for point in items
            ]

        return {
            "axes": "x to the character's left, y up, z forward; T-pose",
            "leg_length": self.leg_length,
            "bones": [
                {
                    "name": bone,
                    "parent": self.bones[parent] if parent >= 0 else None,
                    "offset": offset.tolist(),
                }
                for bone, parent, offset in zip(self.bones, self.parents, self.offsets, strict=True)
            ],
            "keypoints": points(self.keypoints),
            "contacts": points(self.contacts),
        }


def rest_skeleton_from_json(value: Any, source: str = "rest_skeleton") -> RestSkeleton:
    """Reads what `RestSkeleton.to_json` wrote.

    Raises:
        ValueError: a member is missing or wrong; the message names it.
    """
    document = JsonValue(value, "", source)
    bones: list[str] = []
    parents: list[int] = []
    offsets: list[FloatArray] = []
    for entry in document["bones"]:
        parent = entry.get("parent")
        if parent.raw is None and bones:
            raise parent.error("must name a parent (only the first bone, the hips, has none)")
        if parent.raw is not None and parent.text() not in bones:
            raise parent.error("must name a bone that stands before it")
        parents.append(-1 if parent.raw is None else bones.index(parent.text()))
        bones.append(entry["name"].text())
        offsets.append(entry["offset"].numbers(3))
    if not bones or bones[0] != "hips":
        raise document["bones"].error("must begin with the hips")

    def points(items: JsonValue) -> tuple[SkeletonPoint, ...]:
        result = []
        for entry in items:
            if entry["bone"].text() not in bones:
                raise entry["bone"].error("must name one of the bones")
            result.append(
                SkeletonPoint(
                    name=entry["name"].text(),
                    bone=bones.index(entry["bone"].text()),
                    offset=entry["offset"].numbers(3),
                    filled=entry.get("filled", False).boolean(),
                )
            )
        return tuple(result)

    leg_length = document["leg_length"].number()
    if leg_length <= 0:
        raise document["leg_length"].error("must be above 0")
    keypoints, contacts = points(document["keypoints"]), points(document["contacts"])
    if not contacts:
        raise document["contacts"].error("must hold at least one point")
    return RestSkeleton(
        tuple(bones), tuple(parents), np.array(offsets), leg_length, keypoints, contacts
    )


def rest_skeleton_of(rig: Rig, foot_tips: Mapping[str, FloatArray] | None = None) -> RestSkeleton:
    """The skeleton of an avatar's rig.

    A bone that the avatar lacks is filled from geometry: the neck between the upper arms, half way
    up to the head's joint, the shoulders a third of the way from the neck to the upper
    arms, the toes at the tips of the feet.

    Args:
        rig: the avatar's rig.
        foot_tips: "left" and "right" to [3], in the rig's own world at rest (`foot_tips.foot_tips`
            finds them in the mesh); without it, a fifth of a leg in front of the ankles.

    Raises:
        ValueError: a required bone is missing, or bones are scaled unevenly.
    """
    check_rig(rig, REQUIRED_BONES)
    _check_scales(rig)
    bones = ("hips", *(bone for bone in rig.bone_order if bone != "hips"))
    builder = _PointBuilder(rig, bones, _tips_on_ground(rig, foot_tips))
    parents, offsets = [], []
    for bone in bones:
        parent = rig.bone_parents[bone]
        position = rig.canonical_rest_position(bone)
        if parent is None:
            parents.append(-1)
            offsets.append(position - [0.0, builder.ground, 0.0])
        else:
            parents.append(bones.index(parent))
            offsets.append(builder.offset(parent, position))
    return RestSkeleton(
        bones=bones,
        parents=tuple(parents),
        offsets=np.array(offsets),
        leg_length=rig.leg_length,
        keypoints=tuple(builder.keypoint(name) for name in KEYPOINT_NAMES),
        contacts=tuple(builder.contacts()),
    )


def _check_scales(rig: Rig) -> None:
    """Limbs keep their lengths only under even scales; the last bone's own does not matter."""
    above = {int(rig.parents[node]) for node in rig.humanoid_nodes} - {-1}
    for node in sorted(above):
        scale = rig.rest_scales[node]
        if scale.min() <= 0 or scale.max() > scale.min() * _LARGEST_SCALE_RATIO:
            raise ValueError(
                f"`{rig.source}` must have evenly scaled bones. Received: scale "
                f"{scale.round(4).tolist()} on {rig.node_names[node]!r}. "
                "Apply the scale in the modelling program and export again."
            )


def _tips_on_ground(rig: Rig, foot_tips: Mapping[str, FloatArray] | None) -> dict[str, FloatArray]:
    """Per side, where the toes end, in canonical axes at rest."""
    ground = rest_ground(rig)
    tips = {}
    for side in SIDES:
        ankle = rig.canonical_rest_position(side + "Foot")
        if foot_tips is not None and side in foot_tips:
            tips[side] = np.asarray(rig.frame.T @ foot_tips[side], np.float64)
        else:
            tips[side] = np.array([ankle[0], ground, ankle[2] + _FOOT_LEGS * rig.leg_length])
    return tips


class _PointBuilder:
    """Makes skeleton points from positions at rest."""

    def __init__(self, rig: Rig, bones: tuple[str, ...], tips: Mapping[str, FloatArray]) -> None:
        self.rig, self.bones, self.tips = rig, bones, tips
        self.ground = rest_ground(rig)
        self.trunk = next(b for b in ("upperChest", "chest", "spine") if b in rig.bones)

    def offset(self, bone: str, position: FloatArray) -> FloatArray:
        """[3]: from the bone's joint to a canonical rest position, as turned in the T-pose."""
        offset: FloatArray = self.rig.alignments[bone] @ (
            position - self.rig.canonical_rest_position(bone)
        )
        return offset

    def point(self, name: str, bone: str, position: FloatArray, filled: bool) -> SkeletonPoint:
        return SkeletonPoint(name, self.bones.index(bone), self.offset(bone, position), filled)

    def keypoint(self, name: str) -> SkeletonPoint:
        rest = self.rig.canonical_rest_position
        if name in self.rig.bones:
            return self.point(name, name, rest(name), False)
        if name == "neck":
            return self.point(name, self.trunk, self.neck(), True)
        side = "left" if name.startswith("left") else "right"
        if name.endswith("Shoulder"):
            neck = rest("neck") if "neck" in self.rig.bones else self.neck()
            position = neck + (rest(side + "UpperArm") - neck) / 3.0
            return self.point(name, self.trunk, position, True)
        return self.point(name, side + "Foot", self.tips[side], True)

    def neck(self) -> FloatArray:
        """Between the upper arms, raised half way to the head's joint, where the spine ends.

        Not all the way: the neck and the head would be one point, which says nothing of the tilt.
        """
        rest = self.rig.canonical_rest_position
        neck: FloatArray = (rest("leftUpperArm") + rest("rightUpperArm")) / 2.0
        neck[1] += max(0.0, rest("head")[1] - neck[1]) / 2.0
        return neck

    def contacts(self) -> list[SkeletonPoint]:
        """Per foot, the ground below the ankle and below the toes; the hips, for who sits."""
        points = [self.point("hips", "hips", self.rig.canonical_rest_position("hips"), False)]
        for side in SIDES:
            foot, toes = side + "Foot", side + "Toes"
            toe_bone = toes if toes in self.rig.bones else foot
            heel = self.rig.canonical_rest_position(foot).copy()
            tip = (
                self.rig.canonical_rest_position(toes).copy()
                if toes in self.rig.bones
                else self.tips[side].copy()
            )
            heel[1] = tip[1] = self.ground
            points.append(self.point(side + "Heel", foot, heel, True))
            points.append(self.point(side + "ToeTip", toe_bone, tip, True))
        return points
