"""Latents of seeds against golden numbers and Philox in plain Python; turns on the sphere."""

import numpy as np
import pytest
import tensorflow as tf

from numpy_oracles import stateless_normal
from psgan_tf.model.latents import latents_from_seeds, slerp

# The first four numbers of a seed's latent: a character must look the same for ever.
GOLDEN = {
    0: (-1.697034, -0.481377, -0.662237, 0.087011),
    1: (0.126650, -0.493017, 0.631191, -0.788847),
    7: (-0.674173, -0.358693, -1.879582, -1.472893),
    2**62: (-0.964307, -0.746749, -0.665483, -0.084461),
}


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def between(start, end, t):
    """`slerp` of one pair, in float64 from the angle between the directions."""
    start, end = np.float64(start), np.float64(end)
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    angle = np.arccos(start @ end / (lengths[0] * lengths[1]))
    weights = np.sin((1 - t) * angle) / np.sin(angle), np.sin(t * angle) / np.sin(angle)
    direction = weights[0] * start / lengths[0] + weights[1] * end / lengths[1]
    return ((1 - t) * lengths[0] + t * lengths[1]) * direction


@pytest.mark.parametrize("seed", GOLDEN)
def test_a_seed_is_the_same_character_for_ever(seed):
    latents = latents_from_seeds(tf.constant([seed], tf.int64), 512)
    assert (latents.shape, latents.dtype) == ((1, 512), tf.float32)
    np.testing.assert_allclose(latents[0, :4], GOLDEN[seed], rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", GOLDEN)
def test_a_latent_is_that_of_philox_and_box_and_muller_in_plain_python(seed):
    latents = latents_from_seeds(tf.constant([seed], tf.int64), 512)
    np.testing.assert_allclose(latents[0], stateless_normal(512, (seed, 0)), atol=2e-6)


def test_a_latent_does_not_depend_on_its_neighbours():
    seeds = [5, 3, 2**40, 3, 0]
    together = latents_from_seeds(tf.constant(seeds, tf.int64), 33).numpy()
    for seed, latent in zip(seeds, together, strict=True):
        alone = latents_from_seeds(tf.constant([seed], tf.int64), 33)
        np.testing.assert_array_equal(alone[0], latent)


def test_a_graph_of_any_batch_gives_the_same_bits():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def graph(seeds):
        return latents_from_seeds(seeds, 64)

    assert graph.get_concrete_function().output_shapes.as_list() == [None, 64]
    for seeds in (range(7), [2**62]):
        seeds = tf.constant(list(seeds), tf.int64)
        np.testing.assert_array_equal(graph(seeds), latents_from_seeds(seeds, 64))
    assert graph(tf.zeros([0], tf.int64)).shape == (0, 64)


def test_latents_do_not_depend_on_the_process_seed():
    tf.random.set_seed(1)
    first = latents_from_seeds([4], 8)
    tf.random.set_seed(2)
    np.testing.assert_array_equal(latents_from_seeds([4], 8), first)


def test_latents_are_normal_and_unrelated():
    latents = latents_from_seeds(tf.range(64, dtype=tf.int64), 512).numpy()
    assert abs(latents.mean()) < 0.02
    assert abs(latents.std() - 1) < 0.02
    assert abs((latents**4).mean() - 3) < 0.2
    correlations = np.corrcoef(latents) - np.eye(64)
    assert np.abs(correlations).max() < 0.25


@pytest.mark.parametrize("t", [0.1, 0.5, 0.75])
def test_slerp_agrees_with_numpy(t):
    start, end = normal(0, 5, 64), 3 * normal(1, 5, 64)
    expected = [between(*pair, t) for pair in zip(start, end, strict=True)]
    np.testing.assert_allclose(slerp(start, end, [t] * 5), expected, rtol=1e-4, atol=1e-5)


def test_a_quarter_turn_by_hand():
    start, end = tf.constant([[2.0, 0]] * 3), tf.constant([[0.0, 4]] * 3)
    half, third = 3 * 0.5**0.5, 2 + 2 / 3
    expected = [[half, half], [third * 0.75**0.5, third * 0.5], [3.5 * 0.3826834, 3.5 * 0.9238795]]
    np.testing.assert_allclose(slerp(start, end, [0.5, 1 / 3, 0.75]), expected, rtol=1e-5)


def test_slerp_begins_and_ends_exactly():
    start, end = normal(2, 4, 512), normal(3, 4, 512)
    np.testing.assert_array_equal(slerp(start, end, tf.zeros(4)), start)
    np.testing.assert_array_equal(slerp(start, end, tf.ones(4)), end)


def test_slerp_turns_evenly_and_stays_near_the_sphere():
    start, end = normal(4, 1, 512), normal(5, 1, 512)
    steps = np.linspace(0, 1, 11, dtype=np.float32)
    path = slerp(np.repeat(start, 11, 0), np.repeat(end, 11, 0), steps).numpy()
    lengths = np.linalg.norm(path, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 11), rtol=1e-4)
    cosines = (path[1:] * path[:-1]).sum(axis=1) / (lengths[1:] * lengths[:-1])
    angles = np.arccos(cosines)
    np.testing.assert_allclose(angles, angles.mean(), rtol=1e-2)
    straight = np.linalg.norm((start + end) / 2)
    assert lengths[5] > 1.3 * straight


def test_slerp_from_a_latent_to_itself_stays_there():
    latents = normal(6, 3, 512)
    np.testing.assert_allclose(slerp(latents, latents, [0.2, 0.5, 0.9]), latents, rtol=1e-3)
    np.testing.assert_allclose(slerp(latents, 2 * latents, [0.5] * 3), 1.5 * latents, rtol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_slerp_to_the_opposite_stays_finite_on_the_line(seed):
    start = np.repeat(normal(seed, 1, 512), 5, axis=0)
    path = slerp(start, -start, [0.0, 0.25, 0.5, 0.75, 1.0]).numpy()
    along = (path * start).sum(axis=1) / (start * start).sum(axis=1)
    np.testing.assert_allclose(path, along[:, None] * start, atol=0.01)
    assert along[0] == pytest.approx(1)
    assert along[4] == pytest.approx(-1)
    assert np.all(np.diff(along) < 0)
    assert abs(along[2]) < 1e-3
