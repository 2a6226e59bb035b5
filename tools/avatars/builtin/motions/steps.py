"""Built-in motions that step: walk, run, sneak, march, and a turn on the spot.

Gaits are keyed for the left foot over a whole cycle and for the body over half of it; the other
side follows half a cycle later. Feet are keyed on the ground that they stand on.
"""

from __future__ import annotations

from math import cos, radians, sin

from tools.avatars.builtin.motions.keyframes import (
    Arm,
    Foot,
    Key,
    Side,
    Sketch,
    Triple,
    both_steps,
    same_on_both_sides,
)
from tools.avatars.builtin.motions.posing import foot_at_heading

_WALK_SECS = 1.1
_WALK = [
    # The heel comes down, the sole rolls, the ball pushes off, the foot swings.
    Key(0.00, left_foot=Foot((-0.03, 0.0, 0.31), -16, 4)),
    Key(0.10, left_foot=Foot((-0.03, 0.0, 0.31), 0, 4)),
    Key(0.42, left_foot=Foot((-0.03, 0.0, 0.31), 4, 4)),
    Key(0.62, left_foot=Foot((-0.03, 0.0, 0.31), 38, 4)),
    Key(0.70, left_foot=Foot((-0.03, 0.07, 0.40), 52, 4)),
    Key(0.84, left_foot=Foot((-0.02, 0.09, 0.86), 22, 4)),
    Key(1.00, left_foot=Foot((-0.03, 0.06, 1.46), -14, 4)),
    Key(0.00, hips=(0.0, -0.062, 0.0), turn=(3, -7, 0), trunk=(1, 13, 0), head=(-3, -6, 0)),
    Key(0.12, hips=(0.022, -0.072, 0.0), turn=(4, -5, -2), trunk=(1, 10, 2)),
    Key(0.32, hips=(0.036, -0.012, 0.0), turn=(2, 0, -4), trunk=(1, 0, 4), head=(-2, 0, 1)),
    Key(0.00, left_arm=Arm((0.26, -0.91, -0.28)), left_hand=(4, 0, 8)),
    Key(0.28, left_arm=Arm((0.20, -0.95, 0.10))),
    Key(0.55, left_arm=Arm((0.12, -0.82, 0.42)), left_hand=(12, 0, 14)),
    Key(0.82, left_arm=Arm((0.20, -0.95, 0.06))),
]

_RUN_SECS = 0.7
_RUN = [
    Key(0.00, left_foot=Foot((-0.06, 0.0, 0.26), 2, 2)),
    Key(0.08, left_foot=Foot((-0.06, 0.0, 0.26), 6, 2)),
    Key(0.22, left_foot=Foot((-0.06, 0.0, 0.26), 48, 2)),
    Key(0.32, left_foot=Foot((-0.05, 0.30, 0.52), 84, 2)),
    Key(0.42, left_foot=Foot((-0.04, 0.42, 1.05), 62, 2)),
    Key(0.54, left_foot=Foot((-0.05, 0.26, 1.72), 14, 2)),
    Key(0.64, left_foot=Foot((-0.06, 0.07, 1.93), -4, 2)),
    Key(0.00, hips=(0.0, -0.05, 0.0), turn=(9, -10, 0), trunk=(6, 18, 0), head=(-10, -7, 0)),
    Key(0.09, hips=(0.012, -0.10, 0.0), turn=(11, -6, -3), trunk=(7, 10, 3)),
    Key(0.25, hips=(0.010, 0.04, 0.0), turn=(8, 8, 0), trunk=(5, -16, 0), head=(-9, 6, 0)),
    Key(0.02, left_arm=Arm((0.36, -0.52, -0.46), (0.5, 0.3, -1)), left_hand=(5, 0, 30)),
    Key(0.19, left_arm=Arm((0.22, -0.62, 0.12), (0.5, -0.4, -1))),
    Key(0.37, left_arm=Arm((-0.10, -0.22, 0.58), (0.4, -1, 0.1)), left_hand=(10, 0, 40)),
    Key(0.54, left_arm=Arm((0.22, -0.62, 0.12), (0.5, -0.4, -1))),
]

_SNEAK_SECS = 1.8
_SNEAK = [
    # Toes first, weight late, the knee lifted high between steps.
    Key(0.00, left_foot=Foot((0.02, 0.0, 0.34), 24, 10, 6)),
    Key(0.25, left_foot=Foot((0.02, 0.0, 0.34), 4, 10, 6)),
    Key(0.90, left_foot=Foot((0.02, 0.0, 0.34), 18, 10, 6)),
    Key(1.05, left_foot=Foot((0.02, 0.0, 0.34), 44, 10, 6)),
    Key(1.30, left_foot=Foot((0.05, 0.34, 0.56), 46, 10, 10)),
    Key(1.60, left_foot=Foot((0.04, 0.22, 1.10), 30, 10, 8)),
    Key(0.00, hips=(-0.03, -0.22, 0.02), turn=(20, -10, 0), trunk=(22, 8, -3), head=(-34, 10, 0)),
    Key(0.45, hips=(0.06, -0.27, 0.0), turn=(24, 0, -3), trunk=(26, -6, 4), head=(-40, -14, 3)),
    Key(0.00, left_arm=Arm((0.10, -0.28, 0.52), (0.9, -0.8, -0.4)), left_hand=(52, 0, -10)),
    Key(0.50, left_arm=Arm((0.02, -0.12, 0.60), (0.9, -0.9, -0.2)), left_hand=(66, 0, -10)),
    Key(0.90, left_arm=Arm((0.10, -0.30, 0.44), (0.9, -0.8, -0.4)), left_hand=(56, 0, -10)),
    Key(0.00, left_grip=0.42, left_shoulder=(7, 8)),
]

_MARCH_SECS = 1.2
_MARCH = [
    # On the spot: a knee as high as the hips, the arms stretched.
    Key(0.00, left_foot=Foot((-0.02, 0.0, 0.0), 0, 4)),
    Key(0.44, left_foot=Foot((-0.02, 0.0, 0.0), 0, 4)),
    Key(0.62, left_foot=Foot((-0.02, 0.04, 0.0), 30, 4)),
    Key(0.88, left_foot=Foot((-0.01, 0.56, 0.30), 38, 2)),
    Key(1.12, left_foot=Foot((-0.02, 0.05, 0.02), 16, 4)),
    Key(0.00, hips=(0.0, -0.012, 0.0), turn=(0, 0, 0), trunk=(-4, 0, 0), head=(2, 0, 0)),
    Key(0.30, hips=(0.045, -0.009, 0.0), turn=(-2, 5, -3), trunk=(-5, -12, 3), head=(3, 6, 0)),
    Key(0.28, left_arm=Arm((0.16, -0.05, 0.96), (0.3, -1, 0)), left_hand=(-4, 0, 0)),
    Key(0.60, left_arm=Arm((0.22, -0.94, 0.08))),
    Key(0.88, left_arm=Arm((0.30, -0.80, -0.50)), left_hand=(8, 0, 0)),
    Key(1.16, left_arm=Arm((0.22, -0.94, 0.08))),
    Key(0.00, left_grip=0.9),
]

_TURN_SECS = 2.8
_QUARTERS = 4


def _turn_keys() -> list[Key]:
    """Once round to the left in four quarters: the left foot opens, the right one follows."""
    keys = [Key(0.0, left_foot=foot_at_heading("left", 0), right_foot=foot_at_heading("right", 0))]
    for quarter in range(_QUARTERS):
        start, heading = 0.15 + 0.62 * quarter, 90.0 * quarter
        keys += [
            *_step("left", start, heading, 90.0),
            *_step("right", start + 0.31, heading, 90.0),
        ]
        keys += _turning_body(start, heading)
    last = 0.15 + 0.62 * _QUARTERS
    return [
        *keys,
        Key(0.0, hips=(0.0, -0.004, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
        Key(last, hips=(0.0, -0.004, 0.0), turn=(0, 360, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
        same_on_both_sides(0.0, arm=Arm((0.22, -0.94, 0.05))),
        same_on_both_sides(0.5, arm=Arm((0.42, -0.86, 0.10))),
        same_on_both_sides(2.3, arm=Arm((0.46, -0.84, 0.08))),
        same_on_both_sides(_TURN_SECS, arm=Arm((0.22, -0.94, 0.05))),
    ]


def _step(side: Side, start: float, heading: float, angle: float) -> list[Key]:
    """A foot that lifts, turns by an angle and stands again."""
    return [
        _foot_key(side, start, foot_at_heading(side, heading)),
        _foot_key(side, start + 0.15, foot_at_heading(side, heading + angle / 2, 0.07, 22)),
        _foot_key(side, start + 0.30, foot_at_heading(side, heading + angle)),
    ]


def _foot_key(side: Side, at: float, foot: Foot) -> Key:
    return Key(at, left_foot=foot) if side == "left" else Key(at, right_foot=foot)


def _turned(offset: Triple, heading: float) -> Triple:
    """A place (left, up, forward) of somebody who faces another way."""
    sine, cosine = sin(radians(heading)), cos(radians(heading))
    left, up, forward = offset
    return (left * cosine + forward * sine, up, forward * cosine - left * sine)


def _turning_body(start: float, heading: float) -> list[Key]:
    """The head looks first, the trunk follows, the hips come last; weight goes to and fro."""
    return [
        Key(start + 0.10, head=(2, 26, 0), trunk=(2, 8, 0)),
        Key(
            start + 0.15,
            hips=_turned((-0.04, -0.022, 0.0), heading + 20),
            turn=(1, heading + 22, 3),
        ),
        Key(
            start + 0.46,
            hips=_turned((0.04, -0.022, 0.0), heading + 70),
            turn=(1, heading + 72, -3),
        ),
        Key(start + 0.55, head=(2, 8, 0), trunk=(2, 2, 0)),
    ]


def _gait(name: str, secs: float, keys: list[Key], travel: float) -> Sketch:
    return Sketch(name, secs, tuple(both_steps(keys, secs, travel)), loops=True, travel=travel)


STEPS = (
    _gait("walk", _WALK_SECS, _WALK, travel=1.2),
    _gait("run", _RUN_SECS, _RUN, travel=1.75),
    _gait("sneak", _SNEAK_SECS, _SNEAK, travel=1.0),
    _gait("march", _MARCH_SECS, _MARCH, travel=0.0),
    Sketch("turn", _TURN_SECS, tuple(_turn_keys())),
)
