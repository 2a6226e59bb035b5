"""Pose maps drawn at each scale against the full-size map, max-pooled."""

import numpy as np
import pytest
import tensorflow as tf

from numpy_oracles import pose_pyramid
from psgan_tf.model.ops.pose_maps import add_limb_points, draw_pose_maps, in_frame


def pose(*points):
    """One example of visible keypoints: [1, M, 3] float32."""
    return tf.constant([[(x, y, 1.0) for x, y in points]], tf.float32)


def border_points(frame):
    """Points on, just before and just behind each border between pixels of any scale."""
    edges = np.arange(0, frame + 1, frame // 16, dtype=np.float32)
    before, behind = np.nextafter(edges, -np.float32(1)), np.nextafter(edges, np.float32(2 * frame))
    # Nothing lies between 0 and the smallest number that is not flushed to it.
    before[0], behind[0] = -1e-30, 1e-30
    places = np.concatenate([edges, before, behind])
    others = np.roll(places, 7)
    return np.stack([places, others, np.ones_like(places)], axis=-1).astype(np.float32)


def test_one_keypoint_by_hand():
    maps = draw_pose_maps(pose((5.9, 2.0)), resolution=4, frame=8)
    expected = [[-1, -1, -1, -1], [-1, -1, 1, -1], [-1, -1, -1, -1], [-1, -1, -1, -1]]
    np.testing.assert_array_equal(maps[0, :, :, 0], expected)


def test_other_values_by_hand():
    maps = draw_pose_maps(pose((5.9, 2.0)), resolution=4, frame=8, values=(0.0, 2.0))
    expected = [[0, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(maps[0, :, :, 0], expected)


def test_limb_points_by_hand():
    keypoints = tf.constant([[[0, 3, 1], [9, 0, 1], [3, 3, 0]]], tf.float32)
    points = add_limb_points(keypoints, [(0, 1), (1, 2)], 2)
    expected = [*keypoints[0].numpy().tolist(), [3, 2, 1], [6, 1, 1], [7, 1, 0], [5, 2, 0]]
    np.testing.assert_allclose(points[0], expected, rtol=1e-6)
    (middle,) = add_limb_points(keypoints, [(0, 1)], 1)[0, 3:]
    np.testing.assert_array_equal(middle, [4.5, 1.5, 1])


@pytest.mark.parametrize(("limbs", "count"), [([], 2), ([(0, 1)], 0)])
def test_without_limbs_or_points_the_keypoints_stay_alone(limbs, count):
    keypoints = pose((0, 3), (9, 0))
    np.testing.assert_array_equal(add_limb_points(keypoints, limbs, count), keypoints)


@pytest.mark.parametrize("frame", [4, 64, 256, 1024])
def test_every_scale_equals_the_max_pooled_full_size_map(frame):
    rng = np.random.default_rng(frame)
    keypoints = rng.uniform(-0.1 * frame, 1.1 * frame, (2, 6, 3)).astype(np.float32)
    keypoints[..., 2] = rng.integers(0, 2, (2, 6))
    for resolution, expected in pose_pyramid(keypoints, frame).items():
        maps = draw_pose_maps(tf.constant(keypoints), resolution=resolution, frame=frame)
        assert maps.dtype == tf.float32
        np.testing.assert_array_equal(maps, expected, err_msg=f"{resolution} of {frame}")


@pytest.mark.parametrize("frame", [16, 64, 256])
def test_every_scale_equals_the_max_pooled_map_at_the_borders_of_pixels(frame):
    keypoints = border_points(frame)[None]
    for resolution, expected in pose_pyramid(keypoints, frame).items():
        maps = draw_pose_maps(tf.constant(keypoints), resolution=resolution, frame=frame)
        np.testing.assert_array_equal(maps, expected, err_msg=f"{resolution} of {frame}")


@pytest.mark.parametrize("resolution", [4, 8, 32, 1024])
def test_a_plane_sums_to_one_point_more_than_an_empty_one(resolution):
    keypoints = tf.constant([[[0.0, 1023.9, 1], [512, 3, 0], [700.5, 700.5, 1]]])
    sums = tf.reduce_sum(draw_pose_maps(keypoints, resolution=resolution, frame=1024), [1, 2])
    empty = -(resolution**2)
    np.testing.assert_array_equal(sums, [[empty + 2, empty, empty + 2]])


@pytest.mark.parametrize(
    "keypoint",
    [
        (3, 3, 0),
        (3, 3, 0.5),
        (-0.001, 3, 1),
        (3, -0.001, 1),
        (8, 3, 1),
        (3, 8, 1),
        (1e9, 3, 1),
        (np.nan, 3, 1),
        (3, np.inf, 1),
        (np.nan, np.nan, 0),
    ],
)
def test_a_keypoint_that_is_missing_or_out_of_frame_gives_an_all_minus_one_plane(keypoint):
    keypoints = tf.constant([[keypoint]], tf.float32)
    assert not in_frame(keypoints, 8).numpy().any()
    np.testing.assert_array_equal(
        draw_pose_maps(keypoints, resolution=4, frame=8), -np.ones((1, 4, 4, 1))
    )


def test_keypoints_of_one_pixel_stay_apart_in_their_planes():
    maps = draw_pose_maps(pose((1, 1), (2, 3), (0, 0)), resolution=4, frame=16)
    np.testing.assert_array_equal(maps[0, 0, 0], [1, 1, 1])
    assert tf.reduce_sum(maps) == 3 * (2 - 16)


def test_examples_of_a_batch_are_drawn_apart():
    keypoints = tf.concat([pose((1, 1), (5, 5)), pose((6, 2), (7.5, 0))], axis=0)
    together = draw_pose_maps(keypoints, resolution=8, frame=8)
    for row in range(2):
        alone = draw_pose_maps(keypoints[row : row + 1], resolution=8, frame=8)
        np.testing.assert_array_equal(together[row : row + 1], alone)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.float64, tf.int8])
def test_maps_are_the_same_in_every_type(dtype):
    keypoints = tf.constant(border_points(256)[None])
    expected = draw_pose_maps(keypoints, resolution=64, frame=256)
    maps = draw_pose_maps(keypoints, resolution=64, frame=256, dtype=dtype)
    assert maps.dtype == dtype
    np.testing.assert_array_equal(tf.cast(maps, tf.float32), expected)


@pytest.mark.parametrize("frame", [1000, 176, 7])
def test_a_frame_that_is_no_power_of_two_is_divided_evenly(frame):
    last = np.nextafter(np.float32(frame), np.float32(0))
    middles = (np.arange(8, dtype=np.float32) + 0.5) * frame / 8
    keypoints = pose(*zip(middles, middles[::-1], strict=True), (last, last))
    maps = draw_pose_maps(keypoints, resolution=8, frame=frame).numpy()[0]
    for cell in range(8):
        assert np.argwhere(maps[:, :, cell] == 1).tolist() == [[7 - cell, cell]]
    assert np.argwhere(maps[:, :, 8] == 1).tolist() == [[7, 7]]


def test_no_keypoints_give_no_planes():
    assert draw_pose_maps(tf.zeros([2, 0, 3]), resolution=8, frame=8).shape == (2, 8, 8, 0)


def test_a_function_of_any_batch_size_draws_the_same():
    @tf.function(input_signature=[tf.TensorSpec([None, 5, 3], tf.float32)])
    def draw(keypoints):
        return draw_pose_maps(keypoints, resolution=16, frame=64)

    keypoints = tf.constant(np.random.default_rng(0).uniform(0, 64, (3, 5, 3)), tf.float32)
    np.testing.assert_array_equal(
        draw(keypoints), draw_pose_maps(keypoints, resolution=16, frame=64)
    )
    assert draw(keypoints[:1]).shape == (1, 16, 16, 5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_other_types_than_float32_are_refused_since_they_move_keypoints(dtype):
    with pytest.raises(
        ValueError, match=f"`keypoints` must be float32.*Received: {dtype}.*keyword"
    ):
        draw_pose_maps(tf.cast(pose((1, 2)), dtype), resolution=4, frame=8)
