"""The colours of costumes by name, and the shade and ink that go with each."""

from __future__ import annotations

from typing import NamedTuple

COLORS = {
    "white": "#fbf8f6", "cream": "#f6e9d2", "ivory": "#fff6e4", "silver": "#ccd0dc",
    "grey": "#9298a6", "charcoal": "#4c4f5e", "black": "#383543", "navy": "#34406e",
    "blue": "#4b74c4", "sky": "#8cc0ec", "ice": "#cfe6f6", "teal": "#3f9a9c", "mint": "#a6dcc4",
    "green": "#5aa26a", "forest": "#3c6a52", "olive": "#84865a", "lime": "#b4d46c",
    "yellow": "#f6d05c", "gold": "#e0b054", "mustard": "#cc983e", "orange": "#ee8e4a",
    "rust": "#b8603e", "brown": "#8c6248", "tan": "#c69c72", "sand": "#e2c8a0", "wine": "#863a52",
    "red": "#cc4452", "scarlet": "#e0483e", "coral": "#f28a7c", "rose": "#e2788e",
    "pink": "#f6b2c2", "blush": "#fad8dc", "magenta": "#c24c92", "plum": "#7c4678",
    "purple": "#7a5cb0", "violet": "#9a86d8", "lilac": "#cdbcec", "indigo": "#4a4890",
    # Hair and eyes.
    "ink": "#4a4456", "umber": "#6e4a40", "chestnut": "#a06850", "copper": "#cc7c50",
    "honey": "#e8b870", "blond": "#f6dc9c", "ash": "#b8acb0", "snow": "#eceaf2",
    "peach": "#f6ac9a", "azure": "#7ab4e8", "sea": "#6cc4b8", "amber": "#e0963c",
    "ruby": "#d84a5e", "jade": "#4cae82",
}  # fmt: skip

# What a lit colour is multiplied by in the shade (cool: skin stays the warmest), and in ink.
_SHADE = (0.76, 0.71, 0.83)
_INK = (0.34, 0.27, 0.36)


class Tone(NamedTuple):
    """A colour as it is drawn: where light falls, where it does not, and its outline; "#rrggbb"."""

    color: str
    shade_color: str
    outline_color: str


def _times(color: str, factors: tuple[float, float, float]) -> str:
    channels = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    scaled = [round(channel * factor) for channel, factor in zip(channels, factors, strict=True)]
    return "#" + "".join(f"{channel:02x}" for channel in scaled)


def tone_of(name: str) -> Tone:
    """The tone of a colour by its name in `COLORS`."""
    color = COLORS[name]
    return Tone(color, _times(color, _SHADE), _times(color, _INK))


def lining_of(name: str) -> Tone:
    """The tone of the inside of cloth of a colour: all in the shade."""
    dark = _times(COLORS[name], (0.58, 0.52, 0.66))
    return Tone(dark, dark, _times(COLORS[name], _INK))
