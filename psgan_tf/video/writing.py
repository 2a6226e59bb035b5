"""Opens the right writer for a file name, and writes whole animations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from psgan_tf.common.frame_rate import check_fps
from psgan_tf.video.encoded import ENCODINGS, EncodedWriter, load_encoder
from psgan_tf.video.frames import AnimationWriter, Frame
from psgan_tf.video.moving_pictures import ENDINGS, MovingPictureWriter, check_gif_fps
from psgan_tf.video.png_sequence import PngSequence
from psgan_tf.video.sprite_sheet import SpriteSheetWriter

FORMATS = (*ENCODINGS, *ENDINGS, ".json")
_OPTIONS = f"{', '.join(FORMATS)} (a sprite sheet), or a folder (PNGs)"


def ending_of(path: str | Path) -> str:
    """The ending that decides the format: one of FORMATS, or "" for a folder of PNGs.

    Raises:
        ValueError: another ending.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if path.is_dir() or not ending:
        return ""
    if ending not in FORMATS:
        remedy = " A moving PNG is .apng." if ending == ".png" else ""
        raise ValueError(f"`output` must end in {_OPTIONS}. Received: {path.name!r}.{remedy}")
    return ending


def check_output(path: str | Path, fps: float) -> None:
    """Refuses, before any work, what could not be written: see `open_writer`."""
    ending = ending_of(path)
    check_fps(fps)
    if ending in ENCODINGS:
        load_encoder(ending)
    if ending == ".gif":
        check_gif_fps(fps)


def open_writer(
    path: str | Path,
    fps: float,
    *,
    loop: bool = True,
    pivot: tuple[float, float] = (0.5, 1.0),
    settings: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
) -> AnimationWriter:
    """A writer for the path's ending.

    Args:
        path: a file that ends in one of FORMATS, or a folder for PNGs. Its parent is made.
        fps: frames a second.
        loop: GIF, WebP and APNG play for ever instead of once.
        pivot: of sprite sheets, where the figure stands in parts of a frame's width and height.
        settings: of PNG sequences, all that decides what the frames look like.
        text: of PNG sequences, text fields of each PNG.

    Raises:
        ValueError: an unknown ending, a missing encoder, a rate that the format cannot have, or
            a folder of other things.
        OSError: the place cannot be written to.
    """
    path = Path(path)
    check_output(path, fps)
    ending = ending_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending in ENCODINGS:
        return EncodedWriter(path, ending, fps)
    if ending == ".json":
        return SpriteSheetWriter(path, fps, pivot)
    if ending == "":
        return PngSequence(path, {"fps": fps, **(settings or {})}, text)
    return MovingPictureWriter(path, ending, fps, loop)


def write_animation(
    path: str | Path, frames: Iterable[Frame], fps: float, *, loop: bool = True
) -> Path:
    """Writes an animation in the format that the path's ending names.

    The file appears whole or not at all; an earlier file of that name stays until then. Frames
    are taken one by one, and never held all in memory but for a sprite sheet.

    Args:
        path: ends in .mp4 (H.264), .webm (VP9), .gif, .webp, .apng, .json (a sprite sheet with
            its PNG beside it), or names a folder for PNGs.
        frames: [H, W, 3] or [H, W, 4] uint8, all of one shape; MP4 lays them over white and
            repeats the last line of odd sizes.
        fps: frames a second, at most 50 for GIF.
        loop: GIF, WebP and APNG play for ever instead of once.

    Raises:
        ValueError: as `open_writer`; no frames, or frames of several shapes.
        OSError: the disk failed or filled up.
    """
    path = Path(path)
    writer = open_writer(path, fps, loop=loop)
    try:
        for frame in frames:
            writer.add(frame)
        return writer.finish(path)
    except BaseException:
        writer.abandon()
        raise
