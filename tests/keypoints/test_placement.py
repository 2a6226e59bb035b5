"""Keypoints in the square keypoint frame, placed by hand."""

import numpy as np

from psgan_tf.keypoints.placement import hide_outside, place_keypoints


def placed(x, y, size, mode, frame_px, **options):
    return place_keypoints(np.float32([[x, y, 1]]), size, mode, frame_px, **options)[0].tolist()


def test_keypoints_go_where_their_pixels_go():
    assert placed(48, 100, (176, 256), "pad", 256) == [88, 100, 1]
    assert placed(10, 20, (100, 200), "pad", 400) == [120, 40, 1]
    assert placed(30, 80, (100, 200), "crop", 100) == [30, 30, 1]
    assert placed(30, 49.5, (100, 200), "crop", 100) == [30, -0.5, 0]


def test_keypoints_are_brought_from_what_they_are_measured_in():
    assert placed(0.5, 0.25, (100, 200), "pad", 200, measured_in=(1, 1)) == [100, 50, 1]
    assert placed(320, 120, (160, 120), "crop", 120, measured_in=(640, 480)) == [60, 30, 1]
    # The 256 x 256 picture of a table, and the 176 x 256 and 704 x 1024 copies of it.
    for size in ((256, 256), (176, 256), (704, 1024)):
        table = {"measured_in": (256, 256), "padded": True}
        assert placed(88, 100, size, "pad", 256, **table) == [88, 100, 1]
    assert placed(88, 100, (176, 256), "crop", 176, **table) == [48, 60, 1]


def test_points_on_the_frames_far_edge_are_outside_of_it():
    keypoints = np.float32([[0, 0, 1], [63.99, 63.99, 1], [64, 0, 1], [0, -0.01, 1], [5, 5, 0]])
    assert hide_outside(keypoints, 64)[:, 2].tolist() == [1, 1, 0, 0, 0]
