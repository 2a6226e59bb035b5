"""Which node is which bone: names of every convention, VRM maps, users' maps, rigs that fail."""

import json

import numpy as np
import pytest

from motion_files_by_hand import FIGURE, figure_gltf, glb, humanoid_extension, written
from psgan_tf.motion.bone_names import match_bones, read_bone_map, side_and_stem
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf, vrm_bones, vrm_version
from psgan_tf.motion.humanoid import BONE_PARENTS, HUMANOID_BONES, REQUIRED_BONES
from psgan_tf.motion.rig import check_rig
from shared_assets import shared_path

# One file's node names a convention: trunk, then the left arm and leg.
CONVENTIONS = {
    "Mixamo": (
        "mixamorig:Hips mixamorig:Spine mixamorig:Spine1 mixamorig:Spine2 mixamorig:Neck "
        "mixamorig:Head mixamorig:LeftShoulder mixamorig:LeftArm mixamorig:LeftForeArm "
        "mixamorig:LeftHand mixamorig:LeftUpLeg mixamorig:LeftLeg mixamorig:LeftFoot "
        "mixamorig:LeftToeBase"
    ),
    "Unreal": (
        "pelvis spine_01 spine_02 spine_03 neck_01 head clavicle_l upperarm_l lowerarm_l hand_l "
        "thigh_l calf_l foot_l ball_l"
    ),
    "VRM": (
        "J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck J_Bip_C_Head "
        "J_Bip_L_Shoulder J_Bip_L_UpperArm J_Bip_L_LowerArm J_Bip_L_Hand J_Bip_L_UpperLeg "
        "J_Bip_L_LowerLeg J_Bip_L_Foot J_Bip_L_ToeBase"
    ),
    "Rigify": (
        "DEF-spine DEF-spine.001 DEF-spine.002 DEF-spine.003 DEF-spine.004 DEF-spine.006 "
        "DEF-shoulder.L DEF-upper_arm.L DEF-forearm.L DEF-hand.L DEF-thigh.L DEF-shin.L "
        "DEF-foot.L DEF-toe.L"
    ),
    "Biped": (
        "Bip01_Pelvis Bip01_Spine Bip01_Spine1 Bip01_Spine2 Bip01_Neck Bip01_Head "
        "Bip01_L_Clavicle Bip01_L_UpperArm Bip01_L_Forearm Bip01_L_Hand Bip01_L_Thigh "
        "Bip01_L_Calf Bip01_L_Foot Bip01_L_Toe0"
    ),
    "joints": (
        "pelvis spine1 spine2 spine3 neck head left_collar left_shoulder left_elbow left_wrist "
        "left_hip left_knee left_ankle left_foot"
    ),
    "MMD": "腰 上半身 上半身2 上半身3 首 頭 左肩 左腕 左ひじ 左手首 左足 左ひざ 左足首 左足先EX",
}
BONES = [
    "hips",
    "spine",
    "chest",
    "upperChest",
    "neck",
    "head",
    "leftShoulder",
    "leftUpperArm",
    "leftLowerArm",
    "leftHand",
    "leftUpperLeg",
    "leftLowerLeg",
    "leftFoot",
    "leftToes",
]


def mirrored(name):
    for left, right in (("Left", "Right"), ("left", "right"), ("_L_", "_R_"), ("_l", "_r")):
        if left in name:
            return name.replace(left, right)
    return name.replace(".L", ".R").replace("左", "右")


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_names_of_each_convention_are_understood(convention):
    left = CONVENTIONS[convention].split()
    names = left + [mirrored(name) for name in left[6:]]
    match = match_bones(names)
    assert match.convention == convention
    expected = dict(zip(BONES, range(14), strict=True)) | {
        bone.replace("left", "right"): 8 + index
        for index, bone in enumerate(BONES)
        if bone.startswith("left")
    }
    assert dict(match.bones) == expected
    assert match.missing == ()


def test_vroids_fingers_are_counted():
    body = CONVENTIONS["VRM"].split()
    match = match_bones([*body, "J_Bip_L_Thumb1", "J_Bip_L_Index2", "J_Bip_L_Little3"])
    assert match.convention == "VRoid"
    assert match.bones["leftThumbMetacarpal"] == 14
    assert match.bones["leftIndexIntermediate"] == 15
    assert match.bones["leftLittleDistal"] == 16


def test_the_cmu_spine_starts_one_joint_lower():
    match = match_bones(["Hips", "LowerBack", "Spine", "Spine1", "Neck", "Head", "LeftUpLeg"])
    assert match.convention == "CMU"
    assert (match.bones["spine"], match.bones["chest"], match.bones["upperChest"]) == (1, 2, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mixamorig:LeftForeArm", ("left", "forearm")),
        ("Bip01 L Finger01", ("left", "finger01")),
        ("DEF-upper_arm.L.001", ("left", "upperarm001")),
        ("lThigh", ("left", "thigh")),
        ("RHipJoint", ("right", "hipjoint")),
        ("右人指１", ("right", "人指1")),
        ("Armature|pelvis", ("", "pelvis")),
        ("", ("", "")),
        ("joint", ("", "")),
    ],
)
def test_a_name_falls_into_side_and_stem(name, expected):
    assert side_and_stem(name) == expected


def test_of_two_nodes_of_one_name_the_skins_joint_is_taken():
    assert match_bones(["Head", "Hips", "Head"], preferred={2}).bones["head"] == 2


def test_the_humanoid_lists_parents_before_children():
    for bone, parent in BONE_PARENTS.items():
        assert parent is None or HUMANOID_BONES.index(parent) < HUMANOID_BONES.index(bone)
    assert len(REQUIRED_BONES) == 15


@pytest.mark.parametrize("version", ["0", "1", "animation"])
def test_each_vrm_extension_maps_its_bones(tmp_path, version):
    path = written(tmp_path, "f.vrm", figure_gltf(extensions=humanoid_extension(version)).glb())
    gltf = read_gltf(path)
    assert vrm_version(gltf) == version
    assert vrm_bones(gltf) == {bone: index for index, bone in enumerate(FIGURE)}


def test_the_thumbs_of_vrm_0_are_renamed(tmp_path):
    bones = [
        {"bone": "leftThumbProximal", "node": 0},
        {"bone": "leftThumbIntermediate", "node": 1},
        {"bone": "leftThumbDistal", "node": -1},
    ]
    document = {
        "asset": {"version": "2.0"},
        "nodes": [{}, {}],
        "extensions": {"VRM": {"humanoid": {"humanBones": bones}}},
    }
    gltf = read_gltf(written(tmp_path, "f.vrm", glb(document)))
    assert vrm_bones(gltf) == {"leftThumbMetacarpal": 0, "leftThumbProximal": 1}


def test_a_users_map_overrules_the_names(tmp_path):
    renamed = {bone: f"bone_{index}" for index, bone in enumerate(FIGURE)}
    builder = figure_gltf()
    for index, node in enumerate(builder.document["nodes"]):
        node["name"] = f"bone_{index}"
    gltf = read_gltf(written(tmp_path, "f.glb", builder.glb()))
    with pytest.raises(ValueError, match=r"f.glb.*without hips.*Give a bone map"):
        check_rig(rig_of_gltf(gltf))
    bone_map = read_bone_map(written(tmp_path, "map.json", json.dumps(renamed)))
    rig = check_rig(rig_of_gltf(gltf, bone_map))
    assert rig.bones == {bone: index for index, bone in enumerate(FIGURE)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"Hips": "a"}', "map.json.*humanoid bones. Received: Hips"),
        ('{"hips": 3}', "`hips` must be a text"),
        ("[]", "must be an object"),
        ("{", "JSON"),
    ],
)
def test_a_wrong_map_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_bone_map(written(tmp_path, "map.json", content))


def test_a_map_that_names_no_node_is_refused(tmp_path):
    gltf = read_gltf(written(tmp_path, "f.glb", figure_gltf().glb()))
    with pytest.raises(ValueError, match="Received: tail"):
        rig_of_gltf(gltf, {"hips": "tail"})


def figure_rig(tmp_path, figure=None, bone_map=None):
    gltf = read_gltf(written(tmp_path, "f.glb", figure_gltf(figure=figure).glb()))
    return rig_of_gltf(gltf, bone_map)


def test_a_rig_without_legs_is_refused(tmp_path):
    trunk = {b: v for b, v in FIGURE.items() if "Leg" not in b and "Foot" not in b
             and "Toes" not in b}  # fmt: skip
    with pytest.raises(ValueError, match=r"f.glb.*without leftUpperLeg, rightUpperLeg"):
        check_rig(figure_rig(tmp_path, trunk))


def test_legs_without_length_are_refused(tmp_path):
    flat = {
        bone: (parent, (place[0], 0.9, 0.0) if "Leg" in bone or "Foot" in bone else place)
        for bone, (parent, place) in FIGURE.items()
    }
    with pytest.raises(ValueError, match="legs of some length"):
        check_rig(figure_rig(tmp_path, flat))


def test_legs_in_one_place_have_no_left_and_right(tmp_path):
    narrow = {
        bone: (parent, (0.0, *place[1:]) if "Leg" in bone else place)
        for bone, (parent, place) in FIGURE.items()
    }
    with pytest.raises(ValueError, match="side by side"):
        check_rig(figure_rig(tmp_path, narrow))


def test_two_bones_on_one_node_are_refused(tmp_path):
    names = {bone: bone for bone in FIGURE} | {"leftHand": "leftLowerArm"}
    with pytest.raises(ValueError, match="leftLowerArm and leftHand on 'leftLowerArm'"):
        check_rig(figure_rig(tmp_path, bone_map=names))


def test_a_limb_in_pieces_is_refused(tmp_path):
    names = {bone: bone for bone in FIGURE} | {"leftHand": "rightHand", "rightHand": "leftHand"}
    with pytest.raises(ValueError, match="must have leftHand below leftLowerArm"):
        check_rig(figure_rig(tmp_path, bone_map=names))


def test_the_canonical_frame_of_a_figure_that_faces_z_is_the_identity(tmp_path):
    np.testing.assert_array_equal(figure_rig(tmp_path).frame, np.eye(3))


def test_a_figure_modelled_z_up_has_its_own_frame(tmp_path):
    lying = {b: (p, (x, -z, y)) for b, (p, (x, y, z)) in FIGURE.items()}
    np.testing.assert_array_equal(
        figure_rig(tmp_path, lying).frame, [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    )


@pytest.mark.parametrize(
    ("file", "faces"),
    [("godette_vrm0.vrm", -1), ("cryptovoxels_vrm0.vrm", -1), ("female_mannequin_vrm1.vrm", 1)],
)
def test_real_vrm_avatars_face_where_their_version_says(file, faces):
    rig = check_rig(rig_of_gltf(read_gltf(shared_path(f"avatars/models/{file}"))))
    np.testing.assert_array_equal(rig.frame, np.diag([faces, 1, faces]))


@pytest.mark.parametrize(
    ("file", "bones"),
    [
        ("kaykit_Knight.glb", 18),
        ("human-sintel.glb", 52),
        ("godette_vrm0.vrm", 45),
        ("female_mannequin_vrm1.vrm", 52),
        ("spec_vrm1_expressions.vrm", 22),
    ],
)
def test_real_rigs_show_all_their_bones(file, bones):
    rig = check_rig(rig_of_gltf(read_gltf(shared_path(f"avatars/models/{file}"))), REQUIRED_BONES)
    assert len(rig.bones) == bones
    left = rig.canonical_rest_position("leftHand")[0]
    assert left > 0.3 * rig.leg_length > rig.canonical_rest_position("rightHand")[0]
