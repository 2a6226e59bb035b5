"""Rotations and forward kinematics: hand-computed numbers, and scipy where it has the same."""

import numpy as np
import pytest

from psgan_tf.motion import transforms

RANDOM = np.random.default_rng(3)
ROTATIONS = transforms.normalise_quaternions(RANDOM.normal(size=(200, 4)))
OTHERS = transforms.normalise_quaternions(RANDOM.normal(size=(200, 4)))
QUARTER_TURN_ABOUT_Z = np.array([0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)])


def test_a_quarter_turn_about_z_takes_x_to_y():
    turned = transforms.rotate_vectors(QUARTER_TURN_ABOUT_Z, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(turned, [0, 1, 0], atol=1e-15)


def test_a_product_of_quaternions_is_the_product_of_their_matrices():
    product = transforms.matrices_from_quaternions(
        transforms.multiply_quaternions(ROTATIONS, OTHERS)
    )
    expected = transforms.matrices_from_quaternions(
        ROTATIONS
    ) @ transforms.matrices_from_quaternions(OTHERS)
    np.testing.assert_allclose(product, expected, atol=1e-14)


def test_quaternions_survive_the_way_through_matrices():
    back = transforms.quaternions_from_matrices(transforms.matrices_from_quaternions(ROTATIONS))
    np.testing.assert_allclose(transforms.angles_between(back, ROTATIONS), 0, atol=1e-7)
    assert (back[:, 3] >= 0).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_turns_have_quaternions_too(axis):
    matrix = -np.eye(3)
    matrix[axis, axis] = 1.0
    np.testing.assert_allclose(
        transforms.quaternions_from_matrices(matrix), np.eye(4)[axis], atol=1e-15
    )


def test_rotated_vectors_agree_with_matrices():
    vectors = RANDOM.normal(size=(200, 3))
    expected = np.einsum("nij,nj->ni", transforms.matrices_from_quaternions(ROTATIONS), vectors)
    np.testing.assert_allclose(transforms.rotate_vectors(ROTATIONS, vectors), expected, atol=1e-13)


def test_slerp_divides_the_angle_and_takes_the_short_way():
    start = np.array([0.0, 0.0, 0.0, 1.0])
    end = -QUARTER_TURN_ABOUT_Z  # the same rotation with the other sign
    third = transforms.slerp(start, end, np.array(1 / 3))
    np.testing.assert_allclose(np.degrees(transforms.angles_between(start, third)), 30.0, atol=1e-9)


def test_slerp_between_equal_rotations_stays_there():
    same = transforms.slerp(ROTATIONS, ROTATIONS, np.full(200, 0.4))
    np.testing.assert_allclose(same, ROTATIONS, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axis_rotations_turn_the_next_axis_to_the_one_after(axis):
    matrix = transforms.axis_rotation_matrices(axis, np.array(np.pi / 2))
    np.testing.assert_allclose(
        matrix @ np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3], atol=1e-15
    )


@pytest.mark.parametrize("target", [[0, 1, 0], [0, 0, -2], [-3, 0, 0], [1, 0, 0], [1, 2, 3]])
def test_the_rotation_between_two_directions_takes_one_to_the_other(target):
    rotation = transforms.rotation_between(np.array([1.0, 0, 0]), np.array(target, float))
    np.testing.assert_allclose(
        rotation @ [1, 0, 0], np.array(target) / np.linalg.norm(target), atol=1e-12
    )
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_a_matrix_falls_into_translation_rotation_and_scale():
    matrix = transforms.matrices_from_trs(
        np.array([1.0, 2, 3]), QUARTER_TURN_ABOUT_Z, np.array([2.0, 3, 4])
    )
    translation, rotation, scale = transforms.trs_from_matrices(matrix)
    np.testing.assert_allclose(translation, [1, 2, 3])
    np.testing.assert_allclose(rotation, QUARTER_TURN_ABOUT_Z, atol=1e-15)
    np.testing.assert_allclose(scale, [2, 3, 4])


def test_a_mirroring_matrix_keeps_a_proper_rotation():
    matrix = transforms.matrices_from_trs(np.zeros(3), QUARTER_TURN_ABOUT_Z, np.array([-1.0, 1, 1]))
    _, rotation, scale = transforms.trs_from_matrices(matrix)
    np.testing.assert_allclose(rotation, QUARTER_TURN_ABOUT_Z, atol=1e-12)
    np.testing.assert_allclose(scale, [-1, 1, 1])


def test_forward_kinematics_hangs_children_on_turned_parents():
    # The second node lies 1 along x from the first, which is turned a quarter about z.
    local = transforms.matrices_from_trs(
        np.array([[0.0, 0, 5], [1.0, 0, 0]]),
        np.stack([QUARTER_TURN_ABOUT_Z, transforms.IDENTITY_QUATERNION]),
        np.ones((2, 3)),
    )
    world = transforms.forward_kinematics(np.array([-1, 0]), np.array([0, 1]), local)
    np.testing.assert_allclose(world[1, :3, 3], [0, 1, 5], atol=1e-15)
