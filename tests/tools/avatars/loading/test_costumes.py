"""Costume files: what they hide, show and recolour, and what they must not say."""

import colorsys
import json

import numpy as np
import pytest

from avatars_by_hand import figure_avatar, png
from motion_files_by_hand import FIGURE, written
from psgan_tf.motion.gltf.document import read_gltf
from shared_assets import shared_path
from tools.avatars.loading.avatar_file import read_surfaces
from tools.avatars.loading.costumes import (
    Costume,
    check_costume,
    dressed,
    read_costumes,
    shown_parts,
)
from tools.avatars.loading.recolouring import (
    HueChange,
    changed_colors,
    changed_pixels,
    hsv_from_rgb,
    linear_from_hex,
    rgb_from_hsv,
)


@pytest.fixture
def figure(tmp_path):
    return read_surfaces(read_gltf(written(tmp_path, "figure.glb", figure_avatar().glb())))


def costume_file(folder, costumes):
    return written(folder, "costumes.json", json.dumps({"costumes": costumes}))


def the_costume(folder, **settings):
    (costume,) = read_costumes(costume_file(folder, {"test": settings}))
    return costume


def test_hues_go_round_as_pythons_own_colour_module_says():
    random = np.random.default_rng(0)
    colors = np.concatenate([random.uniform(size=(200, 3)), np.eye(3), [[0, 0, 0], [1, 1, 1]]])
    expected = np.array([colorsys.rgb_to_hsv(*color) for color in colors])
    found = hsv_from_rgb(colors)
    np.testing.assert_allclose(found[:, 0] / 6.0, expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(found[:, 1:], expected[:, 1:], atol=1e-12)
    np.testing.assert_allclose(rgb_from_hsv(found), colors, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (HueChange(hue_degrees=120), (0.2, 0.8, 0.2)),
        (HueChange(hue_degrees=-240), (0.2, 0.8, 0.2)),
        (HueChange(saturation=0.0), (0.8, 0.8, 0.8)),
        (HueChange(brightness=0.5), (0.4, 0.1, 0.1)),
        (HueChange(brightness=9.0), (1.0, 0.25, 0.25)),
    ],
)
def test_a_red_changes_as_told(change, expected):
    np.testing.assert_allclose(changed_colors([0.8, 0.2, 0.2], change), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("only", "changed"),
    [((200, 280), [False, False, True, False]), ((300, 60), [True, False, False, False])],
)
def test_only_the_hues_asked_for_change_and_greys_never(only, changed):
    pixels = np.array([[[200, 0, 0, 9], [0, 200, 0, 9], [0, 0, 200, 9], [99, 99, 99, 9]]], np.uint8)
    after = changed_pixels(pixels, HueChange(hue_degrees=90, only_hues_degrees=only))
    assert (after != pixels).any(axis=-1)[0].tolist() == changed
    assert (after[..., 3] == 9).all()


def test_colours_are_read_from_hexadecimal():
    np.testing.assert_allclose(linear_from_hex("#ff0080"), (1.0, 0.0, 0.2158605), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, len(FIGURE)),
        ({"hide": ["left*"]}, len(FIGURE) - 8),
        ({"hide": ["* ball"], "show": ["head"]}, 1),  # by mesh name, then by node name
        ({"hide": ["head paint"]}, len(FIGURE) - 1),  # by material name
        ({"hide": ["*"], "show": ["*Hand", "*Foot*"]}, 4),
    ],
)
def test_what_is_hidden_is_not_drawn_unless_shown_again(tmp_path, figure, settings, shown):
    costume = the_costume(tmp_path, **settings)
    check_costume(costume, figure)
    assert len(shown_parts(costume, figure)) == shown
    assert len(dressed(figure, costume).parts) == shown


def test_a_colour_replaces_the_lit_one_and_its_shade_keeps_the_ratio(tmp_path):
    surfaces = read_surfaces(read_gltf(shared_path("avatars/models/human-female.glb")))
    before = surfaces.materials[0]
    costume = the_costume(tmp_path, materials={before.name: {"color": "#808080"}})
    after = dressed(surfaces, costume).materials[0]
    np.testing.assert_allclose(after.lit_color, [0.2158605] * 3, atol=1e-6)
    ratio = np.array(before.shade_color) / before.lit_color
    np.testing.assert_allclose(np.array(after.shade_color) / after.lit_color, ratio, atol=1e-6)
    assert dressed(surfaces, costume).materials[1] == surfaces.materials[1]


def test_a_hue_turns_factors_and_textures_of_its_material_only(tmp_path):
    surfaces = read_surfaces(read_gltf(shared_path("avatars/models/godette_vrm0.vrm")))
    costume = the_costume(tmp_path, materials={"Body": {"hue_degrees": 120}})
    after = dressed(surfaces, costume)
    body, face = ([m.name for m in surfaces.materials].index(n) for n in ("Body", "Face"))
    assert after.materials[face] == surfaces.materials[face]
    old = surfaces.textures[surfaces.materials[body].lit_texture].pixels
    new = after.textures[after.materials[body].lit_texture].pixels
    np.testing.assert_array_equal(new[..., 3], old[..., 3])
    # Red moves to green, green to blue, blue to red: a turn by 120 degrees permutes channels.
    np.testing.assert_array_equal(new[..., :3], old[..., [2, 0, 1]])


def test_a_texture_is_swapped_for_a_picture_beside_the_file(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (4, 4, 3))
    written(tmp_path, "paint.png", png(picture))
    surfaces = read_surfaces(read_gltf(shared_path("avatars/models/kaykit_Knight.glb")))
    costume = the_costume(tmp_path, materials={"knight*": {"texture": "paint.png"}})
    material = dressed(surfaces, costume).materials[0]
    assert material.lit_texture == material.shade_texture
    pixels = dressed(surfaces, costume).textures[material.lit_texture].pixels
    np.testing.assert_array_equal(pixels[..., :3], picture)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hides": ["x"]}, r"costumes.test.hides` is no setting \(they are hide"),
        ({"hide": "x"}, r"costumes.test.hide` must be an array"),
        ({"materials": {"x": {"colour": "#000000"}}}, "materials.x.colour` is no setting"),
        ({"materials": {"x": {"color": "red"}}}, "must be a colour like #3366cc"),
        ({"materials": {"x": {"color": "#12345g"}}}, "must be a colour like #3366cc"),
        ({"materials": {"x": {"saturation": -1}}}, "must be from 0 to 10"),
        ({"materials": {"x": {"only_hues_degrees": [1]}}}, "must have 2 numbers"),
        ({"materials": {"x": {"texture": "none.png"}}}, "none.png` must be a file"),
        ({"expression": {"happy": 2}}, "must be from 0 to 1"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        the_costume(tmp_path, **settings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must hold a JSON document"),
        ('{"costumes": {}}', "must hold at least one costume"),
        ('{"costumes": {"a/b": {}}}', "must have a name of letters"),
        ('{"looks": {}}', "looks` is no setting"),
    ],
)
def test_a_broken_costume_file_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_costumes(written(tmp_path, "costumes.json", content))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hide": ["hat"]}, "`hide` of costume 'test' .*'hat', which matches none of: .*head ball"),
        ({"show": ["hat"]}, "`show` of costume 'test'"),
        ({"materials": {"skin": {}}}, "'skin', which matches none of: .*hips paint"),
        ({"hide": ["*"]}, "must leave something to draw"),
        ({"expression": {"happy": 1}}, "'happy'; the avatar has none"),
    ],
)
def test_a_costume_for_another_avatar_is_refused(tmp_path, figure, settings, message):
    with pytest.raises(ValueError, match=message):
        check_costume(the_costume(tmp_path, **settings), figure)


def test_the_plain_costume_changes_nothing(figure):
    assert dressed(figure, Costume("plain")) == figure
