"""Built-in dances: a sway from side to side, and steps as of an idol on a stage."""

from __future__ import annotations

from tools.avatars.builtin.motions.keyframes import (
    Arm,
    Foot,
    Key,
    Sketch,
    mirrored,
    same_on_both_sides,
)

# A step to the left and a touch, then to the right; the arms go like a wave.
_SWAY_SECS = 2.0
_SWAY_HALF = (
    Key(0.00, hips=(0.10, -0.05, 0.0), turn=(0, 8, -9), trunk=(-2, -6, 14), head=(0, 6, -12)),
    Key(0.25, hips=(0.05, -0.09, 0.0), turn=(3, 4, -2), trunk=(2, -2, 4), head=(2, 2, -2)),
    Key(0.50, hips=(-0.02, -0.03, 0.0), turn=(0, 0, 6), trunk=(-2, 0, -4), head=(0, 0, 4)),
    Key(0.75, hips=(-0.07, -0.09, 0.0), turn=(3, -5, 4), trunk=(2, 3, -8), head=(2, -4, 6)),
    Key(0.00, left_arm=Arm((0.72, 0.56, 0.12), (0.3, -1, -0.3)), left_hand=(24, 0, 0)),
    Key(0.50, left_arm=Arm((0.86, 0.02, 0.30), (0.2, -0.8, -0.7)), left_hand=(-14, 0, 0)),
    Key(0.00, right_arm=Arm((-0.16, 0.04, 0.52), (0.8, -0.7, 0.2)), right_hand=(14, 0, -10)),
    Key(0.50, right_arm=Arm((0.46, -0.34, 0.52), (0.6, -0.8, -0.2)), right_hand=(-16, 0, 0)),
    Key(0.00, left_foot=Foot((0.14, 0, 0), 0, 12), right_foot=Foot((0.12, 0, 0.06), 40, 4, -12)),
    Key(0.30, left_foot=Foot((0.14, 0, 0), 0, 12), right_foot=Foot((0.12, 0, 0.06), 24, 8, -4)),
    Key(0.55, right_foot=Foot((0.14, 0, 0.0), 0, 12), left_foot=Foot((0.14, 0, 0), 0, 12)),
    Key(0.75, left_foot=Foot((0.13, 0, 0.03), 14, 8)),
)
_SWAY = (*_SWAY_HALF, *(mirrored(key, key.at + _SWAY_SECS / 2) for key in _SWAY_HALF))

# Finger to the sky with a hop, hands to the cheek, a heel flung back; then on the other side.
_IDOL_SECS = 3.2
_CHEEK = Arm((-0.06, 0.26, 0.34), (0.9, -1, 0.1))
_ON_HIP = Arm((0.30, -0.62, -0.02), (1, 0, -0.9))
_SKY = Arm((0.34, 0.92, 0.10), (1, 0, 0))
_POISED = Foot((0.05, 0, 0), 0, 8)
_IDOL_HALF = (
    Key(0.00, hips=(0.0, -0.09, 0.0), turn=(6, 0, 0), trunk=(4, 0, 0), head=(4, 0, 0)),
    Key(0.20, hips=(0.03, 0.0, 0.0), turn=(-2, 14, -5), trunk=(-6, 8, 8), head=(-14, 4, 4)),
    Key(0.40, hips=(0.05, -0.08, 0.0), turn=(4, 16, -7), trunk=(-3, 8, 8), head=(-12, 4, 4)),
    Key(0.60, hips=(0.05, -0.01, 0.0), turn=(-2, 16, -8), trunk=(-8, 8, 12), head=(-16, 6, 6)),
    Key(0.80, hips=(0.0, -0.10, 0.0), turn=(6, 0, 0), trunk=(4, 0, 0), head=(2, 0, 0)),
    Key(1.05, hips=(-0.05, -0.02, 0.0), turn=(3, -14, 6), trunk=(3, 4, -14), head=(4, 8, -14)),
    Key(1.35, hips=(-0.05, -0.05, 0.0), turn=(5, -16, 8), trunk=(4, 4, -16), head=(6, 10, -16)),
    Key(0.00, left_arm=_ON_HIP, right_arm=Arm((0.10, -0.20, 0.56), (0.7, -0.9, 0))),
    Key(0.24, right_arm=_SKY, left_arm=_ON_HIP),
    Key(0.44, right_arm=Arm((0.42, 0.78, 0.24), (1, -0.2, 0))),
    Key(0.64, right_arm=_SKY, left_arm=_ON_HIP),
    Key(0.84, left_arm=Arm((0.44, -0.20, 0.56), (0.7, -0.8, -0.2))),
    Key(0.84, right_arm=Arm((0.44, 0.04, 0.62), (0.7, -0.9, -0.1))),
    Key(1.08, left_arm=_CHEEK, right_arm=_CHEEK),
    Key(1.40, left_arm=_CHEEK, right_arm=_CHEEK),
    Key(0.00, left_hand=(30, 0, 0), right_hand=(6, 0, 0), left_grip=0.5, right_grip=0.2),
    Key(0.24, left_hand=(30, 0, 0), right_hand=(-10, 0, 0), right_grip=0.05),
    Key(0.64, left_hand=(30, 0, 0), right_hand=(-10, 0, 0)),
    Key(1.08, left_hand=(-30, 0, 0), right_hand=(-30, 0, 0), left_grip=0.12, right_grip=0.12),
    Key(1.40, left_hand=(-30, 0, 0), right_hand=(-30, 0, 0)),
    same_on_both_sides(0.00, foot=_POISED),
    Key(0.10, left_foot=_POISED, right_foot=Foot((0.06, 0, 0), 14, 8)),
    Key(0.20, left_foot=Foot((0.05, 0, 0), 22, 8), right_foot=Foot((0.14, 0.05, 0.04), 34, 14)),
    Key(0.34, left_foot=_POISED, right_foot=Foot((0.22, 0, 0.08), 0, 24)),
    Key(0.60, left_foot=Foot((0.05, 0, 0), 22, 8), right_foot=Foot((0.22, 0, 0.08), 6, 24)),
    Key(0.68, left_foot=_POISED, right_foot=Foot((0.20, 0.01, 0.07), 20, 20)),
    same_on_both_sides(0.80, foot=_POISED),
    Key(0.90, left_foot=Foot((0.05, 0.02, -0.02), 30, 6), right_foot=_POISED),
    Key(1.08, left_foot=Foot((0.02, 0.38, -0.62), 88, 4), right_foot=_POISED),
    Key(1.36, left_foot=Foot((0.02, 0.42, -0.66), 92, 4), right_foot=_POISED),
    Key(1.52, left_foot=Foot((0.05, 0.06, -0.06), 34, 6), right_foot=_POISED),
)
_IDOL = (*_IDOL_HALF, *(mirrored(key, key.at + _IDOL_SECS / 2) for key in _IDOL_HALF))

DANCES = (
    Sketch("dance_sway", _SWAY_SECS, _SWAY, loops=True),
    Sketch("dance_idol", _IDOL_SECS, _IDOL, loops=True),
)
