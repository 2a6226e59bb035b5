"""Flat poses of anybody, as a character of other proportions would strike them.

Of a limb in a picture only its direction and its foreshortened length are known. The direction
stays. The length is multiplied by the character's own length over the source's, which is taken
from the whole sequence, left and right together: the length that the limb rarely exceeds is the
one that it has in the picture's plane. So foreshortening stays, and a limb that shows its full
length somewhere has the character's there.

Bodies also differ in where the joint of their hips is: detectors put it between the thighs, rigs
above. So the thighs hang on the point between them, the crotch, which lies below the hips by as
much as it does on the character, in the line of the trunk.

The hips travel in leg lengths, and what stands on the ground is a rule as for motions in 3D
(`retarget.py`). Missing joints stay missing: what hangs on one hangs on the joint before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from psgan_tf.keypoints.schema import SKELETONS, Keypoints
from psgan_tf.motion.camera import Camera
from psgan_tf.motion.rest_skeleton import RestSkeleton
from psgan_tf.motion.retarget import check_ground
from psgan_tf.motion.transforms import FloatArray

_SCHEMA = SKELETONS["avatar20"]
_HIPS, _NECK = _SCHEMA.index("hips"), _SCHEMA.index("neck")
_THIGHS = [_SCHEMA.index(side + "UpperLeg") for side in ("left", "right")]
_LEGS = [_SCHEMA.index(side + bone) for side in ("left", "right") for bone in ("LowerLeg", "Foot")]
# Toes point at the viewer, who cannot tell how long they are, and detectors miss them.
_ANKLES = [_SCHEMA.index(side + "Foot") for side in ("left", "right")]

# One joint more than the schema has.
_CROTCH = _SCHEMA.num_keypoints
_NUM_JOINTS = _CROTCH + 1
_TWINS = np.array([*_SCHEMA.mirror_permutation, _CROTCH])
_PARENTS = {child: parent for parent, child in _SCHEMA.limbs}
_PARENTS |= {_CROTCH: _HIPS, **dict.fromkeys(_THIGHS, _CROTCH)}
# From the hips outwards.
_ORDER = [*range(_THIGHS[0]), _CROTCH, *range(_THIGHS[0], _CROTCH)]

# What is reached in one of twenty frames: the largest would be a detector's worst mistake.
_OFTEN_REACHED = 0.95
# A limb may be so short, in parts of what the body's size lets expect. Tried on people, toys and
# a knight on very short legs: less stretches the shoulders of who is seen from the side, more
# leaves the knight its legs.
_LEAST_SHARE = 0.4

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Limbs:
    """A character's limbs and the source's, in pixels; a limb goes by the joint at its end.

    The joints are those of `avatar20` and the crotch.

    Attributes:
        parents: for each joint the next one towards the hips that the sequence shows, or -1.
        own, source: [21] the character's lengths and the source's; 0 for the hips.
        scale: the character's size over the source's.
        crotch_drop: how far the character's crotch is below its hips, in lengths of its trunk.
    """

    parents: tuple[int, ...]
    own: FloatArray
    source: FloatArray
    scale: float
    crotch_drop: float

    @property
    def leg_scale(self) -> float:
        """The length of the character's legs over that of the source's."""
        return float(self.own[_LEGS].sum() / self.source[_LEGS].sum())


def _rest_places(rest: RestSkeleton) -> FloatArray:
    """[21, 3]: the character's joints in the T-pose, the ground at height 0."""
    places = rest.t_pose[[p.bone for p in rest.keypoints]] + [p.offset for p in rest.keypoints]
    return np.concatenate([places, places[_THIGHS].mean(axis=0, keepdims=True)])


def _seen_places(keypoints: Keypoints) -> tuple[FloatArray, Bools]:
    """[F, 21, 2] places and [F, 21] whether they are seen; the crotch is if both thighs are."""
    places, seen = keypoints[..., :2].astype(np.float64), keypoints[..., 2] > 0
    crotch = places[:, _THIGHS].mean(axis=1, keepdims=True)
    has_crotch = seen[:, _THIGHS].all(axis=1, keepdims=True)
    return np.concatenate([places, crotch], axis=1), np.concatenate([seen, has_crotch], axis=1)


def _shown_parents(seen: Bools) -> tuple[int, ...]:
    """For each joint the next one towards the hips that is seen, on either side, in any frame."""
    shown = seen.any(axis=0)
    shown = shown | shown[_TWINS]
    parents = []
    for joint in range(_NUM_JOINTS):
        parent = _PARENTS.get(joint, -1)
        while parent >= 0 and not shown[parent]:
            parent = _PARENTS.get(parent, -1)
        parents.append(parent)
    return tuple(parents)


def _often_seen_length(
    joint: int, parents: tuple[int, ...], places: FloatArray, seen: Bools
) -> float:
    """The length in pixels that a limb and its twin often reach; 0 where no frame shows them."""
    lengths = []
    for end in {joint, int(_TWINS[joint])}:
        start = parents[end]
        both = seen[:, start] & seen[:, end]
        lengths.append(np.linalg.norm(places[both, end] - places[both, start], axis=-1))
    pooled = np.concatenate(lengths)
    return float(np.quantile(pooled, _OFTEN_REACHED)) if len(pooled) else 0.0


def believed_length(seen_px: float, expected_px: float) -> float:
    """A source limb's length, from how long it was seen.

    A limb that is never seen at even 0.4 of what the body's size lets expect (the shoulders of
    someone who walks past) points towards the viewer rather than is short. 0.4 is still taken as
    seen; from there down to nothing the belief goes over to what was expected.

    Args:
        seen_px: how long it often is in the picture.
        expected_px: the character's length at the source's size.
    """
    if expected_px == 0.0:
        return seen_px
    slope = (1.0 / _LEAST_SHARE - 1.0) / _LEAST_SHARE
    return max(seen_px, expected_px / (1.0 + slope * seen_px / expected_px))


def limbs_of(keypoints: Keypoints, rest: RestSkeleton, pixels_per_unit: float) -> Limbs:
    """The limbs of a character, and of whom a sequence shows.

    Args:
        keypoints: [F, 20, 3], x and y in pixels, visible; some frame shows the hips.
        rest: the character.
        pixels_per_unit: of the pictures that it is to appear in.
    """
    places, seen = _seen_places(keypoints)
    parents = _shown_parents(seen)
    rest_places = _rest_places(rest) * pixels_per_unit
    own, often = np.zeros(_NUM_JOINTS), np.zeros(_NUM_JOINTS)
    for joint in _ORDER[1:]:
        own[joint] = np.linalg.norm(rest_places[joint] - rest_places[parents[joint]])
        often[joint] = _often_seen_length(joint, parents, places, seen)
    known = often > 0
    scale = float(own[known].sum() / often[known].sum()) if known.any() else 1.0
    source = np.zeros(_NUM_JOINTS)
    for joint in _ORDER[1:]:
        source[joint] = believed_length(often[joint], own[joint] / scale)
    trunk = np.linalg.norm(rest_places[_NECK] - rest_places[_HIPS])
    drop = np.linalg.norm(rest_places[_CROTCH] - rest_places[_HIPS])
    return Limbs(parents, own, source, scale, float(drop / trunk))


def _hips_places(keypoints: Keypoints) -> FloatArray:
    """[F, 2]: the hips in the picture, between their neighbours in time where they are missing."""
    frames = np.arange(len(keypoints))
    seen = keypoints[:, _HIPS, 2] > 0
    if not seen.any():
        raise ValueError(
            "`limbs` can only be changed where a frame shows the hips, from which all is measured. "
            "Received: a motion that shows none. Keep its own limbs with --limbs=source."
        )
    columns = [np.interp(frames, frames[seen], keypoints[seen, _HIPS, axis]) for axis in (0, 1)]
    return np.stack(columns, axis=-1)


def _from_hips(places: FloatArray, seen: Bools, limbs: Limbs) -> FloatArray:
    """[F, 21, 2]: the character's joints, counted from its hips.

    A joint all of whose predecessors are missing in a frame is placed by the size alone.

    Args:
        places: [F, 21, 2] the source's joints, counted from its hips.
        seen: [F, 21].
        limbs: of both.
    """
    moved = limbs.scale * places
    # The joint that each one hangs on, and the way between them on the character and the source.
    base = np.full(seen.shape, -1)
    own, source = np.zeros(seen.shape), np.zeros(seen.shape)
    frames = np.arange(len(seen))
    for joint in _ORDER[1:]:
        parent = limbs.parents[joint]
        there = seen[:, parent]
        base[:, joint] = np.where(there, parent, base[:, parent])
        own[:, joint] = limbs.own[joint] + np.where(there, 0.0, own[:, parent])
        source[:, joint] = limbs.source[joint] + np.where(there, 0.0, source[:, parent])
        hangs = (base[:, joint] >= 0) & (source[:, joint] > 0)
        on, factor = base[hangs, joint], own[hangs, joint] / source[hangs, joint]
        limb = places[hangs, joint] - places[hangs, on]
        moved[hangs, joint] = moved[frames[hangs], on] + factor[:, None] * limb
        if joint == _CROTCH:
            trunk_seen = seen[:, _HIPS] & seen[:, _NECK]
            moved[trunk_seen, _CROTCH] = -limbs.crotch_drop * moved[trunk_seen, _NECK]
    return moved


def _shifts_to_ground(moved: FloatArray, seen: Bools, heights: FloatArray, rule: str) -> FloatArray:
    """[F]: by how many pixels each frame is moved down for the ground to be at y = 0.

    Args:
        moved: [F, 21, 2] the character's joints.
        seen: [F, 21].
        heights: [21] of the joints above the ground in the T-pose, in pixels.
        rule: `motion` or `frame`.
    """
    soles = np.where(seen[:, _ANKLES], moved[:, _ANKLES, 1] + heights[_ANKLES], -np.inf)
    soles = soles.max(axis=1)
    lowest = np.where(np.isfinite(soles), np.maximum(soles, moved[:, _HIPS, 1]), np.nan)
    if np.isnan(lowest).all():  # of one without feet the hips tell how high it stands
        lowest = moved[:, _HIPS, 1] + heights[_HIPS]
    whole = np.nanquantile(lowest, _OFTEN_REACHED)
    return -np.where(np.isnan(lowest) | (rule == "motion"), whole, lowest)


def retarget_flat(
    keypoints: Keypoints, rest: RestSkeleton, camera: Camera, ground: str = "motion"
) -> Keypoints:
    """The character of `rest` in the poses of a flat sequence.

    Args:
        keypoints: [F, 20, 3] of schema `avatar20`, x and y in pixels, visible.
        rest: the character.
        camera: which it is to be seen by, level; one that follows the hips has them in its middle.
        ground: one of GROUND_RULES; with `none` the hips stay where they are in the picture.

    Returns:
        [F, 20, 3] float32, x and y in pixels of the camera's picture; which joints are visible
        does not change, wherever they came to lie.

    Raises:
        ValueError: `ground` is no rule, or no frame shows the hips.
    """
    check_ground(ground)
    hips = _hips_places(keypoints)
    places, seen = _seen_places(keypoints)
    limbs = limbs_of(keypoints, rest, camera.pixels_per_unit)
    moved = _from_hips(places - hips[:, None], seen, limbs)
    if ground == "none":
        moved += hips[:, None]
    else:
        under_hips = camera.project(np.zeros((1, 1, 3)), np.zeros((1, 3)))[0, 0]
        travel = limbs.leg_scale * (hips - [camera.size_px / 2, 0.0])
        travel[:, 0] *= not camera.follow
        moved += under_hips + travel[:, None]
        heights = _rest_places(rest)[:, 1] * camera.pixels_per_unit
        moved[..., 1] += _shifts_to_ground(moved - under_hips, seen, heights, ground)[:, None]
        moved[..., 1] += camera.follow_height * (under_hips[1] - moved[:, _HIPS, 1])[:, None]
    placed = keypoints.copy()
    visible = keypoints[..., 2:] > 0
    placed[..., :2] = np.where(visible, moved[:, :_CROTCH], keypoints[..., :2])
    return placed
