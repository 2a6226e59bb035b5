"""From flat poses to keypoints at other times: pose files, OpenPose folders, dataset motions."""

import json

import numpy as np
import pytest

from psgan_tf.generation.pose_sequences import (
    PoseSequence,
    SequenceOptions,
    held,
    read_sequence,
    write_sequence,
)
from psgan_tf.generation.pose_spec import PoseSpec, View
from psgan_tf.images.pictures import encode_png
from psgan_tf.keypoints.dataset_folder import ManifestRow, write_folder
from psgan_tf.keypoints.schema import SKELETONS, Skeleton
from psgan_tf.keypoints.schema_conversion import convert_keypoints

AVATAR20 = SKELETONS["avatar20"]
TAIL3 = Skeleton("tail3", ("root", "mid", "tip"), (), ((0, 1), (1, 2)))
TAIL_STAGE = PoseSpec(TAIL3, 100)


def straight_line(count, fps):
    """Joints that move at steady speeds; the last one is missing in frame 3."""
    times = np.arange(count) / fps
    xy = np.stack([10 + 30 * times, 20 + 15 * times], axis=-1)[:, None] + [[0, 0], [5, 2], [9, 9]]
    keypoints = np.concatenate([xy, np.ones((count, 3, 1))], axis=-1).astype(np.float32)
    keypoints[3, 2] = 0
    return keypoints


@pytest.fixture
def pose_file(tmp_path):
    write_sequence(tmp_path / "p.json", PoseSequence("p", 10.0, straight_line(8, 10)), TAIL_STAGE)
    return tmp_path / "p.json"


def test_a_pose_file_reads_back_equal_with_its_rate(pose_file):
    sequence = read_sequence(str(pose_file), TAIL_STAGE, SequenceOptions())
    assert sequence.fps == 10.0
    np.testing.assert_array_equal(sequence.keypoints, straight_line(8, 10))


def test_straight_ways_stay_straight_between_frames_and_missing_joints_missing(pose_file):
    sequence = read_sequence(str(pose_file), TAIL_STAGE, SequenceOptions(fps=40.0))
    expected = straight_line(29, 40)
    assert sequence.num_frames == 29
    np.testing.assert_allclose(sequence.keypoints[:, :2], expected[:, :2], atol=1e-4)
    hidden = np.arange(29)[sequence.keypoints[:, 2, 2] == 0]
    assert hidden.tolist() == list(range(9, 16))  # all between frame 2 and frame 4 of the source


def test_the_way_between_frames_is_smooth(tmp_path):
    angle = np.radians(np.arange(0, 360, 30.0))
    circle = np.stack([50 + 30 * np.cos(angle), 50 + 30 * np.sin(angle)], axis=-1)
    keypoints = np.concatenate([circle, np.ones((12, 1))], axis=-1)[:, None].repeat(3, axis=1)
    write_sequence(tmp_path / "c.json", PoseSequence("c", 12, keypoints.astype("f")), TAIL_STAGE)
    found = read_sequence(str(tmp_path / "c.json"), TAIL_STAGE, SequenceOptions(fps=48.0))
    radius = np.hypot(*(found.keypoints[:, 0, :2] - 50).T)
    # Straight lines would cut the corners to a radius of 29.0 half way.
    assert radius[4:-4].min() > 29.8
    assert found.keypoints[:, :, 2].all()


def openpose(points, **more):
    values = [float(v) for point in points for v in point]
    return json.dumps({"people": [{"pose_keypoints_2d": values}] if values else [], **more})


def test_an_openpose_folder_is_read_in_order_and_a_frame_with_no_one_keeps_its_time(tmp_path):
    pose_spec = PoseSpec(SKELETONS["openpose18"], 100)
    for number in range(12):
        points = [] if number == 9 else [(10 + number, 50, 0.9)] * 18
        (tmp_path / f"clip_{number}_keypoints.json").write_text(openpose(points))
    sequence = read_sequence(str(tmp_path), pose_spec, SequenceOptions(source_fps=25.0))
    assert (sequence.fps, sequence.num_frames) == (25.0, 12)
    assert not sequence.keypoints[9].any()
    shown = [number for number in range(12) if number != 9]
    assert sequence.keypoints[shown, 0, 0].tolist() == [10 + number for number in shown]


def test_openpose_drives_an_avatar_by_the_joints_that_both_have(tmp_path):
    """The table of docs/animation.md: which of the 20 follow exactly, are derived, are missing."""
    rng = np.random.default_rng(0)
    pose = np.concatenate([rng.uniform(5, 95, [20, 2]), np.ones((20, 1))], axis=1).astype("f")
    own = SKELETONS["openpose18"]
    points = convert_keypoints(pose, AVATAR20, own)
    (tmp_path / "one_keypoints.json").write_text(openpose(points))
    back = read_sequence(str(tmp_path), PoseSpec(AVATAR20, 100), SequenceOptions()).keypoints[0]
    limbs = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
    exact = ["neck", *(side + limb for side in ("left", "right") for limb in limbs)]
    rows = [AVATAR20.index(name) for name in exact]
    np.testing.assert_allclose(back[rows], pose[rows], atol=1e-4)
    legs = [AVATAR20.index(side + "UpperLeg") for side in ("left", "right")]
    np.testing.assert_allclose(back[0, :2], pose[legs, :2].mean(axis=0), atol=1e-4)
    missing = {AVATAR20.keypoints[row] for row in np.flatnonzero(back[:, 2] == 0)}
    assert missing == {"spine", "head"} | {
        s + p for s in ("left", "right") for p in ("Shoulder", "Toes")
    }


def test_schemas_without_a_joint_in_common_are_refused_with_both_names(tmp_path, pose_file):
    with pytest.raises(ValueError, match=r"wanted, 'avatar20'\. .* 'tail3'"):
        read_sequence(str(pose_file), PoseSpec(AVATAR20, 100), SequenceOptions())
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "0.png").write_bytes(encode_png(np.zeros([4, 4, 3], np.uint8)))
    row = ManifestRow("images/0.png", straight_line(8, 10)[0], {"motion": "wag"})
    write_folder(tmp_path, TAIL3, (100, 100), [row], {})
    with pytest.raises(ValueError, match=r"wanted, 'avatar20'\. Received: 'tail3'"):
        read_sequence(f"{tmp_path}#wag", PoseSpec(AVATAR20, 100), SequenceOptions())


def test_a_dataset_motion_follows_one_costume_in_the_order_of_time(tmp_path):
    (tmp_path / "images").mkdir()
    rows = []
    for costume in ("red", "blue"):
        for time_s in (0.4, 0.0, 0.2):
            keypoints = straight_line(8, 10)[round(time_s * 10)]
            name = f"images/{costume}{time_s}.png"
            (tmp_path / name).write_bytes(b"not looked at")
            rows.append(
                ManifestRow(
                    name, keypoints, {"costume": costume, "motion": "wag", "time_s": time_s}
                )
            )
    write_folder(tmp_path, TAIL3, (100, 100), rows, {})
    sequence = read_sequence(str(tmp_path), TAIL_STAGE, SequenceOptions())
    assert (sequence.fps, sequence.num_frames) == (5.0, 3)
    np.testing.assert_array_equal(sequence.keypoints, straight_line(8, 10)[[0, 2, 4]])


@pytest.mark.parametrize("view", [View((30.0, 30.0)), View(pitch_degrees=5), View(zoom=2.0)])
def test_flat_poses_cannot_be_seen_from_elsewhere(pose_file, view):
    with pytest.raises(ValueError, match="must be left out for flat motions"):
        read_sequence(str(pose_file), TAIL_STAGE, SequenceOptions(view=view))


def test_a_loop_of_flat_poses_has_no_jump(pose_file):
    options = SequenceOptions(fps=20.0, loop_secs=0.2)
    loop = read_sequence(str(pose_file), TAIL_STAGE, options).keypoints
    x = loop[:, 0, 0]
    assert len(loop) == 15 - 4
    assert (
        abs(x[0] - x[-1])
        < abs(straight_line(15, 20)[0, 0, 0] - straight_line(15, 20)[-1, 0, 0]) / 2
    )


def test_held_poses_are_repeated_at_a_higher_rate():
    sequence = held(PoseSequence("p", 10.0, straight_line(3 + 1, 10)), 3)
    assert (sequence.fps, sequence.num_frames) == (30.0, 12)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("gone.bvh", "which does not exist"),
        ("p.json#clip", r"after its #\. Received: 'clip'"),
        ("empty", "holds neither"),
    ],
)
def test_what_is_no_motion_is_refused(pose_file, source, message):
    (pose_file.parent / "empty").mkdir()
    with pytest.raises(ValueError, match=message):
        read_sequence(str(pose_file.parent / source), TAIL_STAGE, SequenceOptions())
