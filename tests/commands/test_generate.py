"""Pictures from a checkpoint and their evaluation, by the real programs on a tiny run."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from psgan_tf.evaluation.silhouettes import compare_with_floors
from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.generation.characters import (
    Character,
    load_character,
    load_characters,
    parse_seeds,
    save_character,
)
from psgan_tf.images.pictures import encode_png, to_uint8
from psgan_tf.model.latents import latents_from_seeds, slerp
from psgan_tf.training.checkpoints import load_run_weights
from run_programs import kill, run, start, wait_for
from tiny_data import write_dataset
from tiny_run import write_run

POSE = [[4.0, 4.0, 1], [8.5, 9.0, 1], [12.0, 3.0, 0]]
OTHER_POSE = [[10.0, 4.0, 1], [5.123456, 9.0, 1], [12.0, 13.0, 1]]
# Of 16 images of the fade, 4 were shown.
ALPHA = np.float32(4 / 16)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run that was stopped at its start of the fade to 8 x 8, never trained."""
    return write_run(tmp_path_factory.mktemp("tiny"))


def write_poses(path, frames):
    names = ["root", "left", "right"]
    document = {"schema": "tail3", "keypoints": names, "image_size": [16, 16], "frames": frames}
    path.write_text(json.dumps(document | {"mirror_pairs": [[1, 2]], "limbs": [[0, 1], [0, 2]]}))
    return path


@pytest.fixture
def pose_file(tmp_path):
    return write_poses(tmp_path / "pose.json", [POSE])


def generated(run_dir, *flags):
    """What the program prints, which must end well."""
    status, printed = run("psgan_tf.generate", f"--run_dir={run_dir}", *flags)
    assert status == 0, printed
    return printed


@pytest.mark.parametrize(
    ("text", "seeds"), [("7", [7]), ("0-3", [0, 1, 2, 3]), ("5,0-1, 9", [5, 0, 1, 9])]
)
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "-1", "0-999999999", "1.5"])
def test_other_seeds_are_refused(text):
    with pytest.raises(ValueError, match="`seeds` must be numbers and ranges"):
        parse_seeds(text)


def test_one_command_draws_each_seed_and_a_contact_sheet(run_dir, pose_file, tmp_path):
    output = tmp_path / "out"
    printed = generated(run_dir, "--seeds=0-2,7", f"--poses={pose_file}", f"--output={output}")
    assert printed.endswith(f"4 pictures of 8 px in {output}\ncontact: {output / 'contact.png'}\n")
    names = [f"seed{seed:04d}_pose0000.png" for seed in (0, 1, 2, 7)]
    assert sorted(path.name for path in output.iterdir()) == ["contact.png", *names]
    sampler = Sampler(run_dir)
    sheet = Image.open(output / "contact.png")
    keypoints = np.array([POSE], np.float32)
    for place, (seed, name) in enumerate(zip((0, 1, 2, 7), names, strict=True)):
        image = Image.open(output / name)
        assert image.text["seed"] == str(seed)
        assert image.text["model"] == sampler.fingerprint
        # Alone, in this process, it is the same character.
        alone = sampler.images(sampler.latents([seed]), keypoints)[0]
        np.testing.assert_allclose(np.asarray(image, int), alone, atol=1)
        shown = np.asarray(sheet)[:128:16, 128 * place : 128 * (place + 1) : 16]
        np.testing.assert_array_equal(shown, np.asarray(image))
    assert sheet.size == (4 * 128, 128 + 18)
    assert sheet.text["seeds"] == "0-2,7"


# ------------------------------------------------------------------------------------------------
# From one character to another, and back from the pictures.


@pytest.fixture(scope="module")
def walked(run_dir, tmp_path_factory):
    """Two steps from seed 3 to seed 8 in two poses: a folder of pictures, and its pose file."""
    output = tmp_path_factory.mktemp("walked")
    poses = write_poses(output / "poses.json", [POSE, OTHER_POSE])
    generated(run_dir, "--walk=seed3,seed8", "--steps=2", f"--poses={poses}", f"--output={output}")
    return output


def test_the_cells_of_an_interpolation_grid_are_spherical_interpolation_by_hand(run_dir, walked):
    """By the network itself, one picture at a time."""
    start, end = latents_from_seeds(np.array([3, 8]), 8).numpy().astype(np.float64)
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    angle = np.arccos(start @ end / (lengths[0] * lengths[1]))
    generator = load_run_weights(run_dir).averaged()
    grid = np.asarray(Image.open(walked / "grid.png"), int)
    cells = grid[128:, -2 * 128 :]
    assert cells.shape == (4 * 128, 2 * 128, 3)
    shown = set()
    for row in range(4):
        t = row / 3
        direction = np.sin((1 - t) * angle) * start / lengths[0]
        direction += np.sin(t * angle) * end / lengths[1]
        latent = direction / np.sin(angle) * ((1 - t) * lengths[0] + t * lengths[1])
        for column, pose in enumerate((POSE, OTHER_POSE)):
            inputs = np.float32(latent[None]), np.float32([pose])
            expected = generator(inputs[0], keypoints=inputs[1], resolution=8, alpha=ALPHA)
            cell = cells[128 * row : 128 * (row + 1), 128 * column : 128 * (column + 1)]
            np.testing.assert_allclose(cell[8::16, 8::16], to_uint8(expected[0].numpy()), atol=1)
            shown.add(cell.tobytes())
    assert len(shown) == 8  # else all of this would hold of any picture
    assert (grid[:128, -2 * 128 :] < 200).any()  # skeletons above


def pictures(folder):
    return {path.name: np.asarray(Image.open(path)) for path in folder.glob("*.png")}


def test_a_grid_is_drawn_again_from_itself_and_its_characters_from_files(run_dir, walked, tmp_path):
    again, saved = tmp_path / "again", tmp_path / "saved"
    grid, names = walked / "grid.png", "Aoi,Mika ミカ,c,d"
    printed = generated(
        run_dir,
        *(f"--characters={grid}", f"--poses={grid}", f"--output={again}"),
        f"--save_character={names}",
    )
    assert "warning" not in printed
    expected = pictures(walked)
    found = pictures(again)
    assert set(found) == set(expected)
    for name, picture in found.items():
        np.testing.assert_array_equal(picture, expected[name])
    others = f"--characters={grid}", f"--poses={grid}", "--save_character=a,b,c,Aoi"
    place = f"--run_dir={run_dir}", f"--output={again}"
    status, refused = run("psgan_tf.generate", *place, *others)
    assert status == 1
    assert "must not replace another character. Received: Aoi;" in refused
    # A saved one, in the pose of a picture.
    npz, of_picture = again / "Mika-ミカ.npz", walked / "0.667-seed3-0.333-seed8_pose0001.png"
    assert load_character(npz).name == "Mika ミカ"
    np.testing.assert_array_equal(load_character(npz).latent, load_character(of_picture).latent)
    generated(run_dir, f"--characters={npz}", f"--poses={of_picture}", f"--output={saved}")
    # Alone in its batch, where sums are of another order.
    alone = np.asarray(Image.open(saved / "Mika-ミカ_pose0000.png"), int)
    np.testing.assert_allclose(alone, expected[of_picture.name], atol=1)
    assert Image.open(saved / "contact.png").text["model"] == Sampler(run_dir).fingerprint


def test_a_blend_and_a_character_of_another_checkpoint(run_dir, pose_file, tmp_path):
    stranger = tmp_path / "stranger.npz"
    latent = np.random.default_rng(0).normal(size=8).astype(np.float32)
    save_character(stranger, Character("Other", latent, "of elsewhere"))
    printed = generated(
        run_dir,
        *(f"--characters={stranger}", f"--blend={stranger}:3,seed7:1", "--cell_px=11"),
        *("--sheet=grid", "--noskeletons", "--nolabels", "--nopictures"),
        *(f"--poses={pose_file}", f"--output={tmp_path}"),
    )
    assert printed.count("warning: ") == 1
    assert "warning: Other and 1 more were saved from checkpoint of elsewhere" in printed
    assert f"2 pictures of 8 px for {tmp_path}\n" in printed
    assert {path.name for path in tmp_path.glob("*.png")} == {"grid.png"}
    assert Image.open(tmp_path / "grid.png").size == (11, 22)
    other, blend = load_characters(tmp_path / "grid.png")
    seed = latents_from_seeds(np.array([7]), 8).numpy()[0]
    expected = slerp(latent[None], seed[None], np.array([0.25], np.float32)).numpy()[0]
    np.testing.assert_array_equal(other.latent, latent)
    np.testing.assert_allclose(blend.latent, expected, atol=1e-5)
    assert blend.name == "3 Other + 1 seed7"


def test_a_killed_gallery_goes_on_and_ends_with_the_same_bytes(run_dir, pose_file, tmp_path):
    def flags(name):
        many = ("--seeds=0-119", "--cell_px=256", f"--poses={pose_file}")  # three pages
        return (*many, f"--output={tmp_path / name}")

    process = start("psgan_tf.generate", f"--run_dir={run_dir}", *flags("killed"))
    wait_for(process, lambda: (tmp_path / "killed" / "contact_001.png").exists())
    kill(process)
    assert not (tmp_path / "killed" / "contact_003.png").exists()
    printed = generated(run_dir, *flags("killed"))
    assert re.search(r"^(56|112) of 120 pictures are there already$", printed, re.M), printed
    generated(run_dir, *flags("whole"))
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert len(whole) == 120 + 3
    for name, data in whole.items():
        assert (tmp_path / "killed" / name).read_bytes() == data


def test_a_network_without_poses_draws_characters_without_any(tmp_path):
    run_dir = write_run(tmp_path, num_keypoints=0)
    generated(run_dir, "--seeds=0-1", "--sheet=grid")
    output = run_dir / "generated"
    names = {"seed0000_pose0000.png", "seed0001_pose0000.png", "grid.png"}
    assert {path.name for path in output.iterdir()} == names
    sampler = Sampler(run_dir)
    expected = sampler.images(sampler.latents([1]), np.zeros([1, 0, 3], np.float32))[0]
    picture = np.asarray(Image.open(output / "seed0001_pose0000.png"), int)
    np.testing.assert_allclose(picture, expected, atol=1)
    assert Image.open(output / "grid.png").height == 2 * 128


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--characters={tmp}/gone.npz"], "`character` must be a file that save_character wrote"),
        (["--characters={tmp}/gone.png"], "there is no such file"),
        (["--characters={tmp}/large.npz"], "must have latents of 8 values, .* with 9"),
        (["--save_character=x", "--seeds=0-1"], "must be a name for each of those drawn, 2"),
        (["--save_character=x,", "--seeds=0-1"], "must be names"),
        (["--save_character=x/y,X y", "--seeds=0-1"], "names that make files of their own"),
        (["--seeds="], "must name somebody"),
        (["--seeds=x"], "`seeds` must be numbers"),
        (["--blend=seed1:0"], "`blend` must be saved characters and seeds"),
        (["--pose_size=512"], "`pose_size` must be a width and height"),
        (["--poses={tmp}/gone.png"], "There is no file"),
        (["--poses={tmp}/plain.png"], "a PNG whose text says no pose"),
        (["--font={tmp}/gone.ttf"], "`font` must be a TrueType or OpenType file"),
        (["--output={tmp}/large.npz"], "large.npz`: File exists"),
        (["--steps=-1", "--walk=seed1,seed2"], "steps"),
        (["--cell_px=4096", "--max_poses=3", "--poses={tmp}/three.json"], "must be at most 2"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing_behind(
    run_dir, pose_file, tmp_path, flags, message
):
    save_character(tmp_path / "large.npz", Character("large", np.zeros(9), ""))
    (tmp_path / "plain.png").write_bytes(encode_png(np.zeros([2, 2, 3], np.uint8)))
    write_poses(tmp_path / "three.json", [POSE] * 3)
    before = set(tmp_path.rglob("*.*"))
    flags = [flag.format(tmp=tmp_path) for flag in flags]
    output = f"--output={tmp_path / 'out'}"
    status, printed = run(
        "psgan_tf.generate", f"--run_dir={run_dir}", f"--poses={pose_file}", output, *flags
    )
    assert (status, printed.count("\n")) == (1, 1), printed
    assert re.search(message, printed)
    assert set(tmp_path.rglob("*.*")) == before


def test_a_sampler_draws_with_the_averaged_weights_at_the_alpha_reached(run_dir):
    sampler = Sampler(run_dir)
    assert (sampler.resolution, sampler.images_shown) == (8, 20)
    weights_of = sampler._generator
    latents = latents_from_seeds(np.array([3]), 8)
    keypoints = np.array([POSE], np.float32)
    expected = weights_of(latents, keypoints=keypoints, resolution=8, alpha=ALPHA)
    np.testing.assert_allclose(
        sampler.images(latents.numpy(), keypoints), to_uint8(expected.numpy()), atol=1
    )


def test_a_run_that_is_not_there_and_poses_that_are_missing_are_refused(run_dir, tmp_path):
    status, printed = run("psgan_tf.generate", f"--run_dir={tmp_path}")
    assert (status, printed.count("\n")) == (1, 1)
    assert "`run_dir` must be the directory of a training run" in printed
    status, printed = run("psgan_tf.generate", f"--run_dir={run_dir}")
    assert (status, printed.count("\n")) == (1, 1)
    assert "`poses` must be given" in printed


def test_the_evaluation_program_prints_a_table_and_keeps_it(run_dir):
    status, printed = run("psgan_tf.evaluate", f"--run_dir={run_dir}")
    assert status == 0, printed
    report = json.loads((run_dir / "evaluation.json").read_text())
    row = report["overlap"]["train"]
    assert report["images_shown"] == 20
    assert f"{row['same_pose']:.3f}" in printed
    assert all(0 <= value <= 1 for value in row.values())


def test_the_evaluation_refuses_keypoints_of_another_frame(run_dir, tmp_path):
    write_dataset(tmp_path, frame=8)
    status, printed = run("psgan_tf.evaluate", f"--run_dir={run_dir}", f"--data_dir={tmp_path}")
    assert (status, printed.count("\n")) == (1, 1)
    assert "`data_dir` must have the run's keypoint_frame, 16. Received: 8." in printed


def test_the_floors_of_a_perfect_generator_are_those_of_the_real_pictures():
    rng = np.random.default_rng(0)
    real = rng.uniform(size=[12, 8, 8]) < 0.3
    poses = rng.uniform(0, 8, [12, 3, 3]).astype(np.float32)
    row = compare_with_floors(real, real, poses, ["a"] * 6 + ["b"] * 6, seed=0)
    assert row["same_pose"] == 1.0
    assert row["generated_shuffled"] == row["real_shuffled"] < 0.6
    assert row["generated_other_frame"] == row["real_other_frame"] < 0.6


def test_a_picture_in_memory_reads_back_its_text_fields():
    image = np.zeros([2, 2, 3], np.uint8)
    read = Image.open(io.BytesIO(encode_png(image, {"seed": "7", "pose": "ö"})))
    assert read.text == {"seed": "7", "pose": "ö"}
