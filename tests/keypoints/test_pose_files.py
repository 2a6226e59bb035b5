"""Pose files of all forms, read as they stand, and turned into one another by the program."""

import json

import numpy as np
import pytest

from psgan_tf.keypoints.dataset_folder import ManifestRow, write_folder
from psgan_tf.keypoints.named_poses import read_poses
from psgan_tf.keypoints.pose_conversion import (
    FORMATS,
    PoseSet,
    read_pose_set,
    schema_for,
    write_pose_set,
)
from psgan_tf.keypoints.pose_files import FilePose, parse_poses
from psgan_tf.keypoints.schema import SKELETONS, Skeleton
from psgan_tf.keypoints.schema_conversion import convert_keypoints
from run_programs import run

AVATAR, BODY25 = SKELETONS["avatar20"], SKELETONS["body25"]
OPENPOSE, COCO = SKELETONS["openpose18"], SKELETONS["coco17"]


def pose(skeleton, seed=0, missing=(), size=(512, 768)):
    """A pose at places that are all different, with some points missing."""
    points = np.random.default_rng(seed).uniform(2, 500, (skeleton.num_keypoints, 3)).astype("f")
    points[:, 2] = 1
    points[list(missing)] = 0
    return FilePose(f"p_{seed:04d}", skeleton, points, size)


def people(*everyone, **entries):
    return {"people": [{"pose_keypoints_2d": np.ravel(p).tolist()} for p in everyone], **entries}


def the_points(document, **options):
    [found] = parse_poses("p", document, **options)
    return found.keypoints


# -------------------------------------------------------------------------------------------------
# Reading the variants of pose editors


CANVAS = {"canvas_width": 512, "canvas_height": 768}
KNOWN = pose(OPENPOSE, missing=(4, 16)).keypoints


def variants():
    person = people(KNOWN)["people"][0]
    nulls = {"pose_keypoints_2d": [*person["pose_keypoints_2d"]]}
    nulls["pose_keypoints_2d"][12:15] = [None, None, 0]
    hands = {**person, "hand_left_keypoints_2d": [9.0] * 63, "face_keypoints_2d": None}
    early = [[float(x), float(y)] if v else None for x, y, v in KNOWN]
    return {
        "one object": {"people": [person], "animals": [[[1, 2, 1]] * 17], **CANVAS},
        "list of frames": [{"people": [hands], **CANVAS}],
        "frames in an object": {"frames": [{"persons": [nulls]}], **CANVAS},
        "nobody else": {"people": [{"pose_keypoints_2d": None}, nulls], **CANVAS},
        "early form": {"width": 512, "height": 768, "keypoints": [early]},
        "early form, first of two": {
            "width": 512,
            "height": 768,
            "keypoints": [[None] * 18, early],
        },
        "early form of one": {"width": 512, "height": 768, "keypoints": early},
        "normalised": people(KNOWN / np.float32([512, 768, 1]), **CANVAS),
    }


@pytest.mark.parametrize("variant", variants())
def test_each_variant_of_the_editors_gives_the_same_pose(variant):
    [found] = parse_poses("p", variants()[variant])
    assert (found.skeleton, found.size, found.name) == (OPENPOSE, (512, 768), "p")
    np.testing.assert_allclose(found.keypoints, KNOWN, rtol=1e-6)


def test_frames_keep_their_order_and_one_with_no_one_its_place():
    frames = [people(pose(BODY25, seed).keypoints, **CANVAS) for seed in range(3)]
    frames[1] = {"people": [], **CANVAS}
    found = parse_poses("dance", frames)
    assert [p.name for p in found] == ["dance_0000", "dance_0001", "dance_0002"]
    assert not found[1].keypoints.any()
    np.testing.assert_array_equal(found[2].keypoints, pose(BODY25, 2).keypoints)


def test_the_most_complete_person_is_taken_unless_another_is_asked_for():
    few, many = pose(BODY25, 1, range(9)).keypoints, pose(BODY25, 2, range(3)).keypoints
    document = people(few, many, **CANVAS)
    np.testing.assert_array_equal(the_points(document), many)
    np.testing.assert_array_equal(the_points(document, person=1), few)
    assert not the_points(document, person=3).any()
    with pytest.raises(ValueError, match=r"`person` must be 1 or more\. Received: 0"):
        the_points(document, person=0)


def test_normalised_points_of_a_file_without_a_canvas_need_a_size():
    unit = people(KNOWN / np.float32([512, 768, 1]))
    np.testing.assert_allclose(the_points(unit, default_size=(512, 768)), KNOWN, rtol=1e-6)
    with pytest.raises(ValueError, match="`pose_size` must be given"):
        the_points(unit)


def test_coco_results_are_read_by_picture_and_score():
    best, other = (pose(COCO, seed).keypoints for seed in (1, 2))
    entries = [
        {"image_id": 7, "keypoints": np.ravel(other).tolist(), "score": 0.5},
        {"image_id": 9, "keypoints": np.ravel(other).tolist(), "score": 0.5},
        {"image_id": 7, "keypoints": np.ravel(best).tolist(), "score": 0.9},
    ]
    first, second = parse_poses("results", entries)
    assert (first.name, second.name, first.size) == ("7", "9", None)
    np.testing.assert_array_equal(first.keypoints, best)
    np.testing.assert_array_equal(second.keypoints, other)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([people(KNOWN), 3], "no list `people`"),
        ({"frames": [{"pose": 1}]}, "no list `people`"),
        ({"width": 9, "height": 9, "keypoints": [[[1]]]}, r"the point \[1\]; x and y are needed"),
        ({"width": 9, "height": 9, "keypoints": [[1, 2]] * 3}, "9 numbers; .* 25, 18 or 17 points"),
        ({"width": 9, "keypoints": [[1, 2]] * 18}, "canvas must be of pixels, not 9 x None"),
        ({"annotations": [{"image_id": 1, "keypoints": [1, 2]}]}, "2 numbers; .* 17 points"),
        ({"annotations": [{"keypoints": [1.0] * 51}]}, "no `image_id`"),
        ({"annotations": 3}, "must be lists"),
        (
            {"schema": "coco17", "image_size": [9, 9], "frames": [], "names": ["a"]},
            "`names` must be a list of 0 names",
        ),
        ({"schema": "coco17", "image_size": [9.5, 9], "frames": []}, "in whole pixels"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(document, message):
    with pytest.raises(ValueError, match=message):
        parse_poses("p", document)


# -------------------------------------------------------------------------------------------------
# Writing and reading back


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_what_was_written_reads_back_bit_by_bit(tmp_path, skeleton, format_name):
    found = PoseSet(tuple(pose(skeleton, seed, missing=(3, 6)) for seed in range(3)))
    wanted = found.converted(schema_for(format_name, skeleton))
    written = write_pose_set(tmp_path / "clip", wanted, format_name)
    assert len(written) == 3
    back = read_pose_set(str(tmp_path / "clip"))
    assert [p.size for p in back.poses] == [(512, 768)] * 3
    for expected, read in zip(wanted.poses, back.poses, strict=True):
        assert (read.name, read.skeleton) == (expected.name, expected.skeleton)
        np.testing.assert_array_equal(read.keypoints, expected.keypoints)


def test_one_file_keeps_rate_and_names(tmp_path):
    own = Skeleton("tail2", ("root", "tip"))
    poses = tuple(pose(own, seed)._replace(name=f"wag {seed}") for seed in range(2))
    write_pose_set(tmp_path / "wag.json", PoseSet(poses, 12.5), "psgan")
    back = read_pose_set(str(tmp_path / "wag.json"))
    assert (back.fps, back.skeleton) == (12.5, own)
    assert [p.name for p in back.poses] == ["wag 0", "wag 1"]


def test_a_frame_with_no_one_stays_one_in_editors_and_coco_files(tmp_path):
    poses = PoseSet((pose(COCO, 0), pose(COCO, 1, range(17)), pose(COCO, 2)))
    for format_name in ("controlnet", "coco"):
        converted = poses.converted(schema_for(format_name, COCO))
        write_pose_set(tmp_path / f"{format_name}.json", converted, format_name)
        back = read_pose_set(str(tmp_path / f"{format_name}.json")).poses
        assert [bool(p.keypoints.any()) for p in back] == [True, False, True]


def test_names_that_are_no_file_names_stay_in_the_folder(tmp_path):
    names = ("../up", "..", "a/b", "a_b", "A_B")
    poses = tuple(pose(COCO, i)._replace(name=name) for i, name in enumerate(names))
    written = write_pose_set(tmp_path / "out", PoseSet(poses), "coco")
    assert {path.parent for path in written} == {tmp_path / "out"}
    assert len({path.name.casefold() for path in written}) == 5
    assert all(path.is_file() for path in written)


def test_a_folder_with_other_poses_is_not_written_into(tmp_path):
    (tmp_path / "zz_keypoints.json").write_text("{}")
    with pytest.raises(ValueError, match=r"which holds zz_keypoints\.json as well"):
        write_pose_set(tmp_path, PoseSet((pose(COCO),)), "openpose")
    assert len(list(tmp_path.iterdir())) == 1


def test_toes_of_body25_move_an_avatar(tmp_path):
    found = pose(BODY25, size=(512, 512))
    write_pose_set(tmp_path / "run.json", PoseSet((found,)), "openpose")
    [placed] = read_poses(tmp_path / "run.json", AVATAR, 512)
    expected = convert_keypoints(found.keypoints, BODY25, AVATAR)
    assert expected[AVATAR.index("leftToes"), 2] == 1
    np.testing.assert_allclose(placed.keypoints, expected, rtol=1e-6)


# -------------------------------------------------------------------------------------------------
# The program


def test_a_motion_of_a_dataset_goes_through_openpose_and_back(tmp_path):
    poses = [pose(AVATAR, seed).keypoints for seed in range(3)]
    rows = [
        ManifestRow(f"images/{i}.png", points, {"motion": "walk", "time_s": i / 8})
        for i, points in enumerate(poses)
    ]
    write_folder(tmp_path / "set", AVATAR, (512, 512), rows, {})
    status, said = run(
        "tools.convert_pose",
        f"--input={tmp_path}/set#walk",
        f"--output={tmp_path}/clip",
        "--format=openpose",
    )
    assert status == 0, said
    assert "3 poses in 3 openpose file(s); body25 from avatar20: 16 exact, 0 derived" in said
    found = read_pose_set(f"{tmp_path}/clip").converted(AVATAR)
    seen = read_pose_set(f"{tmp_path}/set#walk")
    assert seen.fps == 8
    exact = np.flatnonzero(found.poses[0].keypoints[:, 2])
    assert len(exact) == 16
    for back, points in zip(found.poses, poses, strict=True):
        np.testing.assert_array_equal(back.keypoints[exact], points[exact])


def test_a_wrong_wish_ends_with_one_line_and_writes_nothing(tmp_path):
    (tmp_path / "p_keypoints.json").write_text(json.dumps(people(KNOWN)))
    places = [f"--input={tmp_path}/p_keypoints.json", f"--output={tmp_path}/out.json"]
    status, said = run("tools.convert_pose", *places)
    assert status == 1
    [line] = said.splitlines()
    assert line.startswith("convert_pose: `pose_size` must be given: the file of pose p does not")
    assert not (tmp_path / "out.json").exists()


def test_a_motion_in_3d_is_sent_to_the_program_that_turns_it_into_poses(tmp_path):
    (tmp_path / "walk.bvh").write_text("HIERARCHY")
    with pytest.raises(ValueError, match=r"walk\.bvh, a motion in 3D\. .*--save_poses"):
        read_pose_set(str(tmp_path / "walk.bvh"))


def test_a_schema_that_a_format_does_not_have_is_refused_with_those_it_has():
    with pytest.raises(ValueError, match=r"psgan must be one of avatar20, .*Received: 'tail9'"):
        schema_for("psgan", AVATAR, "tail9")
    with pytest.raises(ValueError, match=r"coco must be one of coco17\. Received: 'body25'"):
        schema_for("coco", AVATAR, "body25")
    assert schema_for("openpose", AVATAR) == BODY25
    assert schema_for("controlnet", BODY25) == OPENPOSE
    assert schema_for("controlnet", BODY25, "body25") == BODY25


def test_poses_that_show_nothing_of_the_schema_are_refused():
    faces = pose(OPENPOSE, missing=range(1, 14))
    with pytest.raises(ValueError, match=r"show a joint of schema 'avatar20'.* 1 poses of 'open"):
        PoseSet((faces,)).converted(AVATAR)
