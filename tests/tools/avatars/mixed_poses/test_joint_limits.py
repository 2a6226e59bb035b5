"""Swing and twist of joints: angles by hand, and put together again; ranges that hold."""

import numpy as np
import pytest

from motion_files_by_hand import turn
from psgan_tf.motion.transforms import multiply_quaternions
from tools.avatars.mixed_poses.joint_limits import (
    JointLimits,
    bone_axes,
    limits_of,
    swings_and_twists,
)

UP = np.array([[0.0, 1.0, 0.0]])


def angles(rotation, axis=UP):
    """(size of the swing, twist) in degrees of one rotation of a bone along `axis`."""
    first, second, twist = swings_and_twists(np.array([rotation], float), axis)[0]
    return np.degrees(np.hypot(first, second)), np.degrees(twist)


@pytest.mark.parametrize("degrees", [-170.0, -30.0, 0.0, 45.0, 179.0])
def test_a_turn_about_the_bone_is_all_twist(degrees):
    np.testing.assert_allclose(angles(turn(1, degrees)), (0.0, degrees), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("degrees", [-140.0, -20.0, 90.0])
def test_a_turn_across_the_bone_is_all_swing(axis, degrees):
    np.testing.assert_allclose(angles(turn(axis, degrees)), (abs(degrees), 0.0), atol=1e-5)


def test_a_twist_and_then_a_swing_are_told_apart():
    both = multiply_quaternions(np.array(turn(0, 70.0)), np.array(turn(1, 25.0)))
    np.testing.assert_allclose(angles(both), (70.0, 25.0), atol=1e-5)
    # A quaternion and its negative are one rotation.
    np.testing.assert_allclose(angles(-both), (70.0, 25.0), atol=1e-5)


def test_the_two_swings_are_at_right_angles():
    first = swings_and_twists(np.array([turn(0, 40.0)]), UP)[0]
    second = swings_and_twists(np.array([turn(2, 40.0)]), UP)[0]
    assert first @ second == pytest.approx(0.0, abs=1e-9)


def test_limits_hold_what_they_were_made_of_and_three_degrees_more(koharu_skeleton):
    rest = np.tile([0.0, 0.0, 0.0, 1.0], (3, len(koharu_skeleton.bones), 1))
    knee = koharu_skeleton.bones.index("leftLowerLeg")
    rest[1, knee], rest[2, knee] = turn(0, 50.0), turn(0, 100.0)
    limits = limits_of(koharu_skeleton, rest)
    assert limits.hold(rest).all()

    def holds(axis, degrees, bone=knee):
        pose = rest[:1].copy()
        pose[0, bone] = turn(axis, degrees)
        return bool(limits.hold(pose)[0])

    assert holds(0, 75.0)
    assert holds(0, 102.9)
    assert not holds(0, 103.1)
    assert holds(0, -2.9)
    assert not holds(0, -3.1)  # backwards
    assert not holds(1, 3.1)  # twisted
    assert not holds(2, 3.1)  # sideways
    # The hips' own turn is the body's heading, which has no limit.
    assert holds(1, 170.0, koharu_skeleton.bones.index("hips"))


def test_bones_point_to_their_children_and_the_last_go_on(koharu_skeleton):
    axes = dict(zip(koharu_skeleton.bones, bone_axes(koharu_skeleton), strict=True))
    np.testing.assert_allclose(axes["leftLowerArm"], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(axes["rightUpperArm"], [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(axes["leftUpperLeg"], [0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(list(axes.values()), axis=1), 1.0)
    assert axes["leftEye"] @ [0, 1, 0] > 0.5  # from the head's joint to the eye


def test_random_rotations_are_put_together_again():
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(50, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    local = rng.normal(size=(50, 4))
    local /= np.linalg.norm(local, axis=1, keepdims=True)
    measured = swings_and_twists(local, axes)
    # The swing's vector from its two components needs their axes: a swing of 1 about each.
    for bone in range(50):
        twist = np.append(axes[bone] * np.sin(measured[bone, 2] / 2), np.cos(measured[bone, 2] / 2))
        swing = multiply_quaternions(local[bone], twist * [-1, -1, -1, 1])
        size = 2 * np.arctan2(np.linalg.norm(swing[:3]), abs(swing[3]))
        assert size == pytest.approx(np.hypot(*measured[bone, :2]), abs=1e-9)
        assert swing[:3] @ axes[bone] == pytest.approx(0.0, abs=1e-9)


def test_limits_are_values_only():
    limits = JointLimits(UP, np.zeros((1, 3)), np.ones((1, 3)))
    with pytest.raises(AttributeError):
        limits.low = np.zeros((1, 3))
