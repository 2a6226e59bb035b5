"""Figures cut out of white paper: from a picture on white to one with transparency.

A network of three channels draws on white. What is white and reaches the picture's edge is
background. Pixels beside it mix figure and paper: their figure's colour is taken to be the
darkest beside them, which gives the share that is paper, and that share of white is taken out of
them again (un-premultiplied). Laid over white, the result is the picture again, but for
background that was not quite white.

White that the figure encloses, between an arm and the body, looks like white cloth; it stays
unless asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from psgan_tf.images.pictures import Pixels

# Networks do not draw paper quite white; the limit of evaluation/silhouettes.py.
LEAST_WHITE = 236
# How far from the background a pixel may be mixed with it.
_EDGE_PX = 1

Mask = npt.NDArray[np.bool_]


def _spread_along_rows(reached: Mask, free: Mask) -> Mask:
    """All of each row's runs of free pixels that are reached somewhere."""
    starts = free.copy()
    starts[:, 1:] &= ~free[:, :-1]
    runs = np.cumsum(starts)
    hit = np.zeros(int(runs[-1]) + 1, bool)
    hit[runs[(reached & free).ravel()]] = True
    spread: Mask = free & hit[runs].reshape(free.shape)
    return spread


def connected_to_edge(free: Mask) -> Mask:
    """The free pixels from which the picture's edge is reached through free neighbours.

    Args:
        free: [H, W] bool.

    Returns:
        [H, W] bool.
    """
    reached = free.copy()
    reached[1:-1, 1:-1] = False
    while True:
        before = int(reached.sum())
        reached = _spread_along_rows(reached, free)
        reached = _spread_along_rows(reached.T, free.T).T
        if int(reached.sum()) == before:
            return reached


def _neighbours(image: npt.NDArray[Any], fill: Any) -> npt.NDArray[Any]:
    """[9, H, W, ...]: each pixel's 3 x 3 neighbourhood; `fill` beyond the edge."""
    width = [(1, 1), (1, 1)] + [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, width, constant_values=fill)
    height, breadth = image.shape[:2]
    return np.stack([padded[y : y + height, x : x + breadth] for y in range(3) for x in range(3)])


def cut_out(picture: Pixels, clear_gaps: bool = False, least_white: int = LEAST_WHITE) -> Pixels:
    """A figure on white as RGBA with a transparent background.

    Args:
        picture: [H, W, 3] uint8 on white.
        clear_gaps: make enclosed white transparent too, white cloth included.
        least_white: pixels whose every channel is at least this are white; a cleaner network
            takes a higher one, which eats less of white cloth at the figure's edge.

    Returns:
        [H, W, 4] uint8, alpha not premultiplied; white where it is fully transparent.
    """
    white = picture.min(axis=-1) >= least_white
    background = white if clear_gaps else connected_to_edge(white)
    edge = ~background
    for _ in range(_EDGE_PX):
        edge &= _neighbours(background, False).any(axis=0)
    rgba = np.dstack([picture, np.where(background, 0, 255).astype(np.uint8)])
    rgba[background, :3] = 255
    rows, columns = np.nonzero(edge)
    if len(rows):
        rgba[rows, columns] = _unmixed(picture, background, rows, columns)
    return rgba


def _unmixed(
    picture: Pixels, background: Mask, rows: npt.NDArray[Any], columns: npt.NDArray[Any]
) -> Pixels:
    """[E, 4]: the pixels of the figure's edge, colour and paper apart."""
    ink = 255.0 - picture  # how much each channel differs from paper
    ink[background] = 0.0
    padded = np.pad(ink, ((1, 1), (1, 1), (0, 0)))
    around = np.stack([padded[rows + y, columns + x] for y in range(3) for x in range(3)], axis=1)
    darkest = around[np.arange(len(rows)), around.sum(axis=-1).argmax(axis=1)]
    own = ink[rows, columns]
    share = (own * darkest).sum(axis=-1) / np.maximum((darkest**2).sum(axis=-1), 1.0)
    # Never so little that a channel would have to be darker than black.
    alpha = np.ceil(255.0 * np.clip(np.maximum(share, own.max(axis=-1) / 255.0), 0.0, 1.0))
    colour = 255.0 - own * (255.0 / np.maximum(alpha, 1.0))[:, None]
    pixels = np.concatenate([np.rint(np.clip(colour, 0, 255)), alpha[:, None]], axis=1)
    unmixed: Pixels = pixels.astype(np.uint8)
    return unmixed
