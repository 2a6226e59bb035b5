"""Flat poses on a character of other proportions: numbers by hand, and against motions in 3D."""

import json
from dataclasses import replace

import numpy as np
import pytest

from motion_files_by_hand import FIGURE, figure_gltf, written
from psgan_tf.generation.pose_sequences import (
    PoseSequence,
    SequenceOptions,
    read_sequence,
    rest_skeleton_of_file,
    write_sequence,
)
from psgan_tf.generation.pose_spec import PoseSpec, View, keypoints_of_motion
from psgan_tf.keypoints.dataset_folder import ManifestRow, write_folder
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.keypoints.schema_conversion import convert_keypoints
from psgan_tf.motion.camera import Camera
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.keypoint_retarget import believed_length, retarget_flat
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_of
from shared_assets import shared_path
from tools.avatars.builtin.motions.motions import MOTIONS
from tools.avatars.builtin.motions.posing import body_motion
from tools.avatars.builtin.writers.vrma_writer import vrma_bytes

AVATAR20, OPENPOSE18 = SKELETONS["avatar20"], SKELETONS["openpose18"]
SKETCHES = {sketch.name: sketch for sketch in MOTIONS}
# 50 px for a metre, the middle of the picture 0.8 m above the ground, which is at y = 100 - 10.
CAMERA = Camera(100, 50.0, target=(0.0, 0.8, 0.0))

# The figure with legs of three quarters, arms and trunk a third longer, and narrow shoulders.
OTHER = {
    name: (parent, (x * (0.8 if "Shoulder" in name else 1.2), 0.3 + 1.3 * (y - 0.4), z))
    if y >= 0.9
    else (parent, (1.2 * x, 0.75 * y, z))
    for name, (parent, (x, y, z)) in FIGURE.items()
}


def px(x, y):
    return np.array([x, y])


def row(name):
    return AVATAR20.index(name)


def rest_of(tmp_path, figure=FIGURE):
    """The rest skeleton of a figure."""
    return rest_skeleton_of(
        rig_of_gltf(read_gltf(written(tmp_path, "f.glb", figure_gltf(figure=figure).glb())))
    )


@pytest.fixture
def rest(tmp_path):
    return rest_of(tmp_path)


def t_pose(num_frames=1):
    """[F, 20, 3]: the figure in the T-pose as the camera shows it, its toes pointing down."""
    keypoints = np.ones((num_frames, 20, 3), np.float32)
    for name in AVATAR20.keypoints:
        x, y, _ = FIGURE[name][1]
        keypoints[:, row(name), :2] = [50 + 50 * x, 90 - 50 * y]
        if name.endswith("Toes"):  # as long in the picture as they are in space
            above = FIGURE[name[: -len("Toes")] + "Foot"][1][1]
            keypoints[:, row(name), 1] = 90 - 50 * above + 50 * np.hypot(0.1, 0.15)
    return keypoints


@pytest.mark.parametrize("ground", ["motion", "frame", "none"])
def test_the_character_itself_stays_as_it_is(rest, ground):
    np.testing.assert_allclose(retarget_flat(t_pose(), rest, CAMERA, ground), t_pose(), atol=1e-4)


def test_size_and_place_in_the_picture_do_not_matter(rest):
    small = t_pose()
    small[..., :2] = 0.4 * small[..., :2] + [33, 7]
    found = retarget_flat(small, rest, CAMERA)
    np.testing.assert_allclose(found, retarget_flat(t_pose(), rest, CAMERA), atol=1e-3)


def test_limbs_keep_their_direction_and_foreshortening_and_take_the_character_s_lengths(rest):
    """Forearms of the figure are 12.5 px long; the source's are 25, in frame 1 seen at 20."""
    poses = t_pose(2)
    elbow = poses[0, row("leftLowerArm"), :2]
    poses[0, row("leftHand"), :2] = elbow + px(0, -25)
    poses[1, row("leftHand"), :2] = elbow + px(12, 16)
    poses[:, row("rightHand"), :2] = poses[:, row("rightLowerArm"), :2] + [0, 25]
    found = retarget_flat(poses, rest, CAMERA, "none")
    np.testing.assert_allclose(found[0, row("leftHand"), :2], elbow + px(0, -12.5), atol=1e-3)
    np.testing.assert_allclose(found[1, row("leftHand"), :2], elbow + px(6, 8), atol=1e-3)
    others = [i for i in range(20) if "Hand" not in AVATAR20.keypoints[i]]
    np.testing.assert_allclose(found[:, others], poses[:, others], atol=1e-3)


def test_left_and_right_limbs_are_of_one_length(rest):
    """The left forearm always points half at the viewer; the right one shows how long both are."""
    poses = t_pose()
    poses[0, row("leftHand"), :2] = poses[0, row("leftLowerArm"), :2] + [0, 10]
    poses[0, row("rightHand"), :2] = poses[0, row("rightLowerArm"), :2] + [0, 20]
    # 95 % of the way from the shorter to the longer one is 19.5 px.
    found = retarget_flat(poses, rest, CAMERA, "none") - poses
    assert found[0, row("leftHand"), 1] == pytest.approx(12.5 * 10 / 19.5 - 10, abs=1e-3)
    assert found[0, row("rightHand"), 1] == pytest.approx(12.5 * 20 / 19.5 - 20, abs=1e-3)


@pytest.mark.parametrize(
    ("seen_px", "expected_px", "believed_px"),
    [(30, 20, 30), (10, 20, 10), (8, 20, 8), (4, 20, 20 / 1.75), (0, 20, 20), (3, 0, 3)],
)
def test_a_limb_that_never_shows_much_of_its_length_is_not_taken_for_short(
    seen_px, expected_px, believed_px
):
    assert believed_length(seen_px, expected_px) == pytest.approx(believed_px)


def test_shoulders_seen_from_the_side_stay_narrow(rest):
    """Stretched to their full width they would be 10 px from the neck; they are seen 1 px off."""
    poses = t_pose()
    for side, sign in (("left", 1), ("right", -1)):
        poses[0, row(side + "Shoulder"), 0] = 50 + 0.2 * sign
        for joint in ("UpperArm", "LowerArm", "Hand"):
            poses[0, row(side + joint), 0] = 50 + sign
    found = retarget_flat(poses, rest, CAMERA)
    assert abs(found[0, row("leftUpperArm"), 0] - 50) < 2


def test_missing_joints_stay_missing_and_what_follows_hangs_on_the_joint_before(rest):
    """Of an arm twice as long as the character's, 25 + 25 px for 12.5 + 12.5, the elbow is lost."""
    poses = t_pose(2)
    shoulder = poses[0, row("leftUpperArm"), :2]
    for side, sign in (("left", 1), ("right", -1)):
        start = poses[:, row(side + "UpperArm"), :2]
        poses[:, row(side + "LowerArm"), :2] = start + px(25 * sign, 0)
        poses[:, row(side + "Hand"), :2] = start + px(50 * sign, 0)
    poses[1, row("leftHand"), :2] = shoulder + px(30, 10)
    poses[1, row("leftLowerArm")] = 0
    found = retarget_flat(poses, rest, CAMERA, "none")
    assert found[1, row("leftLowerArm")].tolist() == [0, 0, 0]
    np.testing.assert_allclose(found[1, row("leftHand"), :2], shoulder + px(15, 5), atol=1e-3)
    np.testing.assert_allclose(found[0, row("leftHand"), :2], shoulder + px(25, 0), atol=1e-3)


def test_detectors_poses_have_no_spine_and_their_hips_between_the_thighs(rest):
    flat = convert_keypoints(
        convert_keypoints(t_pose()[0], AVATAR20, OPENPOSE18), OPENPOSE18, AVATAR20
    )
    found = retarget_flat(flat[None], rest, CAMERA)[0]
    expected = t_pose()[0]
    seen = flat[:, 2] > 0
    assert seen.sum() == 14
    # The ankles say where the ground is: 0.1 m below them.
    np.testing.assert_allclose(found[seen], expected[seen], atol=1e-3)


def test_where_hips_are_missing_they_are_between_their_neighbours(rest):
    poses = t_pose(3)
    poses[:, :, 1] -= np.array([0, 6, 12])[:, None]
    poses[1, row("hips")] = 0
    found = retarget_flat(poses, rest, CAMERA, "none")
    assert not found[1, row("hips")].any()
    seen = found[..., 2] > 0
    np.testing.assert_allclose(found[seen], poses[seen], atol=1e-3)
    poses[:, row("hips"), 2] = 0
    with pytest.raises(ValueError, match=r"shows none\. Keep its own limbs with --limbs=source"):
        retarget_flat(poses, rest, CAMERA)


def test_jumps_are_as_high_in_leg_lengths_and_the_ground_rules_are_those_of_motions(rest):
    """The source's legs are 80 px, the figure's 40: it jumps 30 px, the figure 15."""
    height_px = np.array([0, 0, 0, 10, 30, 10, 0, 0, 0])
    poses = t_pose(9)
    poses[..., :2] *= 2
    poses[:, :, 1] -= height_px[:, None]
    still = retarget_flat(t_pose(), rest, CAMERA)[0]
    for rule, hips_px in (("motion", height_px / 2), ("frame", 0 * height_px)):
        found = retarget_flat(poses, rest, CAMERA, rule)
        np.testing.assert_allclose(found[:, 0, 1], still[0, 1] - hips_px, atol=1e-3)
        np.testing.assert_allclose(found[:, 0, 0], 50, atol=1e-3)
    found = retarget_flat(poses, rest, CAMERA, "none")
    np.testing.assert_allclose(found[:, 0], poses[:, 0], atol=1e-3)
    # A camera that follows half of the height shows half of the rise; all is drawn lower by half
    # of the height of the hips, which is 1 m, or 50 px.
    rising = replace(CAMERA, follow_height=0.5)
    found = retarget_flat(poses, rest, rising) - retarget_flat(poses, rest, CAMERA)
    down_px = np.broadcast_to((50 + height_px / 2)[:, None] / 2, (9, 20))
    np.testing.assert_allclose(found[..., 1], down_px, atol=1e-3)
    with pytest.raises(ValueError, match="`ground` must be one of motion, frame, none"):
        retarget_flat(poses, rest, CAMERA, "sea")


def test_a_camera_that_stands_still_shows_the_way_that_is_gone(rest):
    poses = t_pose(2)
    poses[..., :2] *= 2
    poses[1, :, 0] += 20
    found = retarget_flat(poses, rest, Camera(100, 50.0, target=(0.0, 0.8, 0.0), follow=False))
    assert found[1, 0, 0] - found[0, 0, 0] == pytest.approx(10, abs=1e-3)


def built_in_motion(name, tmp_path):
    """A motion of the built-in character, by way of its file."""
    data = vrma_bytes(name, body_motion(SKETCHES[name]), {"version": "2.0"})
    return motion_from_file(written(tmp_path, "motion.vrma", data))


def projected(rest, name, tmp_path, view):
    """[F, 20, 3] keypoints of a built-in motion on a character."""
    pose_spec = PoseSpec(AVATAR20, 100, rest, CAMERA)
    return keypoints_of_motion(pose_spec, built_in_motion(name, tmp_path), view)


def distance(first, second):
    """Mean distance in pixels of joints that both show."""
    both = (first[..., 2] > 0) & (second[..., 2] > 0)
    return np.linalg.norm(first[both][:, :2] - second[both][:, :2], axis=-1).mean()


def fitted(source, truth):
    """The source at the size and place where it is nearest to the truth, for a fair comparison."""
    both = (source[..., 2] > 0) & (truth[..., 2] > 0)
    a, b = (keypoints[both][:, :2].astype(float) for keypoints in (source, truth))
    scale = ((a - a.mean(0)) * (b - b.mean(0))).sum() / ((a - a.mean(0)) ** 2).sum()
    placed = source.copy()
    placed[..., :2] = scale * (source[..., :2] - a.mean(0)) + b.mean(0)
    return placed


@pytest.mark.parametrize("yaw", [0, 45, 90])
@pytest.mark.parametrize("name", ["walk", "jump", "sit", "dance_idol"])
def test_poses_of_another_body_come_near_those_of_the_character_in_3d(tmp_path, rest, name, yaw):
    view = View((yaw, yaw))
    truth = projected(rest, name, tmp_path, view)
    other = projected(rest_of(tmp_path, OTHER), name, tmp_path, view)
    # Even if the source stood at the best size and place, which nobody knows.
    before = distance(fitted(other, truth), truth)
    assert distance(retarget_flat(other, rest, CAMERA), truth) < 0.7 * before


@pytest.mark.parametrize("avatar", ["female_mannequin_vrm1.vrm", "kaykit_Knight.glb"])
def test_poses_of_real_avatars_come_near_those_of_the_character_in_3d(tmp_path, rest, avatar):
    """A mannequin of a woman's proportions, and a knight with the head of a child."""
    source = rest_skeleton_of_file(shared_path(f"avatars/models/{avatar}"))
    camera = Camera(100, 40.0 / source.leg_length, target=(0.0, source.leg_length, 0.0))
    motion = built_in_motion("jump", tmp_path)
    seen = keypoints_of_motion(PoseSpec(AVATAR20, 100, source, camera), motion, View())
    truth = keypoints_of_motion(PoseSpec(AVATAR20, 100, rest, CAMERA), motion, View())
    before = distance(fitted(seen, truth), truth)
    assert distance(retarget_flat(seen, rest, CAMERA), truth) < 0.8 * before


def write_openpose(folder, keypoints):
    """OpenPose files of poses of `avatar20`, one a frame."""
    folder.mkdir()
    for number, pose in enumerate(keypoints):
        flat = convert_keypoints(pose, AVATAR20, OPENPOSE18).ravel().tolist()
        document = {"people": [{"pose_keypoints_2d": flat}], "canvas_width": 100}
        path = folder / f"walk_{number:03d}_keypoints.json"
        path.write_text(json.dumps({**document, "canvas_height": 100}))
    return str(folder)


def test_openpose_drives_the_character_in_its_own_proportions_unless_told_not_to(tmp_path, rest):
    pose_spec = PoseSpec(AVATAR20, 100, rest, CAMERA)
    truth = projected(rest, "walk", tmp_path, View())
    other = projected(rest_of(tmp_path, OTHER), "walk", tmp_path, View())
    source = write_openpose(tmp_path / "poses", other)
    plain, own, asked = (
        read_sequence(source, pose_spec, SequenceOptions(limbs=limbs)).keypoints
        for limbs in ("source", "auto", "model")
    )
    np.testing.assert_array_equal(own, asked)
    assert distance(own, truth) < 0.5 * distance(fitted(plain, truth), truth)
    bare = PoseSpec(AVATAR20, 100, None, CAMERA)
    same = read_sequence(source, bare, SequenceOptions()).keypoints
    np.testing.assert_array_equal(same, plain)
    with pytest.raises(ValueError, match=r"Received: a model without\. Use --limbs=source"):
        read_sequence(source, bare, SequenceOptions(limbs="model"))


def test_a_detector_that_sees_no_hips_leaves_its_poses_as_they_are(tmp_path, rest):
    poses = t_pose(3)
    for name in ("hips", "leftUpperLeg", "rightUpperLeg"):
        poses[:, row(name)] = 0
    source = write_openpose(tmp_path / "poses", poses)
    pose_spec = PoseSpec(AVATAR20, 100, rest, CAMERA)
    found = read_sequence(source, pose_spec, SequenceOptions()).keypoints
    hand = row("leftHand")
    np.testing.assert_allclose(found[:, hand], poses[:, hand], atol=1e-3)
    with pytest.raises(ValueError, match="shows the hips"):
        read_sequence(source, pose_spec, SequenceOptions(limbs="model"))


def test_poses_in_the_model_s_own_form_are_the_character_s_already(tmp_path, rest):
    pose_spec = PoseSpec(AVATAR20, 100, rest, CAMERA)
    small = t_pose(2)
    small[..., :2] *= 0.9
    write_sequence(tmp_path / "own.json", PoseSequence("own", 24.0, small), pose_spec)
    found = read_sequence(str(tmp_path / "own.json"), pose_spec, SequenceOptions()).keypoints
    np.testing.assert_allclose(found, small, atol=1e-3)
    asked = SequenceOptions(limbs="model")
    found = read_sequence(str(tmp_path / "own.json"), pose_spec, asked).keypoints
    np.testing.assert_allclose(found, retarget_flat(small, rest, CAMERA), atol=1e-3)


def test_motions_of_a_dataset_are_changed_where_its_avatar_is_another_one(tmp_path, rest):
    pose_spec = PoseSpec(AVATAR20, 100, rest, CAMERA)
    poses, other = t_pose(), rest_of(tmp_path, OTHER)
    poses[..., :2] *= 0.9
    attributes = {"motion": "stand", "time_s": 0.0, "avatar": "b"}
    rows = [ManifestRow("0.png", poses[0], attributes)]
    changed = retarget_flat(poses, rest, CAMERA)
    for name, card, expected in (
        ("same", {"rest_skeleton": rest.to_json()}, poses),
        ("another", {"rest_skeleton": other.to_json()}, changed),
        ("unknown", {}, changed),
        (
            "second",
            {
                "rest_skeleton": other.to_json(),
                "avatars": [
                    {"name": "a", "rest_skeleton": other.to_json()},
                    {"name": "b", "rest_skeleton": rest.to_json()},
                ],
            },
            poses,
        ),
    ):
        write_folder(tmp_path / name, AVATAR20, (100, 100), rows, card)
        found = read_sequence(str(tmp_path / name), pose_spec, SequenceOptions()).keypoints
        np.testing.assert_allclose(found, expected, atol=1e-3, err_msg=name)


def test_joints_that_come_to_lie_outside_the_picture_are_hidden(tmp_path, rest):
    """Arms raised above a picture that ends just over the head."""
    low = Camera(100, 70.0, target=(0.0, 0.7, 0.0))
    poses = t_pose(1)
    poses[:, [row("leftHand"), row("rightHand")], 1] -= 10
    source = write_openpose(tmp_path / "poses", poses)
    found = read_sequence(source, PoseSpec(AVATAR20, 100, rest, low), SequenceOptions()).keypoints
    outside = ((found[..., :2] < 0) | (found[..., :2] >= 100)).any(axis=-1)
    assert outside.any()
    assert not found[outside, 2].any()
