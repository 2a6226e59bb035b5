"""Keypoints of avatars that have all bones, that lack some, and through a dataset card."""

import json

import numpy as np
import pytest

from motion_files_by_hand import FIGURE, GltfBuilder, figure_gltf, written
from psgan_tf.motion.foot_tips import foot_tips
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.rest_skeleton import (
    KEYPOINT_NAMES,
    rest_skeleton_from_json,
    rest_skeleton_of,
)
from psgan_tf.motion.retarget import retarget, rig_matrices
from shared_assets import shared_path


def figure_rig(tmp_path, without=(), figure=None):
    kept = {
        bone: ("chest" if parent in without else parent, place)
        for bone, (parent, place) in (figure or FIGURE).items()
        if bone not in without
    }
    return rig_of_gltf(read_gltf(written(tmp_path, "f.glb", figure_gltf(figure=kept).glb())))


def rest_points(skeleton):
    return {point.name: skeleton.t_pose[point.bone] + point.offset for point in skeleton.keypoints}


def test_keypoints_are_the_joints_of_their_bones(tmp_path):
    skeleton = rest_skeleton_of(figure_rig(tmp_path))
    assert tuple(point.name for point in skeleton.keypoints) == KEYPOINT_NAMES
    assert skeleton.filled == ()
    for name, place in rest_points(skeleton).items():
        np.testing.assert_allclose(place, FIGURE[name][1], atol=1e-6)


def test_a_missing_neck_lies_between_the_arms_half_way_up_to_the_head(tmp_path):
    skeleton = rest_skeleton_of(figure_rig(tmp_path, without=["neck"]))
    assert skeleton.filled == ("neck",)
    np.testing.assert_allclose(rest_points(skeleton)["neck"], [0, 1.525, 0], atol=1e-6)


def test_missing_shoulders_lie_a_third_of_the_way_from_neck_to_arms(tmp_path):
    rig = figure_rig(tmp_path, without=["leftShoulder", "rightShoulder"])
    skeleton = rest_skeleton_of(rig)
    assert skeleton.filled == ("leftShoulder", "rightShoulder")
    points = rest_points(skeleton)
    np.testing.assert_allclose(points["leftShoulder"], [0.2 / 3, 1.5 - 0.05 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(points["rightShoulder"], [-0.2 / 3, 1.5 - 0.05 / 3, 0], atol=1e-6)


def test_missing_toes_lie_where_they_are_said_to_be(tmp_path):
    rig = figure_rig(tmp_path, without=["leftToes", "rightToes"])
    tips = {"left": np.array([0.12, 0.02, 0.2]), "right": np.array([-0.12, 0.02, 0.2])}
    skeleton = rest_skeleton_of(rig, tips)
    assert skeleton.filled == ("leftToes", "rightToes")
    np.testing.assert_allclose(rest_points(skeleton)["leftToes"], tips["left"], atol=1e-6)
    # Without a mesh, a fifth of a leg in front of the ankle.
    guessed = rest_points(rest_skeleton_of(rig))
    np.testing.assert_allclose(guessed["rightToes"], [-0.1, 0, 0.16], atol=1e-6)


def boots_gltf(tmp_path):
    """A figure without toes, a skinned boot on the left foot and a rigid one on the right."""
    figure = {bone: value for bone, value in FIGURE.items() if "Toes" not in bone}
    names = list(figure)
    builder = figure_gltf(figure=figure)
    box = np.array([[x, y, z] for x in (-0.05, 0.05) for y in (0, 0.1) for z in (-0.05, 0.18)])
    left = box + np.array([0.1, 0, 0])
    right = box - [0, 0.1, 0]  # rigid: relative to the right foot's node at height 0.1
    belt = np.array([[0, 0.9, 3.0]])
    builder.document["meshes"] = [
        {
            "primitives": [
                {
                    "attributes": {
                        "POSITION": builder.accessor([*left, *belt], "VEC3"),
                        "JOINTS_0": builder.accessor([[0, 1, 0, 0]] * 9, "VEC4", 5121),
                        "WEIGHTS_0": builder.accessor(
                            [[0.8, 0.2, 0, 0]] * 8 + [[0, 1, 0, 0]], "VEC4"
                        ),
                    }
                }
            ]
        },
        {"primitives": [{"attributes": {"POSITION": builder.accessor(right, "VEC3")}}]},
    ]
    joints = [names.index("leftFoot"), names.index("hips")]
    binds = [np.eye(4), np.eye(4)]
    for bind, joint in zip(binds, ("leftFoot", "hips"), strict=True):
        bind[:3, 3] = -np.array(FIGURE[joint][1])
    builder.document["skins"] = [
        {
            "joints": joints,
            "inverseBindMatrices": builder.accessor([bind.T for bind in binds], "MAT4"),
        }
    ]
    builder.document["nodes"].append({"name": "boot", "mesh": 0, "skin": 0})
    builder.document["nodes"][names.index("rightFoot")]["mesh"] = 1
    return read_gltf(written(tmp_path, "boots.glb", builder.glb()))


def test_the_tips_of_the_feet_are_seen_in_the_mesh(tmp_path):
    gltf = boots_gltf(tmp_path)
    tips = foot_tips(gltf, rig_of_gltf(gltf))
    np.testing.assert_allclose(tips["left"], [0.1, 0.05, 0.18], atol=1e-6)
    np.testing.assert_allclose(tips["right"], [-0.1, 0.05, 0.18], atol=1e-6)


def test_joints_beyond_the_skin_are_refused(tmp_path):
    gltf = boots_gltf(tmp_path)
    gltf.document.raw["skins"][0]["joints"].pop()
    with pytest.raises(ValueError, match=r"indices of the skin's joints. Received: 1"):
        foot_tips(gltf, rig_of_gltf(gltf))


def test_an_avatar_without_vertices_on_its_feet_has_no_tips(tmp_path):
    builder = figure_gltf()
    gltf = read_gltf(written(tmp_path, "f.glb", builder.glb()))
    assert foot_tips(gltf, rig_of_gltf(gltf)) == {}


@pytest.mark.parametrize("bone", ["spine", "leftHand", "rightLowerArm"])
def test_an_avatar_without_a_required_bone_is_refused(tmp_path, bone):
    gone = [b for b in FIGURE if b == bone or (bone == "rightLowerArm" and b == "rightHand")]
    kept = {
        b: ("hips" if parent in gone else parent, place)
        for b, (parent, place) in FIGURE.items()
        if b not in gone
    }
    with pytest.raises(ValueError, match=f"f.glb.*without {bone}"):
        rest_skeleton_of(figure_rig(tmp_path, figure=kept))


def test_unevenly_scaled_bones_are_refused(tmp_path):
    builder = figure_gltf()
    builder.document["nodes"][list(FIGURE).index("leftUpperArm")]["scale"] = [1, 1.5, 1]
    rig = rig_of_gltf(read_gltf(written(tmp_path, "f.glb", builder.glb())))
    with pytest.raises(ValueError, match=r"evenly scaled bones.*'leftUpperArm'"):
        rest_skeleton_of(rig)


def test_a_rig_in_centimetres_below_a_scaled_node_is_measured_in_metres(tmp_path):
    builder = GltfBuilder()
    large = {b: (p, tuple(100 * x for x in place)) for b, (p, place) in FIGURE.items()}
    builder.document["nodes"] = figure_gltf(figure=large).document["nodes"]
    builder.document["nodes"].append({"scale": [0.01] * 3, "children": [0]})
    rig = rig_of_gltf(read_gltf(written(tmp_path, "cm.glb", builder.glb())))
    skeleton = rest_skeleton_of(rig)
    assert skeleton.leg_length == pytest.approx(0.8)
    np.testing.assert_allclose(rest_points(skeleton)["head"], [0, 1.6, 0], atol=1e-6)


KNIGHT_FILLED = ("neck", "leftShoulder", "rightShoulder")


def test_a_real_avatar_without_neck_and_shoulders_says_what_was_filled():
    gltf = read_gltf(shared_path("avatars/models/kaykit_Knight.glb"))
    skeleton = rest_skeleton_of(rig_of_gltf(gltf))
    assert skeleton.filled == KNIGHT_FILLED
    points = rest_points(skeleton)
    assert points["head"][1] > points["neck"][1] > points["leftUpperArm"][1]
    assert points["leftUpperArm"][0] > points["leftShoulder"][0] > 0


def test_filled_points_ride_on_their_bones_as_the_mesh_does():
    # The same two points carried by the rig's own matrices.
    gltf = read_gltf(shared_path("avatars/models/kaykit_Knight.glb"))
    rig = rig_of_gltf(gltf)
    skeleton = rest_skeleton_of(rig)
    motion = motion_from_file(gltf.path, "1H_Melee_Attack_Chop")
    posed = retarget(skeleton, motion)
    chest = rig.bones["chest"]
    at_rest = rig.canonical_from_world @ rig.rest_world_matrices[chest]
    matrices = rig_matrices(rig, posed)
    for name in KNIGHT_FILLED:
        point = np.append(rest_points(skeleton)[name], 1.0)
        carried = matrices[:, chest] @ np.linalg.inv(at_rest) @ point
        index = KEYPOINT_NAMES.index(name)
        np.testing.assert_allclose(posed.keypoints[:, index], carried[:, :3], atol=1e-6)


@pytest.mark.parametrize("avatar", ["godette_vrm0.vrm", "kaykit_Mage.glb"])
def test_a_skeleton_in_a_card_poses_exactly_as_the_avatar(avatar):
    gltf = read_gltf(shared_path(f"avatars/models/{avatar}"))
    skeleton = rest_skeleton_of(rig_of_gltf(gltf), foot_tips(gltf, rig_of_gltf(gltf)))
    card = json.loads(json.dumps(skeleton.to_json()))
    motion = motion_from_file(shared_path("avatars/motions/m2m_victory.bvh"))
    expected = retarget(skeleton, motion).keypoints
    received = retarget(rest_skeleton_from_json(card), motion).keypoints
    np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.pop("bones"), "must have a member `bones`"),
        (lambda card: card["bones"].reverse(), "stands before it|begin with the hips"),
        (lambda card: card["bones"][3].update(parent="tail"), "stands before it"),
        (lambda card: card["bones"][3].update(parent=None), "must name a parent"),
        (lambda card: card["bones"][3].update(offset=[1, 2]), "must have 3 numbers"),
        (lambda card: card["keypoints"][3].update(bone="tail"), r"keypoints\[3\].bone"),
        (lambda card: card.update(leg_length=0), "`leg_length` must be above 0"),
        (lambda card: card.update(contacts=[]), "`contacts` must hold"),
    ],
)
def test_a_damaged_card_says_where(tmp_path, change, message):
    card = rest_skeleton_of(figure_rig(tmp_path)).to_json()
    change(card)
    with pytest.raises(ValueError, match=message):
        rest_skeleton_from_json(card)
