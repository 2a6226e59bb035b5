"""Toon shading by MToon's own formulas, worked out by hand."""

import numpy as np
import pytest

from avatars_by_hand import drawn, frame_of, rectangle
from tools.avatars.renderer.shading import LIGHT_DIRECTION, light_direction
from tools.avatars.renderer.textures import linear_from_srgb, srgb_from_linear
from tools.avatars.scene import Material, Texture

SHADE = (0.2, 0.1, 0.05)
LIT = (0.8, 0.6, 0.4)


def shaded(normal, material, textures=(), back=False, ink=0):
    """The linear colour of a surface with this normal."""
    corners = rectangle(0, 0, 4, 4)
    if back:
        corners = [triangle[::-1] for triangle in corners]
    normals = np.tile(np.asarray(normal, float) / np.linalg.norm(normal), (6, 1))
    frame = frame_of(corners, normals=normals, ink=ink)
    return linear_from_srgb(drawn(frame, [material], size=4, textures=textures)[2, 2, :3] / 255.0)


def towards_light(cosine):
    """A unit normal with this cosine to the light."""
    light = light_direction().astype(float)
    across = np.cross(light, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    return cosine * light + np.sqrt(1 - cosine**2) * across


def toon(**changes):
    return Material("toon", lit_color=LIT, shade_color=SHADE, double_sided=True, **changes)


def test_the_light_comes_from_the_upper_left_in_front():
    assert np.linalg.norm(light_direction()) == pytest.approx(1.0, abs=1e-6)
    assert LIGHT_DIRECTION[0] < 0 < min(LIGHT_DIRECTION[1:])


@pytest.mark.parametrize(
    ("cosine", "part"), [(1.0, 1.0), (0.1, 1.0), (0.05, 0.75), (0.0, 0.5), (-0.1, 0.0), (-1.0, 0.0)]
)
def test_toony_0_9_goes_from_shade_to_lit_between_cosines_of_minus_and_plus_0_1(cosine, part):
    expected = np.array(SHADE) + part * (np.array(LIT) - SHADE)
    color = shaded(towards_light(cosine), toon(shading_toony=0.9))
    np.testing.assert_allclose(color, expected, atol=0.012)


@pytest.mark.parametrize(("shift", "color"), [(-0.5, SHADE), (0.0, LIT), (0.5, LIT)])
def test_the_shift_moves_the_border_between_shade_and_light(shift, color):
    found = shaded(towards_light(0.3), toon(shading_toony=0.95, shading_shift=shift))
    np.testing.assert_allclose(found, color, atol=0.006)


def test_toony_1_is_a_hard_border():
    for cosine, color in ((0.001, LIT), (-0.001, SHADE)):
        found = shaded(towards_light(cosine), toon(shading_toony=1.0))
        np.testing.assert_allclose(found, color, atol=0.006)


def test_an_unlit_material_has_its_lit_colour_from_all_sides():
    np.testing.assert_allclose(shaded((0, 0, 1), toon(unlit=True)), LIT, atol=0.006)
    np.testing.assert_allclose(shaded(towards_light(-0.9), toon(unlit=True)), LIT, atol=0.006)


def test_the_back_of_a_double_sided_surface_is_lit_by_its_other_normal():
    away = -light_direction()
    np.testing.assert_allclose(shaded(away, toon()), SHADE, atol=0.006)
    np.testing.assert_allclose(shaded(away, toon(), back=True), LIT, atol=0.006)


def test_the_rim_grows_where_the_surface_turns_away():
    material = toon(unlit=False, rim_color=(0.0, 0.3, 0.0), rim_power=2.0, rim_lift=0.1)
    normal = np.array([-0.6, 0.0, 0.8])  # lit: the rim adds 0.3 (1 - 0.8 + 0.1)^2
    expected = np.add(LIT, (0.0, 0.3 * 0.3**2, 0.0))
    np.testing.assert_allclose(shaded(normal, material), expected, atol=0.006)


def test_glow_is_added_to_shade_and_light_alike():
    glowing = toon(emissive_color=(0.1, 0.0, 0.0))
    for cosine, color in ((0.8, LIT), (-0.8, SHADE)):
        expected = np.add(color, (0.1, 0.0, 0.0))
        np.testing.assert_allclose(shaded(towards_light(cosine), glowing), expected, atol=0.006)


@pytest.mark.parametrize(("normal", "expected"), [((-0.9, 0, 0.436), 0.05), ((0.9, 0, 0.436), 0.3)])
def test_a_matcap_is_read_where_the_normal_points(normal, expected):
    # The left half of the ball adds 0.05, the right half 0.3.
    light = np.repeat([[0.05, 0.3]], 64, axis=0).repeat(32, axis=1)
    bytes_ = np.rint(255 * srgb_from_linear(light)).astype(np.uint8)
    ball = Texture("ball", np.dstack([bytes_] * 3 + [np.full_like(bytes_, 255)]))
    material = Material("metal", lit_color=(0, 0, 0), shade_color=(0, 0, 0), matcap_texture=0)
    found = shaded(normal, material, textures=[ball])
    np.testing.assert_allclose(found, [expected] * 3, atol=0.006)


def test_a_shade_texture_is_multiplied_into_the_shade_colour_only():
    grey = Texture("grey", np.full((1, 1, 4), 188, np.uint8))  # one half in linear light
    material = toon(shade_texture=0)
    np.testing.assert_allclose(
        shaded(towards_light(-0.8), material, [grey]), np.array(SHADE) * 0.5, atol=0.006
    )
    np.testing.assert_allclose(shaded(towards_light(0.8), material, [grey]), LIT, atol=0.006)


@pytest.mark.parametrize("mix", [0.0, 0.5, 1.0])
def test_ink_is_mixed_with_the_surfaces_own_colour_as_told(mix):
    material = toon(unlit=True, outline_color=(0.5, 0.5, 0.0), outline_color_mix=mix)
    expected = np.array([0.5, 0.5, 0.0]) * (1 - mix + mix * np.array(LIT))
    np.testing.assert_allclose(shaded((0, 0, 1), material, ink=2), expected, atol=0.006)


def test_colours_beyond_white_are_white():
    material = toon(emissive_color=(50.0, 50.0, 50.0))
    np.testing.assert_array_equal(shaded((0, 0, 1), material), [1.0, 1.0, 1.0])
