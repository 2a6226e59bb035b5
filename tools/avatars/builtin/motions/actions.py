"""Built-in motions with force: a jump, a kick, and sitting down on the floor and getting up."""

from __future__ import annotations

from tools.avatars.builtin.motions.keyframes import Arm, Foot, Key, Sketch, same_on_both_sides

_RELAXED = Arm((0.21, -0.945, 0.07))

# Down, off with a swing of both arms, knees drawn up, and a soft landing.
_JUMP_SECS = 1.7
_JUMP = (
    Key(0.00, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
    Key(0.38, hips=(0.0, -0.36, -0.10), turn=(32, 0, 0), trunk=(18, 0, 0), head=(-28, 0, 0)),
    Key(0.58, hips=(0.0, 0.055, 0.02), turn=(2, 0, 0), trunk=(-8, 0, 0), head=(-12, 0, 0)),
    Key(0.80, hips=(0.0, 0.36, 0.0), turn=(6, 0, 0), trunk=(-4, 0, 0), head=(4, 0, 0)),
    Key(1.02, hips=(0.0, 0.05, 0.0), turn=(6, 0, 0), trunk=(2, 0, 0), head=(6, 0, 0)),
    Key(1.20, hips=(0.0, -0.30, -0.07), turn=(26, 0, 0), trunk=(16, 0, 0), head=(-20, 0, 0)),
    Key(1.60, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
    same_on_both_sides(0.00, arm=_RELAXED, grip=0.3),
    same_on_both_sides(0.31, arm=Arm((0.34, -0.64, -0.66), (0.4, 0.4, -1)), grip=0.6),
    same_on_both_sides(0.52, arm=Arm((0.36, -0.52, 0.62), (0.6, -0.8, -0.2))),
    same_on_both_sides(0.70, arm=Arm((0.60, 0.70, 0.16), (0.8, -0.6, 0)), grip=0.1),
    same_on_both_sides(0.86, arm=Arm((0.76, 0.56, 0.06), (0.6, -0.8, -0.2)), grip=0.1),
    same_on_both_sides(1.08, arm=Arm((0.86, 0.14, 0.30), (0.2, -0.6, -1))),
    same_on_both_sides(1.26, arm=Arm((0.48, -0.62, 0.40), (0.6, -0.4, -0.8)), grip=0.3),
    same_on_both_sides(1.66, arm=_RELAXED),
    same_on_both_sides(0.00, foot=Foot((0.03, 0, 0), 0, 8, 4)),
    same_on_both_sides(0.44, foot=Foot((0.03, 0, 0), 0, 8, 4)),
    same_on_both_sides(0.58, foot=Foot((0.03, 0, 0), 56, 8, 4)),
    same_on_both_sides(0.67, foot=Foot((0.03, 0.17, -0.03), 62, 7, 6)),
    Key(0.80, left_foot=Foot((0.03, 0.66, -0.10), 50, 6, 8)),
    Key(0.80, right_foot=Foot((0.03, 0.46, -0.26), 66, 6, 8)),
    same_on_both_sides(1.04, foot=Foot((0.04, 0.0, 0), 26, 8, 4)),
    same_on_both_sides(1.12, foot=Foot((0.04, 0.0, 0), 0, 8, 6)),
)

# A guard, the knee first, then the shin; the standing foot turns out on its ball.
_KICK_SECS = 1.7
_GUARD_NEAR = Arm((0.02, 0.02, 0.46), (0.6, -1, 0))
_GUARD_FAR = Arm((0.06, -0.04, 0.62), (0.6, -1, -0.1))
_KICK_STANCE = Foot((0.02, 0, -0.22), 16, 28, 0)
_KICK = (
    Key(0.00, hips=(0.0, -0.05, -0.04), turn=(3, -18, 0), trunk=(2, 4, 0), head=(0, 12, 0)),
    Key(0.30, hips=(0.03, -0.10, 0.02), turn=(4, -22, 0), trunk=(6, -2, 0), head=(-4, 18, 0)),
    Key(0.55, hips=(0.05, -0.03, 0.04), turn=(-8, 8, -4), trunk=(4, -10, 2), head=(-2, 2, 0)),
    Key(0.72, hips=(0.05, -0.015, 0.02), turn=(-20, 22, -6), trunk=(2, -16, 2), head=(8, -4, 2)),
    Key(0.92, hips=(0.05, -0.03, 0.02), turn=(-10, 10, -4), trunk=(4, -8, 2), head=(2, 0, 0)),
    Key(1.25, hips=(0.0, -0.08, -0.02), turn=(4, -18, 0), trunk=(4, 2, 0), head=(-2, 14, 0)),
    Key(_KICK_SECS, hips=(0, -0.05, -0.04), turn=(3, -18, 0), trunk=(2, 4, 0), head=(0, 12, 0)),
    Key(0.00, left_arm=_GUARD_FAR, right_arm=_GUARD_NEAR, left_grip=0.95, right_grip=0.95),
    Key(0.00, left_hand=(4, 0, -20), right_hand=(4, 0, -20)),
    Key(0.40, left_arm=_GUARD_FAR, right_arm=_GUARD_NEAR),
    Key(0.72, left_arm=Arm((0.14, 0.10, 0.52), (0.6, -1, 0))),
    Key(0.72, right_arm=Arm((0.56, -0.70, -0.30), (0.4, 0, -1))),
    Key(1.20, left_arm=_GUARD_FAR, right_arm=_GUARD_NEAR),
    Key(0.00, left_foot=Foot((0.02, 0, 0.16), 0, -4), right_foot=_KICK_STANCE),
    Key(0.26, left_foot=Foot((0.02, 0, 0.16), 0, -4), right_foot=_KICK_STANCE),
    Key(0.34, right_foot=Foot((0.02, 0.02, -0.20), 40, 24)),
    Key(0.55, right_foot=Foot((0.0, 0.62, 0.24), 58, 6)),
    Key(0.72, right_foot=Foot((-0.04, 1.08, 0.98), 6, -6), left_foot=Foot((0.02, 0, 0.16), 12, 26)),
    Key(0.92, right_foot=Foot((0.0, 0.66, 0.24), 50, 6)),
    Key(1.18, right_foot=Foot((0.02, 0.03, -0.20), 34, 26), left_foot=Foot((0.02, 0, 0.16), 0, -4)),
    Key(1.28, right_foot=_KICK_STANCE),
)

# Down over bent knees, back onto the floor, arms round the knees; up the same way.
_SIT_SECS = 4.2
_ROUND_KNEES = Arm((-0.06, -0.50, 0.66), (1, -0.3, 0))
_SAT = (0.0, -1.015, -0.62)
_SIT = (
    Key(0.00, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
    Key(0.75, hips=(0.0, -0.56, -0.26), turn=(34, 0, 0), trunk=(22, 0, 0), head=(-22, 0, 0)),
    Key(1.30, hips=_SAT, turn=(-4, 0, 0), trunk=(18, 0, 0), head=(-4, 0, 0)),
    Key(1.75, hips=_SAT, turn=(-6, 0, 0), trunk=(26, 0, 0), head=(-6, 0, 0)),
    Key(2.20, hips=_SAT, turn=(-6, 0, 0), trunk=(26, 0, 4), head=(-8, 10, 10)),
    Key(2.65, hips=_SAT, turn=(-6, 0, 0), trunk=(26, 0, -4), head=(-8, -10, -8)),
    Key(2.90, hips=_SAT, turn=(-2, 0, 0), trunk=(26, 0, 0), head=(-4, 0, 0)),
    Key(3.40, hips=(0.0, -0.58, -0.26), turn=(38, 0, 0), trunk=(24, 0, 0), head=(-22, 0, 0)),
    Key(_SIT_SECS, hips=(0, -0.003, 0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
    same_on_both_sides(0.00, arm=_RELAXED, grip=0.3, hand=(8, 0, 0)),
    same_on_both_sides(0.75, arm=Arm((0.24, -0.22, 0.88), (0.6, -0.8, 0)), hand=(-6, 0, 0)),
    same_on_both_sides(1.30, arm=Arm((0.16, -0.60, 0.66), (0.9, -0.2, -0.2)), hand=(4, 0, 0)),
    same_on_both_sides(1.75, arm=_ROUND_KNEES, hand=(24, 0, 10), grip=0.2),
    same_on_both_sides(2.75, arm=_ROUND_KNEES, hand=(24, 0, 10), grip=0.2),
    same_on_both_sides(3.35, arm=Arm((0.24, -0.22, 0.88), (0.6, -0.8, 0)), hand=(-6, 0, 0)),
    same_on_both_sides(_SIT_SECS, arm=_RELAXED, grip=0.3, hand=(8, 0, 0)),
    same_on_both_sides(0.00, foot=Foot((0.0, 0, 0), 0, 6, 4)),
    same_on_both_sides(0.60, foot=Foot((0.0, 0, 0), 0, 6, 8)),
    same_on_both_sides(1.40, foot=Foot((0.0, 0, 0), 0, 6, -2)),
    same_on_both_sides(2.90, foot=Foot((0.0, 0, 0), 0, 6, -2)),
    same_on_both_sides(3.50, foot=Foot((0.0, 0, 0), 0, 6, 8)),
)

ACTIONS = (
    Sketch("jump", _JUMP_SECS, _JUMP),
    Sketch("kick", _KICK_SECS, _KICK, loops=True),
    Sketch("sit", _SIT_SECS, _SIT),
)
