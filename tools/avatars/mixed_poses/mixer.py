"""Poses without end: pose k of a costume, mixed from motions, natural in its joints and solid.

Pose k is a function of the seed, the costume's name and k alone. It is drawn again, with the
number of the attempt, until its joints are within the limits of the motions' and no limb lies in
another; what was refused on the way is kept with it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from psgan_tf.motion.motion import Motion
from psgan_tf.motion.rest_skeleton import RestSkeleton
from psgan_tf.motion.retarget import PosedSkeleton, retarget
from psgan_tf.motion.transforms import FloatArray
from tools.avatars.mixed_poses.joint_limits import limits_of
from tools.avatars.mixed_poses.pose_mixing import (
    NUMBERS_PER_POSE,
    MixedJoints,
    mirror_columns,
    mirrored,
    mix,
)
from tools.avatars.mixed_poses.pose_pool import composed_with_parents, pool_of
from tools.avatars.mixed_poses.self_collision import PENETRATIONS, BodyCapsules

# The name that such poses have in place of a motion's.
MIXED = "mixed"

BEYOND_LIMITS = "a joint beyond its limits"
REASONS = (BEYOND_LIMITS, *PENETRATIONS)

_MOST_ATTEMPTS = 500


@dataclass(frozen=True, eq=False)
class MixedPoses:
    """P poses of one costume.

    Attributes:
        posed: the character in them; one frame a pose, the hips above the origin.
        refused: for each pose, why each attempt before it was refused; one of REASONS each.
    """

    posed: PosedSkeleton
    refused: tuple[tuple[str, ...], ...]


def pose_numbers(seed: int, costume: str, pose: int, attempt: int) -> FloatArray:
    """[NUMBERS_PER_POSE] from 0 to below 1 that a pose is drawn by."""
    text = f"{seed}/mixed/{costume}/{pose}/{attempt}"
    digest = hashlib.sha256(text.encode()).digest()
    numbers: FloatArray = np.random.default_rng(list(digest[:16])).random(NUMBERS_PER_POSE)
    return numbers


class PoseMixer:
    """Mixes poses of one character.

    Args:
        skeleton: the character.
        motions: what the poses are made of.
        ground: one of `psgan_tf.motion.retarget.GROUND_RULES`. A mixed pose's lowest point stands
            where it does in the pose that its legs are from; with "none" its hips do.
        seed: decides everything that is drawn.
    """

    def __init__(
        self, skeleton: RestSkeleton, motions: Sequence[Motion], ground: str, seed: int
    ) -> None:
        self._skeleton = skeleton
        self._ground = ground
        self._seed = seed
        self._pool = pool_of(skeleton, motions, ground)
        self._columns = mirror_columns(skeleton.bones)
        both = [self._pool.local, mirrored(self._pool.local, self._columns)]
        self._limits = limits_of(skeleton, np.concatenate(both))
        self._body = BodyCapsules(skeleton)

    def poses(self, costume: str, numbers: Sequence[int]) -> MixedPoses:
        """Poses of a costume by their numbers; each the same whatever others are asked for.

        Raises:
            ValueError: the motions give hardly any pose that is natural.
        """
        refused: list[list[str]] = [[] for _ in numbers]
        found: list[PosedSkeleton | None] = [None] * len(numbers)
        pending = list(range(len(numbers)))
        for attempt in range(_MOST_ATTEMPTS):
            drawn = np.stack(
                [pose_numbers(self._seed, costume, numbers[i], attempt) for i in pending]
            )
            posed, reasons = self._attempt(drawn)
            for place, (i, reason) in enumerate(zip(pending, reasons, strict=True)):
                if reason:
                    refused[i].append(reason)
                else:
                    found[i] = _one(posed, place)
            pending = [i for i in pending if found[i] is None]
            if not pending:
                break
        else:
            raise ValueError(
                f"`motions` must give poses that can be mixed. Received: motions of which "
                f"{_MOST_ATTEMPTS} mixed poses in a row were refused, the last for "
                f"{refused[pending[0]][-1]}. Add motions, or leave --mixed_poses out."
            )
        return MixedPoses(
            _joined([one for one in found if one is not None]), tuple(map(tuple, refused))
        )

    def _attempt(self, numbers: FloatArray) -> tuple[PosedSkeleton, list[str]]:
        """Poses by drawn numbers, and for each why it is refused, empty where it is not."""
        joints = mix(self._pool, numbers)
        posed = self._placed(joints)
        reasons = np.where(self._limits.hold(joints.local), "", BEYOND_LIMITS).astype(object)
        depths = self._body.depths(posed)
        for kind, name in enumerate(PENETRATIONS):
            reasons[(reasons == "") & (depths[:, kind] > 0)] = name
        return posed, reasons.tolist()

    def _placed(self, joints: MixedJoints) -> PosedSkeleton:
        """The poses on the ground."""
        offsets = np.zeros((len(joints.local), 3))
        offsets[:, 1] = joints.hips_heights
        rotations = composed_with_parents(self._skeleton, joints.local)
        motion = Motion(MIXED, MIXED, 1.0, self._skeleton.bones, rotations, offsets)
        posed = retarget(self._skeleton, motion, "none")
        if self._ground != "none":
            lowest = posed.points(self._skeleton.contacts)[..., 1].min(axis=1)
            posed.positions[..., 1] += (joints.clearances - lowest)[:, None]
        return posed


def _one(posed: PosedSkeleton, place: int) -> PosedSkeleton:
    frame = slice(place, place + 1)
    return replace(posed, rotations=posed.rotations[frame], positions=posed.positions[frame])


def _joined(posed: Sequence[PosedSkeleton]) -> PosedSkeleton:
    return replace(
        posed[0],
        rotations=np.concatenate([one.rotations for one in posed]),
        positions=np.concatenate([one.positions for one in posed]),
    )


def refusal_text(refused: Iterable[Sequence[str]]) -> str:
    """A line for people on how many drawn poses were refused, and why.

    Args:
        refused: for each pose, the reasons for which the attempts before it were refused.
    """
    kept, reasons = 0, Counter[str]()
    for one in refused:
        kept += 1
        reasons.update(one)
    drawn = kept + reasons.total()
    text = f"{reasons.total() / max(drawn, 1):.1%} of the drawn poses were refused"
    parts = [f"{reasons[r] / drawn:.1%} for {r}" for r in REASONS if reasons[r]]
    return f"{text}: {', '.join(parts)}" if parts else text
