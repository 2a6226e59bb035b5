"""Motion from keys: each joint's turn and the hips' path, frame by frame.

Trunk, head and arms turn joint by joint. Legs follow the feet: wherever the hips go, hip and knee
bend so that each sole keeps the place that its keys give it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from psgan_tf.motion.humanoid import BONE_PARENTS, SIDES
from psgan_tf.motion.transforms import (
    IDENTITY_QUATERNION,
    conjugate_quaternions,
    multiply_quaternions,
    rotate_vectors,
)
from tools.avatars.builtin.body.proportions import JOINTS
from tools.avatars.builtin.motions.keyframes import (
    STANDING,
    Arm,
    Foot,
    Sketch,
    Triple,
    curve_of,
    named,
    turn_curve_of,
)
from tools.avatars.builtin.motions.limbs import bend_limb, turned_about
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_step

FPS = 60

# Eyes are left to the expression; a VRM animation may not hold them.
BONES = tuple(name for name in JOINTS if not name.endswith("Eye"))

_X, _Y, _Z = np.eye(3)
_FINGERS = ("Index", "Middle", "Ring", "Little")
_KNUCKLES = ("Proximal", "Intermediate", "Distal")
# Degrees of each knuckle in a fist; outer fingers close a little more.
_FIST_DEGREES = {"Proximal": 76.0, "Intermediate": 88.0, "Distal": 58.0}
_FINGER_SHARES = {"Index": 0.86, "Middle": 0.97, "Ring": 1.06, "Little": 1.14}
_THUMB_DEGREES = {"ThumbMetacarpal": 22.0, "ThumbProximal": 34.0, "ThumbDistal": 46.0}

# The shoulder joins in when the arm rises above it.
_SHOULDER_SHARE = 0.3
# Toes lie flat while the ball is lower than the first, in leg lengths; in the air they do not bend.
_TOES_FLAT, _TOES_FREE = 0.01, 0.16
_MOST_TOE_DEGREES = 55.0
# The heel that a raised forefoot stands on, behind the ankle, in metres.
_HEEL_BEHIND = 0.02


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """F frames of a body, as a rig of Koharu's measures needs them.

    Attributes:
        rotations: bone to [F, 4], relative to the parent bone; the rest is the T-pose.
        hips: [F, 3] the hips' joint, in metres.
    """

    rotations: Mapping[str, FloatArray]
    hips: FloatArray


def bone_vector(start: str, end: str) -> FloatArray:
    """[3]: from one joint to another in the T-pose."""
    vector: FloatArray = JOINTS[end] - JOINTS[start]
    return vector


def outward(side: str) -> float:
    """1 for the left side, -1 for the right: the sign of x."""
    return 1.0 if side == "left" else -1.0


def parent_bone(bone: str) -> str | None:
    """The nearest ancestor that the figure has."""
    parent = BONE_PARENTS[bone]
    while parent is not None and parent not in JOINTS:
        parent = BONE_PARENTS[parent]
    return parent


_LEG_METRES = float(
    np.linalg.norm(bone_vector("leftUpperLeg", "leftLowerLeg"))
    + np.linalg.norm(bone_vector("leftLowerLeg", "leftFoot"))
)
_ARM_METRES = float(
    np.linalg.norm(bone_vector("leftUpperArm", "leftLowerArm"))
    + np.linalg.norm(bone_vector("leftLowerArm", "leftHand"))
)


def _bent(turn: FloatArray) -> FloatArray:
    """[F, 4] from [F, 3] degrees (bend forward, turn left, lean left)."""
    pitch, yaw, lean = np.moveaxis(turn, -1, 0)
    tilted = multiply_quaternions(turned_about(_X, pitch), turned_about(_Z, -lean))
    return multiply_quaternions(turned_about(_Y, yaw), tilted)


def _arm_hinge(side: str) -> FloatArray:
    """The elbow's axis in the T-pose: the forearm bends forward."""
    return -outward(side) * _Y


def solve_arm(side: str, arm: Arm) -> FloatArray:
    """[5]: the upper arm's turn seen from the upper chest, and the elbow's angle in degrees."""
    signs = np.array([outward(side), 1.0, 1.0])
    rotation, flexion = bend_limb(
        bone_vector(f"{side}UpperArm", f"{side}LowerArm"),
        bone_vector(f"{side}LowerArm", f"{side}Hand"),
        _arm_hinge(side),
        np.array(arm.hand) * signs * _ARM_METRES,
        np.array(arm.elbow) * signs,
    )
    return np.append(rotation, flexion)


class _Curves:
    """The values of a sketch over its frames.

    Args:
        sketch: the motion.
    """

    def __init__(self, sketch: Sketch) -> None:
        self._sketch = sketch
        self.at = np.arange(round(sketch.secs * FPS) + 1) / FPS
        self._keys = [(key.at, named(key)) for key in sketch.keys]

    def _values(self, name: str, number: Callable[[object], FloatArray]) -> dict[float, FloatArray]:
        values = {at: number(entry[name]) for at, entry in self._keys if name in entry}
        return values or {0.0: number(named(STANDING)[name])}

    def numbers(self, name: str) -> FloatArray:
        """[F, C] of a value that is plain numbers."""
        values = self._values(name, lambda value: np.atleast_1d(np.array(value, np.float64)))
        width = len(next(iter(values.values())))
        return curve_of(self._sketch, values, self.at, np.zeros(width))

    def foot(self, side: str) -> FloatArray:
        """[F, 6]: the ball's (out, up, forward), pitch, yaw and knee."""

        def number(value: object) -> FloatArray:
            assert isinstance(value, Foot)
            return np.array([*value.ball, value.pitch, value.yaw, value.knee])

        travel = np.array([0.0, 0.0, self._sketch.travel, 0.0, 0.0, 0.0])
        curve = curve_of(self._sketch, self._values(f"{side}_foot", number), self.at, travel)
        return curve - travel * (self.at / self._sketch.secs)[:, None]

    def arm(self, side: str) -> tuple[FloatArray, FloatArray]:
        """[F, 4] the upper arm's turn seen from the upper chest, [F] the elbow's degrees."""

        def number(value: object) -> FloatArray:
            assert isinstance(value, Arm)
            return solve_arm(side, value)

        solved = self._values(f"{side}_arm", number)
        turns = turn_curve_of(self._sketch, {at: row[:4] for at, row in solved.items()}, self.at)
        flexions = {at: row[4:] for at, row in solved.items()}
        return turns, curve_of(self._sketch, flexions, self.at, np.zeros(1))[:, 0]


def _trunk(curves: _Curves) -> dict[str, FloatArray]:
    bend, head = curves.numbers("trunk"), curves.numbers("head")
    return {
        "hips": _bent(curves.numbers("turn")),
        "spine": _bent(bend * 0.3),
        "chest": _bent(bend * 0.4),
        "upperChest": _bent(bend * 0.3),
        "neck": _bent(head * 0.4),
        "head": _bent(head * 0.6),
    }


def _fingers(side: str, grip: FloatArray) -> dict[str, FloatArray]:
    turns = {}
    for finger in _FINGERS:
        for knuckle in _KNUCKLES:
            degrees = np.minimum(grip * _FIST_DEGREES[knuckle] * _FINGER_SHARES[finger], 92.0)
            turns[f"{side}{finger}{knuckle}"] = turned_about(-outward(side) * _Z, degrees)
    thumb_axis = np.array([0.0, 0.8, 0.0]) * outward(side) + np.array([0.6, 0.0, 0.0])
    thumb_axis /= np.linalg.norm(thumb_axis)
    for bone, degrees in _THUMB_DEGREES.items():
        turns[side + bone] = turned_about(thumb_axis, grip * degrees)
    return turns


def _arm(side: str, curves: _Curves) -> dict[str, FloatArray]:
    """The turns of a shoulder, arm and hand."""
    turns, flexion = curves.arm(side)
    raised, forward = np.moveaxis(curves.numbers(f"{side}_shoulder"), -1, 0)
    height = rotate_vectors(turns, outward(side) * _X)[:, 1]
    raised = raised + _SHOULDER_SHARE * np.degrees(np.arcsin(np.clip(height, 0.0, 1.0)))
    shoulder = multiply_quaternions(
        turned_about(outward(side) * _Z, raised), turned_about(-outward(side) * _Y, forward)
    )
    to_palm, to_thumb, twist = np.moveaxis(curves.numbers(f"{side}_hand"), -1, 0)
    elbow = turned_about(_arm_hinge(side), flexion)
    along = bone_vector(f"{side}LowerArm", f"{side}Hand")
    half_twist = turned_about(-outward(side) * along / np.linalg.norm(along), twist / 2.0)
    wrist = multiply_quaternions(
        turned_about(-outward(side) * _Y, to_thumb), turned_about(-outward(side) * _Z, to_palm)
    )
    return {
        f"{side}Shoulder": shoulder,
        f"{side}UpperArm": multiply_quaternions(conjugate_quaternions(shoulder), turns),
        f"{side}LowerArm": multiply_quaternions(elbow, half_twist),
        f"{side}Hand": multiply_quaternions(half_twist, wrist),
        **_fingers(side, curves.numbers(f"{side}_grip")[:, 0]),
    }


def _foot_places(side: str, foot: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """[F, 3] the ankle's place, [F, 4] the foot's turn in the world, [F] how far the toes bend."""
    signs = np.array([outward(side), 1.0, 1.0])
    pitch, yaw = foot[:, 3], foot[:, 4]
    turn = multiply_quaternions(turned_about(_Y, outward(side) * yaw), turned_about(_X, pitch))
    heel_turn = multiply_quaternions(
        turned_about(_Y, outward(side) * yaw), turned_about(_X, np.minimum(pitch, 0.0))
    )
    ankle, ball = JOINTS[f"{side}Foot"], JOINTS[f"{side}Toes"]
    heel = np.array([ankle[0], 0.0, ankle[2] - _HEEL_BEHIND])
    # The heel's place when flat is where the foot rolls off it with its forefoot raised.
    flat = turned_about(_Y, outward(side) * yaw)
    heel_place = ball + foot[:, :3] * signs * _LEG_METRES + rotate_vectors(flat, heel - ball)
    ball_place = heel_place + rotate_vectors(heel_turn, ball - heel)
    toes = -np.clip(pitch, 0.0, _MOST_TOE_DEGREES) * (
        1.0 - smooth_step(foot[:, 1], _TOES_FLAT, _TOES_FREE)
    )
    return ball_place + rotate_vectors(turn, ankle - ball), turn, toes


def _leg(
    side: str, foot: FloatArray, hips: FloatArray, hips_turn: FloatArray
) -> dict[str, FloatArray]:
    """The turns of a leg whose foot is where `foot` says."""
    ankle, foot_turn, toes = _foot_places(side, foot)
    socket = hips + rotate_vectors(hips_turn, bone_vector("hips", f"{side}UpperLeg"))
    reach = ankle - socket
    forward = rotate_vectors(turned_about(_Y, outward(side) * (foot[:, 4] + foot[:, 5])), _Z)
    # A knee points forward, and up where the foot is in front, as in a seat on the floor.
    ahead = np.maximum((reach * forward).sum(axis=-1, keepdims=True), 0.0)
    upward = _Y * ahead / np.linalg.norm(reach, axis=-1, keepdims=True)
    thigh, flexion = bend_limb(
        bone_vector(f"{side}UpperLeg", f"{side}LowerLeg"),
        bone_vector(f"{side}LowerLeg", f"{side}Foot"),
        _X,
        reach,
        forward + upward,
    )
    knee = turned_about(_X, flexion)
    shin = multiply_quaternions(thigh, knee)
    return {
        f"{side}UpperLeg": multiply_quaternions(conjugate_quaternions(hips_turn), thigh),
        f"{side}LowerLeg": knee,
        f"{side}Foot": multiply_quaternions(conjugate_quaternions(shin), foot_turn),
        f"{side}Toes": turned_about(_X, toes),
    }


def foot_at_heading(
    side: str, heading: float, up: float = 0.0, pitch: float = 0.0, yaw: float = 6.0
) -> Foot:
    """The foot of somebody who stands at the origin and faces `heading` degrees to the left."""
    ball = JOINTS[f"{side}Toes"] * np.array([1.0, 0.0, 1.0])
    moved = (rotate_vectors(turned_about(_Y, heading), ball) - ball) / _LEG_METRES
    place: Triple = (outward(side) * float(moved[0]), up, float(moved[2]))
    return Foot(place, pitch, yaw + outward(side) * heading)


def body_motion(sketch: Sketch) -> BodyMotion:
    """The motion of a sketch, at FPS frames a second."""
    curves = _Curves(sketch)
    turns = _trunk(curves)
    hips = JOINTS["hips"] + curves.numbers("hips") * _LEG_METRES
    for side in SIDES:
        turns |= _arm(side, curves)
        turns |= _leg(side, curves.foot(side), hips, turns["hips"])
    frames = len(curves.at)
    at_rest = np.tile(IDENTITY_QUATERNION, (frames, 1))
    return BodyMotion({bone: turns.get(bone, at_rest) for bone in BONES}, hips)
