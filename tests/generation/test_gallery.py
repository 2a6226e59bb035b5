"""Galleries: what is in the files, what they say of themselves, and going on after a stop."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from psgan_tf.generation.characters import Character, load_characters, parse_seeds, subjects_of
from psgan_tf.generation.gallery import SHEET_FIELD, Gallery, make_gallery, seeds_text
from psgan_tf.images.contact_sheets import SheetStyle
from psgan_tf.images.pictures import enlarged, load_rgb
from psgan_tf.keypoints.drawing import skeleton_picture
from psgan_tf.keypoints.named_poses import NamedPose, read_poses
from psgan_tf.keypoints.schema import Skeleton

SKELETON = Skeleton("tail3", ("root", "left", "right"), ((1, 2),), ((0, 1), (0, 2)))
RESOLUTION = 8
CHARACTERS = [Character(name, np.zeros(5, np.float32), "") for name in ("Mika ミカ", "ä" * 90)]


def some_poses(count):
    keypoints = np.random.default_rng(1).uniform(0, 16, [count, 3, 3]).astype(np.float32)
    keypoints[..., 2] = 1
    keypoints[:, 1] = 0  # missing
    return [NamedPose(f"stand {number}", pose) for number, pose in enumerate(keypoints)]


def a_gallery(num_seeds=3, num_poses=2, skeleton=SKELETON, pictures=True, **style):
    subjects = subjects_of(range(num_seeds), CHARACTERS)
    latents = np.random.default_rng(2).normal(size=[len(subjects), 5]).astype(np.float32)
    poses = some_poses(num_poses)
    if skeleton is None:
        poses = [NamedPose("none", np.zeros([0, 3], np.float32))]
    kind = style.pop("kind", "grid")
    looks = SheetStyle(kind, style.pop("cell_px", 16), **style)
    origin = {"model": "1f", "images_shown": "20"}
    return Gallery(subjects, latents, poses, skeleton, 16, origin, looks, pictures)


def draw(latents, keypoints):
    """Noise that is another for each latent and pose."""
    pictures = []
    for latent, pose in zip(latents, keypoints, strict=True):
        seed = np.frombuffer(latent.tobytes() + pose.tobytes(), np.uint32)
        rng = np.random.default_rng(seed)
        pictures.append(rng.integers(0, 256, [RESOLUTION, RESOLUTION, 3], dtype=np.uint8))
    return np.stack(pictures)


class Drawer:
    """Draws, counts its pictures, and gives up before a batch if it is told to."""

    def __init__(self, batches=1000):
        self.count, self._batches = 0, batches

    def __call__(self, latents, keypoints):
        if not self._batches:
            raise ConnectionError("stopped")
        self._batches -= 1
        self.count += len(latents)
        return draw(latents, keypoints)


def make(gallery, output, drawer=None, say=lambda line: None):
    return make_gallery(gallery, drawer or Drawer(), RESOLUTION, output, say)


def drawn(gallery, row, column):
    return draw(gallery.latents[row][None], gallery.poses[column].keypoints[None])[0]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_character_in_each_pose_is_a_file_and_a_cell_of_the_grid(tmp_path):
    gallery = a_gallery()
    assert make(gallery, tmp_path) == [tmp_path / "grid.png"]
    starts = ["seed0000", "seed0001", "seed0002", "Mika-ミカ", "ä" * 60]
    names = {f"{start}_pose000{column}.png" for start in starts for column in (0, 1)}
    assert set(contents(tmp_path)) == {*names, "grid.png"}
    sheet = load_rgb(tmp_path / "grid.png")
    assert sheet.shape[0] == 6 * 16
    cells = sheet[:, -2 * 16 :]
    for column, pose in enumerate(gallery.poses):
        x = slice(16 * column, 16 * (column + 1))
        np.testing.assert_array_equal(
            cells[:16, x], skeleton_picture(pose.keypoints, SKELETON, 16, 16)
        )
        for row, start in enumerate(starts):
            picture = drawn(gallery, row, column)
            path = tmp_path / f"{start}_pose000{column}.png"
            np.testing.assert_array_equal(load_rgb(path), picture)
            np.testing.assert_array_equal(cells[16 * (row + 1) :, x][:16], enlarged(picture, 2))


def test_files_say_who_is_in_them_how_they_stand_and_how_they_were_made(tmp_path):
    gallery = a_gallery()
    make(gallery, tmp_path)
    seed = Image.open(tmp_path / "seed0002_pose0001.png").text
    readable = {"seed": "2", "pose": "stand 1", "model": "1f", "images_shown": "20"}
    assert readable.items() <= seed.items()
    assert Image.open(tmp_path / "Mika-ミカ_pose0000.png").text["character"] == "Mika ミカ"
    sheet = Image.open(tmp_path / "grid.png").text
    assert {"seeds": "0-2", "model": "1f", "images_shown": "20"}.items() <= sheet.items()
    assert SheetStyle(**json.loads(sheet[SHEET_FIELD])) == gallery.style


def test_characters_and_poses_are_read_back_from_files_exactly(tmp_path):
    gallery = a_gallery()
    make(gallery, tmp_path)
    found = load_characters(tmp_path / "grid.png")
    assert [character.name for character in found] == [s.name for s in gallery.subjects]
    np.testing.assert_array_equal([c.latent for c in found], gallery.latents)
    assert {character.model_fingerprint for character in found} == {"1f"}
    poses = read_poses(tmp_path / "grid.png", SKELETON, 16)
    assert [pose.name for pose in poses] == ["stand 0", "stand 1"]
    for pose, read in zip(gallery.poses, poses, strict=True):
        np.testing.assert_array_equal(read.keypoints, pose.keypoints)
    (alone,) = load_characters(tmp_path / "seed0001_pose0001.png")
    np.testing.assert_array_equal(alone.latent, gallery.latents[1])
    (pose,) = read_poses(tmp_path / "seed0001_pose0001.png", SKELETON, 16)
    np.testing.assert_array_equal(pose.keypoints, gallery.poses[1].keypoints)


@pytest.mark.parametrize("batches", range(6))
def test_a_stopped_gallery_goes_on_and_ends_the_same(tmp_path, batches):
    """Of 18 + 2 characters, 16 are drawn together and 4: in three poses six batches."""
    gallery = a_gallery(num_seeds=18, num_poses=3)
    make(gallery, tmp_path / "whole")
    with pytest.raises(ConnectionError):
        make(gallery, tmp_path / "stopped", Drawer(batches))
    before = [0, 16, 20, 36, 40, 56][batches]
    assert len(contents(tmp_path / "stopped")) == before
    rest = Drawer()
    make(gallery, tmp_path / "stopped", rest)
    assert rest.count == 60 - before
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_a_finished_gallery_is_not_drawn_again(tmp_path):
    lines, again = [], Drawer()
    make(a_gallery(), tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert make(a_gallery(), tmp_path, again, lines.append) == [tmp_path / "grid.png"]
    assert (again.count, lines) == (0, ["10 of 10 pictures are there already"])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_another_sheet_is_made_of_the_pictures_that_are_there(tmp_path):
    make(a_gallery(), tmp_path)
    again = Drawer()
    make(a_gallery(labels=False, skeletons=False, cell_px=11), tmp_path, again)
    assert again.count == 0
    assert load_rgb(tmp_path / "grid.png").shape == (5 * 11, 2 * 11, 3)


def test_pictures_of_another_checkpoint_or_that_are_damaged_are_drawn_again(tmp_path):
    gallery = a_gallery()
    make(gallery, tmp_path / "whole")
    other = dataclasses.replace(gallery, origin={"model": "2e", "images_shown": "40"})
    make(other, tmp_path / "other")
    again = Drawer()
    make(gallery, tmp_path / "other", again)
    assert again.count == 10
    picture = tmp_path / "other" / "seed0001_pose0001.png"
    picture.write_bytes(picture.read_bytes()[:-40])  # its text is whole
    (tmp_path / "other" / "grid.png").write_bytes(b"")
    again = Drawer()
    make(gallery, tmp_path / "other", again)
    assert again.count == 5  # the batch that it is of
    assert contents(tmp_path / "other") == contents(tmp_path / "whole")


def test_a_gallery_of_several_pages_goes_on_with_the_missing_one(tmp_path):
    # 3 x 3 pictures of 600 px on a page.
    gallery = a_gallery(num_seeds=10, num_poses=1, kind="contact", cell_px=600)
    sheets = make(gallery, tmp_path)
    assert [sheet.name for sheet in sheets] == ["contact_001.png", "contact_002.png"]
    assert [load_rgb(sheet).shape[1] for sheet in sheets] == [3 * 600, 3 * 600]
    assert Image.open(sheets[1]).text["seeds"] == "9"
    assert [len(load_characters(sheet)) for sheet in sheets] == [9, 3]
    np.testing.assert_array_equal(
        load_rgb(sheets[1])[:600, :600], enlarged(drawn(gallery, 9, 0), 75)
    )
    whole, lines, again = contents(tmp_path), [], Drawer()
    sheets[1].unlink()
    (tmp_path / "seed0009_pose0000.png").unlink()
    make(gallery, tmp_path, again, lines.append)
    assert lines[0] == "9 of 12 pictures are there already"
    assert again.count == 3
    assert contents(tmp_path) == whole


def test_sheets_alone_are_the_same_sheets(tmp_path):
    make(a_gallery(), tmp_path / "all")
    alone = Drawer()
    make(a_gallery(pictures=False), tmp_path / "sheets", alone)
    assert alone.count == 10
    expected = {"grid.png": (tmp_path / "all" / "grid.png").read_bytes()}
    assert contents(tmp_path / "sheets") == expected


def test_a_network_without_poses_has_no_skeletons_and_says_nothing_of_poses(tmp_path):
    gallery = a_gallery(skeleton=None)
    make(gallery, tmp_path)
    assert load_rgb(tmp_path / "grid.png").shape[0] == 5 * 16
    assert "psgan_poses" not in Image.open(tmp_path / "seed0000_pose0000.png").text
    np.testing.assert_array_equal(
        load_characters(tmp_path / "seed0000_pose0000.png")[0].latent, gallery.latents[0]
    )
    with pytest.raises(ValueError, match="a PNG whose text says no pose"):
        read_poses(tmp_path / "seed0000_pose0000.png", SKELETON, 16)


@pytest.mark.parametrize("text", ["7", "0-1", "0-2,7", "5,0-1,9", "3,2,1"])
def test_seeds_are_written_as_they_are_read(text):
    assert seeds_text(parse_seeds(text)) == text
