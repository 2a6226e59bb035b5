"""A rig with sampled animation, as BVH and glTF files hold it, and the motion it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from psgan_tf.motion.motion import Motion, in_humanoid_order
from psgan_tf.motion.rig import Rig, check_rig
from psgan_tf.motion.transforms import (
    FloatArray,
    conjugate_quaternions,
    forward_kinematics,
    matrices_from_trs,
    multiply_quaternions,
    quaternions_from_matrices,
)

# Rest skeletons that hang around the origin have their ground elsewhere than at height 0; a
# lowest joint within this many leg lengths of 0 counts as standing on it.
_STANDING_LEGS = 0.25


# So many node poses may always be held; more need a file with that many stored values.
_FREE_POSES = 4_000_000


def check_animation_size(num_frames: int, num_nodes: int, num_values: int, rig: Rig) -> None:
    """Refuses, by ValueError, an animation far larger than the file it is sampled from."""
    limit = max(_FREE_POSES, 4 * num_values)
    if num_frames * num_nodes > limit:
        raise ValueError(
            f"`{rig.source}` must not need more than {limit} poses of nodes. Received: "
            f"{num_frames} frames of {num_nodes} nodes. Cut the motion into parts, or ask for "
            "fewer frames a second."
        )


@dataclass(frozen=True, eq=False)
class RigAnimation:
    """Local rotations and translations of some of a rig's nodes over F frames.

    Attributes:
        rig: the rig.
        fps: frames a second.
        num_frames: F.
        rotations: node to [F, 4] local unit quaternions; other nodes keep their rest.
        translations: node to [F, 3] local translations, replacing the rest's.
    """

    rig: Rig
    fps: float
    num_frames: int
    rotations: Mapping[int, FloatArray]
    translations: Mapping[int, FloatArray]

    def world_matrices(self) -> FloatArray:
        """[F, N, 4, 4]: every node in the rig's own world."""
        local = np.broadcast_to(
            self.rig.rest_matrices, (self.num_frames, *self.rig.rest_matrices.shape)
        ).copy()
        for node in self.rotations.keys() | self.translations.keys():
            local[:, node] = self._local_matrices(node)
        return forward_kinematics(self.rig.parents, self.rig.order, local)

    def motion(self, name: str) -> Motion:
        """The animation as a motion that fits every rig.

        Raises:
            ValueError: the rig is no humanoid, or none of its bones moves.
        """
        rig = check_rig(self.rig)
        rotations = self._world_rotations()
        bones = in_humanoid_order(set(rig.bones))
        if not any(node in self.rotations for node in rig.humanoid_nodes):
            raise ValueError(
                f"`{rig.source}` must move at least one humanoid bone. Received: clip {name!r}, "
                "which moves none. Choose another clip or give a bone map."
            )
        to_canonical = conjugate_quaternions(quaternions_from_matrices(rig.frame))
        to_world = conjugate_quaternions(to_canonical)
        turned = np.empty((self.num_frames, len(bones), 4))
        for column, bone in enumerate(bones):
            from_t_pose = multiply_quaternions(
                conjugate_quaternions(rig.t_pose_rotations[bone]), to_world
            )
            turned[:, column] = multiply_quaternions(
                multiply_quaternions(to_canonical, rotations[rig.bones[bone]]), from_t_pose
            )
        travel = self._hips_positions() @ rig.frame - standing_hips(rig)
        return Motion(name, rig.source, self.fps, bones, turned, travel / rig.leg_length)

    def _world_rotations(self) -> dict[int, FloatArray]:
        """Node to [F, 4] (or [4] where nothing above it moves) for the needed nodes."""
        world: dict[int, FloatArray] = {}
        for node in self.rig.humanoid_nodes:
            local = self.rotations.get(node, self.rig.rest_rotations[node])
            parent = int(self.rig.parents[node])
            world[node] = multiply_quaternions(world[parent], local) if parent >= 0 else local
        return world

    def _hips_positions(self) -> FloatArray:
        """[F, 3] in the rig's own world."""
        chain = [self.rig.bones["hips"]]
        while self.rig.parents[chain[-1]] >= 0:
            chain.append(int(self.rig.parents[chain[-1]]))
        world: FloatArray = np.broadcast_to(np.eye(4), (self.num_frames, 4, 4))
        for node in reversed(chain):
            world = world @ self._local_matrices(node)
        positions: FloatArray = world[:, :3, 3]
        return positions

    def _local_matrices(self, node: int) -> FloatArray:
        """[F, 4, 4], or [4, 4] for a node at rest."""
        if node not in self.rotations and node not in self.translations:
            at_rest: FloatArray = self.rig.rest_matrices[node]
            return at_rest
        rotations = self.rotations.get(node, self.rig.rest_rotations[node])
        translations = self.translations.get(node, self.rig.rest_translations[node])
        shape = np.broadcast_shapes(rotations.shape[:-1], translations.shape[:-1])
        local: FloatArray = matrices_from_trs(
            np.broadcast_to(translations, (*shape, 3)),
            np.broadcast_to(rotations, (*shape, 4)),
            np.broadcast_to(self.rig.rest_scales[node], (*shape, 3)),
        )
        return local


def standing_hips(rig: Rig) -> FloatArray:
    """[3]: where the hips are, in canonical axes, when the rig stands at the origin.

    The rest position, with its height counted from the lowest foot joint where the rest does not
    stand at height 0 (mocap skeletons often hang around the origin).
    """
    hips = rig.canonical_rest_position("hips").copy()
    hips[1] -= rest_ground(rig)
    return hips


def rest_ground(rig: Rig) -> float:
    """The height the rig stands on at rest: 0, or its lowest foot joint where that is far off 0."""
    feet = [
        bone for bone in ("leftFoot", "rightFoot", "leftToes", "rightToes") if bone in rig.bones
    ]
    lowest = min(float(rig.canonical_rest_position(bone)[1]) for bone in feet)
    return 0.0 if abs(lowest) <= _STANDING_LEGS * rig.leg_length else lowest
