"""BVH files: hand-written figures in every dialect, damage, and real captures."""

import numpy as np
import pytest

from motion_files_by_hand import FIGURE, bvh, written
from psgan_tf.motion.bvh import read_bvh
from psgan_tf.motion.gltf.clips import clip_index, sample_clip
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.transforms import angles_between
from shared_assets import shared_path


def world_positions(animation):
    positions = animation.world_matrices()[..., :3, 3]
    return {name: positions[:, index] for index, name in enumerate(animation.rig.node_names)}


def test_a_file_without_turns_stands_at_rest(tmp_path):
    animation = read_bvh(written(tmp_path, "rest.bvh", bvh([{}, {}])))
    assert (animation.fps, animation.num_frames) == (10.0, 2)
    for name, places in world_positions(animation).items():
        np.testing.assert_allclose(places, [FIGURE[name][1]] * 2, atol=1e-6)


def test_turns_are_composed_in_the_order_of_the_channels(tmp_path):
    # Z 90 then X 90 in the joint's own axes: the forearm, along x, goes to y, and the hand with it.
    turned = {"leftUpperArm": [90, 0, 0]}
    orders = {"leftUpperArm": ["Zrotation", "Xrotation", "Yrotation"]}
    places = world_positions(read_bvh(written(tmp_path, "z.bvh", bvh([turned], orders))))
    np.testing.assert_allclose(places["leftHand"][0], [0.2, 1.95, 0.0], atol=1e-6)

    both = {"leftUpperArm": [90, 90, 0]}
    places = world_positions(read_bvh(written(tmp_path, "zx.bvh", bvh([both], orders))))
    np.testing.assert_allclose(places["leftHand"][0], [0.2, 1.95, 0.0], atol=1e-6)

    other = {"leftUpperArm": ["Xrotation", "Zrotation", "Yrotation"]}
    places = world_positions(read_bvh(written(tmp_path, "xz.bvh", bvh([both], other))))
    np.testing.assert_allclose(places["leftHand"][0], [0.2, 1.45, 0.5], atol=1e-6)


def test_positions_replace_offsets_on_any_joint(tmp_path):
    channels = {"head": ["Xposition", "Yposition", "Zposition", "Yrotation"]}
    animation = read_bvh(written(tmp_path, "six.bvh", bvh([{"head": [0, 0.3, 0, 0]}], channels)))
    np.testing.assert_allclose(world_positions(animation)["head"][0], [0, 1.8, 0], atol=1e-6)


def test_a_single_position_channel_replaces_its_axis_alone(tmp_path):
    text = bvh([{"hips": [2.0, 0, 0, 0]}], {"hips": ["Yposition", "Zrotation", "Xrotation",
                                                    "Yrotation"]})  # fmt: skip
    animation = read_bvh(written(tmp_path, "y.bvh", text))
    np.testing.assert_allclose(world_positions(animation)["hips"][0], [0, 2, 0], atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\t", "    "),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("Frame Time: ", "Frame Time:\t"),
        lambda text: text.replace("\t{", " {").replace("\n {", " {"),
        lambda text: text + "\n\n",
        lambda text: text.replace("Zrotation", "ZROTATION"),
    ],
    ids=["CRLF", "spaces", "mark", "tab", "braces", "lines", "case"],
)
def test_dialects_mean_the_same(tmp_path, change):
    text = bvh([{"leftUpperArm": [30, 20, 10]}, {"hips": [0.1, 1.2, 0.3, 5, 6, 7]}])
    expected = read_bvh(written(tmp_path, "a.bvh", text)).world_matrices()
    received = read_bvh(written(tmp_path, "b.bvh", change(text))).world_matrices()
    np.testing.assert_array_equal(received, expected)


def test_joint_names_may_have_spaces(tmp_path):
    names = {"hips": "Bip01 Pelvis", "spine": "Bip01 Spine", "head": "Bip01 Head"}
    rig = read_bvh(written(tmp_path, "a.bvh", bvh([{}], names=names))).rig
    assert rig.node_names[:2] == ("Bip01 Pelvis", "Bip01 Spine")


def test_a_file_that_stands_z_up_makes_the_same_motion(tmp_path):
    # The same figure and turns about the same axes of the body, written with z up and facing -y.
    def z_up(point):
        x, y, z = point
        return (x, -z, y)

    lying = {name: (parent, z_up(place)) for name, (parent, place) in FIGURE.items()}
    upright = bvh([{"leftUpperArm": [30, 0, 0], "hips": [0.1, 1.2, 0.3, 0, 0, 0]}])
    # A turn about z (forward) is one about -y there.
    channels = {"leftUpperArm": ["Yrotation", "Xrotation", "Zrotation"]}
    turned = bvh(
        [{"leftUpperArm": [-30, 0, 0], "hips": [0.1, -0.3, 1.2, 0, 0, 0]}], channels, lying
    )
    expected = read_bvh(written(tmp_path, "a.bvh", upright)).motion("a")
    received = read_bvh(written(tmp_path, "b.bvh", turned)).motion("b")
    assert angles_between(received.rotations, expected.rotations).max() < 1e-6
    np.testing.assert_allclose(received.hips_offsets, expected.hips_offsets, atol=1e-6)


def test_the_unit_of_a_file_does_not_matter(tmp_path):
    metres = bvh([{"hips": [0.4, 1.0, 0.2, 0, 0, 0]}])
    centimetres = bvh([{"hips": [40, 100, 20, 0, 0, 0]}], unit=100.0)
    first = read_bvh(written(tmp_path, "m.bvh", metres)).motion("m")
    second = read_bvh(written(tmp_path, "cm.bvh", centimetres)).motion("cm")
    np.testing.assert_allclose(first.hips_offsets, [[0.5, 0, 0.25]], atol=1e-6)  # legs of 0.8
    np.testing.assert_allclose(second.hips_offsets, first.hips_offsets, atol=1e-6)


@pytest.mark.parametrize(
    ("frame_time", "fps"), [("0.041667", 24.0), ("0.0333333", 30.0), ("0.033367", 29.97)]
)
def test_rounded_frame_times_give_the_rate_that_was_meant(tmp_path, frame_time, fps):
    text = bvh([{}, {}]).replace("Frame Time: 0.1", f"Frame Time: {frame_time}")
    assert read_bvh(written(tmp_path, "a.bvh", text)).fps == pytest.approx(fps, abs=2e-3)


GOOD = bvh([{}, {}])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("Frames: 2", "Frames: 0"), "at least one frame. Received: 'Frames: 0'"),
        (GOOD.replace("Frames: 2", "Frames: 3"), "must hold 3 frames of 66 values.*truncated"),
        (GOOD.replace("Frames: 2", "Frames: 1e300"), "finite numbers"),
        (GOOD.replace("Frame Time: 0.1", "Frame Time: 0"), "Frame Time from 0.001 to 10 s"),
        (GOOD.replace("Frame Time: 0.1", "Frame Time: -1"), "Frame Time"),
        (GOOD[:-30], "truncated"),
        (GOOD[: GOOD.index("MOTION")], "must have a MOTION section"),
        (GOOD[: len(GOOD) // 3], "must (have a MOTION section|be a BVH hierarchy)"),
        (GOOD.replace("CHANNELS 6", "CHANNELS 5", 1), "line 5"),
        (GOOD.replace("CHANNELS 6", "CHANNELS 99999999", 1), "as many channels as it says"),
        (GOOD.replace("Zrotation", "Wrotation", 1), "must name channels such as Zrotation"),
        (GOOD.replace("OFFSET 0", "OFFSET zero", 1), "line 4 must hold finite numbers"),
        (GOOD.replace("}", "", 1), "must"),
        (GOOD.replace("OFFSET", "", 1), "must be a BVH hierarchy"),
    ],
)
def test_damaged_files_say_where(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as error:
        read_bvh(written(tmp_path, "bad.bvh", text))
    assert "bad.bvh" in str(error.value)


def test_not_a_number_is_refused_with_its_line(tmp_path):
    lines = GOOD.splitlines()
    lines[-1] = lines[-1].replace("0.000000", "nan", 1)
    with pytest.raises(
        ValueError, match=f"bad.bvh` line {len(lines)} must hold finite numbers. Received: 'nan'"
    ):
        read_bvh(written(tmp_path, "bad.bvh", "\n".join(lines)))


def test_a_capture_without_legs_is_refused_when_it_shall_move_a_body(tmp_path):
    trunk = {b: v for b, v in FIGURE.items() if "Leg" not in b and "Foot" not in b
             and "Toes" not in b}  # fmt: skip
    animation = read_bvh(written(tmp_path, "bust.bvh", bvh([{}], figure=trunk)))
    with pytest.raises(ValueError, match=r"bust.bvh.*without leftUpperLeg"):
        animation.motion("bust")


def test_a_map_finds_the_bones_of_unknown_names(tmp_path):
    names = {bone: f"j{index}" for index, bone in enumerate(FIGURE)}
    path = written(tmp_path, "a.bvh", bvh([{"leftUpperArm": [30, 0, 0]}], names=names))
    expected = read_bvh(written(tmp_path, "b.bvh", bvh([{"leftUpperArm": [30, 0, 0]}]))).motion("b")
    received = read_bvh(path, names).motion("a")
    np.testing.assert_array_equal(received.rotations, expected.rotations)


@pytest.mark.parametrize(
    ("file", "clip"),
    [
        ("m2m_backflip.bvh", "Backflip"),
        ("m2m_dance_charleston.bvh", "Dance Charleston"),
        ("m2m_jumping_jacks.bvh", "Jumping Jacks"),
        ("m2m_run_anime.bvh", "Run Anime"),
        ("m2m_throw_object.bvh", "Throw Object"),
        ("m2m_victory.bvh", "Victory"),
    ],
)
def test_real_z_up_files_equal_the_same_clips_in_gltf(file, clip):
    gltf = read_gltf(shared_path("avatars/motions/mesh2motion_12_actions.glb"))
    rig = rig_of_gltf(gltf)
    expected = sample_clip(gltf, rig, clip_index(gltf, clip)).motion(clip)
    received = read_bvh(shared_path(f"avatars/motions/{file}")).motion(clip)
    assert received.bones == expected.bones
    assert (received.fps, received.num_frames) == (expected.fps, expected.num_frames)
    # The text has six digits: degrees and centimetres.
    worst = angles_between(received.rotations, expected.rotations).max()
    assert np.degrees(worst) < 0.001
    np.testing.assert_allclose(received.hips_offsets, expected.hips_offsets, atol=1e-6)


def test_a_real_walk_walks():
    motion = read_bvh(shared_path("avatars/motions/cmu_12_01_walk.bvh")).motion("walk")
    assert (motion.fps, motion.num_frames) == (120.0, 524)
    # Upright, a leg's length above the ground, and some steps ahead.
    heights = motion.hips_offsets[:, 1]
    assert np.abs(heights).max() < 0.2
    travel = motion.hips_offsets[-1] - motion.hips_offsets[0]
    assert np.hypot(travel[0], travel[2]) > 3.0
