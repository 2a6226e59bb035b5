"""From motions of every kind to keypoints: those of the renderer, and hand-made ones."""

import json

import numpy as np
import pytest

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.generation.pose_sequences import SequenceOptions, read_sequence, rest_skeleton_of_file
from psgan_tf.generation.pose_spec import (
    PoseSpec,
    View,
    parse_yaw,
    pose_spec_of_card,
    read_stage,
    stage_from_json,
)
from psgan_tf.keypoints.dataset_folder import read_folder
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.motion.camera import Camera
from psgan_tf.motion.loops import closed_loop
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.transforms import angles_between
from run_programs import run
from shared_assets import shared_path

AVATAR20 = SKELETONS["avatar20"]
MOTIONS = {
    "m2m_run_anime": "m2m_run_anime.bvh",
    "victory_fk": "victory_fk.vmd",
    "dance_charleston_ik": "dance_charleston_ik.vmd",
    "idle_loop": "idle_loop.vrma",
    "Bow": "mesh2motion_12_actions.glb#Bow",
}
YAW_DEGREES, PITCH_DEGREES = 35, 12


def motion_path(name):
    file, mark, clip = MOTIONS[name].partition("#")
    return f"{shared_path(f'avatars/motions/{file}')}{mark}{clip}"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A dataset of the real renderer, and the pose spec of the records made from it."""
    folder, records = tmp_path_factory.mktemp("rendered"), tmp_path_factory.mktemp("records")
    status, printed = run(
        "tools.render_avatars",
        f"--avatar={shared_path('avatars/models/godette_vrm0.vrm')}",
        *(f"--motion={motion_path(name)}" for name in MOTIONS),
        *("--size=32", "--samples=1", "--poses_per_motion=3", "--workers=1"),
        *(f"--yaw={YAW_DEGREES}", f"--pitch={PITCH_DEGREES}", f"--output={folder}"),
    )
    assert status == 0, printed
    status, printed = run("tools.make_tfrecords", f"--input={folder}", f"--output={records}")
    assert status == 0, printed
    return read_folder(folder), read_stage(records)


@pytest.mark.parametrize("name", MOTIONS)
def test_the_keypoints_of_a_motion_are_the_renderer_s(rendered, name):
    folder, pose_spec = rendered
    view = View((YAW_DEGREES, YAW_DEGREES), PITCH_DEGREES)
    sequence = read_sequence(motion_path(name), pose_spec, SequenceOptions(view=view))
    rows = [row for row in folder.rows if row.text("motion") == name]
    assert len(rows) == 3
    for row in rows:
        found = sequence.keypoints[row.attributes["frame"]]
        np.testing.assert_allclose(found, row.keypoints, atol=0.001)


def test_the_same_motion_from_the_dataset_folder_is_sampled_between_its_pictures(rendered):
    folder, pose_spec = rendered
    rows = [row for row in folder.rows if row.text("motion") == "Bow"]
    times = [row.attributes["time_s"] for row in rows]
    source = f"{folder.directory}#Bow"
    sequence = read_sequence(source, pose_spec, SequenceOptions(fps=1 / times[1]))
    np.testing.assert_allclose(sequence.keypoints[1], rows[1].keypoints, atol=0.01)
    assert sequence.num_frames == int(times[-1] / times[1] + 1e-6) + 1
    with pytest.raises(ValueError, match=r"must name a motion of .* m2m_run_anime, .*'Jump'"):
        read_sequence(f"{folder.directory}#Jump", pose_spec, SequenceOptions())


def test_keypoints_are_in_the_frame_of_the_records_when_pictures_were_another_size(rendered):
    _, pose_spec = rendered
    card = DatasetCard("d", AVATAR20, 128, (4,), {}, camera=pose_spec.camera.to_json())
    enlarged = pose_spec_of_card(card).camera
    assert (enlarged.size_px, enlarged.pixels_per_unit) == (
        128,
        4 * pose_spec.camera.pixels_per_unit,
    )


def test_a_motion_is_sampled_at_the_right_times(rendered):
    _, pose_spec = rendered
    path = motion_path("victory_fk")
    own = read_sequence(path, pose_spec, SequenceOptions())
    half = read_sequence(path, pose_spec, SequenceOptions(fps=15.0))
    assert (own.fps, half.fps) == (30.0, 15.0)
    np.testing.assert_allclose(half.keypoints, own.keypoints[::2], atol=0.05)
    part = read_sequence(path, pose_spec, SequenceOptions(span_secs=(0.5, 1.0)))
    assert part.num_frames == 16
    twos = read_sequence(path, pose_spec, SequenceOptions(fps=30.0, hold=2))
    assert twos.fps == 30.0
    np.testing.assert_array_equal(twos.keypoints[0::2], twos.keypoints[1::2])
    np.testing.assert_array_equal(twos.keypoints[::2], half.keypoints)


def test_a_part_that_is_not_there_is_refused(rendered):
    options = SequenceOptions(span_secs=(3.0, None))
    with pytest.raises(ValueError, match=r"from 0 to 1\.67 s\. Received: 3 to None"):
        read_sequence(motion_path("victory_fk"), rendered[1], options)


def test_a_turn_goes_evenly_round_the_character(rendered):
    _, pose_spec = rendered
    path = motion_path("idle_loop")
    turned = read_sequence(path, pose_spec, SequenceOptions(view=View((0, 360)), span_secs=(0, 1)))
    for frame in (0, 6, 20):
        degrees = 360 * frame / turned.num_frames
        still = SequenceOptions(view=View((degrees, degrees)), span_secs=(0, 1))
        expected = read_sequence(path, pose_spec, still).keypoints[frame]
        np.testing.assert_allclose(turned.keypoints[frame], expected, atol=0.001)


def test_zoom_enlarges_round_the_middle(rendered):
    _, pose_spec = rendered
    near = read_sequence(motion_path("Bow"), pose_spec, SequenceOptions(view=View(zoom=0.5)))
    far = read_sequence(motion_path("Bow"), pose_spec, SequenceOptions())
    expected = 16 + 0.5 * (far.keypoints[..., :2] - 16)
    np.testing.assert_allclose(near.keypoints[..., :2], expected, atol=0.001)


def test_framing_by_the_motion_keeps_every_joint_in_the_picture(rendered):
    _, pose_spec = rendered
    for name in MOTIONS:
        view = View((0, 180), framing="motion")
        sequence = read_sequence(motion_path(name), pose_spec, SequenceOptions(view=view))
        assert sequence.keypoints[..., 2].all()
        assert np.ptp(sequence.keypoints[..., 1]) > 0.5 * 32


def test_a_model_without_rest_skeleton_takes_the_one_of_its_avatar_s_file(rendered):
    _, pose_spec = rendered
    bare = PoseSpec(pose_spec.skeleton, pose_spec.frame_px, camera=pose_spec.camera)
    with pytest.raises(ValueError, match=r"has no rest skeleton\. Name its avatar's file"):
        read_sequence(motion_path("Bow"), bare, SequenceOptions())
    rest = rest_skeleton_of_file(shared_path("avatars/models/godette_vrm0.vrm"))
    same = PoseSpec(pose_spec.skeleton, pose_spec.frame_px, rest, pose_spec.camera)
    found = read_sequence(motion_path("Bow"), same, SequenceOptions()).keypoints
    expected = read_sequence(motion_path("Bow"), pose_spec, SequenceOptions()).keypoints
    np.testing.assert_allclose(found, expected, atol=0.001)


def test_a_stage_survives_an_exported_model_s_skeleton_file(rendered):
    _, pose_spec = rendered
    document = {
        **AVATAR20.to_json(),
        "image_size": [32, 32],
        "rest_skeleton": pose_spec.rest_skeleton.to_json(),
        "camera": pose_spec.camera.to_json(),
    }
    again = stage_from_json(json.loads(json.dumps(document)), "skeleton.json")
    found = read_sequence(motion_path("Bow"), again, SequenceOptions()).keypoints
    expected = read_sequence(motion_path("Bow"), pose_spec, SequenceOptions()).keypoints
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["m2m_run_anime", "victory_fk", "idle_loop"])
def test_a_closed_loop_has_no_jump(name):
    motion = motion_from_file(*motion_path(name).split("#"))
    loop = closed_loop(motion, 0.4)
    jump = angles_between(loop.rotations[-1], loop.rotations[0]).max()
    steps = angles_between(loop.rotations[1:], loop.rotations[:-1]).max(axis=1)
    assert jump <= steps.max()


def test_an_open_motion_is_blended_from_its_end_into_its_start():
    motion = motion_from_file(shared_path("avatars/motions/m2m_throw_object.bvh"))
    loop = closed_loop(motion, 0.25)
    overlap = round(0.25 * motion.fps)
    assert loop.num_frames == motion.num_frames - overlap
    kept = motion.rotations[overlap:-overlap]
    np.testing.assert_array_equal(loop.rotations[overlap:], kept)
    first_share = angles_between(loop.rotations[0], motion.rotations[-overlap])[0]
    whole = angles_between(motion.rotations[0], motion.rotations[-overlap])[0]
    assert first_share == pytest.approx(whole / (overlap + 1), abs=1e-6)


def test_a_motion_that_loops_already_stays():
    motion = motion_from_file(shared_path("avatars/motions/m2m_jumping_jacks.bvh"))
    assert closed_loop(motion, 0.4) is motion


def test_a_camera_turned_up_keeps_the_ground_where_it_is():
    level = Camera(100, 40.0, target=(0.0, 1.0, 0.0))
    ground = np.zeros((1, 1, 3))
    for pitch in (0.0, 0.3, -0.5):
        shown = level.turned(0.7, pitch).project(ground, np.zeros((1, 3)))
        np.testing.assert_allclose(shown[0, 0], [50, 90], atol=1e-9)


@pytest.mark.parametrize(("text", "ends"), [("30", (30, 30)), ("-90:270", (-90, 270))])
def test_yaw_is_one_angle_or_a_turn(text, ends):
    assert parse_yaw(text) == ends


@pytest.mark.parametrize("text", ["", "left", "1:2:3", "nan", "99999"])
def test_other_yaws_are_refused(text):
    with pytest.raises(ValueError, match="`yaw` must be degrees"):
        parse_yaw(text)
