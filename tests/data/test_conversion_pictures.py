"""Pictures of all kinds through the conversion, and what is left out of it."""

import subprocess

import numpy as np
import pytest
from PIL import Image

from conversion_by_hand import (
    PAIR,
    converted,
    noise,
    noise_folder,
    options_for,
    pair_row,
    program,
    read_back,
)
from psgan_tf.data.conversion.inspection import check_source
from psgan_tf.data.conversion.sources import ReadingOptions, open_source
from psgan_tf.data.records import DatasetCard
from psgan_tf.images.pictures import encode_png
from psgan_tf.keypoints.dataset_folder import ManifestRow, write_folder
from psgan_tf.keypoints.schema import Skeleton
from run_programs import REPOSITORY


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """A folder with all that goes wrong in folders, and what of it can be used."""
    folder = tmp_path_factory.mktemp("nasty")
    seen = noise(32, 32)
    good = {
        "gray.png": Image.fromarray(seen).convert("L"),
        "alpha.png": Image.fromarray(seen).convert("RGBA"),
        "palette.png": Image.fromarray(seen).convert("P"),
        "sixteen.png": Image.fromarray((seen[..., 0].astype(np.uint16)) * 257),
        "cmyk.jpg": Image.new("CMYK", (32, 32), (0, 0, 0, 255)),
        "ünï 名前.png": Image.fromarray(seen),
        "large.png": Image.fromarray(noise(128, 128)),
    }
    good["alpha.png"].putalpha(0)
    for name, image in good.items():
        image.save(folder / name)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(seen))).save(folder / "turned.png", exif=exif)
    (folder / "cut.png").write_bytes(encode_png(seen)[:1500])
    (folder / "empty.png").touch()
    (folder / "directory.png").mkdir()
    (folder / ".hidden.png").write_text("not a picture")
    Image.fromarray(noise(32, 16)).save(folder / "wide.png")
    broken = ["cut.png", "empty.png", "directory.png", "gone.png", "wide.png"]
    rows = [pair_row(name) for name in [*good, "turned.png", *broken]]
    write_folder(folder, PAIR, (32, 32), rows, {"name": "na sty", "licence": "CC0", "extra": [1]})
    with open(folder / "manifest.jsonl", "a", encoding="utf-8") as manifest:
        manifest.write(
            '{"image": "unposed.png"}\n{"image": "few.png", "keypoints": [[1, 2, 1]]}\n{'
        )
    return folder, {*good, "turned.png"}


NASTY_REASONS = {
    "cut.png": "broken picture",
    "empty.png": "broken picture",
    "directory.png": "broken picture",
    "gone.png": "missing picture",
    "wide.png": "wrong shape",
    "unposed.png (manifest.jsonl line 14)": "broken annotation",
    "few.png (manifest.jsonl line 15)": "broken annotation",
    "manifest.jsonl line 16": "broken annotation",
}


def test_a_nasty_folder_keeps_what_is_good_and_names_the_rest(nasty, tmp_path):
    folder, good = nasty
    said = []
    card = converted(folder, tmp_path, say=said.append, resolutions=(4, 8, 16, 32))
    assert card == DatasetCard.load(tmp_path)
    assert (card.name, card.licence, card.details) == ("na-sty", "CC0", {"extra": [1]})
    assert (card.keypoint_frame, card.resolutions) == (32, (4, 8, 16, 32))
    assert card.counts == {
        "kept": 8,
        "broken annotation": 3,
        "broken picture": 3,
        "missing picture": 1,
        "wrong shape": 1,
    }
    lines = (tmp_path / "left_out.tsv").read_text().splitlines()[1:]
    left_out = dict(line.split("\t") for line in lines)
    assert {name: reason.split(":")[0] for name, reason in left_out.items()} == NASTY_REASONS
    table = said[-1]
    assert "kept, train                                8" in table
    assert "left out, broken picture                   3" in table
    assert "gone.png: missing picture: there is no such file" in table
    examples = read_back(tmp_path, resolution=32)
    assert set(examples) == good
    seen = noise(32, 32)
    for name in ("ünï 名前.png", "turned.png"):
        np.testing.assert_array_equal(examples[name][0], seen)
    np.testing.assert_array_equal(examples["sixteen.png"][0], seen[..., :1].repeat(3, axis=-1))
    assert (examples["alpha.png"][0] == 255).all()
    assert (examples["cmyk.jpg"][0] < 8).all()
    boxes = noise(128, 128).reshape(32, 4, 32, 4, 3).mean((1, 3))
    np.testing.assert_array_equal(examples["large.png"][0], np.rint(boxes))
    for _, keypoints, _ in examples.values():
        np.testing.assert_array_equal(keypoints, np.float32([[4, 8, 1], [20.5, 30, 1]]))


def test_checking_finds_the_same_and_writes_nothing(nasty):
    folder, good = nasty
    before = sorted(folder.rglob("*"))
    source = open_source(folder, ReadingOptions())
    kept, left_out = check_source(source, options_for(source), lambda line: None)
    assert kept == {"train": len(good)}
    assert {problem.name: problem.reason.split(":")[0] for problem in left_out} == NASTY_REASONS
    assert sorted(folder.rglob("*")) == before


def test_strict_stops_at_what_is_broken_and_keeps_what_is_written(nasty, tmp_path):
    folder, _ = nasty
    with pytest.raises(ValueError, match=r"`strict` .*unposed\.png.*: no keypoints, and 2 more"):
        converted(folder, tmp_path / "a", strict=True)
    mended = noise_folder(tmp_path / "in", 32)
    (mended / "007.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"Received: 007\.png: broken picture: the file is empty"):
        converted(mended, tmp_path / "b", strict=True, shards=4)
    assert not (tmp_path / "b" / "dataset.json").exists()
    (mended / "007.png").write_bytes(encode_png(noise(32, 32, 7)))
    assert converted(mended, tmp_path / "b", strict=True, shards=4).counts == {"kept": 32}


def test_points_left_out_by_cropping_count_as_not_visible(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(noise(48, 32)).save(folder / "a.png")
    Image.fromarray(noise(48, 32)).save(folder / "b.png")
    rows = [
        pair_row("a.png", ((7.9, 5, 1), (40, 6, 1))),  # out by 0.1 px, and by the far edge
        pair_row("b.png", ((8, 5, 1), (39.9, 6, 1))),
    ]
    write_folder(folder, PAIR, (48, 32), rows, {})
    reading = ReadingOptions(square="crop")
    card = converted(folder, tmp_path / "out", reading, square="crop", min_keypoints=1)
    assert (card.keypoint_frame, card.counts) == (32, {"kept": 1, "fewer than 1 keypoints": 1})
    assert card.splits["train"].examples == 1
    (name, (_, keypoints, _)) = next(iter(read_back(tmp_path / "out").items()))
    assert name == "b.png"
    np.testing.assert_allclose(keypoints, [[0, 5, 1], [31.9, 6, 1]], rtol=1e-6)


def test_hidden_points_can_be_left_out_where_the_folder_tells_them_apart(tmp_path):
    Image.fromarray(noise(32, 32)).save(tmp_path / "a.png")
    write_folder(tmp_path, PAIR, (32, 32), [pair_row("a.png", ((4, 4, 1), (5, 5, 2)))], {})
    for hide, visible in ((False, [1, 1]), (True, [0, 1])):
        source = open_source(tmp_path, ReadingOptions(hide_occluded=hide))
        assert source.examples[0].measured.keypoints[:, 2].tolist() == visible
    write_folder(tmp_path, PAIR, (32, 32), [pair_row("a.png")], {})
    with pytest.raises(ValueError, match="`hide_occluded` needs keypoints whose visibility 2"):
        open_source(tmp_path, ReadingOptions(hide_occluded=True))


def test_pictures_without_keypoints_make_a_dataset_for_plain_progressive_growing(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(noise(32, 32)).save(folder / "a.png")
    write_folder(
        folder, Skeleton("none", ()), (32, 32), [ManifestRow("a.png", np.zeros((0, 3)))], {}
    )
    card = converted(folder, tmp_path / "out")
    assert card.skeleton.num_keypoints == 0
    assert read_back(tmp_path / "out")["a.png"][1].shape == (0, 3)


def test_checking_strictly_fails_with_the_table_of_what_is_broken(nasty):
    folder, _ = nasty
    command = program(f"--input={folder}", "--check", "--strict", "--workers=1")
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 1
    assert "left out, broken picture                   3" in done.stdout
    assert done.stderr.startswith("make_tfrecords: `strict` allows no broken picture")
    assert done.stderr.count("\n") == 1
