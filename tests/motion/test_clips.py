"""Animations in glTF and VRMA: interpolation by hand, rates, damage, and choosing a clip."""

import numpy as np
import pytest

from motion_files_by_hand import FIGURE, IDENTITY, figure_gltf, humanoid_extension, turn, written
from psgan_tf.motion.gltf.clips import clip_index, clip_names, sample_clip
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.motion_files import list_clips, motion_format, motion_from_file
from psgan_tf.motion.transforms import angles_between
from shared_assets import shared_path

QUARTER = turn(2, 90)


def sampled(tmp_path, tracks, fps=None):
    gltf = read_gltf(written(tmp_path, "clip.glb", figure_gltf(tracks).glb()))
    return sample_clip(gltf, rig_of_gltf(gltf), 0, fps)


def degrees_about_z(quaternions):
    return np.degrees(2 * np.arctan2(quaternions[:, 2], quaternions[:, 3]))


def test_linear_rotations_turn_evenly(tmp_path):
    track = ("leftUpperArm", "rotation", [0, 1], [IDENTITY, QUARTER], "LINEAR")
    animation = sampled(tmp_path, [track], fps=4)
    assert animation.num_frames == 5
    (rotations,) = animation.rotations.values()
    np.testing.assert_allclose(degrees_about_z(rotations), [0, 22.5, 45, 67.5, 90], atol=1e-5)


def test_linear_rotations_take_the_short_way(tmp_path):
    negative = tuple(-x for x in turn(2, 40))
    track = ("leftUpperArm", "rotation", [0, 1], [IDENTITY, negative], "LINEAR")
    (rotations,) = sampled(tmp_path, [track], fps=2).rotations.values()
    angles = np.degrees(2 * np.arccos(np.abs(rotations[:, 3])))
    np.testing.assert_allclose(angles, [0, 20, 40], atol=1e-4)


def test_stepped_keys_hold_until_the_next(tmp_path):
    track = ("hips", "translation", [0, 1], [(0, 1, 0), (0, 2, 0)], "STEP")
    (translations,) = sampled(tmp_path, [track], fps=4).translations.values()
    np.testing.assert_allclose(translations[:, 1], [1, 1, 1, 1, 2])


def test_cubic_splines_follow_their_tangents(tmp_path):
    # Value 0 to 1 over 2 s; leaving at 3 units a second, arriving at 0: Hermite by hand.
    keys = [(0, 0, 0), (0, 0, 0), (3, 0, 0), (0, 0, 0), (1, 0, 0), (0, 0, 0)]
    track = ("hips", "translation", [0, 2], keys, "CUBICSPLINE")
    (translations,) = sampled(tmp_path, [track], fps=2).translations.values()
    s = np.array([0, 0.25, 0.5, 0.75, 1.0])
    expected = (s**3 - 2 * s**2 + s) * 2 * 3 + 3 * s**2 - 2 * s**3
    np.testing.assert_allclose(translations[:, 0], expected, atol=1e-6)


def test_a_track_is_held_outside_its_keys(tmp_path):
    tracks = [
        ("hips", "translation", [0, 4], [(0, 1, 0), (0, 1, 0)], "LINEAR"),
        ("leftUpperArm", "rotation", [1, 2], [IDENTITY, QUARTER], "LINEAR"),
    ]
    animation = sampled(tmp_path, tracks, fps=1)
    (rotations,) = animation.rotations.values()
    np.testing.assert_allclose(degrees_about_z(rotations), [0, 0, 90, 90, 90], atol=1e-5)


def test_a_clip_starts_at_its_first_key(tmp_path):
    track = ("leftUpperArm", "rotation", [5, 6], [IDENTITY, QUARTER], "LINEAR")
    animation = sampled(tmp_path, [track], fps=2)
    (rotations,) = animation.rotations.values()
    np.testing.assert_allclose(degrees_about_z(rotations), [0, 45, 90], atol=1e-5)


@pytest.mark.parametrize(
    ("times", "fps"),
    [
        (np.arange(10) / 24, 24),
        (np.arange(10) / 60 + 1 / 60, 60),
        ([0, 1 / 24, 5 / 24, 6 / 24], 24),
        ([0, 0.3, 1.0], 30),
        ([0, 2], 30),
        ([0], 30),
    ],
)
def test_the_rate_of_the_keys_is_the_clips_rate(tmp_path, times, fps):
    track = ("leftUpperArm", "rotation", times, [IDENTITY] * len(times), "LINEAR")
    assert sampled(tmp_path, [track]).fps == fps


def test_normalised_integers_hold_rotations_too(tmp_path):
    builder = figure_gltf([("leftUpperArm", "rotation", [0], [IDENTITY], "LINEAR")])
    values = builder.accessor(np.round(np.array([QUARTER]) * 32767), "VEC4", 5122, normalized=True)
    builder.document["animations"][0]["samplers"][0]["output"] = values
    gltf = read_gltf(written(tmp_path, "clip.glb", builder.glb()))
    (rotations,) = sample_clip(gltf, rig_of_gltf(gltf), 0).rotations.values()
    np.testing.assert_allclose(degrees_about_z(rotations), [90], atol=0.01)


def test_scales_and_morph_weights_are_no_motion(tmp_path):
    builder = figure_gltf([("leftUpperArm", "rotation", [0], [QUARTER], "LINEAR")])
    channels = builder.document["animations"][0]["channels"]
    channels.append({"sampler": 0, "target": {"node": 0, "path": "scale"}})
    channels.append({"sampler": 0, "target": {"node": 0, "path": "weights"}})
    channels.append({"sampler": 0, "target": {"path": "pointer"}})
    gltf = read_gltf(written(tmp_path, "clip.glb", builder.glb()))
    animation = sample_clip(gltf, rig_of_gltf(gltf), 0)
    assert len(animation.rotations) == 1
    assert not animation.translations


@pytest.mark.parametrize(
    ("track", "message"),
    [
        (("leftHand", "rotation", [1, 0], [IDENTITY] * 2, "LINEAR"), "do not go back"),
        (("leftHand", "rotation", [0, 1], [IDENTITY] * 3, "LINEAR"), "2 values of 4 numbers"),
        (("leftHand", "rotation", [0, 1], [IDENTITY] * 2, "CUBICSPLINE"), "6 values of 4"),
        (("leftHand", "rotation", [0, 1], [IDENTITY] * 2, "BEZIER"), "LINEAR, STEP or CUBIC"),
        (("leftHand", "rotation", [], np.zeros((0, 4)), "LINEAR"), "in a buffer with data"),
        (("leftHand", "rotation", [0, 1e9], [IDENTITY] * 2, "LINEAR"), "must not be longer"),
        (("leftHand", "rotation", [0, np.nan], [IDENTITY] * 2, "LINEAR"), "finite"),
    ],
)
def test_damaged_tracks_say_what_is_wrong(tmp_path, track, message):
    with pytest.raises(ValueError, match=message):
        sampled(tmp_path, [track])


def test_a_clip_that_moves_no_bone_is_refused(tmp_path):
    builder = figure_gltf([("leftHand", "rotation", [0], [IDENTITY], "LINEAR")])
    builder.document["nodes"].append({"name": "tail"})
    builder.document["animations"][0]["channels"][0]["target"]["node"] = len(FIGURE)
    path = written(tmp_path, "clip.glb", builder.glb())
    with pytest.raises(ValueError, match="must move the humanoid in clip 'clip'"):
        motion_from_file(path)


def test_a_file_without_animation_is_refused(tmp_path):
    path = written(tmp_path, "still.glb", figure_gltf().glb())
    with pytest.raises(ValueError, match=r"still.glb` must hold an animation"):
        motion_from_file(path)


def several_clips(tmp_path):
    builder = figure_gltf([("leftHand", "rotation", [0], [IDENTITY], "LINEAR")])
    clip = builder.document["animations"][0]
    builder.document["animations"] = [
        clip | {"name": name} for name in ("Walk", "Run", "Run", "")
    ]  # fmt: skip
    return written(tmp_path, "clips.glb", builder.glb())


def test_clips_are_listed_and_chosen_by_name(tmp_path):
    path = several_clips(tmp_path)
    assert list_clips(path) == ("Walk", "Run", "Run.2", "clip3")
    assert clip_index(read_gltf(path), "Run.2") == 2
    assert motion_from_file(path, "Walk").name == "Walk"


@pytest.mark.parametrize("clip", [None, "Jump"])
def test_a_clip_that_is_not_there_gets_the_list(tmp_path, clip):
    with pytest.raises(ValueError, match=r"Choose from: Walk, Run, Run.2, clip3"):
        motion_from_file(several_clips(tmp_path), clip)


def test_a_vrm_animation_names_its_bones_itself(tmp_path):
    builder = figure_gltf(
        [("leftUpperArm", "rotation", [0, 1], [IDENTITY, QUARTER], "LINEAR")],
        extensions=humanoid_extension(),
    )
    for index, node in enumerate(builder.document["nodes"]):
        node["name"] = f"n{index}"
    path = written(tmp_path, "wave.vrma", builder.glb())
    assert list_clips(path) == ("wave",)
    motion = motion_from_file(path, fps=2)
    column = motion.bones.index("leftHand")
    np.testing.assert_allclose(degrees_about_z(motion.rotations[:, column]), [0, 45, 90],
                               atol=1e-5)  # fmt: skip


def test_a_vrm_animation_without_an_animation_is_refused(tmp_path):
    builder = figure_gltf(extensions=humanoid_extension())
    with pytest.raises(ValueError, match="Received: no animation"):
        motion_from_file(written(tmp_path, "empty.vrma", builder.glb()))


def test_files_are_told_by_content_not_by_name(tmp_path):
    path = written(tmp_path, "wrong.bvh", figure_gltf().glb())
    assert motion_format(path) == "gltf"
    with pytest.raises(ValueError, match=r"must be a BVH, VMD, VRMA.*starts with b'# Just"):
        motion_format(written(tmp_path, "notes.bvh", "# Just text"))


def test_a_clip_cannot_be_asked_of_a_file_with_one_motion():
    path = shared_path("avatars/motions/idle_loop.vrma")
    with pytest.raises(ValueError, match="`clip` must be left out, or 'idle_loop'"):
        motion_from_file(path, "dance")


def test_real_animations_are_read_at_their_own_rates():
    gltf = read_gltf(shared_path("avatars/motions/mesh2motion_12_actions.glb"))
    assert len(clip_names(gltf)) == 12
    motion = motion_from_file(gltf.path, "Victory")
    assert (motion.fps, motion.num_frames) == (24.0, 40)
    assert len(list_clips(shared_path("avatars/models/kaykit_Knight.glb"))) == 76
    idle = motion_from_file(shared_path("avatars/motions/idle_loop.vrma"))
    assert (idle.fps, idle.num_frames, idle.loops) == (24.0, 250, True)


def test_a_real_animation_of_one_arm_moves_that_arm_alone():
    # Its rest has arbitrary local axes; half a second in, the right arm is turned by 90 degrees.
    motion = motion_from_file(shared_path("avatars/motions/three_vrm_test.vrma"))
    assert (motion.fps, motion.num_frames) == (30.0, 91)
    moves = angles_between(motion.rotations, np.array(IDENTITY)).max(axis=0) > 1e-6
    moved = {bone for bone, moves_it in zip(motion.bones, moves, strict=True) if moves_it}
    assert {bone for bone in moved if "Arm" in bone or bone == "rightHand"} == {
        "rightUpperArm", "rightLowerArm", "rightHand"
    }  # fmt: skip
    assert all(bone.startswith("right") for bone in moved)
    arm = motion.rotations[15, motion.bones.index("rightUpperArm")]
    assert np.degrees(angles_between(arm, np.array(IDENTITY))) == pytest.approx(90, abs=1e-3)
    np.testing.assert_allclose(motion.hips_offsets, 0, atol=1e-9)
