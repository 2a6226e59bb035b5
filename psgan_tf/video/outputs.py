"""Several files of one animation, written side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from psgan_tf.video.frames import AnimationWriter, Frame
from psgan_tf.video.png_sequence import PngSequence
from psgan_tf.video.writing import open_writer


def part_name(path: Path) -> Path:
    """`walk.mp4` as `walk.part.mp4`, for an animation that did not come to its end."""
    return path.with_name(f"{path.stem}.part{path.suffix}")


class Outputs:
    """Writers as one, for a `with` block.

    When the block fails before `finish`, the frames so far are written under names with `.part`.
    Earlier files stay, and folders of PNGs keep what they have.

    Args:
        paths: see `open_writer`.
        fps: frames a second.
        repeat: GIF, WebP and APNG play for ever.
        settings, text: of PNG sequences.

    Raises:
        ValueError, OSError: as `open_writer`.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        fps: float,
        repeat: bool,
        settings: Mapping[str, Any],
        text: Mapping[str, str],
    ) -> None:
        self._paths, self._count, self._ending = tuple(paths), 0, False
        self._writers: list[AnimationWriter] = []
        try:
            for path in paths:
                writer = open_writer(path, fps, loop=repeat, settings=settings, text=text)
                self._writers.append(writer)
        except BaseException:
            self._abandon()
            raise

    @property
    def count(self) -> int:
        """How many frames were added."""
        return self._count

    def stored(self, number: int) -> Frame | None:
        """Frame `number` (from 1) as an earlier job left it in a folder; None where none did."""
        folders = [writer for writer in self._writers if isinstance(writer, PngSequence)]
        frames = (folder.stored(number) for folder in folders)
        return next((frame for frame in frames if frame is not None), None)

    def add(self, frame: Frame) -> None:
        """Adds the next frame to all."""
        for writer in self._writers:
            writer.add(frame)
        self._count += 1

    def finish(self, complete: bool) -> tuple[Path, ...]:
        """Ends all files, under names with `.part` unless the animation is complete.

        Returns:
            What was written.
        """
        self._ending = True
        return tuple(
            writer.finish(path if complete else part_name(path))
            for writer, path in zip(self._writers, self._paths, strict=True)
        )

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        failed = kind is not None and issubclass(kind, Exception)
        if failed and self._count and not self._ending:
            for writer, path in zip(self._writers, self._paths, strict=True):
                # The error that ended the block is the one to tell; a full disk ends no file.
                with contextlib.suppress(Exception):
                    writer.finish(part_name(path))
        self._abandon()

    def _abandon(self) -> None:
        for writer in self._writers:
            writer.abandon()
