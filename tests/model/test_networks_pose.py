"""Where the pose enters the networks: at every scale or one, in any precision, or nowhere."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
import psgan_tf.model.layers
from tiny_networks import (
    RESOLUTIONS_AND_FADES,
    TINY,
    some_images,
    some_keypoints,
    some_latents,
    tiny_discriminator,
    tiny_generator,
)

WITHOUT_POSE = dataclasses.replace(TINY, num_keypoints=0)


@pytest.mark.parametrize(("resolution", "alpha"), RESOLUTIONS_AND_FADES)
def test_another_pose_changes_pictures_and_scores_at_every_resolution(resolution, alpha):
    for network, inputs in (
        (tiny_generator(), some_latents()),
        (tiny_discriminator(), some_images(resolution)),
    ):
        outputs = [
            network(inputs, keypoints=some_keypoints(seed=seed), resolution=resolution, alpha=alpha)
            for seed in (5, 6)
        ]
        differences = np.abs(outputs[0] - outputs[1]).reshape(3, -1).max(axis=1)
        assert np.all(differences > 1e-3)


@pytest.mark.parametrize("resolution", [8, 16])
def test_a_network_with_limb_points_is_one_with_more_keypoints(resolution):
    limbs = dataclasses.replace(TINY, limb_points=2, limbs=((0, 1), (1, 2)))
    more = dataclasses.replace(TINY, num_keypoints=7)
    keypoints = some_keypoints()
    ends, (a, b) = keypoints[:, [[0, 1], [1, 2]]], (1 / 3, 2 / 3)
    points = [ends[:, :, 0] + part * (ends[:, :, 1] - ends[:, :, 0]) for part in (a, b)]
    points = np.stack(points, axis=2)
    points[..., 2] = ends[..., 2].min(axis=-1)[..., None]
    by_hand = np.concatenate([keypoints, points.reshape(3, 4, 3)], axis=1).astype(np.float32)
    for make, inputs in (
        (tiny_generator, some_latents()),
        (tiny_discriminator, some_images(resolution)),
    ):
        found = make(limbs)(inputs, keypoints=keypoints, resolution=resolution)
        expected = make(more)(inputs, keypoints=by_hand, resolution=resolution)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


# From (33, 33) in a frame of 64 these move by one pixel of the 16, 8 and 4 px maps.
MOVES = {16: (37, 33), 8: (41, 33), 4: (49, 33)}


@pytest.mark.parametrize("pose_resolution", [4, 8, 16])
def test_a_single_scale_network_feels_only_moves_of_that_scale(pose_resolution):
    config = dataclasses.replace(TINY, pose_resolutions=(pose_resolution,))
    start = np.full((2, 3, 3), 33, np.float32)
    for network, inputs in (
        (tiny_generator(config), some_latents(2)),
        (tiny_discriminator(config), some_images(16, 2)),
    ):
        expected = network(inputs, keypoints=start, resolution=16)
        for scale, (x, y) in MOVES.items():
            moved = start.copy()
            moved[..., :2] = (x, y)
            outputs = network(inputs, keypoints=moved, resolution=16)
            # A step of a coarse pixel is one of some fine pixels, never the other way round.
            assert np.array_equal(outputs, expected) == (scale > pose_resolution)


def test_a_network_that_has_not_grown_to_its_pose_is_blind_to_it():
    config = dataclasses.replace(TINY, pose_resolutions=(16,))
    generator, latents = tiny_generator(config), some_latents()
    at_8 = [generator(latents, keypoints=some_keypoints(seed=s), resolution=8) for s in (5, 6)]
    np.testing.assert_array_equal(*at_8)


def test_without_keypoints_a_network_takes_none_and_ignores_any():
    generator, discriminator = tiny_generator(WITHOUT_POSE), tiny_discriminator(WITHOUT_POSE)
    for network, inputs in ((generator, some_latents()), (discriminator, some_images(16))):
        plain = network(inputs, resolution=16)
        np.testing.assert_array_equal(
            network(inputs, keypoints=np.zeros((3, 0, 3), np.float32), resolution=16), plain
        )
        np.testing.assert_array_equal(
            network(inputs, keypoints=some_keypoints(), resolution=16), plain
        )


def test_half_precision_networks_see_the_same_pose_maps(monkeypatch):
    # Just below the border of a pixel: rounded to bfloat16, each of these would cross it.
    keypoints = np.full((2, 20, 3), 1, np.float32)
    borders = np.random.default_rng(0).integers(5, 16, (2, 20, 2)) * 64
    keypoints[..., :2] = borders - 0.1
    assert np.all(tf.cast(tf.cast(keypoints, tf.bfloat16), tf.float32)[..., :2] == borders)
    config = dataclasses.replace(TINY, num_keypoints=20, keypoint_frame=1024)
    expected = oracle.pose_pyramid(keypoints, 1024)
    maps_seen, poses_seen = [], []

    def watched_maps(*args, **keywords):
        maps_seen.append(draw(*args, **keywords))
        return maps_seen[-1]

    def watched_poses(outputs, keypoints, *args, **keywords):
        poses_seen.append((outputs.shape[1], keypoints))
        return add(outputs, keypoints, *args, **keywords)

    draw, add = psgan_tf.model.layers.draw_pose_maps, psgan_tf.model.layers.add_pose
    monkeypatch.setattr(psgan_tf.model.layers, "draw_pose_maps", watched_maps)
    monkeypatch.setattr(psgan_tf.model.layers, "add_pose", watched_poses)
    for dtype, maps_dtype in (("float32", tf.float32), ("mixed_bfloat16", tf.bfloat16)):
        for network, inputs in (
            (tiny_generator(config, dtype=dtype), some_latents(2)),
            (tiny_discriminator(config, dtype=dtype), some_images(16, 2)),
        ):
            maps_seen.clear()
            poses_seen.clear()
            outputs = network(inputs, keypoints=keypoints, resolution=16, alpha=0.5)
            assert outputs.dtype == tf.float32
            assert sorted(maps.shape[1] for maps in maps_seen) == [4, 8]
            for maps in maps_seen:
                assert maps.dtype == maps_dtype
                np.testing.assert_array_equal(tf.cast(maps, tf.int8), expected[maps.shape[1]])
            # From 16 on no maps are made; the keypoints themselves have to arrive unrounded.
            ((size, arrived),) = poses_seen
            assert size == 16
            np.testing.assert_array_equal(arrived, keypoints)
