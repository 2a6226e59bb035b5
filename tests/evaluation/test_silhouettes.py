"""Silhouettes and their floors, computed by hand."""

import numpy as np
import pytest

from psgan_tf.evaluation.silhouettes import (
    best_constant,
    compare_with_floors,
    other_of_group,
    overlap,
    overlaps_with_floors,
    shuffled,
    silhouettes,
)


def mask(*rows):
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def test_a_pixel_is_of_the_figure_when_any_channel_is_under_the_threshold():
    # 0.85 of -1 to 1 is 235.875 of 255.
    pixels = [(255, 255, 255), (236, 236, 236), (235, 236, 236), (255, 255, 0), (0, 0, 0)]
    found = silhouettes(np.array([pixels], np.uint8))
    np.testing.assert_array_equal(found, [[False, False, True, True, True]])


def test_a_batch_of_pictures_has_a_silhouette_each():
    images = np.full((3, 2, 4, 3), 255, np.uint8)
    images[1, 0, 2] = 17
    found = silhouettes(images)
    assert (found.shape, found.dtype) == ((3, 2, 4), bool)
    assert np.argwhere(found).tolist() == [[1, 0, 2]]


def test_overlap_by_hand():
    first = np.stack(
        [mask("##.", "##."), mask("#..", "..."), mask("...", "..."), mask("###", "###")]
    )
    second = np.stack(
        [mask(".##", ".##"), mask("..#", "..."), mask("...", "..."), mask("###", "...")]
    )
    # 2 of 6, none of 2, two empty ones, 3 of 6.
    np.testing.assert_allclose(overlap(first, second), [1 / 3, 0, 1, 1 / 2])
    np.testing.assert_array_equal(overlap(first, second), overlap(second, first))
    np.testing.assert_array_equal(overlap(first, first), np.ones(4))


def test_an_empty_silhouette_overlaps_no_full_one():
    assert overlap(mask("..."), mask("#..")) == 0


def test_one_silhouette_is_held_against_many():
    many = np.stack([mask("##"), mask("#."), mask("..")])
    np.testing.assert_allclose(overlap(mask("#.")[None], many), [0.5, 1, 0])


@pytest.mark.parametrize("count", [2, 3, 17])
def test_shuffling_leaves_nothing_in_its_place(count):
    for seed in range(50):
        partner = shuffled(count, np.random.default_rng(seed))
        assert sorted(partner) == list(range(count))
        assert not np.any(partner == np.arange(count))


def test_shuffling_follows_its_seed():
    orders = [tuple(shuffled(9, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_the_other_frame_is_of_the_same_motion_in_another_pose():
    groups = ["bow", "bow", "run", "bow", "run", "jump", "stand", "stand"]
    poses = np.zeros((8, 2, 3), np.float32)
    # Rows 0 and 3 are one pose in two costumes, rows 6 and 7 as well.
    poses[:, 0, 0] = [1, 2, 3, 1, 4, 5, 6, 6]
    allowed = [{1}, {0, 3}, {4}, {1}, {2}, {-1}, {-1}, {-1}]
    drawn = [set() for _ in groups]
    for seed in range(40):
        partner = other_of_group(groups, poses, np.random.default_rng(seed))
        for row, other in enumerate(partner):
            drawn[row].add(int(other))
    assert drawn == allowed


def test_without_keypoints_no_frame_has_another_pose():
    partner = other_of_group(["a", "a"], np.zeros((2, 0, 3), np.float32), np.random.default_rng(0))
    np.testing.assert_array_equal(partner, [-1, -1])


def test_the_best_constant_by_hand():
    real = np.stack([mask("##.."), mask("##.."), mask("###."), mask("...#")])
    # Shares 0.75 0.75 0.25 0.25: cut below 0.25 everything is in (IoU 0.5 0.5 0.75 0.25), between
    # only the first two (1, 1, 2/3, 0), above nothing at all.
    constant = best_constant(real)
    np.testing.assert_array_equal(constant, mask("##.."))
    assert overlap(constant[None], real).mean() == pytest.approx(2 / 3)


def test_the_best_constant_beats_every_cut_of_a_finer_search_nearly():
    rng = np.random.default_rng(0)
    centre = np.hypot(*(np.indices((16, 16)) - 7.5))
    real = np.stack([centre < radius for radius in rng.uniform(3, 7, 30)])
    reached = overlap(best_constant(real)[None], real).mean()
    mean = real.mean(axis=0)
    finest = max(overlap((mean > cut)[None], real).mean() for cut in np.linspace(0, 0.99, 500))
    assert finest - 0.02 < reached <= finest


def test_each_row_is_held_against_its_own_pose_and_the_floors():
    """Two frames of a motion, and a motion of one frame, which has no other to compare with."""
    real = np.stack([mask("##.."), mask(".##."), mask("...#")])
    generated = np.stack([mask("##.."), mask("..##"), mask("...#")])
    poses = np.arange(3, dtype=np.float32).reshape(3, 1, 1) * np.ones(3, np.float32)
    overlaps = overlaps_with_floors(generated, real, poses, ["a", "a", "b"], seed=0)
    np.testing.assert_allclose(overlaps["same_pose"], [1, 1 / 3, 1])
    np.testing.assert_allclose(overlaps["generated_other_frame"], [1 / 3, 0, np.nan])
    np.testing.assert_allclose(overlaps["real_other_frame"], [1 / 3, 1 / 3, np.nan])
    np.testing.assert_allclose(overlaps["constant"], overlap(best_constant(real)[None], real))
    means = compare_with_floors(generated, real, poses, ["a", "a", "b"], seed=0)
    assert means["same_pose"] == pytest.approx(7 / 9)
    assert means["generated_other_frame"] == pytest.approx(1 / 6)
    assert means["real_shuffled"] == pytest.approx(overlaps["real_shuffled"].mean())
    alone = compare_with_floors(generated, real, poses, ["a", "b", "c"], seed=0)
    assert np.isnan(alone["real_other_frame"])
