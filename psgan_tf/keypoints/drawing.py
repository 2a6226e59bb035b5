"""Skeletons drawn over pictures and on white, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from psgan_tf.images.pictures import WHITE, Pixels
from psgan_tf.keypoints.schema import Keypoints, Skeleton

_LEFT_RGB, _RIGHT_RGB, _CENTRE_RGB = (40, 110, 235), (225, 60, 45), (40, 150, 70)


def _side_colour(skeleton: Skeleton, rows: Iterable[int]) -> tuple[int, int, int]:
    """Blue for the body's left, red for its right, green for the middle."""
    lefts = {left for left, _ in skeleton.mirror_pairs}
    rights = {right for _, right in skeleton.mirror_pairs}
    rows = set(rows)
    return _LEFT_RGB if rows & lefts else _RIGHT_RGB if rows & rights else _CENTRE_RGB


def draw_skeleton(image: Pixels, keypoints: Keypoints, skeleton: Skeleton, frame_px: int) -> Pixels:
    """A picture with its skeleton drawn over it; the body's left is blue, its right red.

    Args:
        image: [N, N, 3] uint8.
        keypoints: [M, 3] float32, x and y in pixels of the keypoint frame, visible 0/1.
        skeleton: the schema of `keypoints`.
        frame_px: size in pixels of the square keypoint frame.

    Returns:
        A new picture, [N, N, 3] uint8.
    """
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    size = image.shape[0]
    points = [(x * size / frame_px, y * size / frame_px) for x, y, _ in keypoints]
    width = max(1, round(size / 128))
    for a, b in skeleton.limbs:
        if keypoints[a][2] > 0 and keypoints[b][2] > 0:
            draw.line([points[a], points[b]], fill=_side_colour(skeleton, (a, b)), width=width)
    for row, (x, y) in enumerate(points):
        if keypoints[row][2] > 0:
            box = (x - width, y - width, x + width, y + width)
            draw.ellipse(box, fill=_side_colour(skeleton, (row,)), outline=(255, 255, 255))
    return np.asarray(canvas)


def skeleton_picture(
    keypoints: Keypoints, skeleton: Skeleton | None, frame_px: int, size_px: int
) -> Pixels:
    """A skeleton on white.

    Args:
        keypoints, frame_px: as of `draw_skeleton`.
        skeleton: the schema of `keypoints`; None draws nothing, as for networks without poses.
        size_px: N, the picture's width and height in pixels.

    Returns:
        [N, N, 3] uint8.
    """
    canvas = np.full([size_px, size_px, 3], WHITE, np.uint8)
    return canvas if skeleton is None else draw_skeleton(canvas, keypoints, skeleton, frame_px)
