"""The orthographic camera: hand-computed pixels."""

import numpy as np
import pytest

from psgan_tf.motion.camera import Camera, camera_from_json, framed_camera

ORIGIN = np.zeros((1, 3))


def project(camera, point, hips=(0.0, 0.0, 0.0)):
    return camera.project(np.array([[point]], float), np.array([hips], float))[0, 0]


def test_the_target_is_drawn_in_the_middle():
    camera = Camera(200, 10.0, yaw_rad=0.3, pitch_rad=0.2, target=(1.0, 2.0, 3.0), follow=False)
    np.testing.assert_allclose(project(camera, (1, 2, 3)), [100, 100])


def test_the_characters_left_is_on_the_right_of_the_picture_and_up_is_up():
    camera = Camera(200, 10.0)
    np.testing.assert_allclose(project(camera, (2, 3, 7)), [120, 70])


def test_a_quarter_yaw_turns_the_character_to_its_left():
    camera = Camera(200, 10.0, yaw_rad=np.pi / 2)
    np.testing.assert_allclose(project(camera, (0, 0, 1)), [110, 100])  # its front: right
    np.testing.assert_allclose(project(camera, (1, 0, 0)), [100, 100])  # its left: away
    assert camera.matrices(ORIGIN)[0, 2] @ [1, 0, 0, 1] == pytest.approx(10.0)


def test_a_quarter_pitch_looks_down_on_the_head():
    camera = Camera(200, 10.0, pitch_rad=np.pi / 2)
    np.testing.assert_allclose(project(camera, (0, 5, 1)), [100, 110])  # its front: below


def test_farther_points_have_larger_distances():
    matrix = Camera(200, 10.0).matrices(ORIGIN)[0]
    assert (matrix @ [0, 0, -1, 1])[2] == pytest.approx(10.0)
    assert (matrix @ [0, 0, 1, 1])[2] == pytest.approx(-10.0)


def test_a_following_camera_keeps_the_hips_in_the_middle_and_the_ground_where_it_is():
    camera = Camera(200, 10.0, target=(0.0, 1.0, 0.0))
    np.testing.assert_allclose(project(camera, (5, 1.5, 9), hips=(5, 1.5, 9)), [100, 95])
    still = Camera(200, 10.0, target=(0.0, 1.0, 0.0), follow=False)
    np.testing.assert_allclose(project(still, (5, 1.5, 9), hips=(5, 1.5, 9)), [150, 95])


def test_points_outside_the_picture_are_not_visible():
    points = np.array([[[0, 0, 0], [9.99, 0, 0], [10, 0, 0], [0, 10.01, 0]]], float)
    keypoints = Camera(200, 10.0).keypoints(points, ORIGIN)
    assert keypoints.dtype == np.float32
    assert keypoints[0, :, 2].tolist() == [1, 1, 0, 0]  # 200.0 px is already outside
    np.testing.assert_allclose(keypoints[0, 1, :2], [199.9, 100], rtol=1e-6)


def test_a_framed_camera_shows_head_and_feet_with_its_margin():
    camera = framed_camera(1000, height=2.0, half_width=0.5, margin=0.1)
    np.testing.assert_allclose(project(camera, (0, 0, 0)), [500, 900])
    np.testing.assert_allclose(project(camera, (0, 2, 0)), [500, 100])


def test_a_camera_survives_the_way_through_json():
    camera = Camera(640, 123.4, 0.5, -0.25, (0.0, 0.75, 0.1), follow=False)
    assert camera_from_json(camera.to_json()) == camera


@pytest.mark.parametrize(
    "wrong",
    [
        {"size_px": 0},
        {"pixels_per_unit": 0.0},
        {"yaw_rad": float("nan")},
        {"pixels_per_unit": float("inf")},
    ],
)
def test_impossible_cameras_are_refused(wrong):
    with pytest.raises(ValueError, match="Received"):
        Camera(**({"size_px": 10, "pixels_per_unit": 1.0} | wrong))


def test_a_wrong_camera_in_json_names_the_member():
    with pytest.raises(ValueError, match="`target` must have 3 numbers"):
        camera_from_json(Camera(10, 1.0).to_json() | {"target": [1, 2]})


def test_a_frame_without_height_is_refused():
    with pytest.raises(ValueError, match="`height` must be above 0"):
        framed_camera(100, 0.0, 0.5)


def test_a_camera_that_follows_half_of_the_hips_height_rises_by_half():
    camera = Camera(200, 10.0, target=(0.0, 1.0, 0.0), follow_height=0.5)
    # Hips 2 up: the middle is 1 + 1 above the ground.
    np.testing.assert_allclose(project(camera, (0, 2, 0), hips=(0, 2, 0)), [100, 100])
    np.testing.assert_allclose(project(camera, (0, 0, 0), hips=(0, 2, 0)), [100, 120])
    # A jump of 2 more looks like one of 1.
    np.testing.assert_allclose(project(camera, (0, 4, 0), hips=(0, 4, 0)), [100, 90])
    locked = Camera(200, 10.0, follow_height=1.0)
    np.testing.assert_allclose(project(locked, (0, 7, 0), hips=(0, 7, 0)), [100, 100])


@pytest.mark.parametrize("pitch_rad", [0.0, 0.4, -0.9])
def test_the_ground_under_the_hips_is_at_one_place_whatever_the_pitch(pitch_rad):
    level = Camera(200, 10.0, target=(0.0, 1.0, 0.0), follow_height=0.5)
    for height in (0.0, 0.8, 2.0):
        hips = (3.0, height, 1.0)
        under = project(level.turned(0.7, pitch_rad), (3, 0, 1), hips=hips)
        np.testing.assert_allclose(under, project(level, (3, 0, 1), hips=hips), atol=1e-9)


def test_a_card_without_the_height_that_is_followed_keeps_the_ground():
    camera = Camera(200, 10.0, target=(0.0, 1.0, 0.0), follow_height=0.5)
    document = camera.to_json()
    assert camera_from_json(document) == camera
    del document["follow_height"]
    assert camera_from_json(document).follow_height == 0.0


@pytest.mark.parametrize("part", [-0.1, float("nan"), float("inf")])
def test_a_height_that_cannot_be_followed_is_refused(part):
    with pytest.raises(ValueError, match="`follow_height` must be at least 0"):
        Camera(200, 10.0, follow_height=part)
