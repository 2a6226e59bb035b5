"""Common parts of all writers of moving pictures: frames, their times, files that appear whole.

A frame is [H, W, 3] RGB or [H, W, 4] RGBA uint8, alpha not premultiplied; all frames of one
animation have one shape.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

Frame = npt.NDArray[np.uint8]

WHITE = 255


class AnimationWriter(Protocol):
    """Takes frames one by one; the file appears when it is finished, and not before."""

    def add(self, frame: Frame) -> None:
        """Takes the next frame; ValueError where it has another shape than the first."""

    def finish(self, path: Path) -> Path:
        """Writes what was added under this name (the writer's kind, whatever its ending)."""

    def abandon(self) -> None:
        """Removes what is unfinished; nothing happens after `finish`."""


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, moved there at the end, removed after an error."""
    temporary = temporary_name(path)
    try:
        yield temporary
        move_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """A name for this process's unfinished form of a file, hidden from globs."""
    return path.with_name(f".{path.name}.tmp-{os.getpid()}")


def move_into_place(temporary: Path, path: Path) -> None:
    """Makes a finished temporary file the real one, once its bytes are on the disk."""
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


class ShapeCheck:
    """Refuses what is no frame, or no frame of the same animation as the first one seen."""

    def __init__(self) -> None:
        self._first: tuple[int, ...] | None = None

    def check(self, frame: Frame) -> Frame:
        """Returns the frame; ValueError unless it is uint8 and of the first one's shape."""
        is_frame = frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] in (3, 4)
        if not is_frame or 0 in frame.shape or frame.shape != (self._first or frame.shape):
            wanted = f"the first's, {self._first}" if self._first else "[H, W, 3] or [H, W, 4]"
            raise ValueError(
                f"`frames` must be uint8 and of one shape, {wanted}. "
                f"Received: {frame.dtype} of shape {frame.shape}."
            )
        self._first = frame.shape
        return frame


def over_white(frame: Frame) -> Frame:
    """A frame as it looks on white paper: [H, W, 3] uint8."""
    if frame.shape[2] == 3:
        return frame
    alpha = frame[..., 3:].astype(np.uint16)
    mixed = (frame[..., :3] * alpha + WHITE * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def tick_durations(num_frames: int, fps: float, ticks_per_sec: int) -> list[int]:
    """How many ticks each frame is shown, when files count time in whole ticks.

    Frame k begins at the tick nearest to k / fps seconds, so that rounding never adds up.

    Example: at 30 frames a second in hundredths: 3, 4, 3, 3, 4, 3, ...
    """
    ends = [round((k + 1) * ticks_per_sec / fps) for k in range(num_frames)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


class Spool:
    """Frames kept in a nameless file, losslessly packed, for writers that need them all at once.

    Args:
        folder: on whose disk the file is.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self._starts = [0]

    def __len__(self) -> int:
        return len(self._starts) - 1

    def add(self, frame: Frame) -> None:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "PNG", compress_level=1)
        self._file.seek(self._starts[-1])
        self._file.write(buffer.getvalue())
        self._starts.append(self._starts[-1] + len(buffer.getvalue()))

    def __iter__(self) -> Iterator[Frame]:
        for start, end in zip(self._starts, self._starts[1:], strict=False):
            self._file.seek(start)
            yield np.asarray(Image.open(io.BytesIO(self._file.read(end - start))))

    def close(self) -> None:
        """Gives the disk space back."""
        self._file.close()
