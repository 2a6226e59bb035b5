"""Motions on characters: the same figure, other figures, real avatars; resampling; the ground."""

import numpy as np
import pytest

from motion_files_by_hand import FIGURE, IDENTITY, bvh, figure_gltf, turn, written
from psgan_tf.motion.animated_rig import RigAnimation
from psgan_tf.motion.bvh import read_bvh
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.motion import Motion, check_frame_count, resampled
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_of
from psgan_tf.motion.retarget import retarget, rig_matrices
from psgan_tf.motion.transforms import angles_between, rotations_of
from shared_assets import shared_path


def figure_rig(tmp_path, figure=None):
    path = written(tmp_path, "figure.glb", figure_gltf(figure=figure).glb())
    return rig_of_gltf(read_gltf(path))


def bvh_motion(tmp_path, rows, **more):
    return read_bvh(written(tmp_path, "motion.bvh", bvh(rows, **more))).motion("motion")


def still(num_frames=1):
    return Motion(
        "still", "test", 30.0, ("hips",), np.tile(IDENTITY, (num_frames, 1, 1)),
        np.zeros((num_frames, 3)),
    )  # fmt: skip


def joint(posed, bone, frame=0):
    return posed.positions[frame, posed.skeleton.bones.index(bone)]


def test_a_figure_at_rest_stands_as_it_was_modelled(tmp_path):
    posed = retarget(rest_skeleton_of(figure_rig(tmp_path)), still())
    for bone, (_, place) in FIGURE.items():
        np.testing.assert_allclose(joint(posed, bone), place, atol=1e-6)


def test_a_motion_on_the_figure_it_was_made_for_moves_it_just_so(tmp_path):
    row = {"hips": [0.3, 1.3, 0.1, 10, 20, 30], "leftUpperArm": [40, -20, 10], "head": [5, 5, 5],
           "rightUpperLeg": [10, -50, 0], "rightLowerLeg": [0, 60, 0]}  # fmt: skip
    animation = read_bvh(written(tmp_path, "motion.bvh", bvh([row, {}])))
    rig = figure_rig(tmp_path)
    posed = retarget(rest_skeleton_of(rig), animation.motion("motion"), "none")
    matrices = rig_matrices(rig, posed)
    expected = animation.world_matrices()
    for name in FIGURE:
        np.testing.assert_allclose(
            matrices[:, rig.bones[name]], expected[:, animation.rig.bones[name]], atol=1e-6
        )


def test_an_avatar_in_an_a_pose_takes_the_arms_direction(tmp_path):
    slope = np.radians(40)

    def lowered(bone, place):
        x, y, z = place
        if bone[-3:] not in ("Arm", "and") or "Upper" in bone:
            return place
        along = abs(x) - 0.2
        return (np.sign(x) * (0.2 + along * np.cos(slope)), y - along * np.sin(slope), z)

    a_pose = {bone: (parent, lowered(bone, place)) for bone, (parent, place) in FIGURE.items()}
    row = {"leftUpperArm": [25, 0, 0], "leftLowerArm": [-70, 0, 0]}
    motion = bvh_motion(tmp_path, [row])
    expected = retarget(rest_skeleton_of(figure_rig(tmp_path)), motion)
    received = retarget(rest_skeleton_of(figure_rig(tmp_path, a_pose)), motion)
    np.testing.assert_allclose(received.positions, expected.positions, atol=1e-6)


def test_short_legs_make_short_steps(tmp_path):
    # Legs of 0.4 instead of 0.8: half the travel, the feet still on the ground.
    def short(bone, place):
        x, y, z = place
        return (x, y / 2 if bone.endswith(("Leg", "Foot")) else y - 0.45, z)

    chibi = {b: (p, short(b, place)) for b, (p, place) in FIGURE.items() if "Toes" not in b}
    rig = figure_rig(tmp_path, chibi)
    assert rig.leg_length == pytest.approx(0.4)
    motion = bvh_motion(tmp_path, [{}, {"hips": [0.8, 1.0, 1.6, 0, 0, 0]}])
    posed = retarget(rest_skeleton_of(rig), motion, "none")
    np.testing.assert_allclose(posed.hips[1] - posed.hips[0], [0.4, 0, 0.8], atol=1e-6)
    np.testing.assert_allclose(joint(posed, "leftFoot", 1)[1], 0.05, atol=1e-6)


@pytest.mark.parametrize(
    ("rule", "heights"),
    [("none", [1.2, 1.5, 1.2]), ("motion", [1.0, 1.3, 1.0]), ("frame", [1.0, 1.0, 1.0])],
)
def test_the_ground_rule_decides_what_is_on_the_ground(tmp_path, rule, heights):
    rows = [{"hips": [0, height, 0, 0, 0, 0]} for height in (1.2, 1.5, 1.2)]
    posed = retarget(rest_skeleton_of(figure_rig(tmp_path)), bvh_motion(tmp_path, rows), rule)
    np.testing.assert_allclose(posed.hips[:, 1], heights, atol=1e-6)


def test_a_toe_pointed_down_is_what_touches_the_ground(tmp_path):
    row = {"leftFoot": [0, 90, 0], "rightFoot": [0, 90, 0]}  # about x: the toes point down
    posed = retarget(rest_skeleton_of(figure_rig(tmp_path)), bvh_motion(tmp_path, [row]))
    assert joint(posed, "leftToes")[1] == pytest.approx(0.0, abs=1e-6)
    assert joint(posed, "leftFoot")[1] == pytest.approx(0.15, abs=1e-6)


def test_who_sits_with_the_feet_up_sits_on_the_hips(tmp_path):
    # Legs straight ahead and the feet a little higher than the hips.
    row = {side + "UpperLeg": [0, -100, 0] for side in ("left", "right")}
    posed = retarget(rest_skeleton_of(figure_rig(tmp_path)), bvh_motion(tmp_path, [row]))
    assert posed.hips[0, 1] == pytest.approx(0.0, abs=1e-9)
    assert joint(posed, "leftFoot")[1] > 0


def test_an_unknown_ground_rule_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`ground` must be one of motion, frame, none"):
        retarget(rest_skeleton_of(figure_rig(tmp_path)), still(), "floor")


def test_bones_that_the_motion_lacks_follow_their_parents(tmp_path):
    motion = Motion("turn", "test", 30.0, ("hips", "leftUpperArm"),
                    np.array([[IDENTITY, turn(2, 90)]]), np.zeros((1, 3)))  # fmt: skip
    posed = retarget(rest_skeleton_of(figure_rig(tmp_path)), motion)
    np.testing.assert_allclose(joint(posed, "leftHand"), [0.2, 1.95, 0], atol=1e-6)


def test_the_top_of_a_trunk_follows_the_top_of_another(tmp_path):
    # The motion bends its upper chest; this figure's trunk ends with the chest.
    motion = Motion("bow", "test", 30.0, ("hips", "chest", "upperChest"),
                    np.array([[IDENTITY, IDENTITY, turn(0, 90)]]), np.zeros((1, 3)))  # fmt: skip
    posed = retarget(rest_skeleton_of(figure_rig(tmp_path)), motion)
    np.testing.assert_allclose(joint(posed, "neck"), [0, 1.3, 0.2], atol=1e-6)


AVATARS = ("godette_vrm0.vrm", "female_mannequin_vrm1.vrm", "kaykit_Knight.glb", "human-sintel.glb")
MOTIONS = ("m2m_backflip.bvh", "cmu_12_01_walk.bvh", "dance_charleston_ik.vmd", "idle_loop.vrma")


@pytest.mark.parametrize("motion_file", MOTIONS)
@pytest.mark.parametrize("avatar", AVATARS)
def test_real_avatars_keep_their_limbs_and_stand_on_the_ground(avatar, motion_file):
    rig = rig_of_gltf(read_gltf(shared_path(f"avatars/models/{avatar}")))
    skeleton = rest_skeleton_of(rig)
    motion = motion_from_file(shared_path(f"avatars/motions/{motion_file}"), fps=10)
    posed = retarget(skeleton, motion)
    soles = posed.points(skeleton.contacts)[..., 1]
    assert soles.min() == pytest.approx(0.0, abs=1e-12)
    # The skeleton's joints are the rig's nodes, as its own matrices place them.
    matrices = rig_matrices(rig, posed)
    nodes = [rig.bones[bone] for bone in skeleton.bones]
    np.testing.assert_allclose(posed.positions, matrices[:, nodes][..., :3, 3], atol=1e-5)
    for child, parent in (("LowerArm", "UpperArm"), ("Hand", "LowerArm"), ("Foot", "LowerLeg")):
        for side in ("left", "right"):
            lengths = np.linalg.norm(
                posed.positions[:, skeleton.bones.index(side + child)]
                - posed.positions[:, skeleton.bones.index(side + parent)],
                axis=1,
            )
            rest = np.linalg.norm(
                rig.rest_position(side + child) - rig.rest_position(side + parent)
            )
            np.testing.assert_allclose(lengths, rest, rtol=1e-5)


@pytest.mark.parametrize("avatar", ["godette_vrm0.vrm", "kaykit_Knight.glb"])
def test_limbs_of_real_avatars_point_where_the_motions_do(avatar):
    source = read_bvh(shared_path("avatars/motions/m2m_jumping_jacks.bvh"))
    rig = rig_of_gltf(read_gltf(shared_path(f"avatars/models/{avatar}")))
    posed = retarget(rest_skeleton_of(rig), source.motion("jacks"))
    places = source.world_matrices()[..., :3, 3] @ source.rig.frame

    def directions(positions, start, end):
        limb = positions(end) - positions(start)
        return limb / np.linalg.norm(limb, axis=-1, keepdims=True)

    for side in ("left", "right"):
        for start, end in (("UpperArm", "LowerArm"), ("LowerArm", "Hand"),
                           ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot")):  # fmt: skip
            expected = directions(
                lambda b: places[:, source.rig.bones[b]], side + start, side + end
            )
            received = directions(
                lambda b: posed.positions[:, posed.skeleton.bones.index(b)],
                side + start, side + end,
            )  # fmt: skip
            np.testing.assert_allclose(received, expected, atol=1e-5)


def test_a_rig_retargeted_to_itself_reproduces_its_world_rotations():
    gltf = read_gltf(shared_path("avatars/motions/mesh2motion_12_actions.glb"))
    rig = rig_of_gltf(gltf)
    random = np.random.default_rng(1)
    rotations = {
        node: random.normal(size=(5, 4)) + np.array([0, 0, 0, 2]) for node in rig.bones.values()
    }
    rotations = {
        node: value / np.linalg.norm(value, axis=1, keepdims=True)
        for node, value in rotations.items()
    }
    hips = rig.bones["hips"]
    travel = rig.rest_translations[hips] + random.normal(size=(5, 3))
    animation = RigAnimation(rig, 30.0, 5, rotations, {hips: travel})
    posed = retarget(rest_skeleton_of(rig), animation.motion("self"), "none")
    received, expected = rig_matrices(rig, posed), animation.world_matrices()
    np.testing.assert_allclose(rotations_of(received), rotations_of(expected), atol=1e-6)
    np.testing.assert_allclose(received[..., :3, 3], expected[..., :3, 3], atol=1e-5)


def test_part_of_the_frames_are_the_same_matrices(tmp_path):
    rig = figure_rig(tmp_path)
    motion = bvh_motion(tmp_path, [{"leftUpperArm": [10 * k, 0, 0]} for k in range(6)])
    posed = retarget(rest_skeleton_of(rig), motion)
    np.testing.assert_array_equal(
        rig_matrices(rig, posed, slice(2, 4)), rig_matrices(rig, posed)[2:4]
    )


def test_resampling_interpolates_joints_relative_to_their_parents(tmp_path):
    # Arm and forearm turn by 90 degrees each; half way both have turned by 45.
    rows = [{}, {"leftUpperArm": [90, 0, 0], "leftLowerArm": [90, 0, 0],
                 "hips": [0, 1, 0.8, 0, 0, 0]}]  # fmt: skip
    motion = resampled(bvh_motion(tmp_path, rows), 20)
    assert (motion.fps, motion.num_frames) == (20.0, 3)
    for bone, degrees in (("leftUpperArm", 45), ("leftLowerArm", 90), ("leftHand", 90)):
        angle = angles_between(motion.rotations[1, motion.bones.index(bone)],
                               np.array(turn(2, degrees)))  # fmt: skip
        assert np.degrees(angle) == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(motion.hips_offsets[:, 2], [0, 0.5, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("fps", "frames"), [(10, 21), (5, 11), (30, 61), (24, 49), (3, 7), (0.4, 1)]
)
def test_resampled_motions_last_as_long_and_keep_their_times(tmp_path, fps, frames):
    # The arm turns by 4 degrees a frame over two seconds: at t seconds by 40 t.
    rows = [{"leftUpperArm": [4 * k, 0, 0]} for k in range(21)]
    motion = resampled(bvh_motion(tmp_path, rows), fps)
    assert motion.num_frames == frames
    angles = angles_between(
        motion.rotations[:, motion.bones.index("leftUpperArm")], np.array(IDENTITY)
    )
    np.testing.assert_allclose(np.degrees(angles), 40 * motion.times_secs, atol=1e-4)


def test_a_still_motion_of_one_frame_can_be_resampled():
    assert resampled(still(), 12).num_frames == 1


@pytest.mark.parametrize("fps", [0, -5, float("nan"), 1e9])
def test_impossible_rates_are_refused(fps):
    with pytest.raises(ValueError, match="`fps` must be above 0"):
        resampled(still(), fps)


def test_a_motion_says_whether_it_loops(tmp_path):
    turns = [0, 30, 60, 30, 1]
    assert bvh_motion(tmp_path, [{"head": [t, 0, 0]} for t in turns]).loops
    assert not bvh_motion(tmp_path, [{"head": [t, 0, 0]} for t in turns[:3]]).loops


def test_motions_without_frames_or_with_holes_are_refused():
    with pytest.raises(ValueError, match="0 frames"):
        still(0)
    with pytest.raises(ValueError, match="NaN or infinity"):
        Motion("m", "test", 30.0, ("hips",), np.full((1, 1, 4), np.nan), np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"must be \[F, B, 4\]"):
        Motion("m", "test", 30.0, ("hips",), np.zeros((2, 1, 4)), np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("frames", "keys"), [(0, 5), (float("nan"), 5), (18_001, 10), (1e18, 10**9)]
)
def test_a_files_length_bounds_its_motion(frames, keys):
    with pytest.raises(ValueError, match=r"clip.bvh"):
        check_frame_count(frames, keys, "clip.bvh")


def test_long_motions_with_as_many_keys_are_read():
    assert check_frame_count(90_000, 90_000, "long.bvh") == 90_000
