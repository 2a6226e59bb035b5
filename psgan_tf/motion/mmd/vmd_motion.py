"""The motion in a VMD file: its bones' chain composed, legs by IK where the file uses it.

MMD's trunk hangs from the waist in two halves: the lower body (here the hips) and the upper body.
Shoulders, arms and hands have helper bones for twists, which are composed in; eyes and toes of
other kinds, morphs and physics are not motion of the skeleton.
"""

from __future__ import annotations

import numpy as np

from psgan_tf.common.frame_rate import check_fps
from psgan_tf.motion.humanoid import SIDES
from psgan_tf.motion.mmd.mmd_legs import MmdRest, on_side, solve_foot, solve_leg
from psgan_tf.motion.mmd.vmd import VMD_FPS, Vmd, VmdBone, sample_vmd_bone
from psgan_tf.motion.motion import Motion, check_frame_count, in_humanoid_order
from psgan_tf.motion.transforms import (
    IDENTITY_QUATERNION,
    FloatArray,
    conjugate_quaternions,
    multiply_quaternions,
    rotate_vectors,
)

_JAPANESE_SIDES = {"left": "左", "right": "右"}
_FINGERS = {
    "Thumb": ("親指", "０１２", ("Metacarpal", "Proximal", "Distal")),
    "Index": ("人指", "１２３", ("Proximal", "Intermediate", "Distal")),
    "Middle": ("中指", "１２３", ("Proximal", "Intermediate", "Distal")),
    "Ring": ("薬指", "１２３", ("Proximal", "Intermediate", "Distal")),
    "Little": ("小指", "１２３", ("Proximal", "Intermediate", "Distal")),
}

# Targets out of the standard legs' reach mean a larger model; the farthest few are left out, since
# dancers' targets overshoot now and then.
_REACH_PERCENTILE = 99.0


def motion_of_vmd(
    vmd: Vmd, name: str, fps: float | None = None, rest: MmdRest | None = None
) -> Motion:
    """The body's motion, from frame 0 to the body's last key.

    Args:
        vmd: the file.
        name: the motion's name.
        fps: frames a second; None for MMD's 30.
        rest: the model that the motion was made for; None for the standard one, enlarged until its
            legs reach the file's foot targets.

    Raises:
        ValueError: the file moves no bone of a body (a camera's or a face's motion).
    """
    keyed = [bone for name, bone in vmd.bones.items() if _is_body(name)]
    if not keyed:
        raise ValueError(
            f"`{vmd.source}` must move the bones of a body. Received: "
            f"{', '.join(list(vmd.bones)[:5]) or 'no bones'} (a camera's, face's or object's "
            "motion). Choose the dance's body motion."
        )
    fps = VMD_FPS if fps is None else check_fps(fps)
    last_frame = max(int(bone.frames[-1]) for bone in keyed)
    num_keys = max(len(bone.frames) for bone in keyed)
    num_frames = np.floor(last_frame * fps / VMD_FPS + 1e-6) + 1
    count = check_frame_count(num_frames, num_keys, vmd.source)
    body = _Body(vmd, np.arange(count) * (VMD_FPS / fps), rest or MmdRest())
    if rest is None:
        body.rest = body.rest.scaled(body.needed_enlargement())
    body.pose()
    bones = in_humanoid_order(set(body.rotations))
    return Motion(
        name=name,
        source=vmd.source,
        fps=fps,
        bones=bones,
        rotations=np.stack([body.rotations[bone] for bone in bones], axis=1),
        hips_offsets=(body.hips() - np.array(body.rest.lower_body)) / body.rest.leg_length,
    )


def _is_body(name: str) -> bool:
    return name in _BODY_BONES


def _body_bones() -> frozenset[str]:
    middle = "全ての親,センター,グルーブ,腰,下半身,上半身,上半身2,上半身3,首,頭"
    paired = "肩P,肩,腕,腕捩,ひじ,手捩,手首,足,ひざ,足首,足先EX,足ＩＫ,足IK親,つま先ＩＫ"
    sides = [side + bone for side in _JAPANESE_SIDES.values() for bone in paired.split(",")]
    return frozenset([*middle.split(","), *sides])


_BODY_BONES = _body_bones()


class _Body:
    """World rotations and positions of MMD's bones over F frames.

    Attributes:
        rotations: humanoid bone to [F, 4], relative to the T-pose, once `pose` has run.
    """

    def __init__(self, vmd: Vmd, times: FloatArray, rest: MmdRest) -> None:
        self.vmd, self.times, self.rest = vmd, times, rest
        self.rotations: dict[str, FloatArray] = {}
        self._sampled: dict[str, tuple[FloatArray, FloatArray]] = {}

    def pose(self) -> None:
        """Fills `rotations`."""
        upper = self._chained(self.waist(), "上半身")
        chest = self._chained(upper, "上半身2")
        upper_chest = self._chained(chest, "上半身3")
        neck = self._chained(upper_chest, "首")
        self.rotations |= {
            "hips": self.lower_body(),
            "spine": upper,
            "chest": chest,
            "neck": neck,
            "head": self._chained(neck, "頭"),
        }
        if "上半身3" in self.vmd.bones:
            self.rotations["upperChest"] = upper_chest
        for side in SIDES:
            self._pose_arm(side, upper_chest)
            self._pose_leg(side)

    def needed_enlargement(self) -> float:
        """By how much the model must grow for its legs to reach their targets; at least 1."""
        reaches = [
            np.linalg.norm(self._ankle_targets(side) - self._leg_roots(side), axis=1)
            for side in SIDES
            if self._uses_ik(side)
        ]
        if not reaches:
            return 1.0
        farthest = float(np.percentile(np.concatenate(reaches), _REACH_PERCENTILE))
        return max(1.0, farthest / self.rest.leg_length)

    # The trunk

    def waist(self) -> FloatArray:
        """[F, 4]: what both halves of the trunk hang from."""
        return self._chained(self._chained(self._chained(self._mother()[0], "センター"),
                                           "グルーブ"), "腰")  # fmt: skip

    def lower_body(self) -> FloatArray:
        """[F, 4]."""
        return self._chained(self.waist(), "下半身")

    def hips(self) -> FloatArray:
        """[F, 3]: the lower body's joint."""
        rotation, position = self._mother()
        joint = np.zeros(3)
        for bone, rest in [
            ("センター", self.rest.centre),
            ("グルーブ", self.rest.centre),
            ("腰", self.rest.lower_body),
            ("下半身", self.rest.lower_body),
        ]:
            moved, turn = self._bone(bone)
            position = position + rotate_vectors(rotation, np.array(rest) - joint + moved)
            rotation = multiply_quaternions(rotation, turn)
            joint = np.array(rest)
        return position

    def _mother(self) -> tuple[FloatArray, FloatArray]:
        """Rotation and position of the mother of all bones, which rests at the origin."""
        position, rotation = self._bone("全ての親")
        return rotation, position

    # Arms

    def _pose_arm(self, side: str, chest: FloatArray) -> None:
        mark = _JAPANESE_SIDES[side]
        parent_turn = self._bone(f"{mark}肩P")[1]
        shoulder = self._chained(multiply_quaternions(chest, parent_turn), f"{mark}肩")
        # The arm hangs from a bone that takes the shoulder parent's turn back.
        socket = multiply_quaternions(shoulder, conjugate_quaternions(parent_turn))
        upper_arm = self._chained(socket, f"{mark}腕")
        lower_arm = self._chained(self._chained(upper_arm, f"{mark}腕捩"), f"{mark}ひじ")
        hand = self._chained(self._chained(lower_arm, f"{mark}手捩"), f"{mark}手首")
        turned = {"UpperArm": upper_arm, "LowerArm": lower_arm, "Hand": hand}
        for finger, (japanese, digits, parts) in _FINGERS.items():
            joint = hand
            for digit, part in zip(digits, parts, strict=True):
                joint = self._chained(joint, f"{mark}{japanese}{digit}")
                turned[finger + part] = joint
        # The rest is an A-pose: counted from the T-pose, the arm at rest is turned down.
        half_rad = (-1.0 if side == "left" else 1.0) * self.rest.arm_angle_rad / 2.0
        from_t_pose = np.array([0.0, 0.0, np.sin(half_rad), np.cos(half_rad)])
        self.rotations[side + "Shoulder"] = shoulder
        for name, rotation in turned.items():
            self.rotations[side + name] = multiply_quaternions(rotation, from_t_pose)

    # Legs

    def _pose_leg(self, side: str) -> None:
        mark = _JAPANESE_SIDES[side]
        thigh = self._chained(self.lower_body(), f"{mark}足")
        shin = self._chained(thigh, f"{mark}ひざ")
        foot = self._chained(shin, f"{mark}足首")
        if self._uses_ik(side):
            on = self._ik_on(f"{mark}足ＩＫ")[:, None]
            targets = self._ankle_targets(side)
            turns_thigh = f"{mark}足" in self.vmd.bones
            ik_thigh, ik_shin = solve_leg(
                self.rest,
                side,
                self._leg_roots(side),
                targets,
                thigh,
                None if turns_thigh else self._ik_frame(side)[0],
            )
            thigh, shin = np.where(on, ik_thigh, thigh), np.where(on, ik_shin, shin)
            foot = self._chained(shin, f"{mark}足首")
            toe_on = on & self._ik_on(f"{mark}つま先ＩＫ")[:, None]
            foot = np.where(
                toe_on, solve_foot(self.rest, side, foot, self._toe_directions(side)), foot
            )
        toes = self._chained(foot, f"{mark}足先EX")
        names = ("UpperLeg", "LowerLeg", "Foot", "Toes")
        for name, rotation in zip(names, (thigh, shin, foot, toes), strict=True):
            self.rotations[side + name] = rotation

    def _uses_ik(self, side: str) -> bool:
        """A leg without IK keys is moved by its own bones, whatever the switches say."""
        name = f"{_JAPANESE_SIDES[side]}足ＩＫ"
        return name in self.vmd.bones and bool(self._ik_on(name).any())

    def _ik_on(self, name: str) -> np.typing.NDArray[np.bool_]:
        """[F]: whether an IK bone is switched on; on where the file says nothing."""
        on = np.ones(len(self.times), bool)
        for frame, states in self.vmd.ik_switches:
            if name in states:
                on[self.times >= frame] = states[name]
        return on

    def _leg_roots(self, side: str) -> FloatArray:
        offset = on_side(self.rest.leg, side) - np.array(self.rest.lower_body)
        return self.hips() + rotate_vectors(self.lower_body(), offset)

    def _ik_frame(self, side: str) -> tuple[FloatArray, FloatArray]:
        """Rotation and position of the leg's IK bone, which hangs from the mother of all bones."""
        rotation, position = self._mother()
        joint = np.zeros(3)
        ankle = on_side(self.rest.ankle, side)
        below = ankle * [1.0, 0.0, 1.0]
        for bone, rest in [("足IK親", below), ("足ＩＫ", ankle)]:
            moved, turn = self._bone(_JAPANESE_SIDES[side] + bone)
            position = position + rotate_vectors(rotation, rest - joint + moved)
            rotation = multiply_quaternions(rotation, turn)
            joint = rest
        return rotation, position

    def _ankle_targets(self, side: str) -> FloatArray:
        return self._ik_frame(side)[1]

    def _toe_directions(self, side: str) -> FloatArray:
        """[F, 3]: from the ankle's target to the toe's; so a foot out of reach keeps its turn."""
        toe = on_side(self.rest.toe, side) - on_side(self.rest.ankle, side)
        moved, _ = self._bone(f"{_JAPANESE_SIDES[side]}つま先ＩＫ")
        return rotate_vectors(self._ik_frame(side)[0], toe + moved)

    # Keys

    def _chained(self, parent: FloatArray, name: str) -> FloatArray:
        if name not in self.vmd.bones:
            return parent
        return multiply_quaternions(parent, self._bone(name)[1])

    def _bone(self, name: str) -> tuple[FloatArray, FloatArray]:
        """[F, 3] position and [F, 4] rotation of a bone, at rest where it has no keys."""
        if name not in self._sampled:
            bone: VmdBone | None = self.vmd.bones.get(name)
            self._sampled[name] = (
                (
                    np.zeros((len(self.times), 3)),
                    np.tile(IDENTITY_QUATERNION, (len(self.times), 1)),
                )
                if bone is None
                else sample_vmd_bone(bone, self.times)
            )
        return self._sampled[name]
