"""Keyframes of the built-in motions: what a key may say, and the smooth way from key to key.

A key names only what it changes; everything else goes on to its own next key. Between keys each
value follows a cubic that eases in and out at every turn and never overshoots, so that a foot
which two keys put in one place stays there. Arms are keyed by where the hand is, and interpolated
as rotations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve

Pair: TypeAlias = tuple[float, float]
Triple: TypeAlias = tuple[float, float, float]
Side: TypeAlias = Literal["left", "right"]


class Arm(NamedTuple):
    """Where a hand is. Both in the axes of the upper chest, "out" away from the middle.

    Attributes:
        hand: (out, up, forward) of the wrist, from the upper arm's joint, in arm lengths.
        elbow: (out, up, forward), the direction in which the elbow points.
    """

    hand: Triple
    elbow: Triple = (0.5, -0.5, -0.8)


class Foot(NamedTuple):
    """Where a foot is, in axes that stay with the ground.

    Attributes:
        ball: (out, up, forward) of the ball, from its place when standing, in leg lengths.
        pitch: degrees that the heel is above the ball; below 0 the ball is raised off the heel.
        yaw: degrees that the toes point out.
        knee: degrees that the knee points out further than the toes.
    """

    ball: Triple = (0.0, 0.0, 0.0)
    pitch: float = 0.0
    yaw: float = 0.0
    knee: float = 0.0


@dataclass(frozen=True)
class Key:
    """What a moment of a motion fixes; None leaves a thing to its other keys.

    Attributes:
        at: seconds.
        hips: (left, up, forward) from standing upright, in leg lengths.
        turn: the hips' (bend forward, turn left, lean left) in degrees.
        trunk: the same of the upper chest, relative to the hips.
        head: the same of the head, relative to the upper chest.
        left_shoulder, right_shoulder: degrees that a shoulder is (raised, brought forward).
        left_arm, right_arm: where the hand is.
        left_hand, right_hand: degrees that it is bent (to the palm, to the thumb) and its thumb
            side turned (up or, with the arm hanging, out).
        left_grip, right_grip: 0 for a flat hand to 1 for a fist.
        left_foot, right_foot: where the foot is.
    """

    at: float
    hips: Triple | None = None
    turn: Triple | None = None
    trunk: Triple | None = None
    head: Triple | None = None
    left_shoulder: Pair | None = None
    right_shoulder: Pair | None = None
    left_arm: Arm | None = None
    right_arm: Arm | None = None
    left_hand: Triple | None = None
    right_hand: Triple | None = None
    left_grip: float | None = None
    right_grip: float | None = None
    left_foot: Foot | None = None
    right_foot: Foot | None = None


# How she stands where a motion says nothing else.
STANDING = Key(
    at=0.0,
    hips=(0.0, -0.003, 0.0),
    turn=(0.0, 0.0, 0.0),
    trunk=(0.0, 0.0, 0.0),
    head=(0.0, 0.0, 0.0),
    left_shoulder=(0.0, 0.0),
    right_shoulder=(0.0, 0.0),
    left_arm=Arm((0.2, -0.95, 0.06)),
    right_arm=Arm((0.2, -0.95, 0.06)),
    left_hand=(8.0, 0.0, 0.0),
    right_hand=(8.0, 0.0, 0.0),
    left_grip=0.3,
    right_grip=0.3,
    left_foot=Foot(yaw=6.0),
    right_foot=Foot(yaw=6.0),
)

_NAMES = tuple(field.name for field in fields(Key) if field.name != "at")


def named(key: Key) -> dict[str, object]:
    """What a key fixes, by name."""
    values = ((name, getattr(key, name)) for name in _NAMES)
    return {name: value for name, value in values if value is not None}


def same_on_both_sides(
    at: float,
    arm: Arm | None = None,
    hand: Triple | None = None,
    grip: float | None = None,
    foot: Foot | None = None,
    shoulder: Pair | None = None,
) -> Key:
    """A key of both arms or legs alike."""
    return Key(
        at,
        left_shoulder=shoulder,
        right_shoulder=shoulder,
        left_arm=arm,
        right_arm=arm,
        left_hand=hand,
        right_hand=hand,
        left_grip=grip,
        right_grip=grip,
        left_foot=foot,
        right_foot=foot,
    )


def _mirrored(name: str, value: object) -> tuple[str, object]:
    if name == "hips" and isinstance(value, tuple):
        return name, (-value[0], value[1], value[2])
    if name in ("turn", "trunk", "head") and isinstance(value, tuple):
        return name, (value[0], -value[1], -value[2])
    side, _, rest = name.partition("_")
    return f"{'right' if side == 'left' else 'left'}_{rest}", value


def mirrored(key: Key, at: float) -> Key:
    """The key with left and right exchanged, at another time."""
    empty = Key(at)
    return replace(empty, **dict(_mirrored(*item) for item in named(key).items()))  # type: ignore[arg-type]


def both_steps(keys: Sequence[Key], period_secs: float, travel: float = 0.0) -> list[Key]:
    """A gait from the keys of its left foot: the right one does the same half a period later.

    Args:
        keys: within one period; of what is not of a side, half of it.
        period_secs: of both steps.
        travel: leg lengths that both steps go forward.
    """
    other = []
    for key in keys:
        at = key.at + period_secs / 2
        ahead = travel / 2
        if at >= period_secs:  # the same step of the round before
            at, ahead = at - period_secs, ahead - travel
        key = mirrored(key, at)
        if key.right_foot is not None:
            out, up, forward = key.right_foot.ball
            foot = key.right_foot._replace(ball=(out, up, forward + ahead))
            key = replace(key, right_foot=foot)
        other.append(key)
    return [*keys, *other]


@dataclass(frozen=True)
class Sketch:
    """A motion as keys.

    Attributes:
        name: the motion's name.
        secs: how long it lasts.
        keys: in any order.
        loops: whether its end leads back to its beginning.
        travel: leg lengths that a looping gait goes forward. Its feet are keyed on ground that
            stays; the motion itself is in place, as on a treadmill.
    """

    name: str
    secs: float
    keys: tuple[Key, ...]
    loops: bool = False
    travel: float = 0.0


def _sorted_keys(
    sketch: Sketch, values: Mapping[float, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    times = sorted(values)
    if sketch.loops:
        times = [time for time in times if time < sketch.secs]
    return np.array(times), np.stack([values[time] for time in times])


def curve_of(
    sketch: Sketch, values: Mapping[float, FloatArray], at: FloatArray, jump: FloatArray
) -> FloatArray:
    """[F, C]: a value between its keys.

    Args:
        sketch: says whether the motion loops.
        values: seconds to [C], at least one.
        at: [F] seconds.
        jump: [C] what a loop adds to the value each time round.
    """
    times, columns = _sorted_keys(sketch, values)
    if sketch.loops:
        times = np.concatenate([times + turn * sketch.secs for turn in (-1, 0, 1)])
        columns = np.concatenate([columns + turn * jump for turn in (-1, 0, 1)])
    else:
        # Held outside, so that it starts and ends at rest.
        times = np.concatenate([times[:1] - 1.0, times, times[-1:] + 1.0])
        columns = np.concatenate([columns[:1], columns, columns[-1:]])
    return smooth_curve(times, columns, at)


def turn_curve_of(sketch: Sketch, values: Mapping[float, FloatArray], at: FloatArray) -> FloatArray:
    """[F, 4]: unit quaternions between their keys, the short way from each to the next."""
    times, columns = _sorted_keys(sketch, values)
    for index in range(1, len(columns)):
        if columns[index] @ columns[index - 1] < 0:
            columns[index] *= -1.0
    curve = curve_of(sketch, dict(zip(times.tolist(), columns, strict=True)), at, np.zeros(4))
    return curve / np.linalg.norm(curve, axis=-1, keepdims=True)
