"""VMD files: bytes written here, leg IK against geometry, and real dances against their source."""

import numpy as np
import pytest

from motion_files_by_hand import IDENTITY, turn, vmd, written
from psgan_tf.motion.gltf.clips import clip_index, sample_clip
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.mmd.mmd_legs import MmdRest, on_side, solve_foot, solve_leg
from psgan_tf.motion.mmd.vmd import read_vmd, sample_vmd_bone
from psgan_tf.motion.mmd.vmd_motion import motion_of_vmd
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.transforms import angles_between, rotate_vectors
from shared_assets import shared_path

HERE = (0.0, 0.0, 0.0)


def motion(tmp_path, keys, rest=None, **more):
    return motion_of_vmd(read_vmd(written(tmp_path, "a.vmd", vmd(keys, **more))), "a", rest=rest)


def rotation(moved, bone, frame=0):
    return moved.rotations[frame, moved.bones.index(bone)]


def test_keys_are_mirrored_to_canonical_axes(tmp_path):
    keys = [("センター", 0, (1, 2, 3), (0.1, 0.2, 0.3, 0.9273618))]
    bone = read_vmd(written(tmp_path, "a.vmd", vmd(keys))).bones["センター"]
    np.testing.assert_allclose(bone.positions, [[1, 2, -3]])
    np.testing.assert_allclose(bone.rotations, [[-0.1, -0.2, 0.3, 0.9273618]], atol=1e-6)


def test_keys_are_sorted_and_the_last_of_one_frame_counts(tmp_path):
    keys = [("頭", 9, (9, 0, 0), IDENTITY), ("頭", 3, (3, 0, 0), IDENTITY),
            ("頭", 9, (8, 0, 0), IDENTITY)]  # fmt: skip
    bone = read_vmd(written(tmp_path, "a.vmd", vmd(keys))).bones["頭"]
    assert bone.frames.tolist() == [3, 9]
    assert bone.positions[:, 0].tolist() == [3, 8]


@pytest.mark.parametrize("frame", [0, 5, 10])
def test_straight_curves_interpolate_evenly(tmp_path, frame):
    keys = [("頭", 0, HERE, IDENTITY), ("頭", 10, (10, 0, 0), turn(2, 80))]
    bone = read_vmd(written(tmp_path, "a.vmd", vmd(keys))).bones["頭"]
    positions, rotations = sample_vmd_bone(bone, np.array([float(frame)]))
    assert positions[0, 0] == pytest.approx(frame)
    assert np.degrees(2 * np.arcsin(rotations[0, 2])) == pytest.approx(8 * frame, abs=1e-4)


def test_bent_curves_ease_each_axis_apart(tmp_path):
    # x eases in and out symmetrically, so it is half way in the middle but late before; the
    # y curve is straight. Each row of 16 bytes holds one axis' x1, y1, x2, y2 four bytes apart.
    rows = np.zeros((4, 16), np.uint8)
    rows[:, 0::4] = [[127, 0, 0, 127]] + [[20, 20, 107, 107]] * 3
    keys = [("頭", 0, HERE, IDENTITY), ("頭", 10, (10, 10, 0), IDENTITY)]
    data = vmd(keys, curves=rows.tobytes())
    bone = read_vmd(written(tmp_path, "a.vmd", data)).bones["頭"]
    positions, _ = sample_vmd_bone(bone, np.array([2.5, 5.0]))
    # x(t) = 3t(1-t)^2 + t^3 = 1/4 has the root t; y(t) = 3t^2(1-t) + t^3.
    t = min(np.roots([4, -6, 3, -0.25]).real, key=lambda root: abs(root - 0.1))
    assert positions[0, 0] == pytest.approx(10 * (3 * t**2 * (1 - t) + t**3), abs=1e-5)
    assert positions[1, 0] == pytest.approx(5.0, abs=1e-3)  # the curve is upright there
    np.testing.assert_allclose(positions[:, 1], [2.5, 5.0])


def test_bones_hang_in_mmds_chain(tmp_path):
    # In the file's left-handed axes a turn about y mirrors to the opposite one.
    keys = [
        ("全ての親", 0, HERE, turn(1, 10)),
        ("センター", 0, HERE, turn(1, 20)),
        ("グルーブ", 0, HERE, turn(1, 1)),
        ("腰", 0, HERE, turn(1, 2)),
        ("下半身", 0, HERE, turn(1, 4)),
        ("上半身", 0, HERE, turn(1, 8)),
        ("上半身2", 0, HERE, turn(1, 16)),
        ("首", 0, HERE, turn(1, 32)),
        ("頭", 0, HERE, turn(1, 64)),
    ]
    moved = motion(tmp_path, keys)
    expected = {"hips": 37, "spine": 41, "chest": 57, "neck": 89, "head": 153}
    for bone, degrees in expected.items():
        assert np.degrees(angles_between(rotation(moved, bone), np.array(turn(1, -degrees)))) < 1e-3


def test_the_shoulders_parent_carries_the_shoulder_but_not_the_arm(tmp_path):
    moved = motion(tmp_path, [("左肩P", 0, HERE, turn(2, 30))])
    still = motion(tmp_path, [("左肩", 0, HERE, IDENTITY)])
    shoulder = angles_between(rotation(moved, "leftShoulder"), rotation(still, "leftShoulder"))
    assert np.degrees(shoulder) == pytest.approx(30, abs=1e-4)
    arm = angles_between(rotation(moved, "leftUpperArm"), rotation(still, "leftUpperArm"))
    assert np.degrees(arm) == pytest.approx(0, abs=1e-4)


def test_twist_bones_turn_what_is_below_them(tmp_path):
    twisted = motion(tmp_path, [("左腕捩", 0, HERE, turn(0, 40))])
    still = motion(tmp_path, [("左腕捩", 0, HERE, IDENTITY)])
    for bone, degrees in (("leftUpperArm", 0), ("leftLowerArm", 40), ("leftHand", 40)):
        angle = angles_between(rotation(twisted, bone), rotation(still, bone))
        assert np.degrees(angle) == pytest.approx(degrees, abs=1e-4)


@pytest.mark.parametrize(("side", "mark", "sign"), [("left", "左", 1), ("right", "右", -1)])
def test_arms_at_rest_hang_as_far_as_the_model_says(tmp_path, side, mark, sign):
    moved = motion(tmp_path, [(f"{mark}腕", 0, HERE, IDENTITY)])
    arm = rotate_vectors(rotation(moved, side + "UpperArm"), np.array([sign, 0.0, 0.0]))
    np.testing.assert_allclose(
        arm, [sign * np.cos(np.radians(36)), -np.sin(np.radians(36)), 0], atol=1e-9
    )


def test_the_centre_moves_the_hips_in_leg_lengths(tmp_path):
    leg = MmdRest().leg_length
    moved = motion(
        tmp_path,
        [("センター", 0, (0, 0, 0), IDENTITY), ("センター", 6, (leg, 0, -leg), IDENTITY)],
    )
    expected = [[0, 0, 0], [0.5, 0, 0.5], [1, 0, 1]]
    np.testing.assert_allclose(moved.hips_offsets[[0, 3, 6]], expected, atol=1e-6)


def test_the_centre_turns_the_hips_about_its_own_joint(tmp_path):
    # The hips are 4 units above the centre (x to z is a turn about y; here about z to the side).
    moved = motion(tmp_path, [("センター", 0, HERE, turn(2, 90))])
    np.testing.assert_allclose(moved.hips_offsets[0] * MmdRest().leg_length, [-4, -4, 0], atol=1e-5)


REST = MmdRest()


def leg_places(thigh, shin, foot, side):
    """Knee, ankle and toe of a leg whose joint is at the origin."""
    knee = rotate_vectors(thigh, on_side(REST.knee, side) - on_side(REST.leg, side))
    ankle = knee + rotate_vectors(shin, on_side(REST.ankle, side) - on_side(REST.knee, side))
    return (
        knee,
        ankle,
        ankle + rotate_vectors(foot, on_side(REST.toe, side) - on_side(REST.ankle, side)),
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_leg_reaches_every_target_in_reach_and_bends_its_knee_forward(side):
    random = np.random.default_rng(5)
    targets = random.normal(size=(300, 3))
    targets *= (random.uniform(0.2, 0.99, 300) * REST.leg_length / np.linalg.norm(targets, axis=1))[
        :, None
    ]
    still = np.tile(IDENTITY, (300, 1))
    thigh, shin = solve_leg(REST, side, np.zeros((300, 3)), targets, still)
    knee, ankle, _ = leg_places(thigh, shin, shin, side)
    np.testing.assert_allclose(ankle, targets, atol=1e-9)
    forward = rotate_vectors(thigh, np.array([0.0, 0.0, 1.0]))
    assert (np.sum((knee - ankle / 2) * forward, axis=1) > 0).all()


def test_a_leg_out_of_reach_is_nearly_straight_towards_its_target():
    target = np.array([[30.0, -40.0, 0.0]])
    thigh, shin = solve_leg(REST, "left", np.zeros((1, 3)), target, np.array([IDENTITY]))
    _, ankle, _ = leg_places(thigh, shin, shin, "left")
    np.testing.assert_allclose(ankle[0], np.array([0.6, -0.8, 0]) * REST.leg_length, atol=2e-3)


def test_a_foot_points_where_it_is_told():
    towards = np.array([[1.0, 0.5, 2.0]])
    foot = solve_foot(REST, "left", np.array([turn(1, 50)]), towards)
    toe = on_side(REST.toe, "left") - on_side(REST.ankle, "left")
    turned = rotate_vectors(foot, toe)[0]
    np.testing.assert_allclose(
        turned / np.linalg.norm(turned), towards[0] / np.linalg.norm(towards[0]), atol=1e-12
    )


def foot_place(moved):
    """Ankle of the left leg in MMD units, from a motion on the standard model."""
    hips = moved.hips_offsets[0] * REST.leg_length + np.array(REST.lower_body)
    root = hips + rotate_vectors(
        rotation(moved, "hips"), np.array(REST.leg) - np.array(REST.lower_body)
    )
    thigh, shin = rotation(moved, "leftUpperLeg"), rotation(moved, "leftLowerLeg")
    return root + leg_places(thigh, shin, rotation(moved, "leftFoot"), "left")[1]


@pytest.mark.parametrize(
    ("switches", "lifted"),
    [
        (None, True),
        ([(0, {"左足ＩＫ": True})], True),
        ([(0, {"左足ＩＫ": False})], False),
        ([(0, {"右足ＩＫ": False})], True),
    ],
)
def test_the_ik_switch_decides_whether_the_foot_follows_its_target(tmp_path, switches, lifted):
    keys = [("左足ＩＫ", 0, (0, 2, -1), IDENTITY)]
    ankle = foot_place(motion(tmp_path, keys, switches=switches))
    expected = np.array(REST.ankle) + ([0, 2, 1] if lifted else [0, 0, 0])
    np.testing.assert_allclose(ankle, expected, atol=1e-6)


def test_the_ik_can_be_switched_while_dancing(tmp_path):
    keys = [("左足ＩＫ", 0, (0, 2, 0), IDENTITY), ("頭", 3, HERE, IDENTITY)]
    moved = motion(tmp_path, keys, switches=[(0, {"左足ＩＫ": True}), (2, {"左足ＩＫ": False})])
    bends = [np.degrees(angles_between(rotation(moved, "leftUpperLeg", f), np.array(IDENTITY)))
             for f in range(4)]  # fmt: skip
    assert bends[0] == bends[1] > 20
    assert bends[2] == bends[3] == pytest.approx(0, abs=1e-6)


def test_the_legs_parent_and_the_mother_of_all_bones_move_the_target(tmp_path):
    keys = [("左足ＩＫ", 0, (0, 1, 0), IDENTITY), ("左足IK親", 0, (0, 0.5, 0), IDENTITY),
            ("全ての親", 0, (3, 0, 0), IDENTITY)]  # fmt: skip
    np.testing.assert_allclose(
        foot_place(motion(tmp_path, keys)), np.add(REST.ankle, [3, 1.5, 0]), atol=1e-6
    )


def test_legs_without_ik_keys_are_moved_by_their_own_bones(tmp_path):
    moved = motion(tmp_path, [("左足", 0, HERE, turn(0, 30))])
    angle = angles_between(rotation(moved, "leftUpperLeg"), np.array(turn(0, -30)))
    assert np.degrees(angle) < 1e-3


def test_a_larger_model_is_taken_where_the_targets_are_out_of_reach(tmp_path):
    # The foot stands 3 units out and 12.8 below its hip: 13.1 with legs of 9.7.
    moved = motion(tmp_path, [("左足ＩＫ", 0, (3, 0, 0), IDENTITY),
                              ("センター", 0, (0, 3, 0), IDENTITY)])  # fmt: skip
    reach = np.hypot(3, 12.7)
    np.testing.assert_allclose(moved.hips_offsets[0, 1], 3 / reach, rtol=1e-3)


def test_another_rate_samples_between_the_frames(tmp_path):
    keys = [("頭", 0, HERE, IDENTITY), ("頭", 30, HERE, turn(1, 90))]
    path = written(tmp_path, "a.vmd", vmd(keys))
    moved = motion_from_file(path, fps=4)
    assert moved.num_frames == 5
    angles = np.degrees(angles_between(moved.rotations[:, moved.bones.index("head")],
                                       np.array(IDENTITY)))  # fmt: skip
    np.testing.assert_allclose(angles, [0, 22.5, 45, 67.5, 90], atol=1e-3)


def test_the_old_version_has_shorter_names(tmp_path):
    data = vmd([("頭", 2, HERE, IDENTITY)], between=False)
    old = b"Vocaloid Motion Data file".ljust(30, b"\0") + data[30:40] + data[50:]
    assert read_vmd(written(tmp_path, "old.vmd", old)).bones["頭"].frames.tolist() == [2]


GOOD = vmd([("頭", 0, HERE, IDENTITY)], switches=[(0, {"左足ＩＫ": True})])


@pytest.mark.parametrize("length", [40, 53, 60, 160, 170, len(GOOD) - 1])
def test_a_file_cut_short_says_so(tmp_path, length):
    with pytest.raises(ValueError, match=r"cut.vmd.*truncated"):
        read_vmd(written(tmp_path, "cut.vmd", GOOD[:length]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GOOD[:50] + b"\xff\xff\xff\xff" + GOOD[54:], "truncated"),
        (vmd([("頭", 0, (np.nan, 0, 0), IDENTITY)]), "finite positions"),
        (vmd([("頭", 0, (1e30, 0, 0), IDENTITY)]), "finite positions"),
        (vmd([("頭", 4_000_000_000, HERE, IDENTITY)]), "must not be longer"),
        (vmd([]), "must move the bones of a body. Received: no bones"),
        (vmd([("スカート", 0, HERE, IDENTITY)]), "Received: スカート"),
        (b"Vocaloid", "must be a BVH, VMD"),
    ],
)
def test_damaged_files_say_what_is_wrong(tmp_path, data, message):
    with pytest.raises(ValueError, match=message) as error:
        motion_from_file(written(tmp_path, "bad.vmd", data))
    assert "bad.vmd" in str(error.value)


# Real dances, written from the glTF clips with rest positions of that rig in units of 1/13.504 m.
UNITS_A_METRE = 13.504


def source_rig_and_clip(name, num_frames):
    """The clip that a VMD was made from, at the VMD's frames (the clip starts at 1/24 s)."""
    gltf = read_gltf(shared_path("avatars/motions/mesh2motion_12_actions.glb"))
    rig = rig_of_gltf(gltf)
    animation = sample_clip(gltf, rig, clip_index(gltf, name), fps=120)
    frames = np.clip(np.arange(num_frames) * 4 - 5, 0, animation.num_frames - 1)
    return rig, animation, frames


def rest_of(rig):
    def place(bone):
        return tuple(rig.rest_position(bone) * UNITS_A_METRE)

    return MmdRest(place("hips"), place("hips"), place("leftUpperLeg"), place("leftLowerLeg"),
                   place("leftFoot"), place("leftToes"))  # fmt: skip


@pytest.mark.parametrize(
    ("file", "clip"), [("dance_charleston_fk", "Dance Charleston"), ("victory_fk", "Victory")]
)
def test_a_real_dance_equals_the_clip_it_was_made_from(file, clip):
    vmd_file = read_vmd(shared_path(f"avatars/motions/{file}.vmd"))
    moved = motion_of_vmd(vmd_file, file)
    _, animation, frames = source_rig_and_clip(clip, moved.num_frames)
    source = animation.motion(clip)
    # MMD's second trunk bone is that rig's third; its toes have no keys.
    partner = {bone: bone for bone in moved.bones if bone in source.bones} | {"chest": "upperChest"}
    for bone in ("hips", "spine", "chest", "neck", "head", "leftShoulder", "leftUpperLeg",
                 "leftLowerLeg", "leftFoot", "rightLowerLeg", "leftUpperArm", "leftLowerArm",
                 "leftHand", "rightHand"):  # fmt: skip
        expected = source.rotations[frames, source.bones.index(partner[bone])]
        received = moved.rotations[:, moved.bones.index(bone)]
        angles = np.degrees(angles_between(received, expected))
        # On keys to rounding; between keys the arms, fast, are joined in another bone's axes.
        assert np.median(angles) < 0.02, bone
        assert angles.max() < 0.25, bone


def test_a_real_dances_feet_reach_their_targets_and_the_captured_places():
    rig, animation, frames = source_rig_and_clip("Dance Charleston", 71)
    captured = animation.world_matrices()[frames, :, :3, 3] * UNITS_A_METRE
    rest = rest_of(rig)
    path = shared_path("avatars/motions/dance_charleston_ik.vmd")
    moved = motion_of_vmd(read_vmd(path), "ik", rest=rest)
    assert moved.num_frames == 71
    hips = moved.hips_offsets * rest.leg_length + np.array(rest.lower_body)
    for side in ("left", "right"):
        turned = {
            name: moved.rotations[:, moved.bones.index(side + name)]
            for name in ("UpperLeg", "LowerLeg", "Foot")
        }
        root = hips + rotate_vectors(
            moved.rotations[:, moved.bones.index("hips")],
            on_side(rest.leg, side) - np.array(rest.lower_body),
        )
        places = [root]
        for name, start, end in (("UpperLeg", rest.leg, rest.knee),
                                 ("LowerLeg", rest.knee, rest.ankle),
                                 ("Foot", rest.ankle, rest.toe)):  # fmt: skip
            segment = on_side(end, side) - on_side(start, side)
            places.append(places[-1] + rotate_vectors(turned[name], segment))
        errors = [
            np.linalg.norm(place - captured[:, rig.bones[side + bone]], axis=1) / rest.leg_length
            for place, bone in zip(places[1:], ("LowerLeg", "Foot", "Toes"), strict=True)
        ]
        # Ankles and toes to a ten-thousandth of a leg. The file does not say where knees point:
        # a tenth of a leg at worst, a twentieth on average.
        assert errors[1].max() < 1e-4
        assert errors[2].max() < 1e-4
        assert errors[0].max() < 0.1
        assert errors[0].mean() < 0.05
