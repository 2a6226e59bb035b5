import json

import numpy as np
import pytest

from psgan_tf.keypoints.openpose import parse_openpose, read_openpose
from psgan_tf.keypoints.schema import SKELETONS

OPENPOSE = SKELETONS["openpose18"]


def person(count, offset=0.0, confidence=0.5, missing=()):
    """Point i at (10 i + offset, 20 i + 1) of a person with `count` points, as a flat list."""
    values = []
    for i in range(count):
        absent = i in missing
        values += [0, 0, 0] if absent else [10 * i + offset, 20 * i + 1, confidence]
    return {"pose_keypoints_2d": values}


def document(*people, **entries):
    return {"version": 1.3, "people": list(people), **entries}


def test_eighteen_points_are_taken_as_they_are():
    pose = parse_openpose(document(person(18, missing={16})))
    assert (pose.schema, pose.num_people, pose.measured_in) == ("openpose18", 1, None)
    assert pose.keypoints.dtype == np.float32
    np.testing.assert_array_equal(pose.keypoints[4], (40, 81, 1))
    np.testing.assert_array_equal(pose.keypoints[16], 0)
    assert pose.keypoints[:, 2].sum() == 17


def test_body25_keeps_its_mid_hip_and_feet_until_the_paper_asks_for_18():
    pose = parse_openpose(document(person(25)))
    assert pose.schema == "body25"
    rows = np.arange(25)
    np.testing.assert_array_equal(pose.keypoints, np.stack([10 * rows, 20 * rows + 1, rows**0], 1))
    rows = np.array([*range(8), *range(9, 15), *range(15, 19)])
    expected = np.stack([10 * rows, 20 * rows + 1, rows**0], 1)
    np.testing.assert_array_equal(pose.in_schema(OPENPOSE), expected)


def test_plain_coco_gets_a_neck_between_its_shoulders():
    pose = parse_openpose(document(person(17)))
    assert pose.keypoints.shape == (17, 3)
    points = pose.in_schema(OPENPOSE)
    shoulders = points[[OPENPOSE.index("left_shoulder"), OPENPOSE.index("right_shoulder")]]
    np.testing.assert_array_equal(shoulders[:, :2], [(50, 101), (60, 121)])
    np.testing.assert_array_equal(points[OPENPOSE.index("neck")], (55, 111, 1))


def test_the_older_key_is_read():
    old = {"pose_keypoints": person(18)["pose_keypoints_2d"]}
    np.testing.assert_array_equal(
        parse_openpose(document(old)).keypoints, parse_openpose(document(person(18))).keypoints
    )


def test_of_several_people_the_one_with_most_points_is_taken():
    few, many = person(25, 1, 0.9, missing=range(9)), person(25, 2, 0.3, missing=range(3))
    pose = parse_openpose(document(few, many, {"pose_keypoints_2d": []}))
    assert pose.num_people == 2
    assert pose.keypoints[5, 0] == 52


def test_of_people_with_as_many_points_the_surer_one_is_taken():
    pose = parse_openpose(document(person(18, 1, 0.4), person(18, 2, 0.6), person(18, 3, 0.5)))
    assert pose.keypoints[0, 0] == 2


def test_points_below_the_confidence_asked_for_are_missing():
    values = person(18)
    values["pose_keypoints_2d"][2::3] = np.linspace(0.05, 0.9, 18).tolist()
    pose = parse_openpose(document(values), min_confidence=0.45)
    assert pose.keypoints[:, 2].tolist() == [0] * 9 + [1] * 9  # 0.05 + 0.05 i > 0.45 from i = 9
    assert not pose.keypoints[:9].any()


def test_normalised_coordinates_are_recognised():
    unit = person(18)
    unit["pose_keypoints_2d"][0::3] = np.linspace(0, 1, 18).tolist()
    unit["pose_keypoints_2d"][1::3] = [0.5] * 18
    pose = parse_openpose(document(unit))
    assert pose.measured_in == (1, 1)
    np.testing.assert_allclose(pose.keypoints[17], (1, 0.5, 1))
    signed = person(18)
    signed["pose_keypoints_2d"][0::3] = np.linspace(-1, 1, 18).tolist()
    signed["pose_keypoints_2d"][1::3] = [0.0] * 18
    pose = parse_openpose(document(signed))
    assert pose.measured_in == (1, 1)
    np.testing.assert_allclose(pose.keypoints[:, 0], np.linspace(0, 1, 18), atol=1e-6)
    np.testing.assert_allclose(pose.keypoints[:, 1], 0.5)


def test_an_editors_canvas_and_list_of_frames_are_understood():
    pose = parse_openpose([document(person(18), canvas_width=512, canvas_height=768)])
    assert pose.measured_in == (512, 768)
    np.testing.assert_array_equal(pose.keypoints[1], (10, 21, 1))


def test_normalised_coordinates_keep_their_canvas():
    unit = person(18)
    unit["pose_keypoints_2d"][0::3] = [0.25] * 18
    unit["pose_keypoints_2d"][1::3] = [0.5] * 18
    pose = parse_openpose(document(unit, canvas_width=512, canvas_height=1024))
    assert (pose.measured_in, pose.canvas) == ((1, 1), (512, 1024))


@pytest.mark.parametrize(
    "people", [[], [{"pose_keypoints_2d": None}], [person(18, missing=range(18))]]
)
def test_a_picture_without_a_person_has_no_visible_keypoint(people):
    pose = parse_openpose(document(*people))
    assert pose.keypoints.shape == (18, 3)
    assert not pose.keypoints.any()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({}, "no list `people`"),
        ([], "no list `people`"),
        ({"people": [3]}, "a person is not a JSON object"),
        (document(person(19)), "57 numbers; .* 25, 18 or 17 points"),
        (document({"pose_keypoints_2d": [1.0] * 53}), "53 numbers"),
        (document({"pose_keypoints_2d": "none"}), "'none'; x, y and confidence"),
        (document({"pose_keypoints_2d": [1.0] * 53 + ["x"]}), "no finite numbers"),
        (document({"pose_keypoints_2d": [1.0] * 53 + [float("nan")]}), "no finite numbers"),
        (document({"pose_keypoints_2d": [1.0] * 53 + [10**400]}), "no finite numbers"),
        (document({"pose_keypoints_2d": [1e39] * 54}), "no finite numbers"),
        (document(canvas_width=10**400, canvas_height=9), "canvas must be of pixels"),
        (document(canvas_width=9, canvas_height=float("nan")), "canvas must be of pixels"),
        (document(canvas_width=9), "canvas must be of pixels, not 9 x None"),
        (document(canvas_width="9", canvas_height="9"), "canvas must be of pixels"),
    ],
)
def test_another_form_is_refused_with_its_reason(broken, reason):
    with pytest.raises(ValueError, match=reason):
        parse_openpose(broken)


def test_a_file_is_read_whole_or_refused(tmp_path):
    path = tmp_path / "ä_keypoints.json"
    path.write_text(json.dumps(document(person(18))), encoding="utf-8")
    assert read_openpose(path).num_people == 1
    path.write_text(json.dumps(document(person(18)))[:-5], encoding="utf-8")
    with pytest.raises(ValueError, match="not valid JSON"):
        read_openpose(path)
