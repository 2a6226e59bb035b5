"""Smoothing of keypoints that a detector found, which tremble from frame to frame.

Two filters, each joint by itself. `gaussian` looks ahead and back and shifts nothing in time.
`one_euro` looks back only: slow joints are smoothed much, fast ones little, so that they do not
lag (Casiez, Roussel and Vogel, "1 Euro filter", CHI 2012). Missing joints stay missing, and a
joint that comes back starts anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from psgan_tf.keypoints.schema import Keypoints

Floats = npt.NDArray[np.float64]

METHODS = ("none", "gaussian", "one_euro")

# Where the Gaussian is cut off, in standard deviations.
_REACH = 4.0
# Smoothing of the speed estimate; the value of the paper.
_SPEED_CUTOFF_HZ = 1.0


def gaussian(
    keypoints: Keypoints, fps: float, sigma_secs: float, closed: bool = False
) -> Keypoints:
    """Each joint's place as the mean over the frames around it where it is visible.

    Args:
        keypoints: [F, M, 3], x and y in pixels, visible 0/1.
        fps: frames a second.
        sigma_secs: standard deviation of the weights.
        closed: the last frame leads back to the first.

    Returns:
        [F, M, 3] float32; which joints are visible does not change.
    """
    sigma = sigma_secs * fps
    reach = int(np.ceil(_REACH * sigma))
    if reach < 1:
        return keypoints
    if closed:
        reach = min(reach, len(keypoints))
    seen = keypoints[..., 2:] > 0
    values = np.where(seen, keypoints[..., :2], 0.0).astype(np.float64)
    around = np.arange(-reach, len(keypoints) + reach)
    inside = (around >= 0) & (around < len(keypoints)) | closed
    around %= len(keypoints)
    values, counted = values[around], (seen[around] & inside[:, None, None]).astype(float)
    total, weight = np.zeros(keypoints[..., :2].shape), np.zeros(seen.shape)
    for shift in range(-reach, reach + 1):
        share = np.exp(-0.5 * (shift / sigma) ** 2)
        part = slice(reach + shift, reach + shift + len(keypoints))
        total += share * values[part] * counted[part]
        weight += share * counted[part]
    smooth = keypoints.copy()
    smooth[..., :2] = np.where(seen, total / np.maximum(weight, 1e-300), keypoints[..., :2])
    return smooth


def _share(cutoff_hz: Floats | float, fps: float) -> Floats:
    """How much of a new value enters a low pass of that cut-off."""
    share: Floats = 1.0 / (1.0 + fps / (2.0 * np.pi * np.asarray(cutoff_hz)))
    return share


def one_euro(
    keypoints: Keypoints,
    fps: float,
    frame_px: int,
    cutoff_hz: float = 1.0,
    speed_factor: float = 20.0,
    closed: bool = False,
) -> Keypoints:
    """Each joint through a low pass whose cut-off grows with the joint's speed.

    Args:
        keypoints: [F, M, 3], x and y in pixels, visible 0/1.
        fps: frames a second.
        frame_px: size in pixels of the frame that x and y are measured in.
        cutoff_hz: of a joint at rest; lower trembles less.
        speed_factor: how many Hz the cut-off grows for a speed of one frame width a second;
            higher lags less.
        closed: the last frame leads back to the first.

    Returns:
        [F, M, 3] float32; which joints are visible does not change.
    """
    if closed:  # once round to arrive in the swing of it
        twice = one_euro(
            np.concatenate([keypoints, keypoints]), fps, frame_px, cutoff_hz, speed_factor
        )
        return twice[len(keypoints) :]
    smooth = keypoints.copy()
    place = keypoints[0, :, :2].astype(np.float64)
    speed = np.zeros_like(place)
    was_seen = np.zeros(keypoints.shape[1], bool)
    speed_share = _share(_SPEED_CUTOFF_HZ, fps)
    for now, frame in enumerate(keypoints):
        seen, xy = frame[:, 2] > 0, frame[:, :2].astype(np.float64)
        going = (seen & was_seen)[:, None]
        speed = np.where(going, speed + speed_share * ((xy - place) * fps - speed), 0.0)
        widths_a_sec = np.linalg.norm(speed, axis=1, keepdims=True) / frame_px
        share = _share(cutoff_hz + speed_factor * widths_a_sec, fps)
        place = np.where(going, place + share * (xy - place), xy)
        smooth[now, :, :2] = np.where(seen[:, None], place, frame[:, :2])
        was_seen = seen
    return smooth


@dataclass(frozen=True)
class Smoothing:
    """Which filter, and how strong.

    Attributes:
        method: one of METHODS.
        sigma_secs: of `gaussian`.
        cutoff_hz, speed_factor: of `one_euro`.
    """

    method: str = "none"
    sigma_secs: float = 0.06
    cutoff_hz: float = 1.0
    speed_factor: float = 20.0

    def apply(self, keypoints: Keypoints, fps: float, frame_px: int, closed: bool) -> Keypoints:
        """The keypoints smoothed; see `gaussian` and `one_euro`."""
        if self.method == "gaussian":
            return gaussian(keypoints, fps, self.sigma_secs, closed)
        if self.method == "one_euro":
            return one_euro(keypoints, fps, frame_px, self.cutoff_hz, self.speed_factor, closed)
        return keypoints
