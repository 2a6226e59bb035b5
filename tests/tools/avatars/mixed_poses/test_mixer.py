"""Mixed poses: what decides them, what they are made of, and that they are natural and solid."""

import numpy as np
import pytest

from motion_files_by_hand import IDENTITY, turn
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.motion.motion import Motion
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.retarget import retarget
from psgan_tf.motion.transforms import (
    conjugate_quaternions,
    multiply_quaternions,
    rotate_vectors,
    slerp,
)
from tools.avatars.builtin.body.body_field import profile_distance
from tools.avatars.builtin.body.proportions import JOINTS, PROFILES
from tools.avatars.builtin.motions.motions import TEST_MOTIONS
from tools.avatars.mixed_poses import mixer as mixed_poses
from tools.avatars.mixed_poses.mixer import (
    BEYOND_LIMITS,
    REASONS,
    PoseMixer,
    pose_numbers,
    refusal_text,
)
from tools.avatars.mixed_poses.pose_mixing import NUMBERS_PER_POSE, mirror_columns, mirrored, mix
from tools.avatars.mixed_poses.pose_pool import PARTS, part_of, pool_of

MANY = 2000


@pytest.fixture(scope="module")
def motions(builtin_files):
    return [
        motion_from_file(path)
        for name, path in builtin_files.motions.items()
        if name not in TEST_MOTIONS
    ]


@pytest.fixture(scope="module")
def mixer(koharu_skeleton, motions):
    return PoseMixer(koharu_skeleton, motions, "motion", seed=3)


@pytest.fixture(scope="module")
def many(mixer):
    """Two thousand poses of a costume."""
    return mixer.poses("girl/day", range(MANY))


def same(first, second):
    return np.array_equal(first.posed.positions, second.posed.positions) and np.array_equal(
        first.posed.rotations, second.posed.rotations
    )


def test_a_pose_is_the_same_alone_among_others_and_in_another_process(
    mixer, many, koharu_skeleton, motions
):
    other = PoseMixer(koharu_skeleton, motions, "motion", seed=3)
    for number in (0, 7, 1234):
        alone = other.poses("girl/day", [number])
        assert np.array_equal(alone.posed.positions[0], many.posed.positions[number])
        assert np.array_equal(alone.posed.rotations[0], many.posed.rotations[number])
        assert alone.refused[0] == many.refused[number]
    assert same(mixer.poses("girl/day", [5, 3]), other.poses("girl/day", [5, 3]))


def test_seed_costume_and_number_each_make_another_pose(koharu_skeleton, motions, mixer):
    first = mixer.poses("girl/day", [0])
    assert not same(first, mixer.poses("girl/night", [0]))
    assert not same(first, mixer.poses("girl/day", [1]))
    assert not same(first, PoseMixer(koharu_skeleton, motions, "motion", 4).poses("girl/day", [0]))


def test_no_pose_comes_twice(many):
    assert len(np.unique(many.posed.keypoints.round(6), axis=0)) == MANY


def still(skeleton, **turns):
    """A motion of one frame: the T-pose but for some bones, turned relative to their parents."""
    world = np.tile(IDENTITY, (1, len(skeleton.bones), 1))
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            own = np.array(turns.get(skeleton.bones[bone], IDENTITY))
            world[0, bone] = multiply_quaternions(world[0, parent], own)
    return Motion("still", "test", 1.0, skeleton.bones, world, np.zeros((1, 3)))


def test_each_part_lies_between_two_poses_of_that_part(koharu_skeleton):
    """Of two single poses, each part is the one, the other, or on the arc between them."""
    left = turn(2, -70), turn(2, 20)
    knee = turn(0, 0), turn(0, 60)
    poses = [
        still(koharu_skeleton, leftUpperArm=left[i], rightUpperArm=mirror(left[i]),
              leftLowerLeg=knee[i], rightLowerLeg=knee[i])
        for i in (0, 1)
    ]  # fmt: skip
    pool = pool_of(koharu_skeleton, poses, "motion")
    numbers = np.random.default_rng(1).random((400, NUMBERS_PER_POSE))
    local = mix(pool, numbers).local
    bones = koharu_skeleton.bones
    turns = np.degrees(2 * np.arctan2(local[..., 2], local[..., 3]))
    degrees = turns[:, bones.index("leftUpperArm")]
    pure = np.isclose(degrees, -70) | np.isclose(degrees, 20)
    assert 0.6 < pure.mean() < 0.9  # half are not blended, and half of the rest are of one pose
    assert ((degrees > -70.001) & (degrees < 20.001)).all()
    knees = np.degrees(2 * np.arctan2(local[..., 0], local[..., 3]))
    for side in ("left", "right"):
        assert np.ptp(knees[:, bones.index(side + "LowerLeg")]) > 59
    # Both knees are of the same poses, the arms are not.
    np.testing.assert_allclose(
        knees[:, bones.index("leftLowerLeg")], knees[:, bones.index("rightLowerLeg")], atol=1e-5
    )
    alike = np.isclose(-turns[:, bones.index("rightUpperArm")], degrees, atol=1e-5)
    assert 0.25 < alike.mean() < 0.75


def mirror(rotation):
    """The mirror image of a rotation as a sequence."""
    x, y, z, w = rotation
    return (x, -y, -z, w)


def test_a_blend_is_on_the_shortest_arc(koharu_skeleton):
    poses = [still(koharu_skeleton, head=turn(1, degrees)) for degrees in (10, 50)]
    pool = pool_of(koharu_skeleton, poses, "motion")
    numbers = np.zeros((1, NUMBERS_PER_POSE))
    head = PARTS.index("head")
    drawn = numbers[:, :-1].reshape(1, len(PARTS), 10)
    # Motions 0 and 1, by motion, not mirrored, blended by a quarter.
    drawn[0, head] = [0.0, 0.0, 0.9, 0.9, 0.99, 0.0, 0.9, 0.9, 0.0, 0.25]
    turned = mix(pool, numbers).local[0, koharu_skeleton.bones.index("head")]
    expected = slerp(np.array(turn(1, 10)), np.array(turn(1, 50)), np.array(0.25))
    np.testing.assert_allclose(turned, expected, atol=1e-9)
    np.testing.assert_allclose(turned, turn(1, 20), atol=1e-9)


def test_the_mirrored_draw_is_the_mirrored_pose(koharu_skeleton, motions):
    pool = pool_of(koharu_skeleton, motions, "motion")
    numbers = np.random.default_rng(2).random((60, NUMBERS_PER_POSE))
    numbers[:, -1] = np.where(np.arange(60) % 2, 0.9, 0.1)
    # Arms that stay together are those of a frame that either arm may be drawn by; by motion, both.
    drawn = numbers[:, :-1].reshape(60, len(PARTS), 10)
    drawn[::2, :, [2, 6]] = 0.9
    other = numbers.copy()
    parts = other[:, :-1].reshape(60, len(PARTS), 10)
    left, right = PARTS.index("leftArm"), PARTS.index("rightArm")
    together = numbers[:, -1] < 0.25
    parts[~together] = parts[~together][:, [0, 1, 2, right, left]]
    parts[:, :, [3, 7]] = 1.0 - parts[:, :, [3, 7]]
    first, second = mix(pool, numbers), mix(pool, other)
    columns = mirror_columns(koharu_skeleton.bones)
    apart = ~together
    expected = mirrored(first.local, columns)
    np.testing.assert_allclose(second.local[apart], expected[apart], atol=1e-9)
    np.testing.assert_allclose(second.clearances, first.clearances, atol=1e-12)
    arm = [part_of(bone).endswith("Arm") for bone in koharu_skeleton.bones]
    np.testing.assert_allclose(
        second.local[together][:, arm], expected[together][:, arm], atol=1e-9
    )


def test_a_mirrored_pose_is_the_picture_in_a_mirror(koharu_skeleton, motions):
    """Left and right change places, and x its sign, for every joint of a symmetric figure."""
    motion = motions[0]
    columns = mirror_columns(motion.bones)
    flipped = Motion(
        "flipped", "test", motion.fps, motion.bones, mirrored(motion.rotations, columns),
        motion.hips_offsets * [-1.0, 1.0, 1.0],
    )  # fmt: skip
    expected = retarget(koharu_skeleton, motion).keypoints * [-1.0, 1.0, 1.0]
    swap = SKELETONS["avatar20"].mirror_permutation
    received = retarget(koharu_skeleton, flipped).keypoints[:, list(swap)]
    np.testing.assert_allclose(received, expected, atol=1e-6)
    np.testing.assert_array_equal(
        mirrored(mirrored(motion.rotations, columns), columns), motion.rotations
    )


def hinge_degrees(posed, bone, axis):
    """[P]: how far a bone is turned about an axis of the T-pose, seen from its parent."""
    index = posed.skeleton.bones.index(bone)
    parent = posed.skeleton.parents[index]
    local = multiply_quaternions(
        conjugate_quaternions(posed.rotations[:, parent]), posed.rotations[:, index]
    )
    local = np.where(local[:, 3:] < 0, -local, local)
    return np.degrees(2 * np.arctan2(local[:, axis], local[:, 3]))


def test_elbows_and_knees_bend_one_way_and_not_too_far(many):
    for side, sign in (("left", -1.0), ("right", 1.0)):
        knee = hinge_degrees(many.posed, side + "LowerLeg", 0)
        elbow = sign * hinge_degrees(many.posed, side + "LowerArm", 1)
        for degrees in (knee, elbow):
            assert degrees.min() > -4
            assert degrees.max() < 160
            assert np.ptp(degrees) > 90


def test_heads_turn_no_further_than_necks_do(many):
    index = many.posed.skeleton.bones.index
    top, head = many.posed.rotations[:, index("upperChest")], many.posed.rotations[:, index("head")]
    relative = multiply_quaternions(conjugate_quaternions(top), head)
    face = rotate_vectors(relative, np.array([0.0, 0.0, 1.0]))
    assert np.degrees(np.arccos(face[:, 2])).max() < 75


def test_no_forearm_lies_in_the_chest_or_in_the_pelvis(many):
    """Against the built-in body's own solid, in the frame of the bone that carries it."""
    posed, torso = many.posed, PROFILES["torso"]
    index = posed.skeleton.bones.index
    along = np.linspace(0.0, 1.0, 9)[:, None, None]
    for side in ("left", "right"):
        elbow, wrist = (posed.positions[:, index(side + name)] for name in ("LowerArm", "Hand"))
        points = elbow + along * (wrist - elbow)
        for bone, low, high in (("upperChest", 1.09, 1.2), ("hips", 0.8, 0.9)):
            local = rotate_vectors(
                conjugate_quaternions(posed.rotations[:, index(bone)]),
                points - posed.positions[:, index(bone)],
            )
            places = (local + JOINTS[bone]).reshape(-1, 3)
            places = places[(places[:, 1] > low) & (places[:, 1] < high)]
            # The forearm's middle line, 0.025 m within its skin: touching flesh may yield.
            assert profile_distance(torso, places).min() > 0.01


def test_the_lowest_point_stands_where_it_does_in_the_motions(many, motions, koharu_skeleton):
    lowest = many.posed.points(koharu_skeleton.contacts)[..., 1].min(axis=1)
    heights = [
        retarget(koharu_skeleton, motion).points(koharu_skeleton.contacts)[..., 1].min(axis=1)
        for motion in motions
    ]
    assert lowest.min() == pytest.approx(0.0, abs=1e-9)
    assert lowest.max() <= np.concatenate(heights).max() + 1e-9
    assert (lowest < 1e-3).mean() > 0.7
    standing = PoseMixer(koharu_skeleton, motions, "frame", 0).poses("girl/day", range(50))
    lowest = standing.posed.points(koharu_skeleton.contacts)[..., 1].min(axis=1)
    np.testing.assert_allclose(lowest, 0.0, atol=1e-9)


def test_without_a_ground_the_hips_are_as_high_as_in_the_motions(koharu_skeleton):
    poses = [still(koharu_skeleton), still(koharu_skeleton)]
    poses[1].hips_offsets[0, 1] = 0.5
    mixed = PoseMixer(koharu_skeleton, poses, "none", 0).poses("girl/day", range(40))
    height, legs = koharu_skeleton.offsets[0, 1], koharu_skeleton.leg_length
    rises = (mixed.posed.hips[:, 1] - height) / legs
    assert rises.min() == pytest.approx(0.0)
    assert rises.max() == pytest.approx(0.5)


def test_arms_are_high_more_often_than_in_the_motions(many, motions, koharu_skeleton):
    names = SKELETONS["avatar20"].keypoints
    shoulder, hand = names.index("leftUpperArm"), names.index("leftHand")

    def high(keypoints):
        return (keypoints[:, hand, 1] > keypoints[:, shoulder, 1]).mean()

    share = np.mean([high(retarget(koharu_skeleton, motion).keypoints) for motion in motions])
    assert high(many.posed.keypoints) > 1.3 * share


def test_what_is_refused_is_counted_and_drawn_again(mixer, many):
    reasons = {reason for one in many.refused for reason in one}
    assert reasons <= set(REASONS)
    assert 0.03 < sum(map(len, many.refused)) / MANY < 0.3
    number = next(i for i, one in enumerate(many.refused) if one)
    assert not np.array_equal(
        pose_numbers(3, "girl/day", number, 0), pose_numbers(3, "girl/day", number, 1)
    )


def test_refusals_in_words():
    refused = [(), (BEYOND_LIMITS,), (), (REASONS[1], BEYOND_LIMITS), (), ()]
    assert refusal_text(refused) == (
        f"33.3% of the drawn poses were refused: 22.2% for {REASONS[0]}, 11.1% for {REASONS[1]}"
    )
    assert refusal_text([(), ()]) == "0.0% of the drawn poses were refused"
    assert refusal_text([]) == "0.0% of the drawn poses were refused"


def test_motions_that_give_no_solid_pose_are_an_error(koharu_skeleton, monkeypatch):
    monkeypatch.setattr(mixed_poses, "_MOST_ATTEMPTS", 20)
    through = still(koharu_skeleton, leftUpperArm=turn(1, -170), rightUpperArm=turn(1, 170))
    with pytest.raises(ValueError, match=r"`motions` must give poses .* refused, the last for an "):
        PoseMixer(koharu_skeleton, [through], "motion", 0).poses("girl/day", [0])


def test_every_bone_belongs_to_a_part(koharu_skeleton):
    parts = {part: [b for b in koharu_skeleton.bones if part_of(b) == part] for part in PARTS}
    assert sum(map(len, parts.values())) == len(koharu_skeleton.bones)
    assert parts["trunk"] == ["spine", "chest", "upperChest"]
    assert set(parts["head"]) == {"neck", "head", "leftEye", "rightEye"}
    assert {"hips", "leftToes", "rightUpperLeg"} <= set(parts["legs"])
    assert {"leftShoulder", "leftThumbDistal"} <= set(parts["leftArm"])


def test_poses_of_koharu128_stay_what_its_pictures_show(koharu_skeleton, motions):
    """Two poses as they were rendered; who changes them makes another dataset of the same name."""
    posed = PoseMixer(koharu_skeleton, motions, "motion", 0).poses("koharu/witch", [0, 4599]).posed
    bones = ["leftHand", "rightHand", "leftFoot", "rightFoot", "head"]
    expected = [
        [
            [0.58558, 1.08683, 0.17094],
            [0.01914, 1.42457, 0.32839],
            [0.02378, 0.11345, 0.11567],
            [-0.04022, 0.27616, 0.27347],
            [0.14401, 1.15257, 0.09845],
        ],
        [
            [0.12078, 1.17129, 0.23249],
            [-0.15505, 1.14343, 0.26866],
            [0.04699, 0.11894, 0.23693],
            [-0.02465, 0.09264, -0.14949],
            [0.0104, 1.29742, 0.02812],
        ],
    ]
    columns = [koharu_skeleton.bones.index(bone) for bone in bones]
    np.testing.assert_allclose(posed.positions[:, columns], expected, atol=2e-5)
