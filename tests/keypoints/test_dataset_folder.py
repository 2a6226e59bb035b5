import json

import numpy as np
import pytest
from PIL import Image

from psgan_tf.common import files
from psgan_tf.keypoints.dataset_folder import (
    ManifestRow,
    check_folder,
    read_card,
    read_folder,
    read_keypoints,
    read_row,
    row_to_line,
    write_folder,
)
from psgan_tf.keypoints.schema import SKELETONS, Skeleton
from shared_assets import shared_path

AVATAR = SKELETONS["avatar20"]
PAIR = Skeleton("pair2", ("left_end", "right_end"), ((0, 1),), ((0, 1),))
POINTS = np.array([[1.5, 2.25, 1], [0, 0, 0]], np.float32)


def write_lines(directory, lines, image_size=(8, 8)):
    write_folder(directory, PAIR, image_size, [], {})
    (directory / "manifest.jsonl").write_bytes(b"\n".join(lines))


def line(image, keypoints=((1, 2, 1), (3, 4, 1)), **entries):
    return json.dumps({"image": image, "keypoints": keypoints, **entries}).encode()


def test_a_folder_is_read_back_as_it_was_written(tmp_path):
    attributes = {"costume": 3, "motion": "bow", "split": "test", "time_s": 0.25}
    rows = [ManifestRow("a/ä.png", POINTS, attributes), ManifestRow("b.png", POINTS + 1e-3)]
    rows[1].keypoints[:, 2] = 1
    card = {"name": "two", "credits": ["me"], "camera": {"distance_m": 3.5}}
    write_folder(tmp_path, PAIR, (640, 480), rows, card)
    folder = read_folder(tmp_path)
    assert (folder.skeleton, folder.image_size, folder.card) == (PAIR, (640, 480), card)
    assert folder.problems == ()
    for row, expected in zip(folder.rows, rows, strict=True):
        assert (row.image, row.attributes) == (expected.image, expected.attributes)
        np.testing.assert_array_equal(row.keypoints, expected.keypoints)
    assert folder.rows[0].text("costume") == "3"
    assert folder.rows[1].text("costume") == ""


def test_coordinates_are_written_in_their_shortest_form():
    row = ManifestRow("x.png", np.array([[147.452, 0.1, 1]], np.float32))
    assert row_to_line(row) == '{"image": "x.png", "keypoints": [[147.452, 0.1, 1]]}'


def test_the_real_dataset_has_all_its_rows():
    folder = read_folder(shared_path("dataset/godette256"))
    assert (len(folder.rows), folder.problems, folder.card) == (2016, (), {})
    assert (folder.skeleton, folder.image_size) == (AVATAR, (256, 256))
    first = folder.rows[0]
    assert (first.image, first.text("costume"), first.text("motion")) == (
        "images/c0_backflip_00.png",
        "0",
        "backflip",
    )
    np.testing.assert_array_equal(first.keypoints[2], np.float32([128.037, 107.571, 1]))


def test_an_invisible_point_may_have_no_coordinates():
    keypoints = read_keypoints([[None, None, 0], [5, 6.5, 2]], 2)
    np.testing.assert_array_equal(keypoints, [[0, 0, 0], [5, 6.5, 2]])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "not JSON: .*column"),
        (b"[1]", "not a JSON object"),
        (b'{"keypoints": []}', "no image is named"),
        (b'{"image": "a.png"}', "no keypoints"),
        (b'{"image": "../a.png", "keypoints": []}', "outside the folder"),
        (b'{"image": "/etc/a.png", "keypoints": []}', "outside the folder"),
        (line("a.png", [[1, 2, 1]]), "must be 2 rows of x, y, visible, not 1"),
        (line("a.png", [[1, 2], [3, 4]]), r"keypoint 0 must be \[x, y, visible\]"),
        (line("a.png", [[1, 2, 1], [3, 4, 0.5]]), "keypoint 1: visible must be 0, 1 or 2"),
        (line("a.png", [[1, float("nan"), 1], [3, 4, 1]]), "finite numbers"),
        (line("a.png", [["1", 2, 1], [3, 4, 1]]), "finite numbers"),
        (line("a.png", [[10**400, 2, 1], [3, 4, 1]]), "keypoint 0: x and y must be finite"),
        (line("a.png", [[1, 2, 1], [1e39, 4, 1]]), "keypoint 1: x and y must be finite"),
        (b'{"image": "a.png", "keypoints": [[1' + b"0" * 5000 + b"]]}", "thousands of digits"),
        (b'{"image": "a.png", "keypoints": ' + b"[" * 9999, "not JSON: .*nested too deeply"),
        (line("a.png", split="val"), "split must be train or test"),
    ],
)
def test_a_broken_line_has_its_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        read_row(text.decode(), 2)


def test_broken_lines_are_named_and_the_others_kept(tmp_path):
    lines = [line("a.png"), b"{oops", b"", line("b.png", []), b"\xff\xfe", line("a.png")]
    write_lines(tmp_path, lines)
    folder = read_folder(tmp_path)
    assert [row.image for row in folder.rows] == ["a.png"]
    names = [problem.name for problem in folder.problems]
    assert names == [
        "manifest.jsonl line 2",
        "b.png (manifest.jsonl line 4)",
        "manifest.jsonl line 5",
        "a.png (manifest.jsonl line 6)",
    ]
    assert all(problem.reason.startswith("broken annotation: ") for problem in folder.problems)
    assert folder.problems[3].reason.endswith("listed twice")


def test_lines_that_no_reader_can_take_are_left_out_beside_good_ones(tmp_path):
    deep = b'{"image": "deep.png", "keypoints": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    long = line("long.png", [[10**400, 2, 1], [3, 4, 1]])
    write_lines(tmp_path, [deep, long, line("large.png", [[1e39, 2, 1], [3, 4, 1]]), line("a.png")])
    folder = read_folder(tmp_path)
    assert [row.image for row in folder.rows] == ["a.png"]
    assert [problem.name for problem in folder.problems] == [
        "manifest.jsonl line 1",
        "long.png (manifest.jsonl line 2)",
        "large.png (manifest.jsonl line 3)",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[" * 100_000, "nested too deeply"), ("1" * 5000, "thousands of digits")],
)
def test_a_file_that_no_reader_can_take_is_refused_by_name(tmp_path, text, reason):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ValueError, match=rf"card\.json` is not valid JSON: .*{reason}"):
        read_card(tmp_path / "card.json")


def test_a_frame_that_no_picture_fills_is_refused(tmp_path):
    write_lines(tmp_path, [], image_size=(10**400, 8))
    with pytest.raises(ValueError, match=r"`image_size` .* must be .* up to 65,536"):
        read_folder(tmp_path)


def test_a_folder_that_is_none_is_refused_with_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match=r"no manifest\.jsonl"):
        read_folder(tmp_path)
    write_lines(tmp_path, [])
    (tmp_path / "skeleton.json").unlink()
    with pytest.raises(ValueError, match=r"no file .*skeleton\.json"):
        read_folder(tmp_path)
    (tmp_path / "skeleton.json").write_text('{"schema": "coco17", "image_size": 256}')
    with pytest.raises(ValueError, match=r"`image_size` .* must be"):
        read_folder(tmp_path)
    (tmp_path / "skeleton.json").write_text('{"schema": "coco17",')
    with pytest.raises(ValueError, match=r"not valid JSON: .* line 1 column"):
        read_folder(tmp_path)


def test_a_card_may_say_license_and_must_be_an_object(tmp_path):
    path = tmp_path / "card.json"
    assert read_card(path) == {}
    path.write_text('{"license": "CC0"}')
    assert read_card(path) == {"licence": "CC0"}
    path.write_text("[]")
    with pytest.raises(ValueError, match="one JSON object"):
        read_card(path)


def test_checking_finds_missing_pictures_and_wrong_shapes(tmp_path):
    write_lines(tmp_path, [line("good.png"), line("gone.png"), line("wide.png"), line("big.png")])
    Image.new("RGB", (8, 8)).save(tmp_path / "good.png")
    Image.new("RGB", (8, 4)).save(tmp_path / "wide.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "big.png")  # another scale, the same shape
    problems = {problem.name: problem.reason for problem in check_folder(tmp_path)}
    assert problems == {
        "gone.png": "missing picture: there is no such file",
        "wide.png": "wrong shape: the picture is 8 x 4, its keypoints are measured in 8 x 8",
    }


def test_a_row_that_could_not_be_read_back_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"a\.png: keypoints must be 2 rows"):
        write_folder(tmp_path, PAIR, (8, 8), [ManifestRow("a.png", POINTS[:1])], {})
    assert not (tmp_path / "manifest.jsonl").exists()


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "card.json"
    files.write_atomically(path, "old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["card.json"]


def test_json_for_people_keeps_its_meaning():
    document = {"a": [[1, 2.5], ["x, y", "[\n"]], "b": [], "c": {"d": [None, True]}}
    text = files.json_text(document)
    assert json.loads(text) == document
    assert "[1, 2.5]" in text
