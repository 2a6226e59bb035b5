"""Meshes, skins, textures and expressions of glTF files whose contents are known by heart."""

import struct

import numpy as np
import pytest

from avatars_by_hand import png
from motion_files_by_hand import GltfBuilder, written
from psgan_tf.motion.gltf.document import read_gltf
from tools.avatars.loading.avatar_file import read_surfaces
from tools.avatars.scene import MorphBind, Wrap

SQUARE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]


def square(builder=None, **primitive):
    """A builder with one mesh of a square; `primitive` members replace or add to its own."""
    builder = builder or GltfBuilder()
    attributes = {"POSITION": builder.accessor(SQUARE, "VEC3")} | primitive.pop("attributes", {})
    indices = builder.accessor([0, 1, 2, 0, 2, 3], "SCALAR", 5121)
    builder.document["meshes"] = [
        {
            "name": "square",
            "primitives": [{"attributes": attributes, "indices": indices, **primitive}],
        }
    ]
    builder.document.setdefault("nodes", [{"name": "holder", "mesh": 0}])
    return builder


def surfaces_of(builder, tmp_path):
    return read_surfaces(read_gltf(written(tmp_path, "thing.glb", builder.glb())))


def part_of(builder, tmp_path):
    (part,) = surfaces_of(builder, tmp_path).parts
    return part


def test_a_mesh_comes_with_its_triangles_name_and_node(tmp_path):
    part = part_of(square(), tmp_path)
    assert (part.mesh_name, part.node_name, part.node, part.skin) == ("square", "holder", 0, None)
    assert part.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    np.testing.assert_array_equal(part.positions, SQUARE)
    np.testing.assert_array_equal(part.normals, [(0, 0, 1)] * 4)  # found from the faces


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (4, [[0, 1, 2]]),
        (5, [[0, 1, 2], [1, 3, 2]]),
        (6, [[1, 2, 0], [2, 3, 0]]),
    ],
)
def test_lists_strips_and_fans_give_triangles_that_turn_one_way(tmp_path, mode, expected):
    builder = square(mode=mode)
    primitive = builder.document["meshes"][0]["primitives"][0]
    primitive["indices"] = builder.accessor([0, 1, 2, 3], "SCALAR", 5123)
    assert part_of(builder, tmp_path).triangles.tolist() == expected


def test_a_mesh_without_indices_takes_its_vertices_in_turn(tmp_path):
    builder = square()
    del builder.document["meshes"][0]["primitives"][0]["indices"]
    assert part_of(builder, tmp_path).triangles.tolist() == [[0, 1, 2]]


def test_points_and_lines_are_passed_over(tmp_path):
    builder = square()
    builder.document["meshes"][0]["primitives"].append(
        builder.document["meshes"][0]["primitives"][0] | {"mode": 1}
    )
    assert len(surfaces_of(builder, tmp_path).parts) == 1


def test_hard_edges_keep_their_normals_but_their_outline_has_none_of_their_gaps(tmp_path):
    builder = GltfBuilder()
    corner = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1), (1, 0, 0)]
    normals = [(0, 0, 1)] * 3 + [(0, 1, 0)] * 3
    builder.document["meshes"] = [
        {
            "primitives": [
                {
                    "attributes": {
                        "POSITION": builder.accessor(corner, "VEC3"),
                        "NORMAL": builder.accessor(normals, "VEC3"),
                    }
                }
            ]
        }
    ]
    builder.document["nodes"] = [{"mesh": 0}]
    part = part_of(builder, tmp_path)
    np.testing.assert_array_equal(part.normals, normals)
    diagonal = [0, np.sqrt(0.5), np.sqrt(0.5)]
    np.testing.assert_allclose(part.smooth_normals[[0, 3, 1, 5]], [diagonal] * 4, atol=1e-6)
    np.testing.assert_allclose(part.smooth_normals[[2, 4]], [(0, 0, 1), (0, 1, 0)], atol=1e-6)


def test_quantised_positions_are_the_integers_that_the_node_scales(tmp_path):
    builder = square()
    builder.document["nodes"] = [{"mesh": 0, "scale": [0.5, 0.5, 0.5]}]
    builder.document["extensionsRequired"] = ["KHR_mesh_quantization"]
    attributes = builder.document["meshes"][0]["primitives"][0]["attributes"]
    attributes["POSITION"] = builder.accessor(
        [(0, 0, 0), (-7, 0, 0), (3, 200, 0)] * 2, "VEC3", 5122
    )
    assert part_of(builder, tmp_path).positions[2].tolist() == [3.0, 200.0, 0.0]


def test_a_mirrored_node_turns_its_triangles_round(tmp_path):
    builder = square()
    builder.document["nodes"] = [{"mesh": 0, "scale": [-1, 1, 1]}]
    assert part_of(builder, tmp_path).triangles.tolist() == [[2, 1, 0], [3, 2, 0]]


def test_nodes_outside_the_scene_are_not_drawn(tmp_path):
    builder = square()
    builder.document["nodes"] = [
        {"name": "shown", "children": [1]},
        {"name": "below", "mesh": 0},
        {"name": "spare", "mesh": 0},
    ]
    builder.document["scenes"] = [{"nodes": [2]}, {"nodes": [0]}]
    builder.document["scene"] = 1
    assert part_of(builder, tmp_path).node_name == "below"


def test_texture_coordinates_are_turned_scaled_and_moved(tmp_path):
    builder = GltfBuilder()
    uvs = [(0, 0), (1, 0), (1, 1), (0, 1)]
    square(builder, attributes={"TEXCOORD_1": builder.accessor(uvs, "VEC2")}, material=0)
    # The lower left quarter of the picture, turned by 90 degrees (the extension's own example).
    transform = {"offset": [0, 1], "rotation": np.pi / 2, "scale": [0.5, 0.5], "texCoord": 1}
    image = {"bufferView": builder.view(png(np.zeros((1, 1, 3)))), "mimeType": "image/png"}
    builder.document |= {
        "images": [image],
        "textures": [{"source": 0}],
        "materials": [
            {
                "pbrMetallicRoughness": {
                    "baseColorTexture": {
                        "index": 0,
                        "extensions": {"KHR_texture_transform": transform},
                    }
                }
            }
        ],
    }
    expected = [(0, 1), (0, 0.5), (0.5, 0.5), (0.5, 1)]
    np.testing.assert_allclose(part_of(builder, tmp_path).uvs, expected, atol=1e-6)


def test_vertex_colours_tint_plain_materials_and_are_ignored_by_mtoon(tmp_path):
    builder = GltfBuilder()
    colors = builder.accessor([(0, 128, 255, 255)] * 4, "VEC4", 5121, normalized=True)
    square(builder, attributes={"COLOR_0": colors}, material=0)
    builder.document["materials"] = [{}]
    expected = [0, 128 / 255, 1, 1]
    np.testing.assert_allclose(part_of(builder, tmp_path).colors, [expected] * 4, atol=1e-6)
    mtoon = {"VRMC_materials_mtoon": {"specVersion": "1.0"}}
    builder.document["materials"] = [{"extensions": mtoon}]
    assert (part_of(builder, tmp_path).colors == 1).all()


def skinned_square(weight_sets, joint_sets):
    builder = GltfBuilder()
    attributes = {}
    for index, (weights, joints) in enumerate(zip(weight_sets, joint_sets, strict=True)):
        attributes[f"WEIGHTS_{index}"] = builder.accessor([weights] * 4, "VEC4")
        attributes[f"JOINTS_{index}"] = builder.accessor([joints] * 4, "VEC4", 5123)
    square(builder, attributes=attributes)
    builder.document["nodes"] = [{"mesh": 0, "skin": 0}, {}, {}]
    builder.document["skins"] = [{"joints": [1, 2]}]
    return builder


def test_weights_are_made_to_sum_to_1_and_joints_without_weight_do_not_matter(tmp_path):
    part = part_of(skinned_square([(0.5, 1.5, 0, 0)], [(1, 0, 999, 0)]), tmp_path)
    np.testing.assert_allclose(part.weights, [(0.25, 0.75, 0, 0)] * 4, atol=1e-6)
    assert part.joints.tolist() == [[1, 0, 0, 0]] * 4


def test_eight_influences_stay_eight_only_where_more_than_four_are_used(tmp_path):
    used = skinned_square([(0.2, 0.2, 0.2, 0.2), (0.2, 0, 0, 0)], [(0, 1, 0, 1), (1, 0, 0, 0)])
    assert part_of(used, tmp_path).weights.shape == (4, 8)
    spare = skinned_square([(0.5, 0.5, 0, 0), (0, 0, 0, 0)], [(0, 1, 0, 1), (1, 0, 0, 0)])
    assert part_of(spare, tmp_path).weights.shape == (4, 4)


def test_a_vertex_without_any_weight_hangs_on_the_first_joint(tmp_path):
    part = part_of(skinned_square([(0, 0, 0, 0)], [(1, 1, 1, 1)]), tmp_path)
    assert part.weights[0].tolist() == [1, 0, 0, 0]
    assert part.joints[0].tolist() == [0, 0, 0, 0]


def test_a_joint_beyond_the_skin_is_refused_by_its_place(tmp_path):
    with pytest.raises(ValueError, match=r"JOINTS_0` must hold joints below 2"):
        surfaces_of(skinned_square([(1, 0, 0, 0)], [(2, 0, 0, 0)]), tmp_path)


def test_sparse_shapes_and_their_names_and_weights_are_read(tmp_path):
    builder = GltfBuilder()
    places = builder.view(np.array([2], np.uint16).tobytes())
    values = builder.view(np.array([(0, 0, 5)], np.float32).tobytes())
    builder.document["accessors"].append(
        {
            "componentType": 5126,
            "count": 4,
            "type": "VEC3",
            "sparse": {
                "count": 1,
                "indices": {"bufferView": places, "componentType": 5123},
                "values": {"bufferView": values},
            },
        }
    )
    square(builder, targets=[{"POSITION": 0}])
    builder.document["meshes"][0] |= {"weights": [0.25], "extras": {"targetNames": ["smile"]}}
    morphs = part_of(builder, tmp_path).morphs
    assert morphs.names == ("smile",)
    assert morphs.default_weights.tolist() == [0.25]
    np.testing.assert_array_equal(morphs.positions[0], [(0, 0, 0)] * 2 + [(0, 0, 5), (0, 0, 0)])
    assert (morphs.normals == 0).all()


def textured(image, sampler=None, **extensions):
    builder = GltfBuilder()
    square(builder, material=0)
    view = builder.view(image)
    builder.document |= {
        "images": [{"name": "skin", "bufferView": view, "mimeType": "image/png"}],
        "samplers": [sampler or {}],
        "textures": [{"source": 0, "sampler": 0}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
    }
    builder.document["textures"][0] |= extensions
    return builder


def test_a_texture_keeps_its_pixels_and_its_samplers_ways(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 4))
    sampler = {"wrapS": 33071, "wrapT": 33648, "magFilter": 9728}
    (texture,) = surfaces_of(textured(png(pixels), sampler), tmp_path).textures
    np.testing.assert_array_equal(texture.pixels, pixels)
    assert (texture.wrap_u, texture.wrap_v, texture.nearest) == (Wrap.CLAMP, Wrap.MIRROR, True)


def test_a_large_texture_is_made_smaller_on_reading(tmp_path):
    pixels = np.zeros((8, 64, 3))
    pixels[:, 32:] = 200
    path = written(tmp_path, "thing.glb", textured(png(pixels)).glb())
    (texture,) = read_surfaces(read_gltf(path), largest_texture_px=16).textures
    assert texture.pixels.shape == (2, 16, 4)
    assert texture.pixels[0, :, 0].tolist() == [0] * 8 + [200] * 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(textures=[{"extensions": {"KHR_texture_basisu": {"source": 0}}}]),
         "KHR_texture_basisu cannot be read"),
        (lambda d: d["meshes"][0]["primitives"][0].update(
            extensions={"KHR_draco_mesh_compression": {}}), "KHR_draco_mesh_compression"),
        (lambda d: d.update(extensionsRequired=["KHR_texture_basisu"]), "KHR_texture_basisu"),
        (lambda d: d["bufferViews"][0].update(extensions={"EXT_meshopt_compression": {}}),
         "EXT_meshopt_compression"),
        (lambda d: d["images"][0].update(bufferView=0), "must be a picture that can be decoded"),
        (lambda d: d["accessors"][1].update(count=99), "must lie inside its buffer view"),
        (lambda d: d["meshes"][0]["primitives"][0].update(indices=0), "must be an accessor"),
        (lambda d: d["meshes"][0]["primitives"][0].update(material=1), r"material` must be"),
        (lambda d: d["meshes"][0].update(primitives=[]), "must hold a mesh of triangles"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(tmp_path, change, message):
    builder = textured(png(np.zeros((2, 2, 3))))
    change(builder.document)
    with pytest.raises(ValueError, match=message) as raised:
        surfaces_of(builder, tmp_path)
    assert "thing.glb" in str(raised.value)


def test_a_picture_of_absurd_size_is_refused_before_it_is_decoded(tmp_path):
    image = bytearray(png(np.zeros((1, 1, 3))))
    image[16:24] = struct.pack(">II", 60_000, 60_000)  # the head's width and height
    with pytest.raises(ValueError, match=r"images\[0\]` must be a picture"):
        surfaces_of(textured(bytes(image)), tmp_path)


def test_expressions_of_vrm_0_are_called_as_in_vrm_1(tmp_path):
    groups = [
        {"presetName": "joy", "binds": [{"mesh": 0, "index": 3, "weight": 50}]},
        {"presetName": "blink_l", "binds": [{"mesh": -1, "index": 0, "weight": 100}]},
        {"presetName": "unknown", "name": "Wink", "binds": []},
    ]
    builder = square()
    builder.document["extensions"] = {"VRM": {"blendShapeMaster": {"blendShapeGroups": groups}}}
    expressions = surfaces_of(builder, tmp_path).expressions
    assert expressions == {"happy": (MorphBind(0, 3, 0.5),), "blinkLeft": (), "Wink": ()}


def test_expressions_of_vrm_1_bind_shapes_through_their_nodes(tmp_path):
    binds = [{"node": 1, "index": 2, "weight": 0.5}]
    groups = {"preset": {"happy": {"morphTargetBinds": binds}}, "custom": {"shy": {}}}
    builder = square()
    builder.document["nodes"] = [{}, {"mesh": 0}]
    builder.document["extensions"] = {"VRMC_vrm": {"expressions": groups}}
    expressions = surfaces_of(builder, tmp_path).expressions
    assert expressions == {"happy": (MorphBind(0, 2, 0.5),), "shy": ()}
