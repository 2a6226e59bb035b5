import numpy as np
import pytest

from psgan_tf.data.conversion.deepfashion import (
    find_partition,
    match_pictures,
    picture_key,
    read_keypoint_table,
    read_partition,
    system_of,
)

OFFICIAL = "img/WOMEN/Tees_Tanks/id_00007838/05_7_additional.jpg"
HEADER = "name:keypoints_y:keypoints_x\n"


def picture(item, view="02_1_front", kind="WOMEN/Dresses"):
    return f"img/{kind}/id_{item:08d}/{view}.jpg"


def partition_text(rows, count=None):
    lines = "".join(f"{name}  id_{i:08d} {status}\n" for i, (name, status) in enumerate(rows))
    return f"{len(rows) if count is None else count}\nimage_name item_id evaluation_status\n{lines}"


def table_row(name, x, y):
    return f"{name}: {y}: {x}\n"


@pytest.mark.parametrize(
    "name",
    [
        OFFICIAL,
        "Img/" + OFFICIAL.replace(".jpg", ".png"),
        "fashionWOMENTees_Tanksid0000783805_7additional.jpg",
        "fasionWOMENTeesTanksid0000783805_7additional.jpg",
        "train/fashionWOMENTees_Tanksid0000783805_7additional_keypoints",
    ],
)
def test_all_spellings_of_a_name_have_one_key(name):
    assert picture_key(name) == "womenteestanksid00007838057additional"


def test_other_names_have_no_key():
    assert picture_key("img/WOMEN/Tees_Tanks/id_7838/05_7_additional.jpg") is None
    assert picture_key("holiday.jpg") is None


def test_men_and_women_keep_apart():
    assert picture_key(picture(1, kind="MEN/Denim")) == "mendenimid00000001021front"
    assert picture_key(picture(1, kind="WOMEN/Denim")) == "womendenimid00000001021front"


def test_the_partition_list_is_read_with_its_statuses(tmp_path):
    rows = [(picture(0), "train"), (picture(1), "query"), (picture(2), "gallery")]
    (tmp_path / "Eval").mkdir()
    path = tmp_path / "Eval" / "list_eval_partition.txt"
    path.write_text(partition_text(rows))
    assert find_partition(tmp_path) == path
    read, problems = read_partition(path)
    assert [(row.image, row.status) for row in read] == rows
    assert read[2].item == "id_00000002"
    assert problems == []


def test_broken_rows_and_a_cut_list_are_reported(tmp_path):
    path = tmp_path / "list_eval_partition.txt"
    rows = [(picture(0), "train"), (picture(1), "val"), ("x.jpg", "train"), (picture(0), "train")]
    path.write_text(partition_text(rows, count=9))
    read, problems = read_partition(path)
    assert [row.image for row in read] == [picture(0)]
    assert [problem.name for problem in problems] == [
        "list_eval_partition.txt line 4",
        "list_eval_partition.txt line 5",
        "list_eval_partition.txt line 6",
        "list_eval_partition.txt",
    ]
    assert "says 9 rows, it has 4" in problems[-1].reason


def test_another_list_is_refused(tmp_path):
    path = tmp_path / "list_eval_partition.txt"
    path.write_text("image_name clothes_type\n")
    with pytest.raises(ValueError, match="must start with a count and the header"):
        read_partition(path)


def test_a_table_has_y_first_keeps_zeros_and_drops_double_minus_ones(tmp_path):
    x = [0, -1, 250, *[128] * 15]
    y = [33, -1, 0, *range(15)]
    path = tmp_path / "fasion-annotation-test.csv"
    path.write_text(HEADER + table_row("fasionWOMENDressesid0000000002_1front.jpg", x, y))
    table, problems, system = read_keypoint_table(path)
    points = table[picture_key(picture(0))]
    assert (problems, system, points.dtype) == ([], "256", np.float32)
    assert points[:4].tolist() == [[0, 33, 1], [0, 0, 0], [250, 0, 1], [128, 0, 1]]


def test_a_cropped_table_gets_its_forty_pixels_back(tmp_path):
    x = [48, -1, -1, -9, 175, *[88] * 13]
    y = [10, -1, 12, 13, 14, *range(13)]
    path = tmp_path / "points.csv"
    path.write_text(HEADER + table_row("fasionWOMENDressesid0000000002_1front.jpg", x, y))
    table, _, system = read_keypoint_table(path)
    points = table[picture_key(picture(0))]
    assert system == "176"
    assert points[:5].tolist() == [[88, 10, 1], [0, 0, 0], [39, 12, 1], [31, 13, 1], [215, 14, 1]]
    # The same numbers read as the other system, because the user says so.
    table, _, _ = read_keypoint_table(path, coordinates="256")
    assert table[picture_key(picture(0))][0].tolist() == [48, 10, 1]


@pytest.mark.parametrize(
    ("x", "name", "expected"),
    [
        ([100, 216], "fasion-resize-annotation.csv", "256"),  # beyond the crop's 215
        ([-2, 90], "fasion-annotation.csv", "176"),
        ([100, 120], "fasion-resize-annotation.csv", "176"),
        ([100, 120, 140], "points.csv", "256"),  # around the middle of 256
        ([70, 90, 95], "points.csv", "176"),  # around the middle of 176
        ([], "points.csv", "256"),
    ],
)
def test_the_coordinate_system_is_told_by_values_then_name_then_place(x, name, expected):
    points = np.float32([[value, 100] for value in x]).reshape(-1, 2)
    assert system_of(points, name) == expected


def test_broken_table_rows_are_named_and_the_others_kept(tmp_path):
    path = tmp_path / "a.csv"
    good = "fashionWOMENDressesid0000000002_1front.jpg"
    path.write_text(
        HEADER
        + table_row(good, [1] * 18, [2] * 18)
        + table_row(good, [1] * 18, [2] * 18)
        + table_row("fashionWOMENDressesid0000000102_1front.jpg", [1] * 17, [2] * 18)
        + table_row("holiday.jpg", [1] * 18, [2] * 18)
        + "fashionWOMENDressesid0000000202_1front.jpg: [1, 2\n"
        + table_row("fashionWOMENDressesid0000000302_1front.jpg", [10**400] * 18, [2] * 18)
        + table_row("fashionWOMENDressesid0000000402_1front.jpg", ["1e39"] * 18, [2] * 18)
        + table_row("fashionWOMENDressesid0000000502_1front.jpg", "NaN", [2] * 18)
        + table_row("fashionWOMENDressesid0000000602_1front.jpg", "[" * 100_000, [2] * 18)
    )
    table, problems, _ = read_keypoint_table(path)
    assert list(table) == [picture_key(good)]
    assert [problem.name for problem in problems] == [f"a.csv line {n}" for n in range(3, 11)]


def test_a_file_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("from,to\n")
    with pytest.raises(ValueError, match="must be a keypoint table with the header"):
        read_keypoint_table(path)
    with pytest.raises(ValueError, match="one of auto, 256, 176"):
        read_keypoint_table(path, coordinates="512")


@pytest.mark.parametrize("flattened", [False, True])
def test_pictures_are_found_in_the_official_layout_and_in_flattened_copies(tmp_path, flattened):
    rows = [(picture(i), "train") for i in range(3)]
    path = tmp_path / "list_eval_partition.txt"
    path.write_text(partition_text(rows))
    listed, _ = read_partition(path)
    places = {}
    for i in range(2):  # the third is missing
        flat = f"train/fashionWOMENDressesid{i:08d}02_1front.jpg"
        places[picture(i)] = flat if flattened else f"Img/{picture(i)}"
        (tmp_path / places[picture(i)]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / places[picture(i)]).touch()
    assert match_pictures(tmp_path, listed) == places
