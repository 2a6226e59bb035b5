"""glTF files written by hand: containers, accessors of every kind, node trees, damage."""

import base64
import json

import numpy as np
import pytest

from motion_files_by_hand import GltfBuilder, figure_gltf, glb, written
from psgan_tf.motion.gltf.document import read_gltf
from shared_assets import shared_path

EMPTY = {"asset": {"version": "2.0"}}


def opened(folder, builder):
    return read_gltf(written(folder, "test.glb", builder.glb()))


def test_floats_come_back_as_stored(tmp_path):
    builder = GltfBuilder()
    index = builder.accessor([[1, 2, 3], [4, 5, 6]], "VEC3")
    values = opened(tmp_path, builder).accessor(index)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, [[1, 2, 3], [4, 5, 6]])


def test_scalars_come_back_flat(tmp_path):
    builder = GltfBuilder()
    index = builder.accessor([7, 8, 9], "SCALAR", 5123)
    values = opened(tmp_path, builder).accessor(index)
    assert values.dtype == np.uint16
    np.testing.assert_array_equal(values, [7, 8, 9])


@pytest.mark.parametrize(
    ("component", "stored", "expected"),
    [
        (5120, [-128, -127, 0, 127], [-1, -1, 0, 1]),
        (5121, [0, 51, 255], [0, 0.2, 1]),
        (5122, [-32768, -32767, 32767], [-1, -1, 1]),
        (5123, [0, 13107, 65535], [0, 0.2, 1]),
    ],
)
def test_normalised_integers_become_fractions(tmp_path, component, stored, expected):
    builder = GltfBuilder()
    index = builder.accessor(stored, "SCALAR", component, normalized=True)
    np.testing.assert_allclose(opened(tmp_path, builder).accessor(index), expected, rtol=1e-6)


def test_quantised_positions_keep_their_integers(tmp_path):
    builder = GltfBuilder()
    builder.document["extensionsRequired"] = ["KHR_mesh_quantization"]
    view = builder.view(np.array([1, -2, 3, 0, 4, 5, 6, 0], "<i2").tobytes(), byteStride=8)
    builder.document["accessors"].append(
        {"bufferView": view, "componentType": 5122, "count": 2, "type": "VEC3"}
    )
    values = opened(tmp_path, builder).accessor(0)
    np.testing.assert_array_equal(values, [[1, -2, 3], [4, 5, 6]])


def test_interleaved_values_are_told_apart_by_their_stride(tmp_path):
    builder = GltfBuilder()
    rows = np.array([[1, 2, 3, 10, 20], [4, 5, 6, 30, 40]], "<f4")
    view = builder.view(rows.tobytes(), byteStride=20)
    for offset, kind in ((0, "VEC3"), (12, "VEC2")):
        builder.document["accessors"].append(
            {
                "bufferView": view,
                "byteOffset": offset,
                "componentType": 5126,
                "count": 2,
                "type": kind,
            }
        )
    gltf = opened(tmp_path, builder)
    np.testing.assert_array_equal(gltf.accessor(0), [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(gltf.accessor(1), [[10, 20], [30, 40]])


def test_matrices_are_stored_by_columns(tmp_path):
    builder = GltfBuilder()
    matrix = np.arange(16).reshape(4, 4)
    index = builder.accessor([matrix.T], "MAT4")
    np.testing.assert_array_equal(opened(tmp_path, builder).accessor(index), [matrix])


def test_columns_of_small_matrices_start_on_four_bytes(tmp_path):
    builder = GltfBuilder()
    view = builder.view(bytes([1, 3, 0, 0, 2, 4, 0, 0]))
    builder.document["accessors"].append(
        {"bufferView": view, "componentType": 5121, "count": 1, "type": "MAT2"}
    )
    np.testing.assert_array_equal(opened(tmp_path, builder).accessor(0), [[[1, 2], [3, 4]]])


def sparse_builder(base_view=True, indices=(1, 3)):
    builder = GltfBuilder()
    entry = {"componentType": 5126, "count": 4, "type": "SCALAR"}
    if base_view:
        entry["bufferView"] = builder.view(np.array([10, 11, 12, 13], "<f4").tobytes())
    entry["sparse"] = {
        "count": 2,
        "indices": {
            "bufferView": builder.view(np.array(indices, "<u2").tobytes()),
            "componentType": 5123,
        },
        "values": {"bufferView": builder.view(np.array([-1, -3], "<f4").tobytes())},
    }
    builder.document["accessors"].append(entry)
    return builder


def test_sparse_values_replace_the_stored_ones(tmp_path):
    np.testing.assert_array_equal(opened(tmp_path, sparse_builder()).accessor(0), [10, -1, 12, -3])


def test_sparse_values_replace_zeros_where_nothing_is_stored(tmp_path):
    gltf = opened(tmp_path, sparse_builder(base_view=False))
    np.testing.assert_array_equal(gltf.accessor(0), [0, -1, 0, -3])


def test_an_accessor_without_a_view_is_zero(tmp_path):
    builder = GltfBuilder()
    builder.document["accessors"].append({"componentType": 5126, "count": 3, "type": "VEC2"})
    np.testing.assert_array_equal(opened(tmp_path, builder).accessor(0), np.zeros((3, 2)))


def test_buffers_may_be_data_uris_and_files(tmp_path):
    data = np.array([1, 2], "<f4").tobytes()
    written(tmp_path, "my data.bin", data)
    uris = [
        "data:application/octet-stream;base64," + base64.b64encode(data).decode(),
        "my%20data.bin",
    ]
    document = EMPTY | {
        "buffers": [{"uri": uri, "byteLength": 8} for uri in uris],
        "bufferViews": [{"buffer": index, "byteLength": 8} for index in (0, 1)],
        "accessors": [
            {"bufferView": index, "componentType": 5126, "count": 2, "type": "SCALAR"}
            for index in (0, 1)
        ],
        "images": [{"uri": uris[0]}, {"bufferView": 1}],
    }
    gltf = read_gltf(written(tmp_path, "test.gltf", json.dumps(document)))
    for index in (0, 1):
        np.testing.assert_array_equal(gltf.accessor(index), [1, 2])
        assert gltf.image_bytes(index) == data


@pytest.mark.parametrize("uri", ["../secret.bin", "/etc/hostname", "file:///etc/hostname"])
def test_buffers_outside_the_files_folder_are_refused(tmp_path, uri):
    document = EMPTY | {"buffers": [{"uri": uri, "byteLength": 1}]}
    path = written(tmp_path, "test.gltf", json.dumps(document))
    with pytest.raises(ValueError, match=r"buffers\[0\].uri.*in the folder"):
        read_gltf(path)


def test_nodes_know_their_parents_and_their_places(tmp_path):
    document = EMPTY | {
        "nodes": [
            {"name": "child", "translation": [0, 1, 0]},
            {"children": [0], "matrix": [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 5, 0, 0, 1]},
        ]
    }
    gltf = read_gltf(written(tmp_path, "test.glb", glb(document)))
    assert gltf.node_names == ("child", "node1")
    assert gltf.parents.tolist() == [1, -1]
    assert gltf.order.tolist() == [1, 0]
    # The parent stands at x = 5, turned a quarter about z: the child's y points along -x.
    np.testing.assert_allclose(gltf.world_matrices()[0, :3, 3], [4, 0, 0], atol=1e-15)
    np.testing.assert_allclose(gltf.rotations[1], [0, 0, np.sqrt(0.5), np.sqrt(0.5)])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"asset": {"version": "1.0"}}, r"asset.version.*version 2"),
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "KHR_draco_mesh_compression"),
        ({"extensionsRequired": ["EXT_meshopt_compression"]}, "EXT_meshopt_compression"),
        ({"extensionsRequired": ["KHR_texture_basisu"]}, "KHR_texture_basisu"),
        ({"nodes": [{"children": [1]}, {"children": [0]}]}, "ring of nodes"),
        ({"nodes": [{"children": [0]}]}, r"nodes\[0\].children\[0\].*no other parent"),
        ({"nodes": [{"children": [1, 1]}, {}]}, "no other parent"),
        ({"nodes": [{"children": [7]}]}, r"must be an integer from 0 to 0"),
        ({"nodes": [{"children": [0.5]}]}, "must be an integer"),
        ({"nodes": [{"rotation": [0, 0, 0, 0]}]}, "unit quaternion"),
        ({"nodes": [{"scale": [1e30, 1, 1]}]}, r"nodes\[0\].scale.*up to 1e\+09"),
        ({"nodes": [{"translation": [1, 2]}]}, r"must have 3 numbers. Received: 2 items"),
        ({"nodes": [{"matrix": [1] * 16}]}, "must be affine"),
        ({"nodes": {"0": {}}}, "`nodes` must be an array"),
        ({"buffers": [{"byteLength": 99}]}, "bytes"),
        ({"buffers": [{"byteLength": 4, "uri": "data:;base64,@@@"}]}, "valid base64"),
    ],
)
def test_what_is_wrong_with_a_document_is_said(tmp_path, members, message):
    path = written(tmp_path, "broken.glb", glb(EMPTY | members, b"1234"))
    with pytest.raises(ValueError, match=message) as error:
        read_gltf(path)
    assert "broken.glb" in str(error.value)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"count": 3}, "inside its buffer view. Received: bytes to 12 of 8"),
        ({"count": 10**12, "bufferView": None}, "must fit the file's own length"),
        ({"count": -1}, r"accessors\[0\].count.*integer"),
        ({"componentType": 5124}, "must be one of"),
        ({"type": "VEC5"}, "must be one of"),
        ({"normalized": True}, "8- or 16-bit"),
        ({"byteOffset": 6}, "inside its buffer view"),
    ],
)
def test_what_is_wrong_with_an_accessor_is_said(tmp_path, members, message):
    builder = GltfBuilder()
    builder.accessor([1, 2], "SCALAR")
    builder.document["accessors"][0].update(members)
    with pytest.raises(ValueError, match=message):
        opened(tmp_path, builder).accessor(0)


def test_sparse_indices_beyond_the_accessor_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"below the accessor's count. Received: 4"):
        opened(tmp_path, sparse_builder(indices=(1, 4))).accessor(0)


def test_not_a_number_is_refused_unless_asked_for(tmp_path):
    builder = GltfBuilder()
    builder.accessor([1, np.nan], "SCALAR")
    gltf = opened(tmp_path, builder)
    with pytest.raises(ValueError, match="finite"):
        gltf.accessor(0)
    assert np.isnan(gltf.accessor(0, finite=False)[1])


def test_a_compressed_view_is_refused_by_its_extensions_name(tmp_path):
    builder = GltfBuilder()
    builder.accessor([1, 2], "SCALAR")
    builder.document["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": {}}
    with pytest.raises(ValueError, match="EXT_meshopt_compression"):
        opened(tmp_path, builder).accessor(0)


@pytest.mark.parametrize("length", [0, 3, 10, 19, 30, -1])
def test_a_file_cut_short_says_so(tmp_path, length):
    data = figure_gltf().glb()
    path = written(tmp_path, "cut.glb", data[:length])
    with pytest.raises(ValueError, match=r"cut.glb.*(truncated|must not be empty|must be a glTF)"):
        read_gltf(path)


@pytest.mark.parametrize("content", [b"not a model", b"{", b"[" * 100_000, b'{"asset": NaN}'])
def test_another_kind_of_file_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match=r"other.glb"):
        read_gltf(written(tmp_path, "other.glb", content))


def test_a_missing_file_is_one_clear_sentence(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        read_gltf(tmp_path / "nowhere.glb")


def test_a_real_model_with_sparse_and_unstored_accessors_is_read_whole():
    gltf = read_gltf(shared_path("avatars/models/human-sintel.glb"))
    accessors = gltf.json["accessors"]
    assert sum("sparse" in entry for entry in accessors) == 80
    for index, entry in enumerate(accessors):
        values = gltf.accessor(index)
        assert len(values) == entry["count"]
        if "max" in entry and not entry.get("normalized"):
            np.testing.assert_allclose(np.atleast_1d(values.max(axis=0)), entry["max"], atol=1e-5)


def test_a_real_compressed_model_is_refused_by_name():
    path = shared_path("avatars/models/valid_asian_f1_casual_meshopt.glb")
    with pytest.raises(ValueError, match="EXT_meshopt_compression"):
        read_gltf(path)
