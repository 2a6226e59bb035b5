"""DeepFashion and OpenPose through the conversion."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conversion_by_hand import (
    converted,
    noise,
    read_back,
)
from psgan_tf.data.conversion.sources import ReadingOptions, open_source
from psgan_tf.images.pictures import load_rgb
from psgan_tf.keypoints.schema import SKELETONS

BODY25, OPENPOSE = SKELETONS["body25"], SKELETONS["openpose18"]
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


def test_what_deepfashion_holds_beside_its_list_is_counted(tmp_path):
    folder = in_shop(tmp_path / "in")
    add_table(folder, "a-annotation.csv", shift=0)
    table = folder / "a-annotation.csv"
    table.write_text(table.read_text().replace("id0000000002_1", "id9900000002_1"))
    poses, points = tmp_path / "poses", in_shop_points()
    unlisted = "img/MEN/Denim/id_00000001/01_1_front.jpg"
    places = [IN_SHOP[0], "copy/" + IN_SHOP[0], IN_SHOP[1], "holiday", unlisted]
    add_openpose(poses, places, points[[0, 1, 1, 2, 3]])
    (poses / "notes.json").write_text("{}")
    Image.fromarray(noise(8, 8)).save(folder / "Img" / "holiday.png")
    source = open_source(folder, ReadingOptions(keypoints=[table, poses]))
    left_out = {problem.name: problem.reason for problem in source.left_out}
    first, second = (f"{name.removesuffix('.jpg')}_keypoints.json" for name in IN_SHOP[:2])
    assert left_out["holiday_keypoints.json"].startswith("missing picture: the keypoint file has")
    # `copy/...` comes before `img/...`; the second picture's first keypoints are the table's.
    twice = "keypoints given twice: those of"
    assert left_out[first] == f"{twice} copy/{first} are taken"
    assert left_out[second].startswith(f"{twice} a-annotation.csv ")
    np.testing.assert_array_equal(source.examples[1].measured.keypoints[0, :2], points[1, 0])
    notes = "\n".join(source.notes)
    assert "2 keypoint files or table rows are of pictures not in the partition" in notes
    assert "poses: 1 JSON files have other names" in notes
    assert "1 pictures are not in the partition" in notes


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
