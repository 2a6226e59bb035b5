"""Pictures from a checkpoint and their evaluation, by the real programs on a tiny run."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from psgan_tf.characters import Character, load_character, parse_seeds, save_character
from psgan_tf.checkpoints import CheckpointStore
from psgan_tf.config import to_json
from psgan_tf.latents import latents_from_seeds
from psgan_tf.pictures import encode_png
from psgan_tf.reporting import to_uint8
from psgan_tf.sampling import Sampler, columns_of
from psgan_tf.silhouettes import compare_with_floors
from run_programs import run
from tiny_data import make_trainer, tiny_config, write_dataset

POSE = [[4.0, 4.0, 1], [8.5, 9.0, 1], [12.0, 3.0, 0]]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run that was stopped at its start of the fade to 8 x 8, never trained."""
    data_dir, directory = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("run")
    card = write_dataset(data_dir)
    config = tiny_config(data_dir, directory)
    (directory / "options.json").write_text(to_json(config))
    card.save(directory)
    trainer = make_trainer(config)
    trainer.state.images_shown.assign(20)
    trainer.state.phase_index.assign(1)
    CheckpointStore(directory, trainer.state, keep=1).save()
    return directory


@pytest.fixture
def pose_file(tmp_path):
    names = ["root", "left", "right"]
    document = {"schema": "tail3", "keypoints": names, "image_size": [16, 16], "frames": [POSE]}
    document |= {"mirror_pairs": [[1, 2]], "limbs": [[0, 1], [0, 2]]}
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(document))
    return path


def test_pictures_are_clipped_and_rounded_like_the_reference():
    values = np.array([-1.2, -1.0, 0.0, 1.0, 1.7], np.float32)
    np.testing.assert_array_equal(to_uint8(values), [0, 0, 128, 255, 255])


@pytest.mark.parametrize(
    ("text", "seeds"), [("7", [7]), ("0-3", [0, 1, 2, 3]), ("5,0-1, 9", [5, 0, 1, 9])]
)
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "-1", "0-999999999", "1.5"])
def test_other_seeds_are_refused(text):
    with pytest.raises(ValueError, match="`seeds` must be numbers and ranges"):
        parse_seeds(text)


def test_one_command_draws_each_seed_and_a_grid(run_dir, pose_file, tmp_path):
    output = tmp_path / "out"
    status, printed = run(
        "psgan_tf.generate",
        f"--run_dir={run_dir}",
        "--seeds=0-2,7",
        f"--poses={pose_file}",
        f"--output={output}",
    )
    assert status == 0, printed
    names = [f"seed{seed:04d}_pose0000.png" for seed in (0, 1, 2, 7)]
    assert sorted(path.name for path in output.iterdir()) == ["grid.png", *names]
    sampler = Sampler(run_dir)
    keypoints = np.array([POSE], np.float32)
    for seed, name in zip((0, 1, 2, 7), names, strict=True):
        image = Image.open(output / name)
        assert image.text["seed"] == str(seed)
        assert image.text["model"] == sampler.fingerprint
        # Alone, in this process, it is the same character.
        alone = sampler.images(sampler.latents([seed]), keypoints)[0]
        np.testing.assert_allclose(np.asarray(image, int), alone, atol=1)
    assert Image.open(output / "grid.png").size == (5 * 8, 8)


def test_a_saved_character_is_drawn_again_after_the_seeds(run_dir, pose_file, tmp_path):
    flags = (f"--run_dir={run_dir}", f"--poses={pose_file}")
    first, second = tmp_path / "first", tmp_path / "second"
    status, printed = run(
        "psgan_tf.generate", *flags, "--seeds=7", "--save_character=Mika ミカ", f"--output={first}"
    )
    assert status == 0, printed
    saved = first / "Mika-ミカ.npz"
    character = load_character(saved)
    assert character.name == "Mika ミカ"
    np.testing.assert_array_equal(character.latent, latents_from_seeds(np.array([7]), 8)[0])
    stranger = tmp_path / "stranger.npz"
    save_character(stranger, Character("Other", -character.latent, "of elsewhere"))
    status, printed = run(
        "psgan_tf.generate",
        *flags,
        "--seeds=",
        f"--characters={saved},{stranger}",
        f"--output={second}",
    )
    assert status == 0, printed
    assert printed.count("warning: ") == 1
    assert f"warning: {stranger} was saved from checkpoint of elsewhere, this one is" in printed
    names = ["Mika-ミカ_pose0000.png", "Other_pose0000.png", "grid.png"]
    assert sorted(path.name for path in second.iterdir()) == names
    again, other = (Image.open(second / name) for name in names[:2])
    assert again.text["character"] == "Mika ミカ"
    seed = np.asarray(Image.open(first / "seed0007_pose0000.png"), int)
    np.testing.assert_allclose(np.asarray(again, int), seed, atol=1)
    assert np.abs(np.asarray(other, int) - seed).max() > 1
    assert Image.open(second / "grid.png").size == (3 * 8, 8)


def test_characters_of_one_name_get_files_of_their_own():
    characters = [
        Character(name, np.full(8, i), "") for i, name in enumerate(("a", "A", "seed0003"))
    ]
    columns = columns_of([3], np.zeros([1, 8], np.float32), characters)
    assert [column.file_name for column in columns] == ["seed0003", "a", "A-2", "seed0003-2"]
    assert [column.latent[0] for column in columns] == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--characters={tmp}/gone.npz"], "`character` must be a file that save_character wrote"),
        (["--characters={tmp}/large.npz"], "must have latents of 8 values, .* with 9"),
        (["--save_character=x", "--seeds=0-1"], "`save_character` needs exactly one seed"),
        (["--seeds="], "`seeds` must be numbers"),
        (["--pose_size=512"], "`pose_size` must be a width and height"),
    ],
)
def test_flags_on_characters_and_sizes_are_checked_before_work(
    run_dir, pose_file, tmp_path, flags, message
):
    save_character(tmp_path / "large.npz", Character("large", np.zeros(9), ""))
    flags = [flag.format(tmp=tmp_path) for flag in flags]
    status, printed = run(
        "psgan_tf.generate", f"--run_dir={run_dir}", f"--poses={pose_file}", *flags
    )
    assert (status, printed.count("\n")) == (1, 1), printed
    assert re.search(message, printed)


def test_a_sampler_draws_with_the_averaged_weights_at_the_alpha_reached(run_dir):
    sampler = Sampler(run_dir)
    assert (sampler.resolution, sampler.images_shown) == (8, 20)
    weights_of = sampler._generator
    latents = latents_from_seeds(np.array([3]), 8)
    keypoints = np.array([POSE], np.float32)
    expected = weights_of(latents, keypoints=keypoints, resolution=8, alpha=np.float32(4 / 16))
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
