"""The real program, which example it puts where, and real pictures."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from conversion_by_hand import (
    all_bytes,
    converted,
    noise_folder,
    options_for,
    program,
    read_back,
)
from psgan_tf.data.conversion.inspection import write_preview
from psgan_tf.data.conversion.shard_plan import parse_resolutions
from psgan_tf.data.conversion.sources import ReadingOptions, open_source
from psgan_tf.data.records import DatasetCard, iterate_examples, parse_attributes, shard_paths
from psgan_tf.images.pictures import load_rgb
from psgan_tf.keypoints.schema import SKELETONS
from run_programs import REPOSITORY
from shared_assets import shared_path

# ------------------------------------------------------------------------------------------------
# Which example goes where.


def test_each_resolution_holds_the_same_examples_in_the_same_order(tmp_path):
    converted(noise_folder(tmp_path / "in", 70), tmp_path / "out", resolutions=(4, 16, 32))
    names = [list(read_back(tmp_path / "out", resolution=n)) for n in (4, 16, 32)]
    assert names[0] == names[1] == names[2]
    assert sorted(names[0]) == [f"{i:03d}.png" for i in range(70)]
    large = read_back(tmp_path / "out", resolution=32)
    for name, (image, _, _) in read_back(tmp_path / "out", resolution=16).items():
        boxes = large[name][0].reshape(16, 2, 16, 2, 3).astype(np.float64).mean((1, 3))
        np.testing.assert_array_equal(image, np.rint(boxes))


def test_the_seed_decides_the_order_and_no_shard_is_a_single_motion(tmp_path):
    folder = noise_folder(tmp_path / "in", 64)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        converted(folder, tmp_path / name, seed=seed)
    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b")
    first, other = list(read_back(tmp_path / "a")), list(read_back(tmp_path / "c"))
    assert first != other
    assert sorted(first) == sorted(other)
    card = DatasetCard.load(tmp_path / "a")
    assert card.splits["train"].shard_examples == (16, 16, 16, 16)
    for path in shard_paths(tmp_path / "a", card, "train", 8):
        motions = [parse_attributes(e)["motion"].numpy() for e in iterate_examples(path)]
        assert len(set(motions)) >= 4


def test_whole_motions_and_the_manifests_own_split_are_kept_for_testing(tmp_path):
    folder = noise_folder(tmp_path / "in", 40)
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    lines[0] = lines[0][:-1] + ', "split": "test"}'
    (folder / "manifest.jsonl").write_text("\n".join(lines))
    card = converted(folder, tmp_path / "out", test_motions=("m2",))
    assert {key: split.examples for key, split in card.splits.items()} == {"train": 29, "test": 11}
    assert sorted(read_back(tmp_path / "out", "test")) == [
        "000.png",
        *[f"{i:03d}.png" for i in range(20, 30)],
    ]
    with pytest.raises(ValueError, match=r"motions of the input: m0, m1, m2, m3\. Received: m9"):
        converted(folder, tmp_path / "other", test_motions=("m1", "m9"))
    with pytest.raises(ValueError, match="none of them in the train split"):
        converted(folder, tmp_path / "other", test_motions=("m0", "m1", "m2", "m3"))


@pytest.mark.parametrize(
    ("text", "frame_px", "expected"),
    [
        (None, 256, (4, 8, 16, 32, 64, 128, 256)),
        (None, 1101, (4, 8, 16, 32, 64, 128, 256, 512, 1024)),
        ("4-32", 256, (4, 8, 16, 32)),
        ("16,4", 256, (4, 16)),
        ("64", 64, (64,)),
    ],
)
def test_resolutions_are_read_as_a_range_or_a_list(text, frame_px, expected):
    assert parse_resolutions(text, frame_px) == expected


@pytest.mark.parametrize("text", ["2", "4-512", "12", "8-x", "32-4", "0-4"])
def test_impossible_resolutions_are_answered_with_the_possible_ones(text):
    with pytest.raises(ValueError, match="Choose among 4, 8, 16, 32, 64, 128, 256"):
        parse_resolutions(text, 256)


# ------------------------------------------------------------------------------------------------
# The program.


def test_a_run_killed_in_the_middle_goes_on_to_the_same_bytes(tmp_path):
    folder = noise_folder(tmp_path / "in", 160, size=96)
    output = tmp_path / "out"
    flags = ("--shards=20", "--workers=2", "--test_motions=m3", "--resolutions=4,64")
    command = program(f"--input={folder}", f"--output={output}", *flags)
    running = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    while running.poll() is None and len(list(output.glob(".conversion/train-*.json"))) < 3:
        time.sleep(0.005)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    assert not (output / "dataset.json").exists()
    notes = list(output.glob(".conversion/train-*.json"))
    assert 3 <= len(notes) < 20
    # Each shard in sight is whole: TensorFlow checks each record's length and checksum.
    in_sight = list(output.glob("*.tfrecord-*"))
    assert len(in_sight) >= 2 * len(notes)
    assert all(len(list(iterate_examples(path))) in (7, 8) for path in in_sight)
    noted = {note.stem.removeprefix("train-") for note in notes}
    finished = [path for path in in_sight if path.name.split("-of-")[0][-5:] in noted]
    inodes = {path: path.stat().st_ino for path in finished if "-train-" in path.name}
    assert len(inodes) == 2 * len(notes)
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert f"going on: {len(notes)} of 21 shards are finished" in done.stdout
    assert done.stderr == ""
    assert {path: path.stat().st_ino for path in inodes} == inodes
    # The reference: one process, never stopped.
    changes = {"shards": 20, "test_motions": ("m3",), "resolutions": (4, 64)}
    converted(folder, tmp_path / "whole", **changes)
    assert all_bytes(output) == all_bytes(tmp_path / "whole")


def test_the_program_and_so_its_workers_start_without_tensorflow():
    code = "import sys, tools.make_tfrecords; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "flag --input=None"),
        (["--input={tmp}", "--bogus=1"], "Unknown command line flag 'bogus'"),
        (["--input={tmp}", "stray"], "`stray` is no flag"),
        (["--input={tmp}"], "`output` must be given"),
        (["--input={tmp}/nowhere", "--check"], "`{tmp}/nowhere` does not exist"),
        (["--input={tmp}", "--check"], "which holds none of these"),
    ],
)
def test_a_users_error_is_one_line_and_a_failing_code(tmp_path, arguments, message):
    arguments = [argument.format(tmp=tmp_path) for argument in arguments]
    done = subprocess.run(program(*arguments), cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("make_tfrecords: ")
    assert message.format(tmp=tmp_path) in done.stderr
    assert done.stderr.count("\n") == 1


# ------------------------------------------------------------------------------------------------
# Real pictures.


@pytest.fixture(scope="module")
def godette(tmp_path_factory):
    """Every hundredth row of the real set, its pictures linked."""
    real = shared_path("dataset/godette256")
    folder = tmp_path_factory.mktemp("godette")
    (folder / "images").symlink_to(real / "images")
    shutil.copy(real / "skeleton.json", folder)
    lines = (real / "manifest.jsonl").read_text().splitlines()
    (folder / "manifest.jsonl").write_text("\n".join(lines[::100]))
    return folder, [json.loads(line) for line in lines[::100]]


def test_a_slice_of_the_real_set_is_converted_exactly(godette, tmp_path):
    folder, rows = godette
    resolutions = (4, 64, 256)
    card = converted(folder, tmp_path, resolutions=resolutions, test_motions=("bow",))
    assert card.counts == {"kept": 21}
    assert (card.skeleton, card.keypoint_frame) == (SKELETONS["avatar20"], 256)
    for size in resolutions:
        examples = {**read_back(tmp_path, "train", size), **read_back(tmp_path, "test", size)}
        for row in rows:
            image, keypoints, motion = examples[row["image"]]
            assert motion.decode() == row["motion"]
            np.testing.assert_array_equal(keypoints, np.float32(row["keypoints"]))
            real = np.asarray(Image.open(folder / row["image"]), np.float64)
            boxes = real.reshape(size, 256 // size, size, 256 // size, 3).mean((1, 3))
            np.testing.assert_array_equal(image, np.rint(boxes))
    held_out = [row["image"] for row in rows if row["motion"] == "bow"]
    assert sorted(read_back(tmp_path, "test", 4)) == sorted(held_out)


def test_the_preview_shows_pictures_with_their_skeletons(godette, tmp_path):
    folder, _ = godette
    source = open_source(folder, ReadingOptions())
    write_preview(
        tmp_path / "sheet.png",
        source.examples,
        options_for(source).preparation,
        source.skeleton,
        count=4,
    )
    sheet = load_rgb(tmp_path / "sheet.png")
    assert sheet.shape == (256 + 14, 4 * 256, 3)
    first = sheet[:256, :256].astype(int)
    plain = load_rgb(source.examples[0].path).astype(int)
    changed = np.abs(first - plain).sum(-1) > 0
    assert 0.005 < changed.mean() < 0.2
    x, y, _ = source.examples[0].measured.keypoints[source.skeleton.index("leftHand")]
    assert changed[int(y), int(x)]
