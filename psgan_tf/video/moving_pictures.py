"""GIF, animated WebP and APNG through Pillow.

These hold palettes or differences that take all frames at once, so frames wait in a nameless
file on the disk until the end. Frames alike one after the other may be stored as one that is
shown longer; times stay right.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from psgan_tf.video.frames import Frame, ShapeCheck, Spool, appearing, tick_durations

# Browsers show frames of less than two hundredths of a second for a tenth.
_LARGEST_GIF_FPS = 50.0
_OPAQUE = 128
_PALETTE = 256
# So many pixels of each frame decide the palette.
_SAMPLE_SIDE = 128

ENDINGS = (".gif", ".webp", ".apng")


def check_gif_fps(fps: float) -> None:
    """Refuses a frame rate that no browser shows."""
    if fps > _LARGEST_GIF_FPS:
        raise ValueError(
            f"`fps` of a GIF must be at most {_LARGEST_GIF_FPS:g}: browsers show faster ones "
            f"slowly. Received: {fps:g}. Choose 25 or 50, or write .webp or .mp4."
        )


def shared_palette(frames: Spool) -> Image.Image:
    """One palette for all frames, so that a colour that stays is stored as the same colour.

    Palettes of each frame's own would make still parts flicker, and so would dithering. White
    has a place of its own. The last place of a palette for frames with alpha is left to
    transparency.
    """
    samples, sides = [], 1
    for frame in frames:
        step = -(-max(frame.shape[:2]) // _SAMPLE_SIDE)
        pixels = frame[::step, ::step].reshape(-1, frame.shape[2])
        if frame.shape[2] == 4:
            pixels, sides = pixels[pixels[:, 3] >= _OPAQUE], 2
        # Large flat parts must not crowd out the small ones: each colour counts once a frame.
        samples.append(np.unique(pixels[:, :3], axis=0))
    colours = np.concatenate(samples)
    distinct = np.unique(colours, axis=0)
    room = _PALETTE - sides
    if len(distinct) > room:
        row = Image.fromarray(colours[None])
        chosen = row.quantize(room, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
        distinct = np.array(chosen.getpalette()).reshape(-1, 3)[:room]
    palette = np.full([_PALETTE, 3], 255, np.uint8)
    palette[: len(distinct)] = distinct
    image = Image.new("P", (1, 1))
    image.putpalette(palette.tobytes())
    return image


def _indexed(frame: Frame, palette: Image.Image) -> Image.Image:
    """A frame in the palette's nearest colours; transparent pixels take the last place."""
    colours = Image.fromarray(np.ascontiguousarray(frame[..., :3]))
    indexed = colours.quantize(palette=palette, dither=Image.Dither.NONE)
    if frame.shape[2] == 3:
        return indexed
    places = np.where(frame[..., 3] >= _OPAQUE, np.asarray(indexed), _PALETTE - 1)
    image = Image.fromarray(places.astype(np.uint8), "P")
    image.putpalette(palette.getpalette() or [])
    return image


class _Images:
    """Frames as Pillow's pictures; Pillow goes through them more than once."""

    def __init__(self, frames: Spool, convert: Callable[[Frame], Image.Image], start: int) -> None:
        self._frames, self._convert, self._start = frames, convert, start

    def __iter__(self) -> Iterator[Image.Image]:
        return map(self._convert, itertools.islice(self._frames, self._start, None))


def _save(
    frames: Spool,
    convert: Callable[[Frame], Image.Image],
    file: Path,
    kind: str,
    options: dict[str, Any],
) -> None:
    first, others = next(iter(_Images(frames, convert, 0))), _Images(frames, convert, 1)
    first.save(file, kind, save_all=True, append_images=others, **options)


def _write_gif(frames: Spool, file: Path, fps: float, loop: bool) -> None:
    palette = shared_palette(frames)
    durations = [10 * d for d in tick_durations(len(frames), fps, 100)]
    options: dict[str, Any] = {"duration": durations, "optimize": False}
    if loop:
        options["loop"] = 0
    if next(iter(frames)).shape[2] == 4:
        options |= {"transparency": _PALETTE - 1, "disposal": 2}
    _save(frames, lambda frame: _indexed(frame, palette), file, "GIF", options)


def _write_webp(frames: Spool, file: Path, fps: float, loop: bool) -> None:
    options = {"duration": tick_durations(len(frames), fps, 1000), "loop": 0 if loop else 1}
    options |= {"quality": 90, "method": 4}
    _save(frames, Image.fromarray, file, "WEBP", options)


def _write_apng(frames: Spool, file: Path, fps: float, loop: bool) -> None:
    options = {"duration": tick_durations(len(frames), fps, 1000), "loop": 0 if loop else 1}
    _save(frames, Image.fromarray, file, "PNG", options)


_WRITE: dict[str, Callable[[Spool, Path, float, bool], None]] = {
    ".gif": _write_gif,
    ".webp": _write_webp,
    ".apng": _write_apng,
}


class MovingPictureWriter:
    """Writes GIF, WebP or APNG.

    Args:
        path: where the file is to lie.
        ending: one of ENDINGS.
        fps: frames a second.
        loop: play for ever, instead of once.

    Raises:
        ValueError: GIFs cannot be that fast.
        OSError: the folder cannot be written to.
    """

    def __init__(self, path: Path, ending: str, fps: float, loop: bool) -> None:
        if ending == ".gif":
            check_gif_fps(fps)
        self._ending, self._fps, self._loop = ending, fps, loop
        self._check = ShapeCheck()
        self._frames = Spool(path.parent)

    def add(self, frame: Frame) -> None:
        """Keeps the next frame."""
        self._frames.add(self._check.check(frame))

    def finish(self, path: Path) -> Path:
        """Encodes all frames into the file."""
        if not len(self._frames):
            raise ValueError("`frames` must hold at least one frame. Received: none.")
        with appearing(path) as temporary:
            _WRITE[self._ending](self._frames, temporary, self._fps, self._loop)
        self._frames.close()
        return path

    def abandon(self) -> None:
        """Forgets the frames."""
        self._frames.close()
