"""Measurements of films: flicker, overlap with the rendered truth, cost."""

import json

import av
import numpy as np
import pytest
from PIL import Image

from avatars_by_hand import figure_avatar
from films_by_hand import film
from motion_files_by_hand import bvh, written
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.evaluation.flicker import (
    Flicker,
)
from psgan_tf.generation.pose_sequences import SequenceOptions, read_sequence, rest_skeleton_of_file
from psgan_tf.generation.pose_spec import pose_spec_of_card
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.motion.camera import Camera
from psgan_tf.training.checkpoints import CheckpointStore, new_state
from psgan_tf.training.config import to_json
from run_programs import run
from tiny_data import tiny_config
from tools.benchmark.films.flicker_table import Row, table
from tools.benchmark.films.overlap_curves import overlap_figure
from tools.benchmark.films.rendered_truth import Truth, costumes_of, nearest_film

AVATAR20 = SKELETONS["avatar20"]
FRAME_PX = 16


def test_the_table_leaves_the_ratio_out_where_the_truth_stands_still():
    moving = Row("pan", "none", Flicker(3.0, 4.0), Flicker(2.0, 2.5), 0.25)
    still = Row("held", "gaussian", Flicker(1.0, 1.0), Flicker(0.0, 0.0), 0.5)
    *_, first, second = table([moving, still]).splitlines()
    assert first == "| pan | none | 3.00 | 4.00 | 2.00 | 2.50 | 1.50 | 0.25 |"
    assert second == "| held | gaussian | 1.00 | 1.00 | 0.00 | 0.00 |  | 0.50 |"
    assert still.to_json()["ratio"] is None


def test_curves_break_where_a_value_is_missing_and_say_their_means():
    values = np.array([0.25, np.nan, 0.75])
    figure = overlap_figure("jump", {"same pose": values, "another frame": np.full(3, 0.1)})
    (axes,) = figure.axes
    first, second = axes.lines
    np.testing.assert_array_equal(first.get_ydata(), values)
    assert first.get_linewidth() > second.get_linewidth()
    assert axes.get_ylim() == (0, 1)
    assert axes.get_title(loc="left") == "jump"
    assert axes.get_xlabel() == "3 frames"
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["same pose 0.50", "another frame 0.10"]


def test_the_nearest_film_is_the_one_that_differs_least():
    assert nearest_film(film(10, 20), {"a": film(30, 40), "b": film(12, 17)}) == "b"


def test_costumes_are_those_of_the_built_in_avatar_s_card():
    card = DatasetCard("d", AVATAR20, 16, (4,), {})
    card.details["avatars"] = [{"name": "koharu", "costumes": ["a", "b"]}]
    assert costumes_of(card, "built-in") == "built-in#a,b"
    assert costumes_of(card, "other.vrm") == ""
    with pytest.raises(ValueError, match="does not name the built-in avatar's costumes"):
        costumes_of(DatasetCard("d", AVATAR20, 16, (4,), {}), "built-in")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An avatar with a ball at each joint, and a motion of ten frames that waves and steps."""
    folder = tmp_path_factory.mktemp("files")
    rows = [{"hips": [0, 1.0, 0, 0, 0, 0], "leftUpperArm": [0, 0, 6 * i]} for i in range(10)]
    avatar = written(folder, "figure.glb", figure_avatar(radius=0.12).glb())
    return avatar, written(folder, "wave.bvh", bvh(rows))


@pytest.fixture(scope="module")
def card(files):
    """The card of a dataset of that avatar, in a frame of 16 px."""
    rest = rest_skeleton_of_file(files[0])
    camera = Camera(FRAME_PX, 8.0, target=(0.0, 0.9, 0.0))
    return DatasetCard(
        "figures", AVATAR20, FRAME_PX, (4, 8), {}, rest_skeleton=rest.to_json(),
        camera=camera.to_json(),
    )  # fmt: skip


@pytest.fixture
def truth(files, card, tmp_path):
    avatar, motion = map(str, files)
    return Truth(pose_spec_of_card(card), avatar, "", [motion], 24.0, FRAME_PX, tmp_path / "truth")


def test_the_truth_shows_what_the_network_is_asked_for(files, card, truth):
    """Keypoints are those of `animate`, and figures are where their keypoints are."""
    take = truth.motion("wave")
    pose_spec = pose_spec_of_card(card)
    asked = read_sequence(str(files[1]), pose_spec, SequenceOptions(fps=24.0)).keypoints
    np.testing.assert_allclose(take.keypoints, asked, atol=1e-4)
    pictures = truth.pictures(take, truth.costumes[0])
    assert pictures.shape == (len(asked), FRAME_PX, FRAME_PX, 3)
    for picture, pose in zip(pictures, take.keypoints, strict=True):
        x, y, _ = pose[AVATAR20.index("leftHand")].astype(int)
        assert picture[y, x].min() < 250
    assert take.part(3).keypoints.shape == (3, 20, 3)


def test_a_pan_by_whole_pixels_is_the_picture_moved(truth):
    take = truth.pan("wave", 0.5, 1.0, 3)
    steps = np.diff(take.keypoints[..., :2], axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to([1.0, 0.0], steps.shape), atol=1e-4)
    first, middle, last = truth.pictures(take, truth.costumes[0]).astype(int)
    assert np.abs(np.roll(middle, 1, axis=1) - last).max() <= 1
    assert np.abs(np.roll(first, 1, axis=1) - middle).max() <= 1
    np.testing.assert_allclose(take.keypoints[1], truth.motion("wave").keypoints[take.poses[0]])


@pytest.fixture(scope="module")
def run_dir(card, tmp_path_factory):
    """A run on that dataset as it is before training, at its full 8 x 8."""
    folder = tmp_path_factory.mktemp("run")
    config = tiny_config(folder, folder, num_keypoints=20)
    (folder / "options.json").write_text(to_json(config))
    card.save(folder)
    state = new_state(config.network, ema_decay=config.ema_decay)
    state.images_shown.assign(48)
    state.phase_index.assign(2)
    CheckpointStore(folder, state, keep=1).save()
    return folder


def test_the_film_program_leaves_films_plots_and_figures_of_every_frame(files, run_dir, tmp_path):
    avatar, motion = files
    status, printed = run(
        *("tools.benchmark", "film", f"--run_dir={run_dir}", f"--output={tmp_path}"),
        *(f"--avatar={avatar}", f"--motion={motion}", "--cell_px=64"),
    )
    assert status == 0, printed
    document = json.loads((tmp_path / "overlap.json").read_text())
    overlap = document["overlap"]["wave"]
    count = len(overlap["same_pose"])
    assert f"wave, {count} frames: same pose {np.mean(overlap['same_pose']):.3f}" in printed
    assert {len(values) for values in overlap.values()} == {count}
    with av.open(str(tmp_path / "wave.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert (len(frames), frames[0].shape) == (count, (64, 192, 3))
    with Image.open(tmp_path / "wave.gif") as movie, Image.open(tmp_path / "wave.png") as picture:
        assert movie.size == (192, 64)
        assert picture.size == (760, 300)


def test_the_flicker_program_prints_a_line_for_each_case_and_smoothing(files, run_dir, tmp_path):
    avatar, motion = files
    status, printed = run(
        *("tools.benchmark", "flicker", f"--run_dir={run_dir}", f"--json={tmp_path / 'f.json'}"),
        *(f"--avatar={avatar}", f"--motion={motion}", "--frames=6", "--characters=1"),
    )
    assert status == 0, printed
    rows = json.loads((tmp_path / "f.json").read_text())["rows"]
    assert len(rows) == 18
    assert sum(line.startswith("| ") for line in printed.splitlines()) == 1 + 18
    named = {(row["case"], row["smoothing"]): row for row in rows}
    held = {key[1]: row for key, row in named.items() if key[0].startswith("a held pose")}
    assert all(row["rendered"]["mean"] == 0 for row in held.values())
    assert held["gaussian"]["off_px"] < held["none"]["off_px"]
    # Normal noise of 0.5 px in x and y puts a joint sqrt(pi / 2) / 2 px off its place.
    assert held["none"]["off_px"] == pytest.approx(0.627, rel=0.1)


def test_a_run_that_is_not_named_is_asked_for():
    status, printed = run("tools.benchmark", "film")
    assert status != 0
    assert printed.strip().endswith("Received: nothing. Set --run_dir=FOLDER.")


def test_the_cost_of_animations_adds_up(tmp_path):
    status, printed = run(
        *("tools.benchmark", "animate", "--resolution=8", "--resolution=16", "--frames=3"),
        *("--fmap_base=32", "--fmap_max=8", "--ending=.gif", f"--json={tmp_path / 'cost.json'}"),
    )
    assert status == 0, printed
    costs = json.loads((tmp_path / "cost.json").read_text())["costs"]
    assert [cost["resolution"] for cost in costs] == [8, 16]
    for cost in costs:
        secs = cost["network_secs"] + cost["rest_secs"]
        assert cost["fps"] == pytest.approx(1 / secs)
        assert cost["rest_share"] == pytest.approx(cost["rest_secs"] / secs)
        line = f"| {cost['resolution']} x {cost['resolution']} | {cost['fps']:.2f} |"
        assert line in printed
