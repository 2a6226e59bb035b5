"""Textures: colour decoding, halved levels, wrapping and interpolation, by numbers."""

import numpy as np
import pytest

from avatars_by_hand import drawn, flat, frame_of, rectangle
from tools.avatars.renderer.textures import (
    build_texture_bank,
    halved,
    linear_from_srgb,
    srgb_from_linear,
)
from tools.avatars.scene import Texture, Wrap


def texture(rows, **options):
    """A grey texture from rows of bytes."""
    grey = np.array(rows, np.uint8)
    return Texture("grey", np.stack([grey, grey, grey, np.full_like(grey, 255)], -1), **options)


def painted(image, uv_corners, size=8):
    """A square of `size` pixels painted with a texture from uv corner to uv corner."""
    (u0, v0), (u1, v1) = uv_corners
    uvs = [[(u0, v0), (u0, v1), (u1, v1)], [(u0, v0), (u1, v1), (u1, v0)]]
    frame = frame_of(rectangle(0, 0, size, size), uvs=uvs)
    material = flat((1.0, 1.0, 1.0), lit_texture=0)
    return drawn(frame, [material], size=size, textures=[image])[..., 0]


@pytest.mark.parametrize(
    ("encoded", "linear"), [(0.0, 0.0), (0.04045, 0.0031308), (0.5, 0.2140411), (1.0, 1.0)]
)
def test_srgb_values_decode_to_the_standards_numbers(encoded, linear):
    assert linear_from_srgb(encoded) == pytest.approx(linear, abs=1e-7)
    assert srgb_from_linear(linear) == pytest.approx(encoded, abs=1e-6)


def test_every_byte_survives_decoding_and_encoding():
    row = np.arange(256).reshape(1, 256)
    picture = painted(texture(row, nearest=True), ((0, 0), (1, 1)), size=256)
    np.testing.assert_array_equal(picture[100], np.arange(256))


def test_between_two_texels_lies_the_mean_of_their_light():
    # Pixels 3 and 4 of 8 lie at u = 7/16 and 9/16: 3/8 and 5/8 of the way from texel to texel.
    row = painted(texture([[0, 255]], wrap_u=Wrap.CLAMP), ((0, 0), (1, 1)))[4]
    expected = np.rint(255 * srgb_from_linear(np.array([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])))
    np.testing.assert_allclose(row, expected, atol=1)


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (Wrap.REPEAT, [200, 10, 100, 200, 10, 100]),
        (Wrap.CLAMP, [10, 10, 100, 200, 200, 200]),
        (Wrap.MIRROR, [10, 10, 100, 200, 200, 100]),
    ],
)
def test_beyond_its_border_a_texture_wraps_as_told(wrap, expected):
    # Texels -1 to 4 of a texture of three, one a pixel.
    image = texture([[10, 100, 200]], wrap_u=wrap, nearest=True)
    assert painted(image, ((-1 / 3, 0), (5 / 3, 1)), size=6)[3].tolist() == expected


def test_wrapping_meets_interpolation_at_the_border():
    image = texture([[0, 255]], wrap_u=Wrap.REPEAT)
    # At u = 0 the neighbours are the last texel and the first.
    row = painted(image, ((-0.125, 0), (0.125, 1)), size=2)[0]
    light = linear_from_srgb(row / 255.0)
    np.testing.assert_allclose(light, [0.625, 0.375], atol=0.01)


def test_halving_takes_the_mean_of_light():
    pixels = texture([[0, 255, 255, 255], [0, 255, 255, 255]]).pixels
    assert halved(pixels)[..., 0].tolist() == [[188, 255]]  # sRGB of one half


def test_halving_lets_transparent_texels_lend_no_colour():
    pixels = np.array([[[255, 0, 0, 255], [0, 255, 0, 0]]], np.uint8)
    assert halved(pixels).tolist() == [[[255, 0, 0, 128]]]


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((4, 4), [(4, 4), (2, 2), (1, 1)]),
        ((5, 2), [(5, 2), (2, 1), (1, 1)]),
        ((1, 8), [(1, 8), (1, 4), (1, 2), (1, 1)]),
    ],
)
def test_levels_halve_down_to_one_texel(size, sizes):
    pixels = np.full((*size, 4), 7, np.uint8)
    bank = build_texture_bank((Texture("t", pixels),))
    assert [(level["height"], level["width"]) for level in bank.levels] == sizes
    assert len(bank.texels) == sum(h * w for h, w in sizes)
    assert (bank.texels == 7).all()


def test_a_texture_seen_from_afar_is_its_mean_and_not_single_texels():
    checks = np.indices((256, 256)).sum(axis=0) % 2 * 255
    picture = painted(texture(checks), ((0, 0), (1, 1)), size=4)
    np.testing.assert_allclose(picture, 188, atol=1)


def test_a_texture_seen_from_near_is_not_blurred():
    stripes = np.tile([0, 255], (32, 16))
    # Nine pixels a texel, so that every ninth lies on a texel's centre.
    row = painted(texture(stripes), ((0, 0), (1, 1)), size=9 * 32)[13]
    assert row[4::18].max() == 0
    assert row[13::18].min() == 255
