"""Changes of colour that make one avatar into many: hue, saturation, brightness.

They work on sRGB-encoded values, as picture editors do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.avatars.renderer.textures import linear_from_srgb, srgb_from_linear

# Greys have no hue; below this saturation a colour is left alone when only some hues change.
_GREY_SATURATION = 0.08


@dataclass(frozen=True)
class HueChange:
    """How colours change.

    Attributes:
        hue_degrees: added to the hue.
        saturation, brightness: factors.
        only_hues_degrees: (from, to) going upwards, through 360 where `to` is the smaller: other
            hues and greys stay as they are. None changes all.
    """

    hue_degrees: float = 0.0
    saturation: float = 1.0
    brightness: float = 1.0
    only_hues_degrees: tuple[float, float] | None = None

    @property
    def changes_nothing(self) -> bool:
        return self.hue_degrees % 360.0 == 0.0 and self.saturation == self.brightness == 1.0


def hsv_from_rgb(rgb: np.ndarray) -> np.ndarray:
    """[..., 3] red, green, blue from 0 to 1 to hue (0 to 6), saturation and value."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    value = rgb.max(axis=-1)
    chroma = value - rgb.min(axis=-1)
    safe = np.where(chroma > 0, chroma, 1.0)
    hue = np.where(
        value == red,
        (green - blue) / safe % 6.0,
        np.where(value == green, (blue - red) / safe + 2.0, (red - green) / safe + 4.0),
    )
    saturation = np.where(value > 0, chroma / np.where(value > 0, value, 1.0), 0.0)
    return np.stack([np.where(chroma > 0, hue, 0.0), saturation, value], axis=-1)


def rgb_from_hsv(hsv: np.ndarray) -> np.ndarray:
    """The inverse of `hsv_from_rgb`."""
    hue, saturation, value = np.moveaxis(hsv, -1, 0)
    channels = []
    for offset in (5.0, 3.0, 1.0):  # red, green, blue
        place = (hue + offset) % 6.0
        fall = np.clip(np.minimum(place, 4.0 - place), 0.0, 1.0)
        channels.append(value * (1.0 - saturation * fall))
    return np.stack(channels, axis=-1)


def _is_chosen(hsv: np.ndarray, hues_degrees: tuple[float, float]) -> np.ndarray:
    low, high = (degrees % 360.0 for degrees in hues_degrees)
    hue = hsv[..., 0] * 60.0
    inside = (low <= hue) & (hue <= high) if low <= high else (low <= hue) | (hue <= high)
    return inside & (hsv[..., 1] >= _GREY_SATURATION)


def changed_colors(encoded: np.ndarray, change: HueChange) -> np.ndarray:
    """[..., 3] sRGB-encoded colours (0 to 1) after the change."""
    hsv = hsv_from_rgb(np.asarray(encoded, np.float64))
    moved = np.stack(
        [
            (hsv[..., 0] + change.hue_degrees / 60.0) % 6.0,
            np.clip(hsv[..., 1] * change.saturation, 0.0, 1.0),
            np.clip(hsv[..., 2] * change.brightness, 0.0, 1.0),
        ],
        axis=-1,
    )
    changed = rgb_from_hsv(moved)
    if change.only_hues_degrees is None:
        return changed
    return np.where(_is_chosen(hsv, change.only_hues_degrees)[..., None], changed, encoded)


def changed_pixels(pixels: np.ndarray, change: HueChange) -> np.ndarray:
    """[H, W, 4] uint8 after the change; alpha stays.

    Each colour that occurs is changed once: pictures have few of them for their size.
    """
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    colors, places = np.unique(packed, return_inverse=True)
    rgba = colors[:, None].view(np.uint8).copy()
    rgb = changed_colors(rgba[:, :3] / 255.0, change)
    rgba[:, :3] = np.rint(np.clip(rgb, 0.0, 1.0) * 255.0)
    return rgba[places.reshape(packed.shape)]


def changed_factor(
    linear: tuple[float, float, float], change: HueChange
) -> tuple[float, float, float]:
    """A linear colour factor after the change."""
    encoded = srgb_from_linear(np.clip(linear, 0.0, 1.0))
    red, green, blue = linear_from_srgb(changed_colors(encoded, change)).tolist()
    return red, green, blue


def linear_from_hex(text: str) -> tuple[float, float, float]:
    """`#rrggbb` as linear light.

    Raises:
        ValueError: another form.
    """
    digits = text[1:]
    if not (text.startswith("#") and len(digits) == 6 and digits.isascii() and digits.isalnum()):
        raise ValueError("must be a colour like #3366cc")
    try:
        encoded = [int(digits[i : i + 2], 16) / 255.0 for i in (0, 2, 4)]
    except ValueError:
        raise ValueError("must be a colour like #3366cc") from None
    red, green, blue = linear_from_srgb(np.array(encoded)).tolist()
    return red, green, blue
