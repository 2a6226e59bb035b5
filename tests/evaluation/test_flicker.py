"""Flicker of films and jitter of keypoints, by hand."""

import numpy as np
import pytest

from films_by_hand import film
from psgan_tf.evaluation.flicker import (
    Flicker,
    distance_px,
    flicker_of,
    frame_differences,
    jittered,
)


def test_the_frame_difference_is_the_mean_change_of_a_value():
    np.testing.assert_allclose(frame_differences(film(10, 13, 5)), [3, 8])
    one_pixel = film(0, 0)
    one_pixel[1, 0, 1] = [255, 0, 12]
    assert frame_differences(one_pixel).tolist() == [(255 + 12) / 12]


def test_flicker_says_the_mean_of_films_and_of_their_largest_steps():
    assert flicker_of([film(10, 13, 5), film(0, 0, 1)]) == Flicker((5.5 + 0.5) / 2, (8 + 1) / 2)


def test_distances_count_joints_in_sight_only():
    exact = np.array([[[1, 1, 1], [5, 5, 0]], [[2, 2, 1], [0, 0, 1]]], np.float32)
    found = exact + np.array([[[3, 4, 0], [9, 9, 0]], [[0, 1, 0], [0, 0, 0]]], np.float32)
    assert distance_px(found, exact) == pytest.approx((5 + 1 + 0) / 3)


def test_jitter_has_the_stated_deviation_and_leaves_visibility():
    exact = np.ones((400, 20, 3), np.float32)
    exact[::2, 3, 2] = 0
    noisy = jittered(exact, 0.5, 1)
    assert (noisy - exact)[..., :2].std() == pytest.approx(0.5, rel=0.02)
    assert abs((noisy - exact)[..., :2].mean()) < 0.02
    np.testing.assert_array_equal(noisy[..., 2], exact[..., 2])
