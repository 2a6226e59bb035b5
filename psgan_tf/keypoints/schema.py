"""Keypoint schemas: which row of a keypoint array is which joint.

The only place that knows a keypoint's index. Four schemas are built in: `avatar20`, the twenty
bones of a humanoid avatar (PSGAN section 2.2, VRM bone names); `openpose18`, the eighteen points
of PSGAN section 3.1 (COCO order with a neck); `body25`, OpenPose's present default; and `coco17`.
A dataset may bring a schema of its own (see `dataset_folder.py`).

A keypoint array is float32 [M, 3]: x and y in continuous pixels of the square keypoint frame,
origin at its top left corner, and visible (0 or 1). The pixel is (floor x, floor y).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

Keypoints = npt.NDArray[np.float32]

# float32 ends at 3.4e38: this leaves room to scale, shift and average what is read.
_LARGEST_NUMBER = 1e30


def is_finite_float32(value: Any) -> TypeGuard[float]:
    """Whether a value read from JSON is a number that stays finite in float32.

    NaN, infinity, 1e39, a whole number of 400 digits, true and text are not.
    """
    return type(value) in (int, float) and abs(value) <= _LARGEST_NUMBER


# Joints at the ends of arms' and legs' halves, as the built-in schemas and detectors name them.
_BODY_PARTS = {
    "upperarm": "shoulder",
    "lowerarm": "elbow",
    "hand": "wrist",
    "upperleg": "hip",
    "lowerleg": "knee",
    "foot": "ankle",
    **{joint: joint for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")},
}
_LONG_LIMBS = (
    {"shoulder", "elbow"},
    {"elbow", "wrist"},
    {"hip", "knee"},
    {"knee", "ankle"},
)


def _without_side(name: str) -> str:
    """`leftUpperArm` and `left_upper_arm` as `upperarm`."""
    return name.lower().replace("left", "").replace("right", "").replace("_", "")


def _pairs_by_name(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """(left, right) index pairs of the names that differ only in left and right."""
    index = {name: i for i, name in enumerate(names)}
    pairs = []
    for name in names:
        twin = name.replace("left", "right").replace("Left", "Right")
        if twin != name and twin in index:
            pairs.append((index[name], index[twin]))
    return tuple(pairs)


@dataclass(frozen=True)
class Skeleton:
    """A keypoint schema.

    Args:
        name: short name, for instance `avatar20`.
        keypoints: the name of each row, unique.
        mirror_pairs: (left, right) rows that change places when a picture is mirrored.
        limbs: pairs of rows joined by a line when the skeleton is drawn.

    Raises:
        ValueError: a name occurs twice, or a pair names a row that is not there.
    """

    name: str
    keypoints: tuple[str, ...]
    mirror_pairs: tuple[tuple[int, int], ...] = ()
    limbs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        repeated = sorted({k for k in self.keypoints if self.keypoints.count(k) > 1})
        if repeated:
            raise ValueError(
                f"`keypoints` of schema {self.name!r} must be unique names. Received: "
                f"{', '.join(repeated)} more than once. Rename the repeated ones."
            )
        for argument in ("mirror_pairs", "limbs"):
            for pair in getattr(self, argument):
                if len(set(pair)) != 2 or not all(0 <= i < len(self.keypoints) for i in pair):
                    raise ValueError(
                        f"`{argument}` of schema {self.name!r} must be pairs of different rows "
                        f"below {len(self.keypoints)}. Received: {list(pair)}. Correct the pair."
                    )
        mirrored = [i for pair in self.mirror_pairs for i in pair]
        if len(set(mirrored)) != len(mirrored):
            raise ValueError(
                f"`mirror_pairs` of schema {self.name!r} must name each row at most once. "
                f"Received: {[list(pair) for pair in self.mirror_pairs]}. Remove the repetition."
            )

    @property
    def num_keypoints(self) -> int:
        """M, the number of rows."""
        return len(self.keypoints)

    @property
    def mirror_permutation(self) -> tuple[int, ...]:
        """For each row, the row whose point it holds after mirroring: left and right swapped."""
        permutation = list(range(self.num_keypoints))
        for left, right in self.mirror_pairs:
            permutation[left], permutation[right] = right, left
        return tuple(permutation)

    @property
    def long_limbs(self) -> tuple[tuple[int, int], ...]:
        """Upper and lower arms and legs among `limbs`, told by name; all limbs where none is.

        Example: eight of `avatar20`, from `leftUpperArm-leftLowerArm` to `rightLowerLeg-rightFoot`.
        """
        parts = [_BODY_PARTS.get(_without_side(name), "") for name in self.keypoints]
        long = tuple(limb for limb in self.limbs if {parts[i] for i in limb} in _LONG_LIMBS)
        return long or self.limbs

    def index(self, keypoint: str) -> int:
        """The row of a keypoint's name; ValueError where the schema has no such name."""
        try:
            return self.keypoints.index(keypoint)
        except ValueError:
            raise ValueError(
                f"`keypoint` must be a name of schema {self.name!r}. Received: {keypoint!r}. "
                f"Its names: {', '.join(self.keypoints)}."
            ) from None

    def to_json(self) -> dict[str, Any]:
        """The schema as JSON values; `skeleton_from_json` reads it back."""
        return {
            "schema": self.name,
            "keypoints": list(self.keypoints),
            "mirror_pairs": [list(pair) for pair in self.mirror_pairs],
            "limbs": [list(pair) for pair in self.limbs],
        }


def _skeleton(name: str, keypoints: str, limbs: str) -> Skeleton:
    """Builds a schema from names, so that no table of bare indices has to be kept right."""
    names = tuple(keypoints.split())
    joined = tuple(
        (names.index(a), names.index(b)) for a, b in (limb.split("-") for limb in limbs.split())
    )
    return Skeleton(name, names, _pairs_by_name(names), joined)


_OPENPOSE_LIMBS = (
    "neck-nose nose-right_eye right_eye-right_ear nose-left_eye left_eye-left_ear "
    "neck-right_shoulder right_shoulder-right_elbow right_elbow-right_wrist "
    "neck-left_shoulder left_shoulder-left_elbow left_elbow-left_wrist "
    "right_hip-right_knee right_knee-right_ankle left_hip-left_knee left_knee-left_ankle "
)

SKELETONS: Mapping[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        _skeleton(
            "avatar20",
            "hips spine neck head "
            "leftShoulder leftUpperArm leftLowerArm leftHand "
            "rightShoulder rightUpperArm rightLowerArm rightHand "
            "leftUpperLeg leftLowerLeg leftFoot leftToes "
            "rightUpperLeg rightLowerLeg rightFoot rightToes",
            "hips-spine spine-neck neck-head "
            "neck-leftShoulder leftShoulder-leftUpperArm leftUpperArm-leftLowerArm "
            "leftLowerArm-leftHand "
            "neck-rightShoulder rightShoulder-rightUpperArm rightUpperArm-rightLowerArm "
            "rightLowerArm-rightHand "
            "hips-leftUpperLeg leftUpperLeg-leftLowerLeg leftLowerLeg-leftFoot leftFoot-leftToes "
            "hips-rightUpperLeg rightUpperLeg-rightLowerLeg rightLowerLeg-rightFoot "
            "rightFoot-rightToes",
        ),
        _skeleton(
            "openpose18",
            "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
            "right_hip right_knee right_ankle left_hip left_knee left_ankle "
            "right_eye left_eye right_ear left_ear",
            _OPENPOSE_LIMBS + "neck-right_hip neck-left_hip",
        ),
        _skeleton(
            "body25",
            "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
            "mid_hip right_hip right_knee right_ankle left_hip left_knee left_ankle "
            "right_eye left_eye right_ear left_ear left_big_toe left_small_toe left_heel "
            "right_big_toe right_small_toe right_heel",
            _OPENPOSE_LIMBS + "neck-mid_hip mid_hip-right_hip mid_hip-left_hip "
            "left_ankle-left_heel left_ankle-left_big_toe left_big_toe-left_small_toe "
            "right_ankle-right_heel right_ankle-right_big_toe right_big_toe-right_small_toe",
        ),
        _skeleton(
            "coco17",
            "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder "
            "left_elbow right_elbow left_wrist right_wrist left_hip right_hip "
            "left_knee right_knee left_ankle right_ankle",
            "nose-left_eye left_eye-left_ear nose-right_eye right_eye-right_ear "
            "left_ear-left_shoulder right_ear-right_shoulder left_shoulder-right_shoulder "
            "left_shoulder-left_elbow left_elbow-left_wrist "
            "right_shoulder-right_elbow right_elbow-right_wrist left_shoulder-left_hip "
            "right_shoulder-right_hip left_hip-right_hip left_hip-left_knee "
            "left_knee-left_ankle right_hip-right_knee right_knee-right_ankle",
        ),
    )
}


def skeleton_named(name: str) -> Skeleton:
    """The built-in schema of that name.

    Raises:
        ValueError: no schema has that name; the text lists those there are.
    """
    if name not in SKELETONS:
        raise ValueError(
            f"`schema` must be one of {', '.join(SKELETONS)}. Received: {name!r}. "
            "Take one of these, or describe your own in the dataset's skeleton.json."
        )
    return SKELETONS[name]


def _read_pairs(
    document: Mapping[str, Any], key: str, names: list[str]
) -> tuple[tuple[int, int], ...] | None:
    """Pairs of names or rows as pairs of rows; None where the key is absent."""
    if document.get(key) is None:
        return None
    rows: dict[str | int, int] = {i: i for i in range(len(names))}
    rows.update({name: i for i, name in enumerate(names)})
    try:
        return tuple((rows[a], rows[b]) for a, b in document[key])
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"`{key}` must be a list of pairs of keypoint names or row numbers. "
            f"Received: {document[key]!r:.120}. Use only names that `keypoints` lists."
        ) from None


def skeleton_from_json(document: Mapping[str, Any]) -> Skeleton:
    """Reads a schema: its built-in name, or one's own name with its `keypoints`.

    `mirror_pairs` and `limbs` may hold names or row numbers; without `mirror_pairs` the names
    that differ only in left and right are paired.

    Example: `{"schema": "tail3", "keypoints": ["root", "mid", "tip"], "limbs": [["root", "mid"]]}`.

    Raises:
        ValueError: a part is missing, of a wrong form, or contradicts a built-in schema.
    """
    name, names = document.get("schema"), document.get("keypoints")
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"`schema` must be a name. Received: {name!r}. Write one of {', '.join(SKELETONS)}, "
            "or a name of your own together with `keypoints`."
        )
    if names is None:
        return skeleton_named(name)
    if not isinstance(names, list) or not all(isinstance(k, str) and k for k in names):
        raise ValueError(
            f"`keypoints` must be a list of names. Received: {names!r:.80}. "
            "Name each row of the keypoint arrays in order."
        )
    known = SKELETONS.get(name)
    if known is not None:
        if tuple(names) != known.keypoints:
            raise ValueError(
                f"`keypoints` of schema {name!r} must be {list(known.keypoints)}. "
                f"Received: {names}. Put the rows in that order, or give the schema another name."
            )
        return known
    pairs = _read_pairs(document, "mirror_pairs", names)
    limbs = _read_pairs(document, "limbs", names) or ()
    return Skeleton(name, tuple(names), _pairs_by_name(names) if pairs is None else pairs, limbs)


def mirror_keypoints(keypoints: Keypoints, frame_px: int, skeleton: Skeleton) -> Keypoints:
    """Keypoints of the picture mirrored left to right: x' = W - x, left and right rows swapped.

    A whole x means "that pixel" (integer detectors), so it becomes W - 1 - x: in every case
    floor(x') is the mirrored pixel. Invisible points keep their coordinates.

    Args:
        keypoints: [..., M, 3] float32, x and y in pixels of the frame, visible 0/1.
        frame_px: W, the width of the square keypoint frame.
        skeleton: the schema, whose `mirror_pairs` change rows.
    """
    keypoints = np.asarray(keypoints, np.float32)[..., list(skeleton.mirror_permutation), :].copy()
    x = keypoints[..., 0]
    pixel = np.floor(x)
    right_edge = np.float32(frame_px) - pixel
    # W - x may round up to the edge of the next pixel; it stays below that edge.
    inside = np.minimum(np.float32(frame_px) - x, np.nextafter(right_edge, np.float32(-np.inf)))
    mirrored = np.where(x == pixel, right_edge - 1, inside)
    keypoints[..., 0] = np.where(keypoints[..., 2] > 0, mirrored, x)
    return keypoints
