"""The built-in avatar as a VRM file, read back by the loader that reads anybody's avatar."""

import io
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from psgan_tf.motion.camera import Camera
from psgan_tf.motion.gltf.document import read_gltf
from tools.avatars.builtin.body.proportions import JOINT_NAMES, JOINTS
from tools.avatars.builtin.figure import figure_parts
from tools.avatars.builtin.shapes.part import Picture, ToonMaterial, make_part
from tools.avatars.builtin.writers.vrm_writer import (
    linear_color,
    strongest_weights,
    vrm_bytes,
    write_vrm,
)
from tools.avatars.loading.avatar import load_avatar, refuse_forbidden
from tools.avatars.loading.costumes import Costume, MaterialChange, check_costume, dressed
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.figure_building import build_figure
from tools.avatars.scene import AlphaMode, OutlineMode

SIZE_PX = 128
STYLE = Costume("x", hide=("Hair*",), show=("HairBrows", "HairBackBob", "HairFringeFull"))


@pytest.fixture(scope="module")
def parts():
    return figure_parts()


@pytest.fixture(scope="module")
def avatar(parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("koharu") / "koharu.vrm"
    write_vrm(path, parts)
    return load_avatar(path)


@pytest.fixture(scope="module")
def surfaces(avatar):
    """What is drawn, with textures as small as the tests' pictures."""
    small = tuple(replace(t, pixels=t.pixels[4::8, 4::8]) for t in avatar.surfaces.textures)
    return replace(avatar.surfaces, textures=small)


def triangle_part(name, material, **changes):
    corners = np.array([[0.0, 1.0, 0.0], [0.1, 1.0, 0.0], [0.0, 1.1, 0.0]])
    return make_part(name, "top", material, corners, [[0, 1, 2]], ["chest"], np.ones((3, 1)),
                     **changes)  # fmt: skip


def draw(surfaces, costume, yaws=(0.0,), height=0.34):
    """[yaws, SIZE, SIZE, 3] of the head in the T-pose, seen from angles in degrees."""
    figure = build_figure(dressed(surfaces, costume), costume.expression)
    worlds = np.tile(np.eye(4), (figure.palette_nodes.max() + 1, 1, 1))
    # Without a turn from the T-pose, what a bone does to its vertices is nothing.
    worlds[figure.palette_nodes] = np.linalg.inv(figure.palette_binds)
    pictures = []
    for yaw in yaws:
        camera = Camera(SIZE_PX, SIZE_PX / height, np.radians(yaw), 0.0, (0.0, 1.44, 0.0))
        frame = figure.posed(worlds, camera.matrices(np.zeros((1, 3)))[0], SIZE_PX, 0.0)
        drawn = draw_on_cpu(
            frame, figure.material_table, figure.bank, (SIZE_PX, SIZE_PX), 2, transparent=False
        )
        pictures.append(drawn[..., :3].astype(int))
    return np.array(pictures)


def test_the_loader_finds_every_bone_and_fills_no_keypoint(avatar):
    assert avatar.format == "VRM 1.0"
    assert avatar.skeleton.filled == ()
    assert set(avatar.rig.bones) == set(JOINT_NAMES)
    places = dict(zip(avatar.skeleton.bones, avatar.skeleton.t_pose, strict=True))
    for bone, place in places.items():
        # The loader straightens limbs that lean a little, as a T-pose wants them.
        leans = 1e-5 if bone in ("spine", "chest", "neck", "head") else 0.02
        written = JOINTS[bone] - JOINTS["hips"]
        np.testing.assert_allclose(place - places["hips"], written, atol=leans)


def test_positions_weights_and_names_come_back_as_written(avatar, parts):
    read = {part.mesh_name: part for part in avatar.surfaces.parts}
    assert set(read) == {part.name for part in parts}
    joints = avatar.surfaces.skins[0].joints
    names = {node: bone for bone, node in avatar.rig.bones.items()}
    for part in parts:
        back = read[part.name]
        np.testing.assert_allclose(back.positions, part.positions, atol=1e-6)
        np.testing.assert_array_equal(back.triangles, part.triangles)
        vertex = len(part.positions) // 2
        strongest = part.joints[int(part.weights[vertex].argmax())]
        at = int(back.weights[vertex].argmax())
        assert names[int(joints[back.joints[vertex, at]])] == strongest or np.isclose(
            part.weights[vertex].max(), np.sort(part.weights[vertex])[-2:][0]
        )


def test_all_materials_are_toon_with_ink_on_what_is_solid(avatar):
    materials = avatar.surfaces.materials[:-1]  # the last is the loader's own
    assert {"SkinBody", "SkinFace", "Hair", "HairBrows", "EyeIris"} <= {m.name for m in materials}
    for material in materials:
        inked = material.outline_mode == OutlineMode.METRES
        assert inked == (material.alpha_mode == AlphaMode.OPAQUE), material.name
        assert np.all(np.array(material.shade_color) <= np.array(material.lit_color) + 1e-6)


def test_the_terms_allow_all_that_a_dataset_needs(avatar):
    assert avatar.licence.title == "Koharu"
    assert avatar.licence.authors == ("The psgan_tf authors",)
    assert avatar.licence.forbidden == ()
    refuse_forbidden([avatar], has_permission=False)


def test_the_file_is_a_whole_glb_of_vrm_1(parts):
    data = vrm_bytes(parts[:1])
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    json_length, kind = struct.unpack_from("<II", data, 12)
    document = json.loads(data[20 : 20 + json_length])
    assert kind == 0x4E4F534A
    vrm = document["extensions"]["VRMC_vrm"]
    assert vrm["specVersion"] == "1.0"
    required = {"name", "authors", "licenseUrl"}
    assert required <= set(vrm["meta"])
    assert {"hips", "spine", "head", "leftFoot"} <= set(vrm["humanoid"]["humanBones"])
    assert all(
        view["byteOffset"] + view["byteLength"] <= document["buffers"][0]["byteLength"]
        for view in document["bufferViews"]
    )


def test_pictures_are_stored_as_png_and_read_back(tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (8, 16, 4), np.uint8)
    material = ToonMaterial("Cloth", "#ffffff", "#808080", Picture("checks", pixels))
    write_vrm(tmp_path / "one.vrm", [triangle_part("Top", material)])
    gltf = read_gltf(tmp_path / "one.vrm")
    view = gltf.document["images"][0]["bufferView"].integer()
    entry = gltf.document["bufferViews"][view]
    start = entry["byteOffset"].integer()
    data = (tmp_path / "one.vrm").read_bytes()
    body = data[20 + struct.unpack_from("<I", data, 12)[0] + 8 :]
    png = body[start : start + entry["byteLength"].integer()]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), pixels)


def test_costumes_choose_hair_and_recolour_it_with_the_brows(surfaces):
    check_costume(STYLE, surfaces)
    red = MaterialChange(color=(1.0, 0.0, 0.0))
    before = draw(surfaces, STYLE)[0]
    after = draw(surfaces, Costume("x", STYLE.hide, STYLE.show, {"Hair*": red}))[0]
    changed = np.abs(before - after).sum(axis=-1) > 60
    assert 0.15 < changed.mean() < 0.6
    top = after[int(SIZE_PX * 0.2), SIZE_PX // 2]
    assert top[0] > 150
    assert top[1:].max() < 60


@pytest.mark.parametrize("back", ["Bob", "Ponytail", "TwinTails", "Bun", "Braid", "TwinBraids"])
def test_no_scalp_shows_through_the_hair_from_behind_or_the_side(surfaces, back):
    green = MaterialChange(color=(0.0, 1.0, 0.0), shade_color=(0.0, 1.0, 0.0))
    show = ("HairBrows", f"HairBack{back}", "HairFringeFull")
    costume = Costume("x", ("Hair*",), show, {"Skin*": green})
    for picture in draw(surfaces, costume, yaws=(110.0, 180.0, 250.0)):
        skin = (picture[..., 1] > 150) & (picture[..., 0] < 100)
        above_ears = skin[: int(SIZE_PX * 0.48)]
        assert skin.sum() > 20  # neck and shoulders: the colour is found at all
        assert above_ears.sum() <= 3


def test_expressions_change_the_face_and_only_the_face(surfaces):
    assert {"happy", "blink", "aa", "angry", "sad", "surprised"} <= set(surfaces.expressions)
    plain = draw(surfaces, STYLE, height=0.24)[0]
    for name in ("happy", "blink", "aa", "angry", "surprised"):
        look = Costume("x", STYLE.hide, STYLE.show, {}, {name: 1.0})
        check_costume(look, surfaces)
        changed = np.abs(draw(surfaces, look, height=0.24)[0] - plain).sum(axis=-1) > 40
        rows = np.flatnonzero(changed.any(axis=1))
        heights = 1.44 + (0.5 - rows / SIZE_PX) * 0.24
        assert changed.sum() > 15, name
        assert heights.min() > 1.33, name
        assert heights.max() < 1.48, name


def test_blinking_hides_the_irises(surfaces):
    blink = Costume("x", STYLE.hide, STYLE.show, {}, {"blink": 1.0})

    def blue(pictures):
        return int((pictures[..., 2] > pictures[..., 0] + 60).sum())

    assert blue(draw(surfaces, STYLE)) > 60
    assert blue(draw(surfaces, blink)) == 0


def test_four_strongest_weights_are_kept_in_order():
    joints, weights = strongest_weights(np.array([[0.1, 0.05, 0.4, 0.2, 0.25], [0, 0, 1.0, 0, 0]]))
    assert joints.tolist() == [[2, 4, 3, 0], [2, 0, 0, 0]]
    np.testing.assert_allclose(weights[0], np.array([0.4, 0.25, 0.2, 0.1]) / 0.95, rtol=1e-6)
    np.testing.assert_allclose(weights[1], [1, 0, 0, 0])


def test_colours_are_written_as_light():
    assert linear_color("#ffffff") == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(linear_color("#bc0000"), [0.502886, 0, 0], atol=1e-5)


def test_names_that_clash_are_refused():
    first = ToonMaterial("Cloth", "#ffffff", "#808080")
    other = ToonMaterial("Cloth", "#ff0000", "#808080")
    with pytest.raises(ValueError, match="`parts` must have different names"):
        vrm_bytes([triangle_part("Top", first), triangle_part("Top", first)])
    with pytest.raises(ValueError, match="materials of different content"):
        vrm_bytes([triangle_part("Top", first), triangle_part("Skirt", other)])
    one, two = (Picture("cloth", np.full((4, 4, 3), value, np.uint8)) for value in (10, 20))
    with pytest.raises(ValueError, match="textures of different content"):
        vrm_bytes(
            [
                triangle_part("Top", ToonMaterial("A", "#ffffff", "#808080", one)),
                triangle_part("Skirt", ToonMaterial("B", "#ffffff", "#808080", two)),
            ]
        )
