"""Built-in motions on the spot: idle, wave, bow, cheer and stretch."""

from __future__ import annotations

from tools.avatars.builtin.motions.keyframes import Arm, Foot, Key, Sketch, same_on_both_sides

_RELAXED = Arm((0.21, -0.945, 0.07))

# Weight goes from one leg to the other; she breathes, looks about, and swings her arms a little.
_IDLE_SECS = 4.0
_IDLE = (
    Key(0.0, hips=(0.035, -0.007, 0.0), turn=(0, 3, -3), trunk=(-1, -3, 4), head=(2, -4, -2)),
    Key(1.0, trunk=(-3, -4, 4), head=(0, 10, 1)),
    Key(2.0, hips=(-0.035, -0.007, 0.0), turn=(0, -3, 3), trunk=(-1, 3, -4), head=(2, 6, 3)),
    Key(3.0, trunk=(-3, 4, -4), head=(0, -10, -1)),
    Key(0.0, left_shoulder=(0, 0), right_shoulder=(0, 0)),
    Key(1.0, left_shoulder=(3, 0), right_shoulder=(3, 0)),
    Key(2.0, left_shoulder=(0, 0), right_shoulder=(0, 0)),
    Key(3.0, left_shoulder=(3, 0), right_shoulder=(3, 0)),
    Key(0.2, left_arm=Arm((0.26, -0.93, 0.04)), right_arm=Arm((0.19, -0.94, 0.12))),
    Key(2.2, left_arm=Arm((0.19, -0.94, 0.12)), right_arm=Arm((0.26, -0.93, 0.04))),
    Key(0.0, left_foot=Foot(yaw=5), right_foot=Foot((0.06, 0.0, 0.05), 0, 16, -4)),
    Key(0.7, left_foot=Foot(yaw=5), right_foot=Foot((0.06, 0.0, 0.05), 0, 16, -4)),
    Key(1.1, left_foot=Foot((0.03, 0.03, 0.03), 18, 10), right_foot=Foot((0.03, 0, 0.02), 0, 10)),
    Key(1.5, left_foot=Foot((0.06, 0.0, 0.05), 0, 16, -4)),
    Key(1.6, right_foot=Foot((0.03, 0, 0.02), 0, 10)),
    Key(1.9, right_foot=Foot((0.015, 0.025, 0.01), 12, 8)),
    Key(2.2, right_foot=Foot(yaw=5)),
    Key(2.7, left_foot=Foot((0.06, 0.0, 0.05), 0, 16, -4), right_foot=Foot(yaw=5)),
    Key(3.1, right_foot=Foot((0.03, 0.03, 0.03), 18, 10), left_foot=Foot((0.03, 0, 0.02), 0, 10)),
    Key(3.5, right_foot=Foot((0.06, 0.0, 0.05), 0, 16, -4)),
    Key(3.6, left_foot=Foot((0.03, 0, 0.02), 0, 10)),
    Key(3.8, left_foot=Foot((0.015, 0.025, 0.01), 12, 8)),
)

_WAVE_SECS = 2.4
_WAVE_FIRST, _WAVE_BEAT = 0.5, 0.36


def _wave_keys() -> tuple[Key, ...]:
    """The right hand goes up, waves twice to and fro, and comes down."""
    out, inwards = Arm((0.58, 0.52, 0.22), (0.6, -0.9, 0.1)), Arm((0.14, 0.62, 0.26), (1, -0.6, 0))
    swings = [
        Key(
            _WAVE_FIRST + _WAVE_BEAT * beat,
            right_arm=inwards if beat % 2 else out,
            right_hand=(0.0, 16.0 if beat % 2 else -18.0, 0.0),
            trunk=(-3, -3, 7 if beat % 2 else 4),
            head=(-2, -5, -9 if beat % 2 else -4),
        )
        for beat in range(4)
    ]
    lifted = Foot((0.05, 0.0, -0.10), 34, 12, 4)
    return (
        Key(0.0, hips=(0.0, -0.004, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
        Key(0.45, hips=(0.05, -0.011, 0.0), turn=(0, -3, -4)),
        Key(1.7, hips=(0.05, -0.011, 0.0), turn=(0, -3, -4)),
        Key(_WAVE_SECS, hips=(0, -0.004, 0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
        Key(0.0, right_arm=_RELAXED, right_hand=(8, 0, 0), right_grip=0.3),
        Key(0.22, right_arm=Arm((0.40, -0.42, 0.50), (0.7, -0.7, -0.4)), right_grip=0.1),
        *swings,
        Key(1.95, right_arm=Arm((0.42, -0.35, 0.50), (0.7, -0.7, -0.4)), right_grip=0.1),
        Key(_WAVE_SECS, right_arm=_RELAXED, right_hand=(8, 0, 0), right_grip=0.3),
        Key(0.0, left_arm=_RELAXED),
        Key(0.6, left_arm=Arm((0.34, -0.88, -0.08))),
        Key(1.8, left_arm=Arm((0.32, -0.89, -0.06))),
        Key(_WAVE_SECS, left_arm=_RELAXED),
        Key(0.0, left_foot=Foot(yaw=5), right_foot=Foot(yaw=5)),
        Key(0.15, right_foot=Foot(yaw=5)),
        Key(0.5, right_foot=lifted),
        Key(1.75, right_foot=lifted),
        Key(2.15, right_foot=Foot(yaw=5)),
    )


# Hands meet in front, the back goes down straight from the hips, stays, and comes up slowly.
_BOW_SECS = 2.8
_MET = Arm((-0.13, -0.76, 0.34), (0.9, -0.4, -0.4))
_BOW = (
    Key(0.0, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
    Key(0.4, hips=(0.0, -0.008, -0.01), turn=(-1, 0, 0), trunk=(-3, 0, 0), head=(-3, 0, 0)),
    Key(1.1, hips=(0.0, -0.036, -0.15), turn=(38, 0, 0), trunk=(22, 0, 0), head=(12, 0, 0)),
    Key(1.6, hips=(0.0, -0.038, -0.155), turn=(40, 0, 0), trunk=(23, 0, 0), head=(14, 0, 0)),
    Key(2.4, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(-2, 0, 0), head=(-2, 0, 0)),
    Key(_BOW_SECS, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
    same_on_both_sides(0.0, arm=_RELAXED, hand=(8, 0, 0), grip=0.3),
    same_on_both_sides(0.5, arm=_MET, hand=(16, 0, -20), grip=0.14),
    same_on_both_sides(1.1, arm=Arm((-0.11, -0.86, 0.30), (0.9, -0.3, -0.4)), hand=(10, 0, -20)),
    same_on_both_sides(1.6, arm=Arm((-0.11, -0.86, 0.30), (0.9, -0.3, -0.4)), hand=(10, 0, -20)),
    same_on_both_sides(2.2, arm=_MET, hand=(16, 0, -20), grip=0.14),
    same_on_both_sides(_BOW_SECS, arm=_RELAXED, hand=(8, 0, 0), grip=0.3),
    same_on_both_sides(0.0, foot=Foot((-0.03, 0.0, 0.0), 0, 3)),
)

# Fists go up in turn over a bounce that takes the heels off the ground.
_CHEER_SECS = 1.6
_UP = Arm((0.24, 0.94, 0.05), (1, -0.2, 0.3))
_PULLED = Arm((0.30, -0.10, 0.34), (0.7, -1, -0.4))
_CHEER = (
    Key(0.0, hips=(0.0, -0.16, -0.02), turn=(8, 0, 0), trunk=(4, -4, 0), head=(-2, 0, 0)),
    Key(0.4, hips=(0.04, 0.13, 0.01), turn=(-2, 10, -3), trunk=(-7, 6, 7), head=(-12, -6, -3)),
    Key(0.8, hips=(0.0, -0.16, -0.02), turn=(8, 0, 0), trunk=(4, 4, 0), head=(-2, 0, 0)),
    Key(1.2, hips=(-0.04, 0.13, 0.01), turn=(-2, -10, 3), trunk=(-7, -6, -7), head=(-12, 6, 3)),
    Key(0.0, left_arm=_PULLED, right_arm=_PULLED, left_grip=1.0, right_grip=1.0),
    Key(0.4, left_arm=Arm((0.36, -0.24, 0.20), (0.7, -0.6, -1)), right_arm=_UP),
    Key(0.8, left_arm=_PULLED, right_arm=_PULLED),
    Key(1.2, right_arm=Arm((0.36, -0.24, 0.20), (0.7, -0.6, -1)), left_arm=_UP),
    same_on_both_sides(0.0, foot=Foot((0.06, 0, 0), 0, 10), hand=(0, 0, -20)),
    same_on_both_sides(0.14, foot=Foot((0.06, 0, 0), 8, 10)),
    Key(0.4, left_foot=Foot((0.06, 0.05, 0.0), 58, 12), right_foot=Foot((0.06, 0.16, -0.2), 66, 8)),
    same_on_both_sides(0.66, foot=Foot((0.06, 0, 0), 8, 10)),
    same_on_both_sides(0.8, foot=Foot((0.06, 0, 0), 0, 10)),
    same_on_both_sides(0.94, foot=Foot((0.06, 0, 0), 8, 10)),
    Key(1.2, right_foot=Foot((0.06, 0.05, 0.0), 58, 12), left_foot=Foot((0.06, 0.16, -0.2), 66, 8)),
    same_on_both_sides(1.46, foot=Foot((0.06, 0, 0), 8, 10)),
)

# Both hands over the head and up on the toes, then to either side.
_STRETCH_SECS = 5.0
_OVER = Arm((-0.10, 0.93, 0.06), (1, 0, 0.4))
_STRETCH = (
    Key(0.0, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(0, 0, 0), head=(0, 0, 0)),
    Key(0.6, hips=(0.0, -0.003, 0.0)),
    Key(1.2, hips=(0.0, 0.078, 0.0), turn=(-2, 0, 0), trunk=(-12, 0, 0), head=(-16, 0, 0)),
    Key(1.7, hips=(0.0, 0.078, 0.0), turn=(-2, 0, 0), trunk=(-13, 0, 0), head=(-18, 0, 0)),
    Key(2.6, hips=(-0.09, -0.018, 0.0), turn=(0, 0, 7), trunk=(-2, 4, 32), head=(0, 4, 12)),
    Key(3.6, hips=(0.09, -0.018, 0.0), turn=(0, 0, -7), trunk=(-2, -4, -32), head=(0, -4, -12)),
    Key(4.3, hips=(0.0, -0.003, 0.0), turn=(0, 0, 0), trunk=(-2, 0, 0), head=(0, 0, 0)),
    Key(_STRETCH_SECS, trunk=(0, 0, 0)),
    same_on_both_sides(0.0, arm=_RELAXED, hand=(8, 0, 0), grip=0.3),
    same_on_both_sides(0.55, arm=Arm((0.06, -0.05, 0.66), (0.9, -0.5, 0)), hand=(20, 0, 0)),
    same_on_both_sides(1.2, arm=_OVER, hand=(-48, 0, 0), grip=0.12),
    same_on_both_sides(3.7, arm=_OVER, hand=(-48, 0, 0), grip=0.12),
    same_on_both_sides(4.25, arm=Arm((0.95, 0.10, 0.1), (0, -0.4, -1)), hand=(-12, 0, 0)),
    same_on_both_sides(_STRETCH_SECS, arm=_RELAXED, hand=(8, 0, 0), grip=0.3),
    same_on_both_sides(0.0, foot=Foot((0.05, 0, 0), 0, 8)),
    same_on_both_sides(0.6, foot=Foot((0.05, 0, 0), 0, 8)),
    same_on_both_sides(1.2, foot=Foot((0.05, 0, 0), 50, 8)),
    same_on_both_sides(1.7, foot=Foot((0.05, 0, 0), 50, 8)),
    same_on_both_sides(2.5, foot=Foot((0.05, 0, 0), 0, 8)),
)

GESTURES = (
    Sketch("idle", _IDLE_SECS, _IDLE, loops=True),
    Sketch("wave", _WAVE_SECS, _wave_keys()),
    Sketch("bow", _BOW_SECS, _BOW),
    Sketch("cheer", _CHEER_SECS, _CHEER, loops=True),
    Sketch("stretch", _STRETCH_SECS, _STRETCH),
)
