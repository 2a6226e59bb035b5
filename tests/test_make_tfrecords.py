"""From folders of all kinds to shards: conversion as a library, and the real program."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psgan_tf.conversion import convert as convert_module
from psgan_tf.conversion.convert import convert
from psgan_tf.conversion.inspection import check_source, write_preview
from psgan_tf.conversion.preparation import Preparation, prepare_all
from psgan_tf.conversion.shard_plan import ConversionOptions, parse_resolutions, safe_name
from psgan_tf.conversion.sources import ReadingOptions, open_source
from psgan_tf.interchange import PoseRow, write_folder
from psgan_tf.pictures import encode_png, load_rgb
from psgan_tf.records import (
    DatasetCard,
    is_shard_name,
    iterate_examples,
    parse_attributes,
    parse_example,
    shard_paths,
)
from psgan_tf.skeleton import SKELETONS, Skeleton
from shared_assets import shared_path

ROOT = Path(__file__).resolve().parents[1]
PAIR = Skeleton("pair2", ("left_end", "right_end"), ((0, 1),), ((0, 1),))
BODY25, OPENPOSE = SKELETONS["body25"], SKELETONS["openpose18"]


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def options_for(source, resolutions=(4, 8), square="pad", min_keypoints=None, **changes):
    least = source.min_keypoints if min_keypoints is None else min_keypoints
    preparation = Preparation(source.frame_px, resolutions, square, least)
    return ConversionOptions(safe_name(source.name), preparation, **changes)


def converted(folder, output, reading=ReadingOptions(), say=lambda line: None, **changes):  # noqa: B008
    source = open_source(Path(folder), reading)
    return convert(source, Path(output), options_for(source, **changes), say)


def read_back(output, split="train", resolution=8):
    """What the shards hold, in order: {name: (picture, keypoints, motion)}."""
    card = DatasetCard.load(output)
    examples = {}
    for path in shard_paths(output, card, split, resolution):
        for example in iterate_examples(path):
            attributes = parse_attributes(example)
            image, keypoints = parse_example(example, resolution, card.skeleton.num_keypoints)
            name = attributes["name"].numpy().decode()
            examples[name] = (image.numpy(), keypoints.numpy(), attributes["motion"].numpy())
    return examples


def all_bytes(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def pair_row(image, points=((4, 8, 1), (20.5, 30, 1)), **attributes):
    return PoseRow(image, np.float32(points), attributes)


def noise_folder(folder, count, size=32, **card):
    """A dataset folder of `count` pictures, ten to a motion."""
    folder.mkdir(exist_ok=True)
    for i in range(count):
        (folder / f"{i:03d}.png").write_bytes(encode_png(noise(size, size, i)))
    rows = [
        pair_row(f"{i:03d}.png", ((i % size, 1, 1), (2, 3, 1)), motion=f"m{i // 10}")
        for i in range(count)
    ]
    write_folder(folder, PAIR, (size, size), rows, card)
    return folder


# ------------------------------------------------------------------------------------------------
# Pictures of all kinds.


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
    write_folder(folder, Skeleton("none", ()), (32, 32), [PoseRow("a.png", np.zeros((0, 3)))], {})
    card = converted(folder, tmp_path / "out")
    assert card.skeleton.num_keypoints == 0
    assert read_back(tmp_path / "out")["a.png"][1].shape == (0, 3)


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
# DeepFashion and OpenPose.

IN_SHOP = [f"img/WOMEN/Dresses/id_{i:08d}/02_1_front.jpg" for i in range(8)]
STATUSES = ["train", "train", "train", "query", "gallery", "train", "train", "train"]
FEW, UNPOSED, GONE = 5, 6, 7


def in_shop_points():
    """18 integer points for each picture, x from 40 to 215; some missing, one picture has 9."""
    rng = np.random.default_rng(5)
    points = rng.integers((40, 0), (216, 256), (8, 18, 2))
    points[0, 0], points[1, 1] = (40, 0), (215, 255)
    points[:, 16:] = -1
    points[FEW, 9:] = -1
    points[2, 10:] = -1  # just enough
    return points


def in_shop(folder):
    """A folder to DeepFashion In-shop's layout, without keypoints."""
    (folder / "Eval").mkdir(parents=True)
    rows = [f"{name} id_{i:08d} {STATUSES[i]}\n" for i, name in enumerate(IN_SHOP)]
    header = "8\nimage_name item_id evaluation_status\n"
    (folder / "Eval" / "list_eval_partition.txt").write_text(header + "".join(rows))
    for i, name in enumerate(IN_SHOP[:GONE]):
        path = folder / "Img" / name
        path.parent.mkdir(parents=True)
        image = np.full((256, 256, 3), 255, np.uint8)
        image[:, 40:216] = noise(176, 256, i)
        Image.fromarray(image).save(path, quality=95)
    return folder


def add_table(folder, name, shift):
    """Siarohin's spelling, y first; the cropped table's x is 40 less."""
    lines = ["name:keypoints_y:keypoints_x"]
    for i, points in enumerate(in_shop_points()):
        found = points[:, :1] != -1
        x = np.where(found, points - [shift, 0], -1)[:, 0].tolist()
        if i != UNPOSED:
            key = f"fasionWOMENDressesid{i:08d}02_1front.jpg"
            lines.append(f"{key}: {points[:, 1].tolist()}: {x}")
    (folder / name).write_text("\n".join(lines) + "\n")


def add_openpose(folder, places, points_of_pictures, scale=1.0):
    """BODY_25 files, as OpenPose writes them today: a bystander first, missing points as zeros."""
    for place, points in zip(places, points_of_pictures, strict=True):
        flat = np.zeros((25, 3))
        for row, name in enumerate(OPENPOSE.keypoints):
            if points[row, 0] != -1:
                flat[BODY25.index(name)] = (*(points[row] * scale), 0.7)
        flat[BODY25.index("mid_hip")] = (1, 1, 0.9)
        bystander = [5.0, 6.0, 0.9] + [0.0] * 72
        people = [{"pose_keypoints_2d": p} for p in (bystander, flat.ravel().tolist())]
        path = (folder / place).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(path.name + "_keypoints.json")
        file.write_text(json.dumps({"version": 1.3, "people": people}))


def test_deepfashion_gives_the_same_by_both_tables_and_openpose_files(tmp_path):
    add_table(in_shop(tmp_path / "full"), "fasion-annotation.csv", shift=0)
    add_table(in_shop(tmp_path / "cropped"), "fasion-resize-annotation.csv", shift=40)
    kept = [i for i in range(8) if i != UNPOSED]
    add_openpose(
        in_shop(tmp_path / "detected") / "poses",
        [IN_SHOP[i] for i in kept],
        in_shop_points()[kept],
    )
    datasets = {}
    for name in ("full", "cropped", "detected"):
        card = converted(tmp_path / name, tmp_path / "out" / name, resolutions=(4, 8, 256))
        assert card.counts == {
            "kept": 5,
            "fewer than 10 keypoints": 1,
            "missing picture": 1,
            "no keypoints": 1,
        }
        splits = {key: split.examples for key, split in card.splits.items()}
        assert splits == {"train": 3, "test": 2}
        assert (card.skeleton.name, card.keypoint_frame) == ("openpose18", 256)
        datasets[name] = read_back(tmp_path / "out" / name, resolution=256)
        assert set(read_back(tmp_path / "out" / name, "test")) == set(IN_SHOP[3:5])
    points = in_shop_points()
    assert set(datasets["full"]) == set(IN_SHOP[:3])
    for i, name in enumerate(IN_SHOP[:3]):
        image, keypoints, _ = datasets["full"][name]
        np.testing.assert_array_equal(image, load_rgb(tmp_path / "full" / "Img" / name))
        found = points[i, :, 0] != -1
        np.testing.assert_array_equal(keypoints[:, 2], found)
        np.testing.assert_array_equal(keypoints[found, :2], points[i][found])
        for other in ("cropped", "detected"):
            np.testing.assert_array_equal(datasets[other][name][1], keypoints)
    assert datasets["full"][IN_SHOP[0]][1][0].tolist() == [40, 0, 1]  # 0 is a legal coordinate


def test_all_of_deepfashion_can_be_trained_on(tmp_path):
    add_table(in_shop(tmp_path / "in"), "fasion-annotation.csv", shift=0)
    card = converted(tmp_path / "in", tmp_path / "out", ReadingOptions(partition="all"))
    assert {key: split.examples for key, split in card.splits.items()} == {"train": 5}


def test_a_table_fits_the_pictures_middle_too(tmp_path):
    add_table(in_shop(tmp_path / "in"), "fasion-annotation.csv", shift=0)
    expected = converted(tmp_path / "in", tmp_path / "whole")
    for name in IN_SHOP[:GONE]:
        path = tmp_path / "in" / "Img" / name
        Image.fromarray(load_rgb(path)[:, 40:216]).save(path, quality=100)
    card = converted(tmp_path / "in", tmp_path / "middle")
    assert (card.counts, card.keypoint_frame) == (expected.counts, 256)
    middle = read_back(tmp_path / "middle")
    for name, (_, keypoints, _) in read_back(tmp_path / "whole").items():
        np.testing.assert_array_equal(middle[name][1], keypoints)


def test_pictures_of_several_sizes_are_brought_to_the_commonest_one(tmp_path):
    sizes = {"a.png": (40, 64), "b.png": (64, 64), "sub/c.jpg": (128, 80), "d.png": (32, 32)}
    points = np.arange(36).reshape(18, 2) / 2
    for name, (width, height) in sizes.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(width, height)).save(path)
        relative = points * [width, height] / 64
        add_openpose(tmp_path / "poses", [Path(name).name], [relative])  # one flat folder
    add_openpose(tmp_path / "poses", ["of_no_picture"], [points])
    Image.fromarray(noise(8, 8)).save(tmp_path / "in" / "unposed.png")
    reading = ReadingOptions(keypoints=[tmp_path / "poses"])
    card = converted(tmp_path / "in", tmp_path / "out", reading, resolutions=(8, 64))
    assert (card.keypoint_frame, card.name) == (64, "in")
    assert card.counts == {"kept": 4, "missing picture": 1, "no keypoints": 1}
    examples = read_back(tmp_path / "out", resolution=64)
    for name, (width, height) in sizes.items():
        side = max(width, height)
        offset = np.array([(side - width) // 2, (side - height) // 2])
        expected = (points * [width, height] / 64 + offset) * 64 / side
        np.testing.assert_allclose(examples[name][1][:, :2], expected, rtol=1e-6)
    np.testing.assert_array_equal(examples["a.png"][0][:, 12:52], noise(40, 64))


def test_normalised_openpose_files_give_the_same_as_pixels(tmp_path):
    points = np.arange(1, 37).reshape(18, 2)
    for name, scale in (("pixels", 1), ("normalised", 1 / 64)):
        (tmp_path / name).mkdir()
        Image.fromarray(noise(64, 64)).save(tmp_path / name / "a.png")
        flat = np.concatenate([points * scale, np.ones((18, 1))], axis=1).ravel().tolist()
        document = {"people": [{"pose_keypoints_2d": flat}]}
        (tmp_path / name / "a_keypoints.json").write_text(json.dumps(document))
        converted(tmp_path / name, tmp_path / "out" / name)
    pixels, normalised = (read_back(tmp_path / "out" / n) for n in ("pixels", "normalised"))
    np.testing.assert_allclose(normalised["a.png"][1], pixels["a.png"][1], atol=1e-4)
    np.testing.assert_array_equal(pixels["a.png"][1][:, :2], points)


def test_input_without_a_usable_picture_is_refused_with_the_first_reason(tmp_path):
    Image.fromarray(noise(8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a_keypoints.json").write_text('{"people": 3}')
    with pytest.raises(ValueError, match=r"1 that cannot, the first is a\.png: broken annotation"):
        open_source(tmp_path, ReadingOptions())
    (tmp_path / "a_keypoints.json").write_text('{"people": []}')
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"the first is a\.png: broken picture: the file is empty"):
        open_source(tmp_path, ReadingOptions())


# ------------------------------------------------------------------------------------------------
# Runs that stop, go on, and meet something else.


def test_a_folder_of_other_settings_is_refused_then_overwritten_on_request(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    converted(folder, tmp_path / "out", shards=3)
    before = all_bytes(tmp_path / "out")
    with pytest.raises(ValueError, match=r"made with another seed, shards\. .*`--overwrite`"):
        converted(folder, tmp_path / "out", shards=2, seed=1)
    assert all_bytes(tmp_path / "out") == before
    converted(folder, tmp_path / "out", shards=2, seed=1, overwrite=True)
    converted(folder, tmp_path / "new", shards=2, seed=1)
    assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "new")


def test_a_finished_dataset_is_not_changed_by_a_changed_input_unless_asked(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    converted(folder, tmp_path / "out", shards=4)
    before = all_bytes(tmp_path / "out")
    (folder / "003.png").write_bytes(encode_png(noise(16, 16)))
    with pytest.raises(ValueError, match="whose input has changed since"):
        converted(folder, tmp_path / "out", shards=4)
    assert all_bytes(tmp_path / "out") == before
    converted(folder, tmp_path / "out", shards=4, overwrite=True)
    converted(folder, tmp_path / "new", shards=4)
    assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "new")


def test_a_lost_shard_is_made_again_and_nothing_else_is(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    card = converted(folder, tmp_path / "out", shards=4)
    before = all_bytes(tmp_path / "out")
    first, second, *_ = map(Path, shard_paths(tmp_path / "out", card, "train", 8))
    first.unlink()
    inode = second.stat().st_ino
    said = []
    assert converted(folder, tmp_path / "out", shards=4, say=said.append) == card
    assert any(line.startswith("going on: 3 of 4 shards are finished") for line in said)
    assert all_bytes(tmp_path / "out") == before
    assert second.stat().st_ino == inode


def test_the_same_command_again_takes_up_a_changed_card(tmp_path):
    folder = noise_folder(tmp_path / "in", 4, licence="CC0")
    assert converted(folder, tmp_path / "out").licence == "CC0"
    (folder / "card.json").write_text('{"licence": "CC BY 4.0"}')
    assert converted(folder, tmp_path / "out").licence == "CC BY 4.0"
    assert DatasetCard.load(tmp_path / "out").licence == "CC BY 4.0"


def test_a_copy_without_hidden_files_is_known_to_be_complete(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    card = converted(folder, tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / ".conversion")
    before = all_bytes(tmp_path / "out")
    said = []
    assert converted(folder, tmp_path / "out", say=said.append) == card
    assert said == [f"{tmp_path / 'out'} is complete already"]
    after = all_bytes(tmp_path / "out")
    assert {name: after[name] for name in before} == before


def test_two_conversions_do_not_write_into_one_folder(tmp_path):
    folder = noise_folder(tmp_path / "in", 4)
    refused = []

    def say(line):
        if line.startswith("writing"):
            with pytest.raises(ValueError, match="no other conversion is writing") as caught:
                converted(folder, tmp_path / "out")
            refused.append(caught)

    converted(folder, tmp_path / "out", say=say)
    assert len(refused) == 1


def test_a_disk_that_is_too_small_is_noticed_before_work(tmp_path, monkeypatch):
    folder = noise_folder(tmp_path / "in", 20)
    monkeypatch.setattr(
        convert_module.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1)
    )
    with pytest.raises(ValueError, match=r"`output` must be on a disk with .* MB free"):
        converted(folder, tmp_path / "out")
    assert not any(is_shard_name(path.name) for path in (tmp_path / "out").iterdir())


def test_the_disk_space_is_estimated_from_the_pictures(tmp_path):
    said = []
    folder = noise_folder(tmp_path / "in", 40, size=64)
    converted(folder, tmp_path / "out", resolutions=(4, 8, 16, 32, 64), say=said.append)
    size = sum(path.stat().st_size for path in (tmp_path / "out").glob("*.tfrecord-*"))
    estimate = float(next(s for s in said if s.startswith("writing")).split("about ")[1].split()[0])
    assert estimate == pytest.approx(size / 1e6, rel=0.1, abs=0.05)


def test_nothing_kept_is_an_error_with_the_reasons_shown(tmp_path):
    folder = noise_folder(tmp_path / "in", 3)
    said = []
    with pytest.raises(ValueError, match="all 3 were left out"):
        converted(folder, tmp_path / "out", min_keypoints=3, say=said.append)
    assert "left out, fewer than 3 keypoints" in said[-1]
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_a_killed_worker_ends_the_run_with_a_remedy(tmp_path):
    source = open_source(noise_folder(tmp_path / "in", 100), ReadingOptions())
    made = prepare_all(source.examples, options_for(source).preparation, workers=2)
    assert next(made).name == "000.png"
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(ValueError, match="worker process was killed"):
        list(made)


# ------------------------------------------------------------------------------------------------
# The program.


def program(*arguments):
    return [sys.executable, "-m", "tools.make_tfrecords", *map(str, arguments)]


def test_a_run_killed_in_the_middle_goes_on_to_the_same_bytes(tmp_path):
    folder = noise_folder(tmp_path / "in", 160, size=96)
    output = tmp_path / "out"
    flags = ("--shards=20", "--workers=2", "--test_motions=m3", "--resolutions=4,64")
    command = program(f"--input={folder}", f"--output={output}", *flags)
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
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
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"going on: {len(notes)} of 21 shards are finished" in done.stdout
    assert done.stderr == ""
    assert {path: path.stat().st_ino for path in inodes} == inodes
    # The reference: one process, never stopped.
    changes = {"shards": 20, "test_motions": ("m3",), "resolutions": (4, 64)}
    converted(folder, tmp_path / "whole", **changes)
    assert all_bytes(output) == all_bytes(tmp_path / "whole")


def test_the_program_and_so_its_workers_start_without_tensorflow():
    code = "import sys, tools.make_tfrecords; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


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
    done = subprocess.run(program(*arguments), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("make_tfrecords: ")
    assert message.format(tmp=tmp_path) in done.stderr
    assert done.stderr.count("\n") == 1


def test_checking_strictly_fails_with_the_table_of_what_is_broken(nasty):
    folder, _ = nasty
    command = program(f"--input={folder}", "--check", "--strict", "--workers=1")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "left out, broken picture                   3" in done.stdout
    assert done.stderr.startswith("make_tfrecords: `strict` allows no broken picture")
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
