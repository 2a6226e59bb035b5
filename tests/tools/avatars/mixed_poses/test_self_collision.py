"""How deep limbs lie in one another: segments by hand, poses by hand, and against the skin."""

from itertools import product

import numpy as np
import pytest

from motion_files_by_hand import turn
from psgan_tf.motion.motion import Motion
from psgan_tf.motion.retarget import retarget, rig_matrices
from psgan_tf.motion.transforms import multiply_quaternions
from tools.avatars.builtin.body.body_field import profile_distance
from tools.avatars.builtin.body.proportions import JOINTS, PROFILES
from tools.avatars.mixed_poses.self_collision import PENETRATIONS, BodyCapsules, segment_distances

ARM_TRUNK, ARM_HEAD, ARM_ARM, ARM_LEG, LEG_LEG, LEG_TRUNK, GROUND = range(7)


def standing(skeleton, turns):
    """The character in the T-pose but for some bones, turned relative to their parents."""
    world = np.tile([0.0, 0.0, 0.0, 1.0], (1, len(skeleton.bones), 1))
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            own = np.array(turns.get(skeleton.bones[bone], (0.0, 0.0, 0.0, 1.0)))
            world[0, bone] = multiply_quaternions(world[0, parent], own)
    motion = Motion("pose", "test", 1.0, skeleton.bones, world, np.zeros((1, 3)))
    return retarget(skeleton, motion)


def depths(avatar, **turns):
    posed = standing(avatar.skeleton, turns)
    return BodyCapsules(avatar.skeleton).depths(posed)[0]


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        (((0, 0, 0), (1, 0, 0)), ((0, 2, 0), (1, 2, 0)), 2.0),  # side by side
        (((-1, 0, 0), (1, 0, 0)), ((0, -1, 3), (0, 1, 3)), 3.0),  # crossing
        (((0, 0, 0), (1, 0, 0)), ((4, 4, 0), (9, 4, 0)), 5.0),  # end to end: 3, 4, 5
        (((0, 0, 0), (1, 0, 0)), ((0.5, 0, 0), (0.5, 7, 0)), 0.0),  # touching
        (((0, 0, 0), (0, 0, 0)), ((-1, 2, 0), (1, 2, 0)), 2.0),  # a point and a segment
        (((-1, 2, 0), (1, 2, 0)), ((0, 0, 0), (0, 0, 0)), 2.0),
        (((1, 0, 0), (1, 0, 0)), ((1, 0, 6), (1, 0, 6)), 6.0),  # two points
    ],
)
def test_distances_of_segments(first, second, distance):
    ends = [np.array([end], float) for end in (*first, *second)]
    np.testing.assert_allclose(segment_distances(*ends), [distance], atol=1e-12)


def test_no_pair_of_points_is_nearer_than_the_distance_of_the_segments():
    rng = np.random.default_rng(3)
    ends = rng.normal(size=(4, 200, 3))
    ends[3, :40] = ends[2, :40] + 2.0 * (ends[1, :40] - ends[0, :40])  # parallel
    places = np.linspace(0.0, 1.0, 201)[:, None, None]
    first = ends[0] + places * (ends[1] - ends[0])
    second = ends[2] + places * (ends[3] - ends[2])
    nearest = np.min([np.linalg.norm(point - second, axis=-1).min(axis=0) for point in first], 0)
    distances = segment_distances(*ends)
    assert (distances <= nearest + 1e-12).all()
    # No point of a segment is farther from the nearest of the grid than half a step.
    step = np.linalg.norm(ends[1] - ends[0], axis=-1) + np.linalg.norm(ends[3] - ends[2], axis=-1)
    assert (distances >= nearest - step / 400).all()


def test_who_stands_in_the_t_pose_is_solid_and_apart(koharu):
    assert (depths(koharu) < 0).all()


def test_the_depth_of_two_legs_by_hand(koharu):
    legs = koharu.skeleton.leg_length
    # In the T-pose the thighs hang straight down from their joints, 2 x 0.074 m apart.
    expected = 2 * 0.076 * legs - 2 * JOINTS["leftUpperLeg"][0] - 0.02 * legs
    assert depths(koharu)[LEG_LEG] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("turns", "kind"),
    [
        # Swung forward by 170 degrees, and on through the chest.
        ({"leftUpperArm": turn(1, -170)}, ARM_TRUNK),
        ({"rightUpperArm": turn(1, 170)}, ARM_TRUNK),
        # Upper arm up, forearm down through the skull.
        ({"leftUpperArm": turn(2, 75), "leftLowerArm": turn(2, 120)}, ARM_HEAD),
        # Both arms straight ahead, crossed.
        ({"leftUpperArm": turn(1, -105), "rightUpperArm": turn(1, 105)}, ARM_ARM),
        # One thigh turned across the other.
        ({"leftUpperLeg": turn(2, -25)}, LEG_LEG),
        # A knee in the belly.
        ({"leftUpperLeg": turn(0, -175)}, LEG_TRUNK),
    ],
)
def test_limbs_laid_through_others_are_found(koharu, turns, kind):
    found = depths(koharu, **turns)
    assert found[kind] > 0, dict(zip(PENETRATIONS, found, strict=True))
    assert int(np.argmax(found)) == kind


def test_an_arm_that_hangs_straight_beside_the_body_is_not_in_it(koharu):
    assert (depths(koharu, leftUpperArm=turn(2, -70), rightUpperArm=turn(2, 70)) < 0).all()


def test_a_hand_that_reaches_under_the_ground_is_found(koharu):
    # On the floor, knees up: the shoulders are lower above the ground than an arm is long.
    seat = {side + "UpperLeg": turn(0, -125) for side in ("left", "right")}
    seat |= {side + "LowerLeg": turn(0, 60) for side in ("left", "right")}
    assert depths(koharu, **seat)[GROUND] < 0
    assert depths(koharu, leftUpperArm=turn(2, -88), **seat)[GROUND] > 0


def skin(avatar, posed, *names):
    """[V, 3]: the vertices of some of the body's parts in a pose, by skinning worked out here."""
    worlds = rig_matrices(avatar.rig, posed)[0]
    vertices = []
    for part in avatar.surfaces.parts:
        if part.mesh_name in names:
            joints = avatar.surfaces.skins[part.skin].joints
            binds = avatar.surfaces.skins[part.skin].inverse_binds
            matrices = worlds[joints] @ binds
            moved = np.einsum("vkij,vj->vki", matrices[part.joints][..., :3, :3], part.positions)
            moved += matrices[part.joints][..., :3, 3]
            vertices.append(np.einsum("vki,vk->vi", moved, part.weights))
    assert len(vertices) == len(names)
    return np.concatenate(vertices)


def test_capsules_agree_with_the_skin(koharu):
    """The forearm's skin within the trunk's solid, over poses of an arm round a trunk at rest."""
    body = BodyCapsules(koharu.skeleton)
    compared = 0
    for swing, raise_, bend in product((60, 90, 120, 150), (-80, -50, -20, 10), (0, 60, 110)):
        shoulder = multiply_quaternions(
            np.array(turn(1, -float(swing))), np.array(turn(2, float(raise_)))
        )
        posed = standing(
            koharu.skeleton, {"leftUpperArm": shoulder, "leftLowerArm": turn(1, -float(bend))}
        )
        forearm = skin(koharu, posed, "BodyLeftLowerArm")
        in_flesh = -float(profile_distance(PROFILES["torso"], forearm).min())
        depth = float(body.depths(posed)[0, ARM_TRUNK])
        # Flesh yields by 0.02 leg lengths; hand and upper arm are measured by the capsules as well.
        assert depth > 0 or in_flesh < 0.03, (swing, raise_, bend, depth, in_flesh)
        compared += in_flesh > 0.03
    assert compared > 5
