import numpy as np
import pytest

from psgan_tf.keypoints.schema import (
    SKELETONS,
    Skeleton,
    mirror_keypoints,
    skeleton_from_json,
    skeleton_named,
)
from psgan_tf.keypoints.schema_conversion import conversion_indices, convert_keypoints

AVATAR, OPENPOSE = SKELETONS["avatar20"], SKELETONS["openpose18"]
BODY25, COCO = SKELETONS["body25"], SKELETONS["coco17"]
ALL = list(SKELETONS.values())


def test_the_paper_has_twenty_avatar_and_eighteen_openpose_keypoints():
    sizes = {name: skeleton.num_keypoints for name, skeleton in SKELETONS.items()}
    assert sizes == {"avatar20": 20, "openpose18": 18, "body25": 25, "coco17": 17}


def test_rows_have_their_documented_numbers():
    assert [AVATAR.index(name) for name in ("hips", "head", "leftHand", "rightToes")] == [
        0,
        3,
        7,
        19,
    ]
    assert [OPENPOSE.index(name) for name in ("nose", "right_shoulder", "left_ear")] == [0, 2, 17]
    assert [BODY25.index(name) for name in ("mid_hip", "left_hip", "right_heel")] == [8, 12, 24]
    assert [COCO.index(name) for name in ("left_eye", "right_ankle")] == [1, 16]


def test_left_and_right_are_the_published_pairs():
    pairs = {(4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18), (15, 19)}
    assert set(AVATAR.mirror_pairs) == pairs
    pairs = {(2, 5), (3, 6), (4, 7), (8, 11), (9, 12), (10, 13), (14, 15), (16, 17)}
    assert {tuple(sorted(pair)) for pair in OPENPOSE.mirror_pairs} == pairs


@pytest.mark.parametrize("skeleton", ALL, ids=lambda s: s.name)
def test_limbs_join_all_points_into_one_figure(skeleton):
    reached, border = {0}, [0]
    while border:
        point = border.pop()
        for limb in skeleton.limbs:
            if point in limb:
                border += set(limb) - reached
                reached |= set(limb)
    assert reached == set(range(skeleton.num_keypoints))


@pytest.mark.parametrize("skeleton", ALL, ids=lambda s: s.name)
def test_limbs_are_the_same_on_both_sides(skeleton):
    swap = skeleton.mirror_permutation
    limbs = {frozenset(limb) for limb in skeleton.limbs}
    assert {frozenset(swap[i] for i in limb) for limb in limbs} == limbs


def test_body25_becomes_openpose18_by_the_published_index_list():
    assert conversion_indices(BODY25, OPENPOSE) == (*range(8), *range(9, 15), *range(15, 19))


@pytest.mark.parametrize("source", ALL, ids=lambda s: s.name)
@pytest.mark.parametrize("target", ALL, ids=lambda s: s.name)
def test_points_that_two_schemas_share_survive_the_way_there_and_back(source, target):
    points = np.random.default_rng(0).uniform(1, 99, (source.num_keypoints, 3)).astype(np.float32)
    points[:, 2] = 1
    back = convert_keypoints(convert_keypoints(points, source, target), target, source)
    shared = [row for row in conversion_indices(source, target) if row >= 0]
    assert len(shared) >= 12  # arms and legs are in every schema
    np.testing.assert_array_equal(back[shared], points[shared])


def test_a_detector_sees_the_joint_where_an_avatars_bone_begins():
    indices = dict(zip(OPENPOSE.keypoints, conversion_indices(AVATAR, OPENPOSE), strict=True))
    assert indices["left_shoulder"] == AVATAR.index("leftUpperArm")  # not the collar bone
    assert indices["right_ankle"] == AVATAR.index("rightFoot")
    assert indices["nose"] == -1


def test_a_neck_that_a_schema_lacks_is_half_way_between_the_shoulders():
    coco = np.zeros((17, 3), np.float32)
    coco[COCO.index("left_shoulder")] = (30, 20, 0.9)
    coco[COCO.index("right_shoulder")] = (10, 24, 0.5)
    neck = OPENPOSE.index("neck")
    np.testing.assert_allclose(convert_keypoints(coco, COCO, OPENPOSE)[neck], (20, 22, 0.5))
    coco[COCO.index("left_shoulder")] = 0
    np.testing.assert_array_equal(convert_keypoints(coco, COCO, OPENPOSE)[neck], 0)


def test_mirroring_maps_each_pixel_to_its_mirrored_pixel():
    keypoints = np.zeros((20, 3), np.float32)
    keypoints[0] = (10.25, 7, 1)
    keypoints[1] = (0, 8, 1)
    keypoints[2] = (255, 9, 1)
    keypoints[4] = (1e-7, 10, 1)  # 256 - x rounds to 256 in float32, out of the frame
    keypoints[5] = (30, 11, 0)
    mirrored = mirror_keypoints(keypoints, 256, AVATAR)
    assert tuple(mirrored[0]) == (245.75, 7, 1)
    assert tuple(mirrored[1]) == (255, 8, 1)
    assert tuple(mirrored[2]) == (0, 9, 1)
    assert mirrored[8, 0] == np.nextafter(np.float32(256), np.float32(0))
    assert tuple(mirrored[9]) == (30, 11, 0)  # invisible: only its row changes
    assert not mirrored[4].any()


def draw(keypoints, size):
    """Pose maps by the definition: +1 in one pixel of a plane, -1 elsewhere."""
    maps = np.full((size, size, len(keypoints)), -1)
    for plane, (x, y, visible) in enumerate(keypoints):
        if visible:
            maps[int(y), int(x), plane] = 1
    return maps


@pytest.mark.parametrize("skeleton", ALL, ids=lambda s: s.name)
def test_the_map_of_a_mirrored_pose_is_the_mirrored_map_with_planes_swapped(skeleton):
    rng = np.random.default_rng(1)
    for _ in range(20):
        keypoints = rng.uniform(0, 64, (skeleton.num_keypoints, 3)).astype(np.float32)
        keypoints[::3, :2] = np.floor(keypoints[::3, :2])
        keypoints[:, 2] = rng.integers(0, 2, skeleton.num_keypoints)
        mirrored = mirror_keypoints(keypoints, 64, skeleton)
        expected = draw(keypoints, 64)[:, ::-1, list(skeleton.mirror_permutation)]
        np.testing.assert_array_equal(draw(mirrored, 64), expected)
        twice = mirror_keypoints(mirrored, 64, skeleton)
        np.testing.assert_allclose(twice, keypoints, atol=1e-5)


@pytest.mark.parametrize("skeleton", ALL, ids=lambda s: s.name)
def test_a_schema_is_read_back_from_its_own_json(skeleton):
    assert skeleton_from_json(skeleton.to_json()) == skeleton
    assert skeleton_from_json({"schema": skeleton.name}) == skeleton


def test_a_schema_of_ones_own_pairs_left_and_right_by_name():
    document = {
        "schema": "robot4",
        "keypoints": ["body", "arm_left", "arm_right", "tail"],
        "limbs": [["body", "arm_left"], [0, 2], ["body", "tail"]],
    }
    robot = skeleton_from_json(document)
    assert robot.mirror_pairs == ((1, 2),)
    assert robot.limbs == ((0, 1), (0, 2), (0, 3))
    assert skeleton_from_json(robot.to_json()) == robot


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "`schema` must be a name"),
        ({"schema": "kinect32"}, "`schema` must be one of avatar20, openpose18"),
        ({"schema": "avatar20", "keypoints": ["head"]}, "give the schema another name"),
        ({"schema": "own", "keypoints": "head"}, "`keypoints` must be a list of names"),
        ({"schema": "own", "keypoints": ["a", "a"]}, "Received: a more than once"),
        ({"schema": "own", "keypoints": ["a", "b"], "limbs": [["a", "c"]]}, "`limbs` must be"),
        ({"schema": "own", "keypoints": ["a", "b"], "mirror_pairs": [[0, 0]]}, "different rows"),
        (
            {"schema": "own", "keypoints": ["a", "b", "c"], "mirror_pairs": [[0, 1], [1, 2]]},
            "at most once",
        ),
    ],
)
def test_a_wrong_schema_is_refused_with_its_reason(document, message):
    with pytest.raises(ValueError, match=message):
        skeleton_from_json(document)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="avatar20, openpose18, body25, coco17"):
        skeleton_named("mpii16")
    with pytest.raises(ValueError, match="hips, spine, neck, head"):
        AVATAR.index("tail")


def test_a_schema_without_keypoints_is_one_for_plain_pictures():
    assert Skeleton("none", ()).mirror_permutation == ()


def test_long_limbs_are_the_halves_of_arms_and_legs():
    def named(skeleton):
        return [f"{skeleton.keypoints[a]}-{skeleton.keypoints[b]}" for a, b in skeleton.long_limbs]

    assert named(SKELETONS["avatar20"]) == [
        "leftUpperArm-leftLowerArm",
        "leftLowerArm-leftHand",
        "rightUpperArm-rightLowerArm",
        "rightLowerArm-rightHand",
        "leftUpperLeg-leftLowerLeg",
        "leftLowerLeg-leftFoot",
        "rightUpperLeg-rightLowerLeg",
        "rightLowerLeg-rightFoot",
    ]
    for name in ("openpose18", "body25", "coco17"):
        assert len(named(SKELETONS[name])) == 8
        assert {"left_shoulder-left_elbow", "right_knee-right_ankle"} <= set(named(SKELETONS[name]))
    tail = Skeleton("tail3", ("root", "mid", "tip"), limbs=((0, 1), (1, 2)))
    assert tail.long_limbs == tail.limbs
