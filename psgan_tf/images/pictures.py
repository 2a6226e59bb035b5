"""Pictures of any mode and shape as square 8-bit RGB, with their keypoints carried along.

Everything is upright (the camera's EXIF turn is applied), transparency is laid over white, and
16-bit values are brought to 8. Imports no TensorFlow, so that worker processes start at once.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

Pixels = npt.NDArray[np.uint8]

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".ppm", ".pgm", ".pnm"}
    | {".tga", ".tif", ".tiff", ".webp", ".avif", ".jp2"}
)
WHITE = 255
SQUARE_MODES = ("pad", "crop")

# EXIF orientation -> the turn that brings the picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = (5, 6, 7, 8)


class PictureError(ValueError):
    """A picture that cannot be used; the text is its reason, for instance `broken picture: ...`."""


# ------------------------------------------------------------------------------------------------
# Reading.


def find_pictures(directory: str | Path) -> list[str]:
    """The pictures below a directory: relative paths with forward slashes, sorted.

    Hidden files and directories, other files, and directories named like pictures are passed by.
    """
    found = []
    for parent, directories, files in os.walk(directory, followlinks=True):
        directories[:] = [d for d in directories if not d.startswith(".")]
        for file in files:
            if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES:
                found.append(Path(parent, file).relative_to(directory).as_posix())
    return sorted(found)


def _open(path: Path) -> Image.Image:
    """Opens a picture's head; PictureError where that is not possible."""
    if not path.exists():
        raise PictureError("missing picture: there is no such file")
    if not path.is_file():
        raise PictureError("broken picture: not a file")
    if path.stat().st_size == 0:
        raise PictureError("broken picture: the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures above 89 megapixels; above twice that it refuses them.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path)
    except UnidentifiedImageError:
        raise PictureError("broken picture: no known picture format") from None
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise PictureError(f"broken picture: {error}") from None


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) where there is none or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF raises anything; the picture itself may be sound
        return 1


def oriented_size(path: str | Path) -> tuple[int, int]:
    """Width and height in pixels of a picture as it is seen, after its EXIF turn.

    Raises:
        PictureError: the file is missing or its head is no picture's.
    """
    with _open(Path(path)) as image:
        width, height = image.size
        # Asking a PNG for its EXIF block reads it to the end, which a square does not need;
        # Pillow gives the size of a TIFF as it is seen.
        asked = width != height and image.format != "TIFF"
        turned = asked and _orientation(image) in _QUARTER_TURNS
        return (height, width) if turned else (width, height)


def _to_uint8(image: npt.NDArray[np.float32]) -> Pixels:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _over_white(image: Image.Image) -> Pixels:
    """A picture with transparency as it looks on white paper: [H, W, 3] uint8."""
    if image.mode == "La":  # premultiplied gray, which only converts to its plain form
        image = image.convert("LA")
    rgba = np.asarray(image.convert("RGBA"), np.float32)
    alpha = rgba[..., 3:] / 255
    return _to_uint8(rgba[..., :3] * alpha + WHITE * (1 - alpha))


def _from_16_bit(image: Image.Image) -> Pixels:
    """A gray picture of 16-bit values, [H, W, 3] uint8."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise PictureError("broken picture: 32-bit values, whose white is not known")
    gray = np.rint(values / 257).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1)


def to_rgb(image: Image.Image) -> Pixels:
    """An upright picture of any mode as [H, W, 3] uint8; its first frame if it moves."""
    if image.mode == "F":
        raise PictureError("broken picture: floating point values, whose white is not known")
    if image.mode.startswith("I"):
        return _from_16_bit(image)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        return _over_white(image)
    return np.asarray(image.convert("RGB"))


def load_rgb(path: str | Path) -> Pixels:
    """Reads a picture whole: upright, over white, [H, W, 3] uint8.

    Raises:
        PictureError: the file is missing, cut short, or no picture.
    """
    with _open(Path(path)) as image:
        try:
            image.load()
            turn = _TURNS.get(_orientation(image))
            return to_rgb(image if turn is None else image.transpose(turn))
        except PictureError:
            raise
        except Exception as error:  # a decoder may raise anything on a damaged file
            raise PictureError(f"broken picture: {error}") from None


# ------------------------------------------------------------------------------------------------
# Square pictures and their keypoints.


def square_offset(width: int, height: int, mode: str) -> tuple[int, int, int]:
    """Where a picture lies in its square: (side, x offset, y offset) in pixels.

    Example: a 176 x 256 picture padded is (256, 40, 0); cropped it is (176, 0, -40).
    """
    if mode not in SQUARE_MODES:
        raise ValueError(
            f"`mode` must be one of {', '.join(SQUARE_MODES)}. Received: {mode!r}. Choose one."
        )
    side = max(width, height) if mode == "pad" else min(width, height)
    return side, (side - width) // 2, (side - height) // 2


def to_square(image: Pixels, mode: str) -> Pixels:
    """Pads with white, or cuts to the middle: [H, W, 3] to [S, S, 3] uint8."""
    height, width = image.shape[:2]
    side, dx, dy = square_offset(width, height, mode)
    if mode == "crop":
        return image[-dy : side - dy, -dx : side - dx]
    square = np.full((side, side, 3), WHITE, np.uint8)
    square[dy : dy + height, dx : dx + width] = image
    return square


def _box_mean(image: npt.NDArray[Any], factor: int) -> npt.NDArray[np.float32]:
    """Mean over factor x factor boxes: [S, S, 3] to [S / factor, S / factor, 3] float32."""
    side = image.shape[0] // factor
    boxes = image.astype(np.float32).reshape(side, factor, side, factor, 3)
    return np.asarray(boxes.mean(axis=(1, 3)))


def _at_size(image: Pixels, size: int) -> npt.NDArray[np.float32]:
    """A square picture at a size, not yet rounded: by means of boxes where they fit, or Lanczos."""
    if image.shape[0] % size == 0:
        return _box_mean(image, image.shape[0] // size)
    resampled = Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(resampled, np.float32)


def pyramid(image: Pixels, resolutions: Iterable[int]) -> dict[int, Pixels]:
    """A square picture at each resolution, by 2 x 2 means (Progressive GAN's data pyramid).

    The means are carried in float32 and rounded once for each level. A picture whose size is no
    multiple of the largest resolution is first resampled to it (Lanczos).

    Args:
        image: [S, S, 3] uint8.
        resolutions: sizes in pixels, powers of two.

    Returns:
        For each resolution N the picture, [N, N, 3] uint8.
    """
    wanted = sorted(resolutions, reverse=True)
    size = wanted[0]
    level = _at_size(image, size)
    levels = {}
    while size >= wanted[-1]:
        if size in wanted:
            levels[size] = _to_uint8(level)
        level, size = _box_mean(level, 2) if size > 1 else level, size // 2
    return levels


def enlarged(picture: Pixels, factor: int) -> Pixels:
    """Each pixel as a square of factor x factor pixels: [H, W, C] to [factor H, factor W, C]."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def resized(picture: Pixels, size_px: int) -> Pixels:
    """A square picture at another size: [S, S, 3] to [size, size, 3] uint8.

    By squares of pixels where it grows by a whole factor, so that no pixel becomes another, by
    means of boxes where it shrinks by one, and else by Lanczos.
    """
    if size_px % len(picture) == 0:
        return enlarged(picture, size_px // len(picture))
    return _to_uint8(_at_size(picture, size_px))


def encode_png(image: Pixels, text: Mapping[str, str] | None = None) -> bytes:
    """A PNG of [H, W, 3] uint8, with text fields that viewers show."""
    buffer, fields = io.BytesIO(), PngInfo()
    for key, value in (text or {}).items():
        fields.add_itxt(key, value)
    Image.fromarray(image).save(buffer, "PNG", pnginfo=fields)
    return buffer.getvalue()


def to_uint8(images: npt.NDArray[np.float32]) -> Pixels:
    """Network pictures to bytes: x 127.5 + 127.5, rounded to even, clipped to 0..255.

    Args:
        images: [..., 3] float32, about -1 to 1.
    """
    return _to_uint8(np.asarray(images, np.float32) * 127.5 + 127.5)
