"""One camera for an avatar: one scale for all of its pictures, so that limbs keep their lengths.

`all` shows everything in every pose of every motion, and keeps the ground where it is. `tight`
draws the avatar as large as fits nearly always: it rises and sinks with the hips, by half, and the
rare hand that reaches further than in 99 of 100 pictures leaves the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from psgan_tf.motion.camera import Camera
from tools.avatars.dataset.plan import Shot
from tools.avatars.dataset.poses import Poses
from tools.avatars.renderer.figure import Figure

MARGIN = 0.05

# Long motions are looked at in so many places; the margin covers what lies between.
_MOST_SHOTS = 120

# The part of the hips' height that tight cameras follow: a jump still rises, and fits.
TIGHT_FOLLOW = 0.5
_TIGHT_MARGIN = 0.01
_TIGHT_PERCENT = 1.0


def reaches_of(figure: Figure, poses: Poses, shots: Sequence[Shot], follow: float) -> np.ndarray:
    """[S, 3]: how far the avatar reaches in each of some pictures, in its own unit.

    Sideways from the hips, downwards and upwards from the ground under them (the second is below
    0 where something hangs lower), less the part of the hips' height that the camera follows.

    Args:
        figure: the avatar with all that any costume shows, without ink.
        poses: its poses.
        shots: the pictures; `pose` is an index into the poses.
        follow: that part.
    """
    reaches = []
    for shot in shots:
        camera = shot.camera(Camera(size_px=1, pixels_per_unit=1.0, follow_height=follow))
        matrix = camera.matrices(poses.hips[shot.pose][None])[0]
        frame = figure.posed(poses.node_worlds[shot.pose], matrix, 1)
        across, up = frame.positions[:, 0] - 0.5, 0.5 - frame.positions[:, 1]
        reaches.append([np.abs(across).max(), up.min(), up.max()])
    return np.array(reaches, np.float64).reshape(-1, 3)


def evenly_spaced(count: int, most: int) -> list[int]:
    """At most `most` of the places 0 to `count` - 1, the first and the last among them."""
    places: list[int] = np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist()
    return places


def reach_of(figure: Figure, poses: Poses, shots: Sequence[Shot]) -> np.ndarray:
    """[3]: the farthest that the avatar reaches in pictures of one motion; see `reaches_of`."""
    chosen = [shots[place] for place in evenly_spaced(len(shots), _MOST_SHOTS)]
    return _farthest(reaches_of(figure, poses, chosen, 0.0))


def _farthest(reaches: np.ndarray) -> np.ndarray:
    lowest, highest = np.min(reaches, axis=0), np.max(reaches, axis=0)
    return np.array([highest[0], lowest[1], highest[2]])


def fitted_camera(reaches: Sequence[np.ndarray], size_px: int, zoom: float) -> Camera:
    """The level camera in front that shows everything within the reaches of all motions.

    Args:
        reaches: what `reach_of` found for each motion.
        size_px: the picture's width and height.
        zoom: factor; above 1 the avatar may leave the picture, around its middle height.
    """
    half_width, low, high = _farthest(np.array(reaches))
    return _camera(half_width, low, high, MARGIN, size_px, zoom, 0.0)


def tight_camera(reaches: np.ndarray, size_px: int, zoom: float) -> Camera:
    """The level camera in front that shows everything in nearly all pictures.

    On each side so far as 99 of 100 of the pictures reach.

    Args:
        reaches: [S, 3], what `reaches_of` found with TIGHT_FOLLOW for pictures drawn evenly.
        size_px, zoom: see `fitted_camera`.
    """
    half_width, high = np.percentile(reaches[:, [0, 2]], 100.0 - _TIGHT_PERCENT, axis=0)
    low = np.percentile(reaches[:, 1], _TIGHT_PERCENT)
    return _camera(half_width, low, high, _TIGHT_MARGIN, size_px, zoom, TIGHT_FOLLOW)


def _camera(
    half_width: float,
    low: float,
    high: float,
    margin: float,
    size_px: int,
    zoom: float,
    follow_height: float,
) -> Camera:
    extent = max(2.0 * half_width, high - low, 1e-6)
    return Camera(
        size_px=size_px,
        pixels_per_unit=float(size_px * (1.0 - 2.0 * margin) / extent * zoom),
        target=(0.0, float(low + high) / 2.0, 0.0),
        follow_height=follow_height,
    )
