"""Skeletons as people look at them."""

import numpy as np

from psgan_tf.keypoints.drawing import draw_skeleton, skeleton_picture
from psgan_tf.keypoints.schema import Skeleton


def test_a_drawn_skeleton_shows_sides_and_leaves_out_the_invisible():
    skeleton = Skeleton("arms", ("hand_left", "hand_right", "head"), ((0, 1),), ((0, 2), (1, 2)))
    blank = np.full((64, 64, 3), 255, np.uint8)
    keypoints = np.float32([[96, 64, 1], [32, 64, 1], [64, 16, 0]])
    drawn = draw_skeleton(blank, keypoints, skeleton, frame_px=128)
    left, right, head = drawn[32, 48].astype(int), drawn[32, 16].astype(int), drawn[8, 32]
    assert left[2] > left[0]  # blue
    assert right[0] > right[2]  # red
    assert head.tolist() == [255, 255, 255]
    assert (drawn[16:24] == 255).all()  # no limb to an invisible point
    assert (blank == 255).all()


def test_a_skeleton_on_white_is_that_drawn_over_white_and_none_is_white():
    skeleton = Skeleton("arms", ("hand_left", "hand_right"), ((0, 1),), ((0, 1),))
    keypoints = np.float32([[96, 64, 1], [32, 64, 1]])
    white = np.full((64, 64, 3), 255, np.uint8)
    drawn = skeleton_picture(keypoints, skeleton, 128, 64)
    np.testing.assert_array_equal(drawn, draw_skeleton(white, keypoints, skeleton, 128))
    assert (drawn < 255).any()
    np.testing.assert_array_equal(skeleton_picture(keypoints, None, 128, 64), white)
