"""Who plays: seeds, saved characters, blends and walks on the sphere."""

import numpy as np
import pytest

from psgan_tf.generation.characters import Character, save_character
from psgan_tf.generation.latent_mixing import (
    latents_of,
    parse_latent_path,
    parse_parts,
    spherical_mean,
    walk,
)
from psgan_tf.model.latents import latents_from_seeds, slerp

RNG = np.random.default_rng(0)
A, B, C = RNG.standard_normal([3, 64]).astype(np.float32)


def seeds(numbers):
    return latents_from_seeds(np.array(numbers, np.int64), 64).numpy()


def test_parts_are_files_and_seeds_with_weights():
    parts = parse_parts("my/aoi.npz:0.7, seed42:0.3,7", "blend", weighted=True)
    assert [(p.seed, p.path, p.weight) for p in parts] == [
        (None, "my/aoi.npz", 0.7),
        (42, "", 0.3),
        (7, "", 1.0),
    ]


@pytest.mark.parametrize("text", ["", "aoi", "seed", "seed1:0", "seed1:-2", "seed1:nan", "seed1,"])
def test_other_blends_are_refused(text):
    with pytest.raises(ValueError, match="`blend` must be saved characters and seeds"):
        parse_parts(text, "blend", weighted=True)


def test_a_walk_takes_no_weights():
    with pytest.raises(ValueError, match="`walk` must be"):
        parse_parts("seed1:2,seed3:1", "walk", weighted=False)


def test_a_character_a_blend_and_a_walk_exclude_each_other():
    with pytest.raises(ValueError, match="Received: character, walk"):
        parse_latent_path(0, "aoi.npz", "", "seed1,seed2")


def test_latents_come_in_the_order_of_the_parts(tmp_path):
    save_character(tmp_path / "aoi.npz", Character("Aoi", A, "f"))
    parts = parse_parts(f"seed5,{tmp_path / 'aoi.npz'},seed6", "walk", weighted=False)
    latents, characters = latents_of(parts, 64, seeds)
    np.testing.assert_array_equal(latents[[0, 2]], seeds([5, 6]))
    np.testing.assert_array_equal(latents[1], A)
    assert [character.name for character in characters] == ["Aoi"]
    with pytest.raises(ValueError, match="must have latents of 32 values"):
        latents_of(parts, 32, seeds)


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.5, 0.9])
def test_a_blend_of_two_is_spherical_interpolation(share):
    expected = slerp(A[None], B[None], np.array([share], np.float32)).numpy()[0]
    found = spherical_mean(np.stack([A, B]), (1 - share, share))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_blend_of_three_depends_on_no_order_and_lies_where_the_arcs_balance():
    weights = np.array([0.5, 0.3, 0.2])
    mean = spherical_mean(np.stack([A, B, C]), weights)
    np.testing.assert_allclose(
        mean, spherical_mean(np.stack([C, A, B]), weights[[2, 0, 1]]), atol=1e-5
    )
    unit = mean / np.linalg.norm(mean)
    pull = np.zeros(64)
    for latent, weight in zip((A, B, C), weights, strict=True):
        direction = latent / np.linalg.norm(latent)
        tangent = direction - (direction @ unit) * unit
        pull += weight * np.arccos(direction @ unit) * tangent / np.linalg.norm(tangent)
    assert np.linalg.norm(pull) < 1e-5
    lengths = [np.linalg.norm(latent) for latent in (A, B, C)]
    assert np.linalg.norm(mean) == pytest.approx(weights @ lengths, rel=1e-5)


def test_a_character_blended_with_itself_is_itself():
    np.testing.assert_allclose(spherical_mean(np.stack([A, A]), (1, 3)), A, atol=1e-6)


def test_opposite_characters_have_no_mean():
    with pytest.raises(ValueError, match="cancel each other out"):
        spherical_mean(np.stack([A, -A]), (1, 1))


def test_a_walk_visits_each_and_goes_evenly():
    frames = walk(np.stack([A, B, C]), 9, closed=False)
    np.testing.assert_array_equal(frames[[0, 4, 8]], [A, B, C])
    directions = frames / np.linalg.norm(frames, axis=1, keepdims=True)
    angles = np.arccos(np.sum(directions[1:] * directions[:-1], axis=1))
    np.testing.assert_allclose(angles[:4], angles[0], rtol=1e-4)
    np.testing.assert_allclose(angles[4:], angles[4], rtol=1e-4)


def test_a_closed_walk_comes_back():
    frames = walk(np.stack([A, B]), 8, closed=True)
    np.testing.assert_array_equal(frames[[0, 4]], [A, B])
    np.testing.assert_allclose(frames[1:4], frames[:4:-1], atol=1e-5)


def test_one_frame_or_one_character_is_a_walk_too():
    np.testing.assert_array_equal(walk(np.stack([A, B]), 1, closed=False), [A])
    np.testing.assert_array_equal(walk(A[None], 3, closed=False), [A, A, A])


def test_a_cast_says_who_it_is_and_gives_a_latent_a_frame():
    latent_path = parse_latent_path(0, "", "seed1:1,seed2:3", "")
    assert latent_path.name == "1 seed1 + 3 seed2"
    frames = latent_path.latents(np.stack([A, B]), 5, closed=False)
    assert frames.shape == (5, 64)
    np.testing.assert_array_equal(frames[0], frames[4])
    assert parse_latent_path(7, "", "", "").name == "seed7"
    assert parse_latent_path(0, "", "", "seed1,seed2").name == "seed1 to seed2"
