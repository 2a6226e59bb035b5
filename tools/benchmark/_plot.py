"""Curves over frames, as a picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

_COLOURS: tuple[Colour, ...] = ((20, 110, 60), (200, 60, 50), (50, 100, 200), (150, 150, 150))
_GRID: Colour = (225, 225, 225)
_LEFT, _TOP, _BOTTOM, _TEXT_PX = 40, 30, 24, 13
# Drawn at twice the size and brought down, so that lines are smooth.
_FINER = 2


def place(
    frame: float, value: float, num_frames: int, size: tuple[int, int]
) -> tuple[float, float]:
    """Where frame `frame` (from 0) and a value from 0 to 1 lie in a plot of (width, height)."""
    width, height = size
    x = _LEFT + frame / max(1, num_frames - 1) * (width - 2 * _LEFT)
    return x, height - _BOTTOM - value * (height - _TOP - _BOTTOM)


def _line(values: np.ndarray, size: tuple[int, int]) -> list[list[tuple[float, float]]]:
    """The pieces of a curve between the frames that have no value."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for frame, value in enumerate(values.tolist()):
        if np.isnan(value):
            pieces.append([])
        else:
            pieces[-1].append(place(frame, value, len(values), size))
    return [piece for piece in pieces if len(piece) > 1]


def plot(
    title: str, curves: Mapping[str, np.ndarray], size: tuple[int, int] = (760, 300)
) -> np.ndarray:
    """Curves with their names and means, from 0 to 1 over frames.

    Args:
        title: at the top left.
        curves: up to four, each [F], NaN where there is no value; the first is drawn thick.
        size: (width, height) in pixels.

    Returns:
        [height, width, 3] uint8.
    """
    fine = size[0] * _FINER, size[1] * _FINER
    canvas = Image.new("RGB", fine, (255, 255, 255))
    draw = ImageDraw.Draw(canvas)
    num_frames = len(next(iter(curves.values())))

    def scaled(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x * _FINER, y * _FINER) for x, y in points]

    font = ImageFont.load_default(_TEXT_PX * _FINER)
    for level in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        start, end = (place(frame, level, num_frames, size) for frame in (0, num_frames - 1))
        draw.line(scaled([start, end]), fill=_GRID, width=_FINER)
        x, y = scaled([start])[0]
        draw.text((x - 6 * _FINER, y), f"{level:.1f}", (90, 90, 90), font, anchor="rm")
    draw.text((_LEFT * _FINER, 8 * _FINER), title, (0, 0, 0), font)
    x = (_LEFT + 10) * _FINER + draw.textlength(title, font)
    for number, ((name, values), colour) in enumerate(zip(curves.items(), _COLOURS, strict=False)):
        for piece in _line(values, size):
            draw.line(scaled(piece), fill=colour, width=_FINER * (3 if number == 0 else 1))
        text = f"{name} {np.nanmean(values):.2f}"
        draw.text((x, 8 * _FINER), text, colour, font)
        x += draw.textlength(text, font) + 14 * _FINER
    draw.text(
        (fine[0] - _LEFT * _FINER, fine[1] - 4 * _FINER),
        f"{num_frames} frames",
        (90, 90, 90),
        font,
        anchor="rs",
    )
    return np.asarray(canvas.resize(size, Image.Resampling.BOX))
