"""A sprite sheet: all frames in one PNG, and a JSON atlas that says where each one is.

The atlas has the array form that Aseprite and TexturePacker write and game engines read:
`frames` with `filename`, `frame` (x, y, w, h in pixels of the sheet) and `duration` in
milliseconds; `pivot` is where the ground under the figure is, in parts of a cell's width and
height from its top left corner.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf import __version__
from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.images.pictures import encode_png
from psgan_tf.video.frames import Frame, ShapeCheck, Spool, tick_durations

# Free pixels round each cell, so that engines that filter do not mix neighbours.
_PADDING_PX = 2
# What common graphics hardware takes as one texture.
_LARGEST_SIDE_PX = 16_384


def sheet_columns(num_frames: int, size: tuple[int, int]) -> int:
    """Cells in a row, so that the sheet is about square.

    Args:
        num_frames: number of cells.
        size: (width, height) of a frame in pixels.

    Raises:
        ValueError: the sheet would be larger than graphics hardware takes.
    """
    width, height = (side + 2 * _PADDING_PX for side in size)
    columns = max(1, round(math.sqrt(num_frames * height / width)))
    rows = -(-num_frames // columns)
    if max(columns * width, rows * height) > _LARGEST_SIDE_PX:
        raise ValueError(
            f"`output` as a sprite sheet must be at most {_LARGEST_SIDE_PX} px wide and high. "
            f"Received: {num_frames} frames of {size[0]} x {size[1]}. Take fewer or smaller "
            "frames, or a folder of PNGs."
        )
    return columns


def _atlas(
    image: str,
    places: list[tuple[int, int]],
    cell: Frame,
    sheet: Frame,
    fps: float,
    pivot: tuple[float, float],
) -> dict[str, Any]:
    height, width = cell.shape[:2]
    durations = tick_durations(len(places), fps, 1000)
    whole = {"x": 0, "y": 0, "w": width, "h": height}
    return {
        "frames": [
            {
                "filename": f"frame_{number:05d}",
                "frame": {"x": x, "y": y, "w": width, "h": height},
                "rotated": False,
                "trimmed": False,
                "spriteSourceSize": whole,
                "sourceSize": {"w": width, "h": height},
                "pivot": {"x": pivot[0], "y": pivot[1]},
                "duration": duration,
            }
            for number, ((x, y), duration) in enumerate(zip(places, durations, strict=True), 1)
        ],
        "meta": {
            "app": "psgan_tf",
            "version": __version__,
            "image": image,
            "format": "RGBA8888" if sheet.shape[2] == 4 else "RGB888",
            "size": {"w": sheet.shape[1], "h": sheet.shape[0]},
            "scale": "1",
        },
    }


class SpriteSheetWriter:
    """Writes `name.png` and, last, the atlas `name.json`.

    Args:
        path: the atlas.
        fps: frames a second.
        pivot: where the figure stands, in parts of the width and height of a frame.

    Raises:
        OSError: the folder cannot be written to.
    """

    def __init__(self, path: Path, fps: float, pivot: tuple[float, float] = (0.5, 1.0)) -> None:
        self._fps, self._pivot = fps, pivot
        self._check = ShapeCheck()
        self._frames = Spool(path.parent)

    def add(self, frame: Frame) -> None:
        """Keeps the next frame; ValueError when the sheet would be too large."""
        frame = self._check.check(frame)
        sheet_columns(len(self._frames) + 1, (frame.shape[1], frame.shape[0]))
        self._frames.add(frame)

    def finish(self, path: Path) -> Path:
        """Puts the sheet together."""
        if not len(self._frames):
            raise ValueError("`frames` must hold at least one frame. Received: none.")
        cell = next(iter(self._frames))
        height, width, channels = cell.shape
        columns = sheet_columns(len(self._frames), (width, height))
        rows = -(-len(self._frames) // columns)
        step_x, step_y = width + 2 * _PADDING_PX, height + 2 * _PADDING_PX
        # Free pixels are white, or nothing where the frames are transparent.
        free = 255 if channels == 3 else 0
        sheet = np.full([rows * step_y, columns * step_x, channels], free, np.uint8)
        places = []
        for number, frame in enumerate(self._frames):
            x = number % columns * step_x + _PADDING_PX
            y = number // columns * step_y + _PADDING_PX
            sheet[y : y + height, x : x + width] = frame
            places.append((x, y))
        image = path.with_suffix(".png")
        write_atomically(image, encode_png(sheet))
        atlas = _atlas(image.name, places, cell, sheet, self._fps, self._pivot)
        write_atomically(path, json_text(atlas))
        self._frames.close()
        return path

    def abandon(self) -> None:
        """Forgets the frames."""
        self._frames.close()
