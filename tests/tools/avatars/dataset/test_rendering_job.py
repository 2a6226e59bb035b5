"""Whole rendering jobs on a figure that is known by heart: what is in the folder, and where."""

import json

import numpy as np
import pytest
from PIL import Image

from avatars_by_hand import avatar_seed, bone_color, figure_avatar
from motion_files_by_hand import FIGURE, bvh, written
from psgan_tf.keypoints.dataset_folder import check_folder
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.motion.camera import camera_from_json
from psgan_tf.motion.rest_skeleton import rest_skeleton_from_json
from render_jobs import MOVES, contents, costumes, rendered
from shared_assets import shared_path
from tools.avatars.dataset.options import Angles, RenderOptions
from tools.avatars.dataset.rendering_job import render_dataset

NAMES = SKELETONS["avatar20"].keypoints


@pytest.fixture
def files(tmp_path):
    """Options of a small job: the figure, two motions of three frames."""
    avatar = written(tmp_path, "figure.glb", figure_avatar(skinned=True).glb())
    written(tmp_path, "moves.bvh", bvh(MOVES))
    written(tmp_path, "other.bvh", bvh(MOVES[::-1]))
    return {
        "avatars": (avatar,),
        "motions": (str(tmp_path / "moves.bvh"), str(tmp_path / "other.bvh")),
        "output": tmp_path / "out",
        "size_px": 64,
        "workers": 1,
    }


def test_the_folder_has_each_avatar_costume_motion_pose_and_side_once(files, tmp_path):
    second = written(tmp_path, "second.glb", figure_avatar().glb())
    looks = (costumes(tmp_path, "day", "night"), None)
    folder = rendered(
        files,
        avatars=(*files["avatars"], second),
        costumes=looks,
        yaw=Angles((0.0, 90.0)),
        pitch=Angles((0.0, 20.0)),
    )
    assert len(folder.rows) == (2 + 1) * 2 * 3 * 2 * 2
    assert {(row.text("avatar"), row.text("costume")) for row in folder.rows} == {
        ("figure", "figure-day"),
        ("figure", "figure-night"),
        ("second", "second-plain"),
    }
    assert len({row.image for row in folder.rows}) == len(folder.rows)
    assert folder.image_size == (64, 64)
    assert folder.skeleton.name == "avatar20"
    assert check_folder(folder.directory) == []


def expected_points(move):
    """The 20 points of a move in metres, worked out from the figure's own numbers."""
    points = {name: np.array(position) for name, (_, position) in FIGURE.items()}
    if "leftUpperArm" in move:  # turned up by 90 degrees about its shoulder
        for name in ("leftLowerArm", "leftHand"):
            length = points[name][0] - points["leftUpperArm"][0]
            points[name] = points["leftUpperArm"] + [0, length, 0]
        # Turned by 90 degrees about y: what pointed to -x points to z.
        points["rightHand"] = points["rightLowerArm"] + [0, 0, 0.25]
    if "hips" in move:
        travel = np.array(move["hips"][:3]) - FIGURE["hips"][1]
        turn = np.radians(-30)
        top = points["leftUpperLeg"].copy()
        for name in ("leftLowerLeg", "leftFoot", "leftToes"):
            _, y, z = points[name] - top
            turned = (0, y * np.cos(turn) - z * np.sin(turn), y * np.sin(turn) + z * np.cos(turn))
            points[name] = top + turned
        points = {name: point + travel for name, point in points.items()}
    return np.array([points[name] for name in NAMES])


@pytest.mark.parametrize("yaw_degrees", [0.0, 90.0, -35.0])
def test_keypoints_are_the_bones_places_on_the_picture(files, yaw_degrees):
    folder = rendered(files, yaw=Angles((yaw_degrees,)), motions=files["motions"][:1])
    camera = folder.card["camera"]
    scale, height = camera["pixels_per_unit"], camera["target"][1]
    yaw = np.radians(yaw_degrees)
    for row, move in zip(folder.rows, MOVES, strict=True):
        points = expected_points(move)
        points -= points[0] * [1, 0, 1]  # the camera follows the hips
        x = 32 + scale * (points[:, 0] * np.cos(yaw) + points[:, 2] * np.sin(yaw))
        y = 32 - scale * (points[:, 1] - height)
        np.testing.assert_allclose(row.keypoints[:, :2], np.stack([x, y], 1), atol=0.01)
        assert (row.keypoints[:, 2] == 1).all()


def colored_middle(pixels, color):
    """The mean place (x, y) of the pixels of exactly this colour, and how many there are."""
    y, x = np.nonzero((pixels == color).all(axis=-1))
    return np.array([x, y]).sum(axis=1) / max(len(x), 1) + 0.5, len(x)


@pytest.mark.parametrize("skinned", [True, False])
def test_keypoints_lie_in_the_middle_of_what_hangs_on_the_bones(files, tmp_path, skinned):
    avatar = written(tmp_path, "balls.glb", figure_avatar(0.03, skinned=skinned).glb())
    folder = rendered(
        files,
        avatars=(avatar,),
        motions=files["motions"][:1],
        size_px=400,
        samples_per_pixel=1,
        outline_scale=0.0,
        yaw=Angles((0.0, 25.0)),
    )
    looked_at = 0
    for row in folder.rows:
        pixels = np.asarray(Image.open(folder.directory / row.image))
        radius_px = 0.03 * folder.card["camera"]["pixels_per_unit"]
        for index, name in enumerate(FIGURE):
            middle, count = colored_middle(pixels, bone_color(index))
            # An octahedron's outline has an area of 2 r^2 from in front and not much less from
            # elsewhere; one that another hides in part has its middle elsewhere.
            if name in NAMES and count > 1.8 * radius_px**2:
                keypoint = row.keypoints[NAMES.index(name), :2]
                np.testing.assert_allclose(middle, keypoint, atol=0.3, err_msg=f"{row} {name}")
                looked_at += 1
    assert looked_at > 0.6 * 20 * len(folder.rows)


def test_left_is_the_characters_left(files):
    folder = rendered(files, yaw=Angles((0.0, 180.0)))
    front, back = folder.rows[0].keypoints, folder.rows[1].keypoints
    left, right = NAMES.index("leftHand"), NAMES.index("rightHand")
    assert front[left, 0] > 32 > front[right, 0]  # it faces us
    assert back[left, 0] < 32 < back[right, 0]


def test_everything_is_in_the_picture_and_the_soles_are_on_one_line(files):
    folder = rendered(files, yaw=Angles((0.0, 45.0, 90.0)))
    for row in folder.rows:
        pixels = np.asarray(Image.open(folder.directory / row.image))
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (border == 255).all()
        assert (row.keypoints[:, 2] == 1).all()
    toes = [row.keypoints[NAMES.index("rightToes"), 1] for row in folder.rows]
    np.testing.assert_allclose(toes, toes[0], atol=1e-3)


def test_a_zoomed_camera_marks_what_leaves_the_picture(files):
    folder = rendered(files, zoom=3.0)
    keypoints = folder.rows[0].keypoints
    assert 0 < (keypoints[:, 2] == 0).sum() < 20
    inside = ((keypoints[:, :2] >= 0) & (keypoints[:, :2] < 64)).all(axis=1)
    np.testing.assert_array_equal(keypoints[:, 2], inside)


def test_the_same_options_give_the_same_bytes_with_any_number_of_workers(files, tmp_path):
    yaw = Angles((-60.0, 60.0), is_range=True)
    first = rendered(files, yaw=yaw).directory
    second = rendered(
        files, yaw=yaw, output=tmp_path / "again", workers=2, name="avatars"
    ).directory
    assert contents(first) == contents(second)


def test_drawn_angles_depend_on_the_seed_and_not_on_the_costume(files, tmp_path):
    looks = (costumes(tmp_path, "day", "night"),)
    options = {"costumes": looks, "yaw": Angles((-60.0, 60.0), is_range=True)}
    first = rendered(files, **options)
    yaws = np.array([row.attributes["yaw_rad"] for row in first.rows]).reshape(2, -1)
    np.testing.assert_array_equal(yaws[0], yaws[1])
    assert len(set(yaws[0])) == yaws.shape[1]
    assert (np.abs(yaws) <= np.radians(60)).all()
    other = rendered(files, **options, seed=1, output=tmp_path / "other")
    assert {row.attributes["yaw_rad"] for row in other.rows}.isdisjoint(yaws[0])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"test_motions": ("other",)}, {"moves": {"train"}, "other": {"test"}}),
        ({"test_fraction": 0.0}, {"moves": {"train"}, "other": {"train"}}),
    ],
)
def test_whole_motions_make_the_test_split(files, choice, expected):
    folder = rendered(files, **choice)
    splits = {}
    for row in folder.rows:
        splits.setdefault(row.text("motion"), set()).add(row.text("split"))
    assert splits == expected


def test_a_fraction_of_the_motions_is_chosen_by_the_seed(files):
    chosen = set()
    for seed in range(5):
        folder = rendered(
            files, test_fraction=0.5, seed=seed, output=files["output"] / str(seed), size_px=16
        )
        tested = {row.text("motion") for row in folder.rows if row.text("split") == "test"}
        assert len(tested) == 1
        chosen |= tested
    assert chosen == {"moves", "other"}


def test_poses_are_evenly_spaced_or_taken_at_a_rate(files):
    few = rendered(files, poses_per_motion=2)
    assert [row.attributes["frame"] for row in few.rows] == [0, 2, 0, 2]
    assert [row.attributes["time_s"] for row in few.rows] == [0.0, 0.2, 0.0, 0.2]
    many = rendered(files, fps=20.0, output=files["output"] / "fps")
    assert len(many.rows) == 2 * 5  # 0.2 s at 20 a second


@pytest.mark.parametrize(("background", "mode"), [("white", "RGB"), ("transparent", "RGBA")])
def test_the_background_is_white_or_none(files, background, mode):
    folder = rendered(files, background=background)
    with Image.open(folder.directory / folder.rows[0].image) as picture:
        assert picture.mode == mode
        corner = picture.getpixel((0, 0))
    assert corner == (255, 255, 255) if mode == "RGB" else corner[3] == 0


def test_the_card_tells_every_choice_and_can_pose_the_avatar_again(files):
    folder = rendered(files, credits=("Drawn by hand",), licence="CC0", seed=5)
    card = folder.card
    assert card["licence"] == "CC0"
    assert card["credits"][-1] == "Drawn by hand"
    assert card["choices"]["seed"] == 5
    assert card["choices"]["size_px"] == 64
    assert card["ground_rule"].startswith("motion:")
    assert card["filled_keypoints"] == []
    assert [motion["name"] for motion in card["motions"]] == ["moves", "other"]
    assert all(len(motion["sha256"]) == 64 for motion in card["motions"])
    skeleton = rest_skeleton_from_json(card["rest_skeleton"])
    assert skeleton.leg_length == pytest.approx(0.8)
    camera = camera_from_json(card["camera"])
    hips = skeleton.t_pose[:1]
    points = camera.keypoints(
        np.array([[skeleton.t_pose[skeleton.bones.index(name)] for name in NAMES]]), hips
    )
    np.testing.assert_allclose(points[0], folder.rows[0].keypoints, atol=0.01)
    assert "figure.glb" in card["source"]
    assert str(files["output"].parent) not in json.dumps(card)


@pytest.mark.parametrize("version", ["0", "1"])
def test_toon_materials_with_all_their_textures_are_rendered(files, tmp_path, version):
    avatar = written(tmp_path, "toon.vrm", avatar_seed(version).glb())
    folder = rendered(files, avatars=(avatar,), have_permission=True, size_px=128)
    pixels = np.asarray(Image.open(folder.directory / folder.rows[0].image))
    assert 0.001 < (pixels != 255).any(axis=-1).mean() < 0.5


def test_godettes_terms_and_credit_travel_with_the_pictures(files):
    avatar = shared_path("avatars/models/godette_vrm0.vrm")
    folder = rendered(files, avatars=(avatar,))
    assert folder.card["licence"] == "CC BY"
    assert "SirRichard94" in folder.card["credits"][0]
    assert folder.card["avatars"][0]["licence"]["terms"]["allowedUserName"] == "Everyone"


def test_a_knight_without_neck_and_shoulders_tells_what_was_filled(files):
    folder = rendered(files, avatars=(shared_path("avatars/models/kaykit_Knight.glb"),))
    assert folder.card["filled_keypoints"] == ["neck", "leftShoulder", "rightShoulder"]


def test_a_finished_folder_is_left_alone(files):
    folder = rendered(files).directory
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    lines = []
    render_dataset(RenderOptions(**files), lines.append)
    assert f"{folder} is finished already" in lines
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")} == before


def test_pictures_missing_from_a_finished_folder_are_made_again(files):
    folder = rendered(files).directory
    before = contents(folder)
    (folder / next(name for name in before if name.endswith(".png"))).unlink()
    rendered(files)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("change", "named"), [({"seed": 3}, "options"), ({"size_px": 32}, "options")]
)
def test_another_job_does_not_go_on_in_the_folder_of_this_one(files, change, named):
    rendered(files)
    with pytest.raises(ValueError, match=f"`output` must be empty .* made with another {named}"):
        rendered(files, **change)


def test_a_changed_input_file_is_another_job(files, tmp_path):
    rendered(files)
    written(tmp_path, "moves.bvh", bvh([*MOVES, {}]))
    with pytest.raises(ValueError, match="made with another files"):
        rendered(files)


def test_a_folder_with_other_things_in_it_is_refused(files):
    files["output"].mkdir()
    (files["output"] / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="which holds other files"):
        rendered(files)
    assert (files["output"] / "notes.txt").read_text() == "mine"


def test_names_of_any_script_name_files(files, tmp_path):
    motion = written(tmp_path, "ダンス 1.bvh", bvh(MOVES))
    folder = rendered(files, motions=(files["motions"][0], str(motion)), test_motions=("ダンス 1",))
    names = {row.text("motion"): row.text("split") for row in folder.rows}
    assert names == {"moves": "train", "ダンス-1": "test"}
    assert check_folder(folder.directory) == []


def test_avatars_of_one_file_name_from_two_folders_stay_apart(files, tmp_path):
    (tmp_path / "b").mkdir()
    other = written(tmp_path / "b", "figure.glb", figure_avatar().glb())
    folder = rendered(files, avatars=(*files["avatars"], other))
    assert {row.text("avatar") for row in folder.rows} == {"figure-0", "figure-1"}
    digests = {entry["sha256"] for entry in folder.card["avatars"]}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"avatars": ()}, "`avatars` must name at least one file"),
        ({"motions": ()}, "`motions` must name at least one file"),
        ({"costumes": (None, None)}, "one file for each of the 1 avatars"),
        ({"size_px": 8}, "`size_px` must be from 16 to 4096"),
        ({"samples_per_pixel": 9}, "`samples_per_pixel`"),
        ({"poses_per_motion": 0}, "`poses_per_motion` must be at least 1"),
        ({"ground": "sky"}, "`ground` must be one of motion, frame, none"),
        ({"test_fraction": 1.0}, "`test_fraction`"),
        ({"test_motions": ("moves", "other")}, "leave one to train on"),
        ({"test_motions": ("jump",)}, "The motions are moves, other"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(files, change, message):
    with pytest.raises(ValueError, match=message):
        rendered(files, **change)
    assert not files["output"].exists()
