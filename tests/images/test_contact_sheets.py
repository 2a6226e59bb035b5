"""Sheets of pictures: where each cell lies, what is written beside it, how many fit on a page."""

import numpy as np
import pytest
from PIL import Image

from psgan_tf.images.contact_sheets import (
    Lettering,
    SheetStyle,
    contact_sheet,
    default_cell_px,
    default_kind,
    grid,
    sheet_name,
    text_lines,
    text_width,
)
from psgan_tf.images.pictures import enlarged

RNG = np.random.default_rng(0)


def noise(rows, columns, size=32):
    """Pictures that are all different: [rows, columns, size, size, 3]."""
    return RNG.integers(0, 256, [rows, columns, size, size, 3], dtype=np.uint8)


def test_a_contact_sheet_has_a_caption_below_each_tile():
    tiles = [np.full((32, 32, 3), shade, np.uint8) for shade in (0, 60, 120)]
    sheet = contact_sheet(tiles, ["one", "ü", "a name too long for its tile"], columns=2)
    assert sheet.shape == (2 * 46, 64, 3)
    assert (sheet[:32, 32:] == 60).all()
    assert (sheet[46:78, :32] == 120).all()
    assert (sheet[32:46, :32] < 128).any()  # its caption


def test_a_contact_sheet_without_captions_is_pictures_alone():
    tiles = noise(1, 3)[0]
    sheet = contact_sheet(tiles, [], columns=2)
    np.testing.assert_array_equal(sheet[:32, 32:], tiles[1])
    np.testing.assert_array_equal(sheet[32:, :32], tiles[2])
    assert (sheet[32:, 32:] == 255).all()
    assert sheet.shape == (64, 64, 3)


def test_a_grid_has_a_character_a_row_and_a_pose_a_column():
    pictures, header = noise(3, 2), noise(1, 2)[0]
    sheet = grid(pictures, header, ["seed1", "seed2", "a name"])
    left = sheet.shape[1] - 2 * 32
    assert left > 0
    for column in range(2):
        x = slice(left + 32 * column, left + 32 * (column + 1))
        np.testing.assert_array_equal(sheet[:32, x], header[column])
        for row in range(3):
            cell = sheet[32 * (row + 1) : 32 * (row + 2), x]
            np.testing.assert_array_equal(cell, pictures[row, column])
    labels = sheet[:, :left].min(axis=(1, 2)) < 128
    assert not labels[:32].any()  # nothing beside the header
    assert all(labels[32 * row : 32 * (row + 1)].any() for row in (1, 2, 3))


def test_a_grid_of_pictures_alone_is_those_pictures():
    pictures = noise(2, 3)
    expected = pictures.transpose(0, 2, 1, 3, 4).reshape(64, 96, 3)
    np.testing.assert_array_equal(grid(pictures), expected)


def test_labels_are_broken_between_words_and_fit_their_column():
    lettering = Lettering(20)
    lines = text_lines("0.25 Aoi of the lake + 0.75 seed9", 110, lettering)
    assert " ".join(lines) == "0.25 Aoi of the lake + 0.75 seed9"
    assert len(lines) > 1
    assert max(text_width(line, lettering) for line in lines) <= 110
    assert text_lines("one\ntwo", 500, lettering) == ["one", "two"]
    assert text_lines("indivisible", 5, lettering) == ["indivisible"]


def test_other_letters_need_a_font_and_what_is_no_font_is_refused(tmp_path):
    assert Lettering().drawable("Mika ミカ") == "Mika ??"
    assert Lettering(font="any.ttf").drawable("Mika ミカ") == "Mika ミカ"
    (tmp_path / "no.ttf").write_text("no font")
    for name in ("no.ttf", "gone.ttf"):
        with pytest.raises(ValueError, match="`font` must be a TrueType or OpenType file") as e:
            Lettering(font=str(tmp_path / name)).load()
        assert name in str(e.value)


def test_a_style_shows_pictures_at_its_size_with_no_pixel_changed():
    pictures, header = noise(2, 2, 8), noise(1, 2, 8)[0]
    style = SheetStyle("grid", 32)
    sheet = style.page(["seed1", "0.5 seed1 + 0.5 seed2"], pictures, header)
    np.testing.assert_array_equal(sheet[64:, -64:-32], enlarged(pictures[1, 0], 4))
    np.testing.assert_array_equal(sheet[:32, -32:], enlarged(header[1], 4))
    bare = SheetStyle("grid", 32, skeletons=False, labels=False)
    np.testing.assert_array_equal(bare.page(["a", "b"], pictures, header), sheet[32:, -64:])


def test_large_pictures_are_made_smaller_by_means():
    pictures = noise(1, 1, 64)
    shown = SheetStyle("contact", 32, labels=False).page(["a"], pictures, [])
    means = pictures[0, 0].reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(shown, means, atol=0.5)


def test_a_contact_sheet_keeps_a_character_s_poses_together():
    pictures = noise(5, 3, 256)
    style = SheetStyle("contact", 256)
    line_px = style.lettering.line_px
    sheet = style.page(list("abcde"), pictures, [])
    # Two characters of three poses fit side by side on 2048 pixels.
    assert sheet.shape == (3 * (256 + line_px), 6 * 256, 3)
    second = sheet[256 + line_px : 512 + line_px, 3 * 256 :]
    np.testing.assert_array_equal(second, np.concatenate(list(pictures[3]), axis=1))
    assert (sheet[256 : 256 + line_px, 768 : 768 + 60] < 128).any()  # b


def test_captions_of_mixtures_have_a_line_for_each_part_and_no_more_than_three():
    tiles = noise(2, 1, 128)
    style = SheetStyle("contact", 128)
    names = ["seed1", "0.5 Aoi + 0.5 seed1", " + ".join(f"0.2 seed{n}" for n in range(5))]
    line_px = style.lettering.line_px
    heights = [style.page([names[0], name], tiles, []).shape[0] for name in names]
    assert heights == [128 + line_px, 128 + 2 * line_px, 128 + 3 * line_px]
    dark = (style.page(names[1:2], tiles[:1], [])[128:] < 128).any(axis=(1, 2))
    assert dark[:line_px].any()
    assert dark[line_px:].any()
    assert style.page(["", " "], tiles, []).shape[0] == 128


@pytest.mark.parametrize(("count", "columns", "rows"), [(3, 3, 1), (16, 16, 1), (20, 10, 2)])
def test_the_rows_of_a_contact_sheet_are_of_one_length(count, columns, rows):
    sheet = SheetStyle("contact", 128, labels=False).page([], noise(count, 1, 128), [])
    assert sheet.shape == (128 * rows, 128 * columns, 3)


@pytest.mark.parametrize("kind", ["grid", "contact"])
@pytest.mark.parametrize("num_poses", [1, 6, 40])
@pytest.mark.parametrize("cell_px", [128, 1024])
def test_pages_hold_each_character_once_in_order(kind, num_poses, cell_px):
    pages = SheetStyle(kind, cell_px).pages(500, num_poses)
    assert [row for page in pages for row in page] == list(range(500))
    assert len({len(page) for page in pages[:-1]}) <= 1


def test_pages_are_of_a_size_that_viewers_open():
    # 16 in a row, 14 rows of 128 + 18 pixels in 2048.
    assert len(SheetStyle("contact", 128).pages(500, 1)[0]) == 16 * 14
    # A walk of seven steps and both ends, at 1024 pixels.
    assert SheetStyle("grid", 1024).pages(9, 6) == [range(9)]


def test_sheets_have_names_and_kinds_of_their_own():
    assert [sheet_name("grid", page, 2) for page in (0, 1)] == ["grid_001.png", "grid_002.png"]
    assert sheet_name("contact", 0, 1) == "contact.png"
    assert [default_kind(poses) for poses in (1, 2)] == ["contact", "grid"]
    assert [default_cell_px("grid", size, 6) for size in (8, 128, 1024)] == [128, 128, 1024]
    assert [default_cell_px("contact", size, 1) for size in (8, 256, 1024)] == [128, 256, 256]
    assert [default_cell_px("grid", 64, poses) for poses in (256, 512, 9000)] == [128, 64, 4]


@pytest.mark.parametrize("kind", ["grid", "contact"])
@pytest.mark.parametrize("resolution", [4, 64, 1024])
@pytest.mark.parametrize("num_poses", [1, 6, 33, 8192])
def test_pages_of_any_number_of_poses_open_without_a_warning(kind, resolution, num_poses):
    style = SheetStyle(kind, default_cell_px(kind, resolution, num_poses))
    style.check(num_poses)
    rows = len(style.pages(10_000, num_poses)[0])
    if kind == "contact":
        line_px = style.cell_px + 3 * style.lettering.line_px
        across = max(1, 2048 // (style.cell_px * num_poses))
        size = across * num_poses * style.cell_px, -(-rows // across) * line_px
    else:
        size = num_poses * style.cell_px + 16 * 48 + 2 * 19, (rows + 1) * style.cell_px
    assert size[0] * size[1] < Image.MAX_IMAGE_PIXELS


def test_more_poses_than_a_page_shows_are_refused():
    with pytest.raises(ValueError, match=r"`max_poses` must be at most 32 where .* 1024 px"):
        SheetStyle("grid", 1024).check(33)
    with pytest.raises(ValueError, match=r"`max_poses` must be at most 2 where .* 4096 px"):
        SheetStyle("contact", 4096).check(3)


def test_names_of_any_length_make_labels_of_a_bounded_width():
    pictures = noise(2, 1)
    lettering = Lettering(12)
    wide = grid(pictures, labels=["x" * 5000, ""], lettering=lettering)
    assert wide.shape == (64, 32 + 16 * 12 + 2 * 5, 3)
    assert grid(pictures, labels=["", " "], lettering=lettering).shape == (64, 32 + 2 * 5, 3)
