"""An orthographic camera: from canonical axes (x left, y up, z forward) to pixels.

At yaw 0 the character faces the camera, so its left is on the picture's right. A positive yaw
turns the character to its own left, so the camera sees more of its right side; a positive pitch
raises the camera to look down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos
from typing import Any

import numpy as np
import numpy.typing as npt

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.transforms import FloatArray, axis_rotation_matrices

_LARGEST_SIZE_PX = 16_384


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and how large it draws.

    Attributes:
        size_px: width and height of the square picture.
        pixels_per_unit: pixels for one unit (usually a metre) of the character.
        yaw_rad: angle round the vertical axis; at pi / 2 the character looks to the right.
        pitch_rad: angle above the horizon.
        target: the point (x, y, z) that is drawn at the picture's middle.
        follow: the hips' x and z are added to the target, frame by frame, so that a walking
            character stays in the picture while the ground stays where it is.
        follow_height: the part of the hips' height above the ground that is added to the target's
            y: with 1 the hips stay at one height in the picture, with 0 the ground does. So a
            picture of one size holds who jumps and who sits.
    """

    size_px: int
    pixels_per_unit: float
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    follow: bool = True
    follow_height: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.size_px <= _LARGEST_SIZE_PX:
            raise ValueError(
                f"`size_px` must be from 1 to {_LARGEST_SIZE_PX}. Received: {self.size_px}."
            )
        numbers = (self.pixels_per_unit, self.yaw_rad, self.pitch_rad, *self.target)
        if not 0 <= self.follow_height < np.inf:
            raise ValueError(
                "`follow_height` must be at least 0 and finite. "
                f"Received: {self.follow_height}. Take a part from 0 to 1."
            )
        if not np.isfinite(numbers).all() or self.pixels_per_unit <= 0 or len(self.target) != 3:
            raise ValueError(
                "`pixels_per_unit` must be above 0 and all angles and positions finite. "
                f"Received: {numbers}."
            )

    def turned(self, yaw_rad: float, pitch_rad: float) -> Camera:
        """This level camera in front, moved to another side.

        Its target moves so that the ground under the hips stays where it is in the picture.
        """
        x, y, z = self.target
        return replace(
            self,
            yaw_rad=yaw_rad,
            pitch_rad=pitch_rad,
            target=(x, y / cos(pitch_rad), z),
            follow_height=self.follow_height / cos(pitch_rad),
        )

    @property
    def rotation(self) -> FloatArray:
        """[3, 3]: rows are the picture's right, the picture's up, and towards the camera."""
        rotation: FloatArray = axis_rotation_matrices(
            0, np.array(self.pitch_rad)
        ) @ axis_rotation_matrices(1, np.array(self.yaw_rad))
        return rotation

    def matrices(self, hips: FloatArray) -> FloatArray:
        """The matrices that take canonical points to pixels.

        Args:
            hips: [F, 3] the hips' positions, which the camera follows if it follows.

        Returns:
            [F, 4, 4] float64: for a point (x, y, z, 1), x_px from the left, y_px from the top, and
            the distance in pixels, larger farther away, 0 at the target.
        """
        targets = np.broadcast_to(np.asarray(self.target, np.float64), hips.shape).copy()
        if self.follow:
            targets[:, [0, 2]] += hips[:, [0, 2]]
        targets[:, 1] += self.follow_height * hips[:, 1]
        to_picture = self.pixels_per_unit * np.diag([1.0, -1.0, -1.0]) @ self.rotation
        matrices = np.zeros((len(hips), 4, 4))
        matrices[:, :3, :3] = to_picture
        matrices[:, :3, 3] = [self.size_px / 2, self.size_px / 2, 0.0] - targets @ to_picture.T
        matrices[:, 3, 3] = 1.0
        return matrices

    def project(self, points: FloatArray, hips: FloatArray) -> FloatArray:
        """[F, P, 3] canonical points to [F, P, 2] pixels (float64, origin top left)."""
        matrices = self.matrices(hips)
        projected: FloatArray = np.einsum("fij,fpj->fpi", matrices[:, :2, :3], points)
        return projected + matrices[:, None, :2, 3]

    def keypoints(self, points: FloatArray, hips: FloatArray) -> npt.NDArray[np.float32]:
        """[F, P, 3] float32: x, y in pixels, visible 1 inside the picture and 0 outside."""
        pixels = self.project(points, hips)
        inside = ((pixels >= 0) & (pixels < self.size_px)).all(axis=-1, keepdims=True)
        keypoints: npt.NDArray[np.float32] = np.concatenate([pixels, inside], axis=-1).astype(
            np.float32
        )
        return keypoints

    def to_json(self) -> dict[str, Any]:
        """Plain values for a dataset card; `camera_from_json` reads them back."""
        return {
            "projection": "orthographic",
            "size_px": self.size_px,
            "pixels_per_unit": self.pixels_per_unit,
            "yaw_rad": self.yaw_rad,
            "pitch_rad": self.pitch_rad,
            "target": list(self.target),
            "follow": self.follow,
            "follow_height": self.follow_height,
        }


def camera_from_json(value: Any, source: str = "camera") -> Camera:
    """Reads what `Camera.to_json` wrote.

    Raises:
        ValueError: a member is missing or wrong; the message names it.
    """
    document = JsonValue(value, "", source)
    x, y, z = document["target"].numbers(3).tolist()
    return Camera(
        size_px=document["size_px"].integer(1, _LARGEST_SIZE_PX),
        pixels_per_unit=document["pixels_per_unit"].number(),
        yaw_rad=document["yaw_rad"].number(),
        pitch_rad=document["pitch_rad"].number(),
        target=(x, y, z),
        follow=document["follow"].boolean(),
        follow_height=document.get("follow_height", 0.0).number(),
    )


def framed_camera(
    size_px: int,
    height: float,
    half_width: float,
    margin: float = 0.06,
    yaw_rad: float = 0.0,
    pitch_rad: float = 0.0,
) -> Camera:
    """A camera that shows a character from the ground up, in the picture's middle.

    Args:
        size_px: width and height of the picture.
        height: how high the character (with its jumps) reaches above the ground, in its own unit.
        half_width: how far it reaches sideways from its hips.
        margin: part of the picture left free on each side.
        yaw_rad: see `Camera`.
        pitch_rad: see `Camera`.

    Raises:
        ValueError: the character has no size, or the margins leave no picture.
    """
    if not (0 < height < np.inf and 0 <= half_width < np.inf and 0 <= margin < 0.5):
        raise ValueError(
            "`height` must be above 0, `half_width` at least 0 and `margin` from 0 to below 0.5. "
            f"Received: {height}, {half_width}, {margin}."
        )
    extent = max(height, 2.0 * half_width)
    return Camera(
        size_px=size_px,
        pixels_per_unit=size_px * (1.0 - 2.0 * margin) / extent,
        yaw_rad=yaw_rad,
        pitch_rad=pitch_rad,
        target=(0.0, height / 2.0, 0.0),
    )
