import io

import numpy as np
import pytest
from PIL import Image

from psgan_tf.images.pictures import (
    PictureError,
    encode_png,
    enlarged,
    find_pictures,
    load_rgb,
    oriented_size,
    pyramid,
    resized,
    square_offset,
    to_square,
    to_uint8,
)


def saved(tmp_path, image, name="picture.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def one_pixel(mode, value):
    image = Image.new(mode, (1, 1))
    image.putpixel((0, 0), value)
    return image


def palette_picture():
    """Left a green pixel, right a transparent one."""
    image = Image.new("P", (2, 1))
    image.putpalette([0, 200, 0, 9, 9, 9])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 1
    return image


# By hand: c * a / 255 + 255 * (255 - a) / 255, and v / 257 for 16 bits.
@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (one_pixel("RGB", (1, 2, 3)), (1, 2, 3)),
        (one_pixel("L", 100), (100, 100, 100)),
        (one_pixel("1", 1), (255, 255, 255)),
        (one_pixel("RGBA", (255, 0, 51, 255)), (255, 0, 51)),
        (one_pixel("RGBA", (255, 0, 51, 128)), (255, 127, 153)),
        (one_pixel("RGBA", (255, 0, 51, 0)), (255, 255, 255)),
        (one_pixel("LA", (0, 51)), (204, 204, 204)),
        (one_pixel("I;16", 65535), (255, 255, 255)),
        (one_pixel("I;16", 32768), (128, 128, 128)),
        (one_pixel("I;16", 300), (1, 1, 1)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else str(value),
)
def test_each_mode_becomes_8_bit_rgb_over_white(tmp_path, image, expected):
    assert tuple(load_rgb(saved(tmp_path, image))[0, 0]) == expected


def test_a_palette_with_a_transparent_entry_is_laid_over_white(tmp_path):
    for name in ("a.png", "a.gif"):
        picture = load_rgb(saved(tmp_path, palette_picture(), name))
        assert picture.tolist() == [[[0, 200, 0], [255, 255, 255]]]


def test_a_colour_marked_transparent_is_laid_over_white(tmp_path):
    image = Image.new("RGB", (1, 1), (10, 20, 30))
    path = saved(tmp_path, image, transparency=(10, 20, 30))
    assert load_rgb(path).tolist() == [[[255, 255, 255]]]


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    picture = load_rgb(saved(tmp_path, image, "a.jpg", quality=95))
    np.testing.assert_allclose(picture[4, 4], (255, 0, 0), atol=8)


def test_32_bit_values_are_refused_for_their_white_is_unknown(tmp_path):
    path = saved(tmp_path, Image.new("F", (2, 2), 0.5), "a.tif")
    with pytest.raises(PictureError, match="floating point"):
        load_rgb(path)
    path = saved(tmp_path, Image.new("I", (2, 2), 70000), "b.tif")
    with pytest.raises(PictureError, match="32-bit"):
        load_rgb(path)


# How a camera stores what is seen upright, by the EXIF standard's orientation number.
STORED = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.swapaxes(0, 1),
    6: lambda seen: np.rot90(seen, 1),
    7: lambda seen: seen[::-1, ::-1].swapaxes(0, 1),
    8: lambda seen: np.rot90(seen, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_cameras_turn_is_applied(tmp_path, orientation, suffix):
    seen = np.random.default_rng(0).integers(0, 256, (3, 5, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](seen)))
    path = saved(tmp_path, stored, f"a{suffix}", exif=exif)
    np.testing.assert_array_equal(load_rgb(path), seen)
    assert oriented_size(path) == (5, 3)


def test_a_damaged_exif_block_does_not_cost_the_picture(tmp_path):
    path = saved(tmp_path, Image.new("RGB", (2, 2), (7, 8, 9)), exif=b"Exif\0\0MM\0*\xff\xff\xff")
    assert tuple(load_rgb(path)[0, 0]) == (7, 8, 9)


def test_unusable_files_say_why(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "directory.png").mkdir()
    (tmp_path / "text.png").write_text("no picture")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    whole = {"cut.png": encode_png(noise)}
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    whole["cut.jpg"] = buffer.getvalue()
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    reasons = {
        "gone.png": "^missing picture: there is no such file$",
        "empty.png": "^broken picture: the file is empty$",
        "directory.png": "^broken picture: not a file$",
        "text.png": "^broken picture: no known picture format$",
        "cut.png": "^broken picture: .*truncated",
        "cut.jpg": "^broken picture: .*truncated",
    }
    for name, reason in reasons.items():
        with pytest.raises(PictureError, match=reason):
            load_rgb(tmp_path / name)


def test_only_visible_picture_files_are_found(tmp_path):
    for name in ("b.JPG", "a/ä.png", "a/x.webp", ".hidden.png", ".git/c.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert find_pictures(tmp_path) == ["a/x.webp", "a/ä.png", "b.JPG"]


def test_a_picture_is_padded_with_white_or_cut_to_its_middle():
    image = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
    padded = to_square(image, "pad")
    assert padded.shape == (5, 5, 3)
    np.testing.assert_array_equal(padded[1:3], image)
    assert (padded[0] == 255).all()
    assert (padded[3:] == 255).all()
    np.testing.assert_array_equal(to_square(image, "crop"), image[:, 2:4])
    tall = image.swapaxes(0, 1)
    np.testing.assert_array_equal(to_square(tall, "pad"), padded.swapaxes(0, 1))
    np.testing.assert_array_equal(to_square(tall, "crop"), tall[2:4])


def test_a_wrong_mode_is_answered_with_the_right_ones():
    with pytest.raises(ValueError, match=r"one of pad, crop\. Received: 'stretch'"):
        square_offset(2, 3, "stretch")


def test_each_level_is_the_rounded_mean_of_its_boxes():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    levels = pyramid(image, (4, 8, 16, 32))
    assert list(levels) == [32, 16, 8, 4]
    for size, level in levels.items():
        factor = 32 // size
        for row, column in ((0, 0), (1, size - 1), (size - 1, 2)):
            box = image[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            # Rounded once, from the whole box: no level is made of rounded ones.
            expected = np.rint(box.reshape(-1, 3).astype(np.float64).mean(0))
            np.testing.assert_array_equal(level[row, column], expected)


def test_a_level_of_two_by_two_pixels_is_their_mean_by_hand():
    image = np.zeros((8, 8, 3), np.uint8)
    image[:2, :2, 0] = [[10, 20], [30, 41]]  # 101 / 4 = 25.25
    image[:2, 2:4, 1] = [[1, 2], [0, 3]]  # 1.5, to the even 2
    level = pyramid(image, (4,))[4]
    assert (level[0, 0, 0], level[0, 1, 1], int(level.sum())) == (25, 2, 27)


@pytest.mark.parametrize("side", [7, 48, 100])
def test_any_size_is_brought_to_the_largest_resolution(side):
    image = np.full((side, side, 3), (9, 99, 199), np.uint8)
    levels = pyramid(image, (4, 32))
    assert {size: level.shape for size, level in levels.items()} == {32: (32, 32, 3), 4: (4, 4, 3)}
    assert np.ptp(levels[32], axis=(0, 1)).max() == 0
    assert levels[4][1, 2].tolist() == [9, 99, 199]


def test_a_png_loses_nothing():
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)


def test_enlarged_pixels_are_squares():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    large = enlarged(picture, 3)
    assert large.shape == (6, 6, 3)
    np.testing.assert_array_equal(large[::3, ::3], picture)
    np.testing.assert_array_equal(large[3:, :3], np.broadcast_to(picture[1, 0], [3, 3, 3]))
    np.testing.assert_array_equal(resized(picture, 6), large)


def test_resized_to_a_half_is_the_mean_and_to_an_odd_size_has_that_size():
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    means = picture.reshape(4, 2, 4, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resized(picture, 4), means, atol=0.5)
    assert resized(picture, 11).shape == (11, 11, 3)


def test_pictures_are_clipped_and_rounded_like_the_reference():
    values = np.array([-1.2, -1.0, 0.0, 1.0, 1.7], np.float32)
    np.testing.assert_array_equal(to_uint8(values), [0, 0, 128, 255, 255])
