"""The built-in motions as bodies: joints within their limits, soles on the ground, loops closed."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.humanoid import SIDES
from psgan_tf.motion.motion_files import list_clips, motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_of
from psgan_tf.motion.retarget import retarget
from psgan_tf.motion.transforms import (
    angles_between,
    matrices_from_quaternions,
)
from tools.avatars.builtin.body.proportions import JOINTS
from tools.avatars.builtin.motions.keyframes import (
    Arm,
    Foot,
    Key,
    Sketch,
    both_steps,
    curve_of,
    mirrored,
)
from tools.avatars.builtin.motions.limbs import bend_limb, turned_about
from tools.avatars.builtin.motions.motions import MOTIONS, POSES_PER_MOTION, TEST_MOTIONS
from tools.avatars.builtin.motions.posing import (
    BONES,
    FPS,
    body_motion,
    bone_vector,
    foot_at_heading,
    parent_bone,
)
from tools.avatars.builtin.writers.vrma_writer import vrma_bytes
from tools.avatars.dataset.poses import evenly_spaced_frames

BODIES = {sketch.name: body_motion(sketch) for sketch in MOTIONS}
SKETCHES = {sketch.name: sketch for sketch in MOTIONS}
ALL = pytest.mark.parametrize("name", BODIES)


def world_rotations(body):
    """Bone to [F, 3, 3], multiplied up as matrices."""
    worlds = {}
    for bone in BONES:
        local = matrices_from_quaternions(body.rotations[bone])
        parent = parent_bone(bone)
        worlds[bone] = local if parent is None else worlds[parent] @ local
    return worlds


def joint_positions(body):
    """Bone to [F, 3]: every joint of the moving body, in metres."""
    worlds, places = world_rotations(body), {"hips": body.hips}
    for bone in BONES:
        parent = parent_bone(bone)
        if parent is not None:
            places[bone] = places[parent] + worlds[parent] @ bone_vector(parent, bone)
    return places


def soles(body):
    """Side to [F, 2, 3]: the ground below ankle and ball at rest, carried along by the foot."""
    worlds, places = world_rotations(body), joint_positions(body)
    return {
        side: np.stack(
            [
                places[bone] - worlds[bone] @ np.array([0.0, JOINTS[bone][1], 0.0])
                for bone in (f"{side}Foot", f"{side}Toes")
            ],
            axis=1,
        )
        for side in SIDES
    }


def written_motion(folder, name):
    path = Path(folder) / f"{name}.vrma"
    path.write_bytes(vrma_bytes(name, BODIES[name], {}))
    return path


@ALL
def test_knees_bend_backwards_only_and_not_too_far(name):
    for side in SIDES:
        knee = matrices_from_quaternions(BODIES[name].rotations[f"{side}LowerLeg"])
        shin = knee @ np.array([0.0, -1.0, 0.0])
        assert np.abs(shin[:, 0]).max() < 1e-9  # a hinge: never sideways
        angles = np.degrees(np.arctan2(-shin[:, 2], -shin[:, 1]))
        assert angles.min() >= 0
        assert angles.max() < 150


@ALL
def test_elbows_bend_forwards_only_and_not_too_far(name):
    for side, outward in (("left", 1.0), ("right", -1.0)):
        bone = JOINTS[f"{side}Hand"] - JOINTS[f"{side}LowerArm"]
        elbow = matrices_from_quaternions(BODIES[name].rotations[f"{side}LowerArm"])
        forearm = elbow @ (bone / np.linalg.norm(bone))
        assert np.abs(forearm[:, 1]).max() < 1e-9
        angles = np.degrees(np.arctan2(forearm[:, 2], outward * forearm[:, 0]))
        assert angles.min() > -2  # Her forearm rests a degree behind the arm's line.
        assert angles.max() < 145


@ALL
def test_other_joints_turn_no_further_than_a_persons(name):
    most_degrees = {"neck": 30, "head": 35, "spine": 25, "chest": 25}
    for side in SIDES:
        most_degrees |= {f"{side}Foot": 100, f"{side}Hand": 75, f"{side}Shoulder": 35}
    for bone, most in most_degrees.items():
        turned = angles_between(BODIES[name].rotations[bone], np.array([0.0, 0.0, 0.0, 1.0]))
        assert np.degrees(turned).max() < most, bone


@ALL
def test_no_sole_goes_below_the_ground(name):
    lowest = min(float(points[..., 1].min()) for points in soles(BODIES[name]).values())
    assert -1e-6 < lowest < 0.005  # and somewhere in the motion she stands


@ALL
def test_legs_are_long_enough_for_where_their_feet_are_keyed(name):
    places = joint_positions(BODIES[name])
    for side in SIDES:
        bones = [f"{side}{bone}" for bone in ("UpperLeg", "LowerLeg", "Foot")]
        longest = sum(np.linalg.norm(JOINTS[a] - JOINTS[b]) for a, b in pairwise(bones))
        reach = np.linalg.norm(places[bones[2]] - places[bones[0]], axis=1)
        # A leg that is not is stretched, and its foot drawn off the place of its keys.
        assert (reach > 0.99949 * longest).mean() < 0.1


@ALL
def test_a_planted_foot_stays_or_goes_back_evenly_with_the_ground(name):
    sketch = SKETCHES[name]
    legs = np.linalg.norm(JOINTS["leftUpperLeg"] - JOINTS["leftLowerLeg"])
    legs += np.linalg.norm(JOINTS["leftLowerLeg"] - JOINTS["leftFoot"])
    ground = np.array([0.0, -sketch.travel * legs / sketch.secs / FPS])
    for side, points in soles(BODIES[name]).items():
        balls = points[:, 1]
        planted = (balls[:, 1] < 1e-4) & (np.roll(balls[:, 1], -1) < 1e-4)
        steps = np.diff(balls[:, [0, 2]], axis=0) - ground
        sliding = np.linalg.norm(steps, axis=1)[planted[:-1]] * FPS
        # Swivelling on the ball and coming down slide a little; skating would be metres a second.
        assert sliding.size
        assert np.median(sliding) < 0.05, side
        assert sliding.max() < 0.8, side


@ALL
def test_nothing_jumps_from_frame_to_frame(name):
    body = BODIES[name]
    turned = [angles_between(turns[1:], turns[:-1]).max() for turns in body.rotations.values()]
    assert np.degrees(max(turned)) < 40
    places = joint_positions(body)
    jerk = max(np.abs(np.diff(points, n=2, axis=0)).max() for points in places.values())
    assert jerk < 0.06  # metres between where a joint is and where it was heading


@pytest.mark.parametrize("name", [name for name, sketch in SKETCHES.items() if sketch.loops])
def test_a_loop_ends_where_and_as_fast_as_it_begins(name, tmp_path):
    body = BODIES[name]
    for turns in body.rotations.values():
        assert angles_between(turns[0], turns[-1]) < 1e-6
        across = angles_between(turns[-2], turns[-1]) - angles_between(turns[0], turns[1])
        assert abs(np.degrees(across)) < 5
    np.testing.assert_allclose(body.hips[0], body.hips[-1], atol=1e-9)
    assert motion_from_file(written_motion(tmp_path, name)).loops


@ALL
def test_the_file_read_back_has_every_joint_where_it_was(name, tmp_path):
    path = written_motion(tmp_path, name)
    assert list_clips(path) == (name,)
    motion = motion_from_file(path)
    assert motion.fps == FPS
    assert motion.num_frames == len(BODIES[name].hips)
    posed = retarget(rest_skeleton_of(rig_of_gltf(read_gltf(path))), motion, "none")
    expected = joint_positions(BODIES[name])
    assert set(posed.skeleton.bones) == set(expected)
    for column, bone in enumerate(posed.skeleton.bones):
        np.testing.assert_allclose(posed.positions[:, column], expected[bone], atol=2e-6)


def test_the_same_motion_is_the_same_bytes():
    sketch = SKETCHES["walk"]
    assert vrma_bytes("walk", body_motion(sketch), {}) == vrma_bytes("walk", BODIES["walk"], {})


def test_there_are_600_different_poses_split_by_whole_motions(tmp_path):
    assert len(SKETCHES) >= 12
    assert POSES_PER_MOTION * len(MOTIONS) == 600
    for name in SKETCHES:
        motion = motion_from_file(written_motion(tmp_path, name))
        assert len(evenly_spaced_frames(motion, POSES_PER_MOTION)) == POSES_PER_MOTION
    assert set(TEST_MOTIONS) < set(SKETCHES)
    assert 1 <= len(TEST_MOTIONS) <= len(SKETCHES) // 4


def test_a_limb_reaches_its_target_with_the_elbow_on_the_side_of_the_pole():
    random = np.random.default_rng(0)
    first, second = np.array([0.3, 0.01, -0.02]), np.array([0.25, -0.01, 0.01])
    hinge = np.array([0.0, -1.0, 0.0])
    targets = random.normal(size=(200, 3))
    targets *= random.uniform(0.1, 0.54, (200, 1)) / np.linalg.norm(targets, axis=1, keepdims=True)
    poles = random.normal(size=(200, 3))
    rotations, flexions = bend_limb(first, second, hinge, targets, poles)
    upper = matrices_from_quaternions(rotations)
    elbows = upper @ first
    lower = upper @ matrices_from_quaternions(turned_about(hinge, flexions))
    np.testing.assert_allclose(elbows + lower @ second, targets, atol=1e-9)
    line = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    across = poles - (poles * line).sum(1, keepdims=True) * line
    assert ((elbows * across).sum(1) > -1e-9).all()
    assert flexions.min() >= 0


def test_a_target_out_of_reach_stretches_the_limb_towards_it():
    first = second = np.array([0.0, -1.0, 0.0])
    rotation, flexion = bend_limb(
        first, second, np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 9.0]), np.array([0.0, 1.0, 0])
    )
    assert flexion < 5
    knee = matrices_from_quaternions(rotation) @ first
    np.testing.assert_allclose(knee, [0, 0, 1], atol=0.04)


def test_a_value_that_two_keys_hold_stays_between_them_and_never_overshoots():
    sketch = Sketch("test", 4.0, ())
    values = {
        0.0: np.array([0.0]),
        1.0: np.array([2.0]),
        2.0: np.array([2.0]),
        4.0: np.array([-1.0]),
    }
    at = np.linspace(0, 4, 401)
    curve = curve_of(sketch, values, at, np.zeros(1))[:, 0]
    np.testing.assert_allclose(curve[100:201], 2.0)
    np.testing.assert_allclose(curve[[0, 400]], [0.0, -1.0])
    assert curve.max() <= 2.0
    assert curve.min() >= -1.0
    assert np.abs(np.diff(curve)[[0, -1]]).max() < 1e-3  # starts and ends at rest


def test_a_gait_that_travels_goes_on_by_its_travel_each_round():
    sketch = Sketch("test", 2.0, (), loops=True, travel=3.0)
    values = {0.0: np.array([0.0]), 1.0: np.array([0.0])}
    curve = curve_of(sketch, values, np.array([0.0, 0.5, 1.0, 2.0]), np.array([3.0]))[:, 0]
    np.testing.assert_allclose(curve, [0.0, 0.0, 0.0, 3.0])


def test_the_other_step_mirrors_the_first_half_a_period_later():
    step = Key(0.75, left_foot=Foot((0.1, 0.2, 0.3), 4, 5, 6), turn=(1, 2, 3), hips=(7, 8, 9))
    first, second = both_steps([step], 1.0, travel=2.0)
    assert first == step
    assert second.at == 0.25
    assert second.right_foot == Foot((0.1, 0.2, 0.3 - 1.0), 4, 5, 6)
    assert (second.turn, second.hips, second.left_foot) == ((1, -2, -3), (-7, 8, 9), None)
    assert mirrored(second, 0.75).right_foot is None


def test_a_mirrored_sketch_is_the_mirrored_body():
    key = Key(
        0.0,
        hips=(0.1, -0.2, 0.05),
        turn=(10, 20, -5),
        trunk=(5, -9, 8),
        head=(3, 12, -6),
        left_arm=Arm((0.4, 0.2, 0.5)),
        left_hand=(20, 8, 30),
        right_arm=Arm((0.1, -0.8, 0.3)),
        left_foot=Foot((0.1, 0.2, 0.1), 20, 10, 5),
    )
    places = joint_positions(body_motion(Sketch("one", 0.1, (key,))))
    others = joint_positions(body_motion(Sketch("other", 0.1, (mirrored(key, 0.0),))))
    for bone, points in places.items():
        twin = bone.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")
        np.testing.assert_allclose(points * [-1, 1, 1], others[twin], atol=1e-9, err_msg=bone)


def test_a_foot_placed_at_a_heading_is_the_standing_foot_turned_about_the_origin():
    foot = foot_at_heading("right", 90.0)
    sketch = Sketch("turned", 0.1, (Key(0.0, turn=(0, 90, 0), right_foot=foot),))
    place = joint_positions(body_motion(sketch))["rightToes"][0]
    x, y, z = JOINTS["rightToes"]
    np.testing.assert_allclose(
        place, [z, y, -x], atol=1e-6
    )  # facing +x, her right side is +z... -x
    turned = world_rotations(body_motion(sketch))["rightToes"][0] @ np.array([0.0, 0.0, 1.0])
    assert np.degrees(np.arctan2(turned[0], turned[2])) == pytest.approx(84, abs=1e-6)
