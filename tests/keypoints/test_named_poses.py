"""Poses from files and folders of all forms, placed by hand."""

import json

import numpy as np
import pytest

from psgan_tf.keypoints.dataset_folder import ManifestRow, write_folder
from psgan_tf.keypoints.named_poses import parse_pose_size, read_poses
from psgan_tf.keypoints.schema import SKELETONS, Skeleton
from shared_assets import shared_path

AVATAR, OPENPOSE = SKELETONS["avatar20"], SKELETONS["openpose18"]
FRAME_PX = 400


def points(skeleton, **places):
    """[M, 3] float32 with the named keypoints visible at their places, all others missing."""
    keypoints = np.zeros((skeleton.num_keypoints, 3), np.float32)
    for name, place in places.items():
        keypoints[skeleton.index(name)] = (*place, 1)
    return keypoints


def openpose_text(keypoints, **entries):
    return json.dumps({"people": [{"pose_keypoints_2d": np.ravel(keypoints).tolist()}], **entries})


def own_text(poses, **entries):
    document = {"schema": "avatar20", "image_size": [FRAME_PX, FRAME_PX]}
    return json.dumps({**document, "frames": [np.asarray(p).tolist() for p in poses], **entries})


def assert_visible(keypoints, skeleton, **places):
    """These keypoints are visible at these places, and no others are."""
    expected = points(skeleton, **places)
    assert keypoints.dtype == np.float32
    np.testing.assert_array_equal(keypoints[:, 2], expected[:, 2])
    visible = expected[:, 2] > 0
    np.testing.assert_allclose(keypoints[visible], expected[visible], rtol=1e-6)


# -------------------------------------------------------------------------------------------------
# Files of our own form


def test_a_file_of_our_own_holds_any_number_of_poses(tmp_path):
    path = tmp_path / "dance.json"
    poses = [points(AVATAR, head=(10, 20)), points(AVATAR, head=(30, 40), hips=(399, 0))]
    path.write_text(own_text(poses))
    first, second = read_poses(path, AVATAR, FRAME_PX)
    assert (first.name, second.name) == ("dance_0000", "dance_0001")
    assert_visible(first.keypoints, AVATAR, head=(10, 20))
    assert_visible(second.keypoints, AVATAR, head=(30, 40), hips=(399, 0))


def test_a_single_pose_is_called_as_its_file(tmp_path):
    path = tmp_path / "wave.json"
    path.write_text(own_text([points(AVATAR, head=(10, 20))]))
    assert [pose.name for pose in read_poses(str(path), AVATAR, FRAME_PX)] == ["wave"]


@pytest.mark.parametrize(
    ("image_size", "place"),
    [
        # Padded to 200 by 200, 50 more rows on top, and doubled.
        ([200, 100], (20, 140)),
        # 50 more columns on the left.
        ([100, 200], (120, 40)),
        ([100, 100], (40, 80)),
        ([800.0, 800.0], (5, 10)),
    ],
)
def test_another_frame_is_padded_to_a_square_and_scaled(tmp_path, image_size, place):
    path = tmp_path / "pose.json"
    path.write_text(own_text([points(AVATAR, head=(10, 20))], image_size=image_size))
    [pose] = read_poses(path, AVATAR, FRAME_PX)
    assert_visible(pose.keypoints, AVATAR, head=place)


def test_what_lies_outside_the_frame_is_not_visible(tmp_path):
    path = tmp_path / "pose.json"
    keypoints = points(AVATAR, head=(10, -0.5), hips=(400, 3), neck=(399.9, 399.9))
    path.write_text(own_text([keypoints]))
    [pose] = read_poses(path, AVATAR, FRAME_PX)
    assert_visible(pose.keypoints, AVATAR, neck=(399.9, 399.9))


def test_a_schema_of_ones_own_is_joined_by_name(tmp_path):
    path = tmp_path / "cat.json"
    cat = {"schema": "cat3", "keypoints": ["tail", "head", "hips"]}
    path.write_text(own_text([[[1, 2, 1], [3, 4, 1], [5, 6, 0]]], **cat))
    [pose] = read_poses(path, AVATAR, FRAME_PX)
    assert_visible(pose.keypoints, AVATAR, head=(3, 4))
    own = Skeleton("cat3", ("tail", "head", "hips"), (), ((0, 1),))
    [pose] = read_poses(path, own, FRAME_PX)
    assert_visible(pose.keypoints, own, tail=(1, 2), head=(3, 4))


def test_a_model_without_keypoints_takes_any_poses(tmp_path):
    path = tmp_path / "pose.json"
    path.write_text(own_text([points(AVATAR)]))
    assert len(read_poses(path, Skeleton("none", (), (), ()), FRAME_PX)) == 1


# -------------------------------------------------------------------------------------------------
# OpenPose


def test_an_openpose_file_of_a_picture_of_the_frames_size(tmp_path):
    path = tmp_path / "walk_keypoints.json"
    path.write_text(openpose_text(points(OPENPOSE, nose=(10, 20), left_ear=(300, 7.5))))
    [pose] = read_poses(path, OPENPOSE, FRAME_PX)
    assert pose.name == "walk"
    assert_visible(pose.keypoints, OPENPOSE, nose=(10, 20), left_ear=(300, 7.5))


def test_an_editors_canvas_is_padded_and_scaled(tmp_path):
    path = tmp_path / "edited.json"
    keypoints = points(OPENPOSE, nose=(10, 20))
    path.write_text(openpose_text(keypoints, canvas_width=100, canvas_height=200))
    [pose] = read_poses(path, OPENPOSE, FRAME_PX)
    assert_visible(pose.keypoints, OPENPOSE, nose=(120, 40))


def test_coordinates_from_0_to_1_span_the_frame(tmp_path):
    path = tmp_path / "small_keypoints.json"
    path.write_text(openpose_text(points(OPENPOSE, nose=(0.25, 0.5), neck=(1, 0.125))))
    [pose] = read_poses(path, OPENPOSE, FRAME_PX)
    assert_visible(pose.keypoints, OPENPOSE, nose=(100, 200))


def test_a_detectors_pose_moves_an_avatar(tmp_path):
    path = tmp_path / "wave_keypoints.json"
    keypoints = points(
        OPENPOSE, nose=(9, 9), left_shoulder=(30, 40), left_wrist=(50, 60), right_ankle=(70, 80)
    )
    path.write_text(openpose_text(keypoints))
    [pose] = read_poses(path, AVATAR, FRAME_PX)
    assert_visible(
        pose.keypoints, AVATAR, leftUpperArm=(30, 40), leftHand=(50, 60), rightFoot=(70, 80)
    )


def test_25_points_become_the_18_of_the_paper(tmp_path):
    path = tmp_path / "run_keypoints.json"
    body = points(SKELETONS["body25"], mid_hip=(5, 5), right_hip=(6, 7), left_heel=(8, 9))
    path.write_text(openpose_text(body))
    [pose] = read_poses(path, OPENPOSE, FRAME_PX)
    assert_visible(pose.keypoints, OPENPOSE, right_hip=(6, 7))


def test_a_folder_of_openpose_files_is_read_in_the_order_of_their_names(tmp_path):
    for number in (2, 0, 1):
        text = openpose_text(points(OPENPOSE, nose=(10 * number + 2, 5)))
        (tmp_path / f"frame{number}_keypoints.json").write_text(text)
    (tmp_path / "frame3_keypoints.json").write_text('{"people": []}')
    (tmp_path / "notes.json").write_text("not a pose")
    poses = read_poses(tmp_path, OPENPOSE, FRAME_PX)
    assert [pose.name for pose in poses] == ["frame0", "frame1", "frame2"]
    assert [pose.keypoints[0, 0] for pose in poses] == [2, 12, 22]


def test_coordinates_from_0_to_1_keep_the_shape_of_their_canvas(tmp_path):
    path = tmp_path / "edited.json"
    keypoints = points(OPENPOSE, nose=(0.25, 0.5), neck=(1, 0.125))
    path.write_text(openpose_text(keypoints, canvas_width=512, canvas_height=1024))
    [pose] = read_poses(path, OPENPOSE, 1024)
    assert_visible(pose.keypoints, OPENPOSE, nose=(384, 512), neck=(768, 128))
    # Without a canvas the size that the user gives has the shape.
    path.write_text(openpose_text(keypoints))
    [pose] = read_poses(path, OPENPOSE, 1024, pose_size=(256, 512))
    assert_visible(pose.keypoints, OPENPOSE, nose=(384, 512), neck=(768, 128))


def test_a_pose_size_stands_for_the_canvas_that_a_file_lacks(tmp_path):
    path = tmp_path / "walk_keypoints.json"
    keypoints = points(OPENPOSE, nose=(10, 20), neck=(90, 60))
    path.write_text(openpose_text(keypoints))
    [pose] = read_poses(path, OPENPOSE, FRAME_PX, pose_size=(100, 200))
    assert_visible(pose.keypoints, OPENPOSE, nose=(120, 40), neck=(280, 120))
    path.write_text(openpose_text(keypoints, canvas_width=400, canvas_height=400))
    [pose] = read_poses(path, OPENPOSE, FRAME_PX, pose_size=(100, 200))
    assert_visible(pose.keypoints, OPENPOSE, nose=(10, 20), neck=(90, 60))


@pytest.mark.parametrize("in_a_folder", [False, True])
def test_a_pose_all_out_of_the_frame_is_refused_by_name_with_the_remedy(tmp_path, in_a_folder):
    path = tmp_path / "b_keypoints.json"
    (tmp_path / "a_keypoints.json").write_text(openpose_text(points(OPENPOSE, nose=(1, 2))))
    path.write_text(openpose_text(points(OPENPOSE, nose=(450, 420), neck=(440, 500))))
    named = tmp_path if in_a_folder else path
    message = (
        r"b_keypoints\.json: `poses` must show .* 400 x 400 px\. Received: points with x from 440 "
        r"to 450 and y from 420 to 500\. .*`--pose_size=WxH`"
    )
    with pytest.raises(ValueError, match=message):
        read_poses(named, OPENPOSE, FRAME_PX)
    *_, last = read_poses(named, OPENPOSE, FRAME_PX, pose_size=(800, 800))
    assert_visible(last.keypoints, OPENPOSE, nose=(225, 210), neck=(220, 250))


def test_a_pose_size_is_a_width_and_a_height():
    assert parse_pose_size("512x768") == (512, 768)
    assert parse_pose_size("") is None


@pytest.mark.parametrize("text", ["512", "0x5", "512x", "x", "-1x5", "5x5x5", "1e3x5", "999999x1"])
def test_other_pose_sizes_are_refused(text):
    with pytest.raises(ValueError, match=r"`pose_size` must be a width and height .* 512x768"):
        parse_pose_size(text)


# -------------------------------------------------------------------------------------------------
# Dataset folders


def test_a_dataset_folder_gives_a_pose_for_each_of_its_lines(tmp_path):
    keypoints = [points(AVATAR, head=(10, 20)), points(AVATAR, head=(30, 50), hips=(99, 49))]
    rows = [ManifestRow(f"images/bow_{i:02d}.png", k) for i, k in enumerate(keypoints)]
    write_folder(tmp_path, AVATAR, (100, 50), rows, {})
    first, second = read_poses(tmp_path, AVATAR, FRAME_PX)
    assert (first.name, second.name) == ("bow_00", "bow_01")
    # Padded by 25 rows on top, then four times as large.
    assert_visible(first.keypoints, AVATAR, head=(40, 180))
    assert_visible(second.keypoints, AVATAR, head=(120, 300), hips=(396, 296))


def test_poses_of_the_rendered_dataset_are_taken_as_they_are():
    folder = shared_path("dataset/godette256")
    poses = read_poses(folder, AVATAR, 256)
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    assert len(poses) == len(lines) > 100
    entries = json.loads(lines[0])
    assert poses[0].name == entries["image"].removeprefix("images/").removesuffix(".png")
    np.testing.assert_allclose(poses[0].keypoints, entries["keypoints"], rtol=1e-6)
    larger = read_poses(folder, AVATAR, 1024)
    np.testing.assert_allclose(larger[0].keypoints[:, :2], 4 * poses[0].keypoints[:, :2], rtol=1e-6)


# -------------------------------------------------------------------------------------------------
# What holds no pose


def test_a_path_where_nothing_is_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"There is no file `.*nowhere\.json`\."):
        read_poses(tmp_path / "nowhere.json", AVATAR, FRAME_PX)


def test_a_folder_without_poses_says_what_it_could_hold(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"")
    message = (
        r"`poses` must name at least one pose\. Received: '.*', which holds none\. Name a dataset "
        r"folder, OpenPose files \(\*_keypoints\.json\) or a pose file\."
    )
    with pytest.raises(ValueError, match=message):
        read_poses(tmp_path, AVATAR, FRAME_PX)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"`.*pose\.json` is not valid JSON: .*line 1"),
        ("[1, 2]", r"pose\.json: not an OpenPose file"),
        ("{}", r"pose\.json: not an OpenPose file: it has no list `people`"),
        ('{"people": []}', r"`poses` must name at least one pose"),
        (own_text([]), r"`poses` must name at least one pose"),
        (own_text([], schema="avatar99"), r"pose\.json: `schema` must be one of avatar20, open"),
        (own_text([], schema=20), r"pose\.json: `schema` must be a name"),
        (
            own_text([], image_size=256),
            r"pose\.json: `image_size` must be \[width, height\] in whole.*256",
        ),
        (own_text([], image_size=[256, 0]), r"pose\.json: `image_size` must be"),
        (own_text([], image_size=[True, 9]), r"pose\.json: `image_size` must be"),
        (own_text([], frames=7), r"pose\.json: `frames` must be a list of poses\. .*: 7\. Put"),
        (own_text([[[1, 2, 1]]]), r"pose\.json: keypoints must be 20 rows of x, y, visible, not 1"),
        (own_text([[[1, 2]] * 20]), r"pose\.json: keypoint 0 must be \[x, y, visible\]"),
        (
            own_text([], frames=[[["a", 2, 1]] * 20]),
            r"pose\.json: keypoint 0: x and y must be finite",
        ),
        (
            own_text([[[1, 2, 1]]], schema="pet", keypoints=["tail"]),
            r"pose\.json: `schema` of the poses must share joints with the one wanted, "
            r"'avatar20'\. Received: 'pet', which shares none\.",
        ),
        (openpose_text([1, 2, 1]), r"pose\.json: a person has 3 numbers; x, y and confidence of"),
    ],
)
def test_a_broken_pose_file_is_refused_with_its_name_and_reason(tmp_path, text, message):
    path = tmp_path / "pose.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_poses(path, AVATAR, FRAME_PX)
