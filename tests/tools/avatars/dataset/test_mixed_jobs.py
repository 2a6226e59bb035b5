"""Rendering jobs with mixed poses and tight framing: rows, pictures, cards, and going on."""

import numpy as np
import pytest
from PIL import Image

from avatars_by_hand import figure_avatar
from motion_files_by_hand import bvh, written
from psgan_tf.generation.pose_spec import PoseSpec, View, keypoints_of_motion
from psgan_tf.keypoints.dataset_folder import check_folder, read_folder
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.motion.camera import camera_from_json
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_from_json
from render_jobs import contents, costumes, kill, rendered, run, started
from tools.avatars.dataset.framing import tight_camera
from tools.avatars.dataset.options import Angles, RenderOptions
from tools.avatars.dataset.presets import DISTINCT_COSTUMES, PRESETS
from tools.avatars.dataset.rendering_job import render_dataset
from tools.avatars.mixed_poses.mixer import PoseMixer

NAMES = SKELETONS["avatar20"].keypoints

# Arms and head are moved in training; a leg only in the motion that is kept for testing.
TRAINING = [
    {},
    {"leftUpperArm": [60, 0, 0], "rightLowerArm": [0, 0, 60], "head": [0, 0, 30]},
    {"leftUpperArm": [-60, 0, 0], "rightUpperArm": [-50, 0, 0], "head": [0, 20, -10]},
]
KEPT = [{}, {"leftUpperLeg": [0, -80, 0]}, {"hips": [0.0, 1.4, 0.0, 0, 0, 0]}]


@pytest.fixture
def files(tmp_path):
    """Options of a small job in two costumes."""
    return {
        "avatars": (written(tmp_path, "figure.glb", figure_avatar(skinned=True).glb()),),
        "costumes": (costumes(tmp_path, "day", "night"),),
        "motions": (
            str(written(tmp_path, "arms.bvh", bvh(TRAINING))),
            str(written(tmp_path, "leg.bvh", bvh(KEPT))),
        ),
        "output": tmp_path / "out",
        "size_px": 64,
        "workers": 1,
        "mixed_poses": 50,
        "test_motions": ("leg",),
        "yaw": Angles((-60.0, 60.0), is_range=True),
        "seed": 3,
    }


def mixed_rows(folder):
    return [row for row in folder.rows if row.text("motion") == "mixed"]


def test_each_costume_has_mixed_poses_of_its_own_to_train_on(files):
    folder = rendered(files)
    rows = mixed_rows(folder)
    assert len(rows) == 2 * 50
    assert len(folder.rows) == 2 * (50 + 3 + 3)
    assert {row.text("split") for row in rows} == {"train"}
    day, night = ([row for row in rows if row.text("costume") == name] for name in ("day", "night"))
    assert [row.attributes["frame"] for row in day] == list(range(50))
    assert day[7].image == "images/figure-day/mixed_0007.png"
    alike = [np.allclose(one.keypoints, two.keypoints) for one, two in zip(day, night, strict=True)]
    assert not any(alike)
    yaws = np.degrees([row.attributes["yaw_rad"] for row in rows])
    assert yaws.min() < -40
    assert yaws.max() > 40
    assert folder.card["mixed_poses"] == {"poses_per_costume": 50, "motions": ["arms"]}
    assert check_folder(folder.directory) == []


def test_mixed_poses_are_made_of_training_motions_only(files):
    folder = rendered(files)
    camera = camera_from_json(folder.card["camera"])
    rest = rest_skeleton_from_json(folder.card["rest_skeleton"])
    foot, hips = NAMES.index("leftFoot"), NAMES.index("hips")
    standing = camera.project(rest.t_pose[None], rest.t_pose[None, 0])[0]
    drop = standing[rest.bones.index("leftFoot"), 1] - standing[0, 1]
    for row in folder.rows:
        fall = row.keypoints[foot, 1] - row.keypoints[hips, 1]
        if row.text("motion") != "leg":
            assert fall == pytest.approx(drop, abs=1e-3)
    assert min(
        row.keypoints[foot, 1] - row.keypoints[hips, 1]
        for row in folder.rows
        if row.text("motion") == "leg"
    ) < 0.5 * drop  # fmt: skip


@pytest.mark.parametrize("framing", ["all", "tight"])
def test_keypoints_of_mixed_poses_are_the_projected_joints(files, framing):
    folder = rendered(files, framing=framing)
    level = camera_from_json(folder.card["camera"])
    rest = rest_skeleton_from_json(folder.card["rest_skeleton"])
    mixer = PoseMixer(rest, [motion_from_file(files["motions"][0])], "motion", seed=3)
    for row in mixed_rows(folder)[::7]:
        key = f"figure/{row.text('costume')}"
        posed = mixer.poses(key, [row.attributes["frame"]]).posed
        camera = level.turned(row.attributes["yaw_rad"], row.attributes["pitch_rad"])
        expected = camera.keypoints(posed.keypoints, posed.hips)[0]
        np.testing.assert_allclose(row.keypoints, expected, atol=1e-3)
        # What hangs on the joints is drawn there: the picture is darker than its white ground.
        pixels = np.asarray(Image.open(folder.directory / row.image))
        x, y = np.floor(row.keypoints[row.keypoints[:, 2] > 0, :2]).astype(int).T
        assert ((pixels[y, x] < 250).any(axis=-1)).mean() > 0.8


def test_a_motion_is_framed_as_the_tight_pictures_are(files):
    """What animating and evaluating do with the card gives the keypoints of the dataset."""
    folder = rendered(files, framing="tight", yaw=Angles((20.0,)))
    pose_spec = PoseSpec(
        SKELETONS["avatar20"],
        64,
        rest_skeleton_from_json(folder.card["rest_skeleton"]),
        camera_from_json(folder.card["camera"]),
    )
    motion = motion_from_file(files["motions"][1])
    found = keypoints_of_motion(pose_spec, motion, View((20.0, 20.0)))
    rows = [r for r in folder.rows if (r.text("motion"), r.text("costume")) == ("leg", "day")]
    assert pose_spec.camera.follow_height == 0.5
    np.testing.assert_allclose(found, [row.keypoints for row in rows], atol=1e-3)


def test_tight_pictures_show_a_larger_figure_of_one_size(files):
    everything = rendered(files, output=files["output"] / "all")
    tight = rendered(files, output=files["output"] / "tight", framing="tight")

    def filled(folder):
        pictures = [np.asarray(Image.open(folder.directory / row.image)) for row in folder.rows]
        return np.mean([(picture != 255).any(axis=-1).mean() for picture in pictures])

    assert filled(tight) > 1.15 * filled(everything)
    wider = tight.card["camera"]["pixels_per_unit"] / everything.card["camera"]["pixels_per_unit"]
    for one, other in zip(everything.rows, tight.rows, strict=True):
        for joint, parent in ((9, 8), (13, 12)):
            lengths = [
                np.linalg.norm(row.keypoints[joint, :2] - row.keypoints[parent, :2])
                for row in (one, other)
            ]
            assert lengths[1] == pytest.approx(wider * lengths[0], rel=1e-3, abs=1e-3)
    assert tight.card["camera_rule"].endswith("half of their height")


def test_a_tight_camera_by_hand():
    # Every hundredth picture reaches to 3 and below the ground, the others from 0 to 2.
    reaches = np.tile([0.4, 0.0, 2.0], (1000, 1))
    reaches[::200] = [5.0, -1.0, 3.0]
    camera = tight_camera(reaches, 100, zoom=1.0)
    assert camera.pixels_per_unit == pytest.approx(100 * 0.98 / 2.0)
    assert camera.target == (0.0, 1.0, 0.0)
    assert camera.follow_height == 0.5
    assert tight_camera(reaches, 100, zoom=2.0).pixels_per_unit == pytest.approx(98.0)
    wide = np.tile([3.0, 0.0, 2.0], (10, 1))
    assert tight_camera(wide, 60, zoom=1.0).pixels_per_unit == pytest.approx(60 * 0.98 / 6.0)


def test_options_without_mixed_poses_make_none(files):
    folder = rendered(files, mixed_poses=0)
    assert mixed_rows(folder) == []
    assert "mixed_poses" not in folder.card


def test_what_was_refused_is_said(files):
    lines = []
    render_dataset(RenderOptions(**files), lines.append)
    rows = mixed_rows(read_folder(files["output"]))
    refused = sum(len(r.text("refused").split("; ")) for r in rows if r.text("refused"))
    (line,) = (line for line in lines if "of the drawn poses were refused" in line)
    assert line.startswith(f"{refused / (refused + len(rows)):.1%} ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mixed_poses": -1}, "`mixed_poses` must be from 0 to"),
        ({"framing": "close"}, "`framing` must be one of all, tight"),
    ],
)
def test_wrong_choices_are_refused(files, change, message):
    with pytest.raises(ValueError, match=message):
        rendered(files, **change)


def test_a_motion_called_mixed_is_refused_beside_mixed_poses(files, tmp_path):
    named = str(written(tmp_path, "mixed.bvh", bvh(TRAINING)))
    with pytest.raises(ValueError, match="`motion` must not be called 'mixed' beside mixed poses"):
        rendered(files, motions=(named, files["motions"][1]))


def test_a_killed_job_with_mixed_poses_ends_with_the_same_bytes(files, tmp_path):
    flags = [
        f"--avatar={files['avatars'][0]}",
        *(f"--motion={motion}" for motion in files["motions"]),
        f"--costumes={files['costumes'][0]}",
        "--name=test",
        "--yaw=-60:60",
        "--test_motions=leg",
        "--mixed_poses=300",
        "--framing=tight",
        "--size=128",
    ]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    kill(started([*flags, "--workers=2", f"--output={killed}"], blocks=3))
    done = run(*flags, "--workers=2", f"--output={killed}")
    assert done.returncode == 0, done.stderr
    assert "going on: " in done.stdout
    assert "of the drawn poses were refused" in done.stdout
    assert run(*flags, "--workers=1", f"--output={whole}").returncode == 0
    assert contents(killed) == contents(whole)


def test_the_preset_for_128_px_is_sixty_thousand_pictures_to_train_on():
    preset = PRESETS["koharu128"]
    assert len(set(DISTINCT_COSTUMES)) == 12
    assert preset["costumes"] == ["built-in#" + ",".join(DISTINCT_COSTUMES)]
    training = 15 - len(preset["test_motions"])
    per_costume = training * preset["poses_per_motion"] + preset["mixed_poses"]
    assert 12 * per_costume == 59_880
    assert (preset["size"], preset["framing"]) == (128, "tight")
