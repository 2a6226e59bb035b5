"""One camera for an avatar that shows all of it in every pose of every motion."""

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


def reach_of(figure: Figure, poses: Poses, shots: Sequence[Shot]) -> np.ndarray:
    """[3]: how far the avatar reaches in the pictures, in its own unit.

    Sideways from the hips, downwards and upwards from the ground under them (the second is below
    0 where something hangs lower). Cameras follow the hips, so only these decide the framing.

    Args:
        figure: the avatar with all that any costume shows, without ink.
        poses: its poses in one motion.
        shots: the pictures of that motion.
    """
    places = np.unique(np.linspace(0, len(shots) - 1, min(len(shots), _MOST_SHOTS)).astype(int))
    reaches = []
    for shot in (shots[place] for place in places):
        camera = shot.camera(Camera(size_px=1, pixels_per_unit=1.0))
        matrix = camera.matrices(poses.hips[shot.pose][None])[0]
        frame = figure.posed(poses.node_worlds[shot.pose], matrix, 1)
        across, up = frame.positions[:, 0] - 0.5, 0.5 - frame.positions[:, 1]
        reaches.append([np.abs(across).max(), up.min(), up.max()])
    lowest = np.min(reaches, axis=0)
    highest = np.max(reaches, axis=0)
    return np.array([highest[0], lowest[1], highest[2]])


def fitted_camera(reaches: Sequence[np.ndarray], size_px: int, zoom: float) -> Camera:
    """The level camera in front that shows everything within the reaches of all motions.

    Args:
        reaches: what `reach_of` found for each motion.
        size_px: the picture's width and height.
        zoom: factor; above 1 the avatar may leave the picture, around its middle height.
    """
    half_width = float(np.max(reaches, axis=0)[0])
    low, high = float(np.min(reaches, axis=0)[1]), float(np.max(reaches, axis=0)[2])
    extent = max(2.0 * half_width, high - low, 1e-6)
    return Camera(
        size_px=size_px,
        pixels_per_unit=size_px * (1.0 - 2.0 * MARGIN) / extent * zoom,
        target=(0.0, (low + high) / 2.0, 0.0),
    )
