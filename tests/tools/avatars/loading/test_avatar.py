"""Whole avatars: their terms, and real files with their numbers."""

import json

import pytest

from avatars_by_hand import figure_avatar
from motion_files_by_hand import FIGURE, written
from psgan_tf.motion.gltf.document import read_gltf
from shared_assets import shared_path
from tools.avatars.loading.avatar import load_avatar, refuse_forbidden
from tools.avatars.loading.avatar_file import read_surfaces


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"allowedUserName": "OnlyAuthor"}, "only its author"),
        ({"allowedUserName": "Everyone", "licenseName": "Redistribution_Prohibited"}, "passed on"),
    ],
)
def test_an_avatar_whose_terms_forbid_it_needs_the_users_word(tmp_path, meta, reason):
    bones = [{"bone": bone, "node": index} for index, bone in enumerate(FIGURE)]
    extensions = {"VRM": {"humanoid": {"humanBones": bones}, "meta": meta}}
    path = written(tmp_path, "mine.vrm", figure_avatar(extensions=extensions).glb())
    avatar = load_avatar(path)
    with pytest.raises(ValueError, match=f"mine.vrm.*{reason}.*--have_permission"):
        refuse_forbidden([avatar], has_permission=False)
    refuse_forbidden([avatar], has_permission=True)


@pytest.mark.parametrize(
    ("name", "triangles", "parts", "kind", "filled"),
    [
        ("godette_vrm0.vrm", 3439, 4, "VRM 0.x", ()),
        ("cryptovoxels_vrm0.vrm", 4907, 1, "VRM 0.x", ()),
        ("female_mannequin_vrm1.vrm", 14244, 2, "VRM 1.0", ()),
        ("human-sintel.glb", 41306, 4, "glTF", ()),
        ("kaykit_Knight.glb", 6952, 15, "glTF", ("neck", "leftShoulder", "rightShoulder")),
    ],
)
def test_real_avatars_load_whole(name, triangles, parts, kind, filled):
    avatar = load_avatar(shared_path(f"avatars/models/{name}"))
    assert sum(len(part.triangles) for part in avatar.surfaces.parts) == triangles
    assert len(avatar.surfaces.parts) == parts
    assert avatar.format == kind
    assert avatar.skeleton.filled == filled


def test_the_compressed_avatar_is_refused_by_its_extension():
    with pytest.raises(ValueError, match="EXT_meshopt_compression"):
        load_avatar(shared_path("avatars/models/valid_asian_f1_casual_meshopt.glb"))


def test_godettes_materials_are_her_files_numbers():
    path = shared_path("avatars/models/godette_vrm0.vrm")
    document = json.loads(path.read_bytes()[20:].partition(b"BIN\0")[0][:-4].rstrip(b"\0 "))
    stored = document["extensions"]["VRM"]["materialProperties"][1]
    surfaces = read_surfaces(read_gltf(path))
    (body,) = [material for material in surfaces.materials if material.name == "Body"]
    assert stored["vectorProperties"]["_ShadeColor"][0] == 0.5
    assert body.shade_color[0] == pytest.approx(0.21404, abs=1e-5)  # sRGB 0.5 as light
    # Lit from -0.239 to 0.2 - 0.8 x 0.239: the middle and half the span, as MToon 1.0 has them.
    assert body.shading_shift == pytest.approx(0.1151, abs=1e-6)
    assert body.shading_toony == pytest.approx(0.8761, abs=1e-6)
    assert body.outline_width == pytest.approx(0.5 * 0.005)
