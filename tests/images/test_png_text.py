"""Text put into an encoded PNG, read back by Pillow, with the pixels as they were."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from psgan_tf.images.pictures import encode_png
from psgan_tf.images.png_text import add_png_text

PIXELS = np.random.default_rng(0).integers(0, 256, [5, 7, 3], np.uint8)


def test_text_is_read_back_in_any_script_and_the_pixels_are_the_same():
    text = {"seed": "7", "character": "Mika ミカ", "empty": ""}
    image = Image.open(io.BytesIO(add_png_text(encode_png(PIXELS), text)))
    assert image.text == text
    np.testing.assert_array_equal(np.asarray(image), PIXELS)


def test_only_the_text_chunks_are_added():
    png = encode_png(PIXELS)
    longer = add_png_text(png, {"pose": "walk"})
    # Length, name, keyword with its five zero bytes, text, checksum.
    added = 4 + 4 + len(b"pose") + 5 + len(b"walk") + 4
    assert len(longer) == len(png) + added
    assert longer[:33] + longer[33 + added :] == png
    assert longer[33 + 4 : 33 + added - 4] == b"iTXtpose\0\0\0\0\0walk"
    assert longer[33 + added - 4 : 33 + added] == zlib.crc32(b"iTXtpose\0\0\0\0\0walk").to_bytes(4)


def test_fields_are_added_to_those_that_are_there():
    image = Image.open(io.BytesIO(add_png_text(encode_png(PIXELS, {"a": "1"}), {"b": "2"})))
    assert image.text == {"a": "1", "b": "2"}


def test_what_is_no_png_is_refused():
    with pytest.raises(ValueError, match=r"`png` must be an encoded PNG\. Received: 4 bytes"):
        add_png_text(b"\xff\xd8\xff\xe0", {"seed": "7"})


@pytest.mark.parametrize("keyword", ["", "k" * 80, "line\nbreak"])
def test_keywords_that_the_format_does_not_allow_are_refused(keyword):
    with pytest.raises(ValueError, match="`text` must have keywords of 1 to 79"):
        add_png_text(encode_png(PIXELS), {keyword: "x"})
