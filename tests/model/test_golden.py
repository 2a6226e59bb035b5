"""Weights of yesterday draw the pixels of yesterday; see golden/README.md."""

from pathlib import Path

import numpy as np
import pytest

import numpy_oracles as oracle
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.latents import latents_from_seeds
from psgan_tf.model.networks import Generator
from psgan_tf.model.weights import load_weights

GOLDEN = NetworkConfig(
    resolution=8,
    num_keypoints=3,
    keypoint_frame=64,
    latent_size=5,
    fmap_base=24,
    fmap_max=8,
)
CALLS = {
    "pixels": {"resolution": 8},
    "pixels_fading": {"resolution": 8, "alpha": 0.25},
    "pixels_4px": {"resolution": 4},
}


@pytest.fixture(scope="module")
def golden():
    """The arrays of the golden file, which is only ever read."""
    with np.load(Path(__file__).parent / "golden" / "generator_8px.npz") as arrays:
        return dict(arrays)


def weights_of(golden):
    return {name: array for name, array in golden.items() if name.startswith("generator/")}


@pytest.mark.parametrize("name", CALLS)
def test_yesterdays_weights_draw_yesterdays_pixels(golden, name):
    generator = Generator(GOLDEN)
    load_weights(generator, weights_of(golden))
    pixels = generator(golden["latents"], keypoints=golden["keypoints"], **CALLS[name])
    np.testing.assert_allclose(pixels, golden[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", CALLS)
def test_the_golden_pixels_are_those_of_the_papers_arithmetic(golden, name):
    networks = oracle.Networks(weights_of(golden), golden["keypoints"], GOLDEN.keypoint_frame)
    pixels = networks.generator(golden["latents"].astype(np.float64), **CALLS[name])
    np.testing.assert_allclose(pixels, golden[name], rtol=0, atol=1e-5)


def test_the_golden_latents_are_still_those_of_their_seeds(golden):
    latents = latents_from_seeds([0, 1, 7, 2**62], GOLDEN.latent_size)
    np.testing.assert_allclose(latents, golden["latents"], rtol=0, atol=1e-6)


def test_the_golden_pictures_are_far_from_alike(golden):
    pixels = golden["pixels"]
    assert pixels.std(axis=(1, 2)).max(axis=1).min() > 0.1
    for first in range(4):
        for second in range(first):
            assert np.abs(pixels[first] - pixels[second]).max() > 0.1
