"""Texture of the face, drawn by Pillow: eyes, lashes, brows, mouths and blush.

Each drawing is a cell of so many metres a side, drawn several times larger and then reduced.
Curves are in metres from the cell's middle, x towards her left ear, y up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tools.avatars.builtin.shapes.curves import FloatArray, curve_through, smooth_step
from tools.avatars.builtin.shapes.part import Picture

EYE_CELL = 0.064
MOUTH_CELL = 0.044
BROW_CELL = 0.056
CELL_PX = 384
_OVERSIZE = 3

_LASH = (52, 32, 44)
_CREASE = (150, 88, 84)
_LINE = (120, 52, 50)
_LIP = (214, 118, 112)
_MOUTH = (150, 48, 56)
_TONGUE = (236, 132, 128)
_WHITE = (255, 255, 255)

# The opening of the left eye: upper lid from the inner to the outer corner, then the lower one.
_UPPER_LID = ((-0.0180, -0.0045), (-0.0150, 0.0070), (-0.0065, 0.0145), (0.0040, 0.0158),
              (0.0130, 0.0108), (0.0185, 0.0010))  # fmt: skip
_LOWER_LID = ((0.0185, 0.0010), (0.0168, -0.0088), (0.0105, -0.0152), (0.0010, -0.0170),
              (-0.0095, -0.0148), (-0.0180, -0.0045))  # fmt: skip
_IRIS_CENTER, _IRIS_REACH = (-0.0005, -0.0005), (0.0126, 0.0162)

Points = Sequence[tuple[float, float]] | FloatArray


def _smooth(points: Points, count: int = 60) -> FloatArray:
    """[count, 2]: a smooth curve through points."""
    flat = np.asarray(points, np.float64)
    return curve_through(np.column_stack([flat, np.zeros(len(flat))]), count)[:, :2]


def _moved(points: Points, right: float, up: float) -> FloatArray:
    return np.add(points, (right, up))


def _arc(center: Points, reach: Points) -> FloatArray:
    angles = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    return np.array(center) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array(reach)


class _Cell:
    """A picture being drawn, in metres.

    Args:
        metres: its side.
        mirrored: draw for her right side: x is turned round.
    """

    def __init__(self, metres: float, mirrored: bool = False) -> None:
        self._scale = CELL_PX * _OVERSIZE / metres
        self._sign = -1.0 if mirrored else 1.0
        self.size = (CELL_PX * _OVERSIZE,) * 2
        self.image = Image.new("RGBA", self.size, (0, 0, 0, 0))

    def pixels_of(self, points: Points) -> list[tuple[float, float]]:
        flat = np.asarray(points, np.float64) * [self._sign, -1.0] * self._scale
        return [tuple(point) for point in (flat + self.size[0] / 2).tolist()]

    def mask(self, points: Points, blur: float = 0.0) -> Image.Image:
        """A filled shape as a mask; `blur` in metres softens its edge."""
        mask = Image.new("L", self.size, 0)
        ImageDraw.Draw(mask).polygon(self.pixels_of(points), fill=255)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self._scale))
        return mask

    def lay(self, mask: Image.Image, color: tuple[int, int, int], strength: float = 1.0) -> None:
        """Lays a colour over what is there."""
        layer = Image.new("RGBA", self.size, (*color, 255))
        layer.putalpha(mask.point(lambda value: int(value * strength)))
        self.image = Image.alpha_composite(self.image, layer)

    def shape(self, points: Points, color: tuple[int, int, int], strength: float = 1.0) -> None:
        self.lay(self.mask(points), color, strength)

    def stroke(self, points: Points, widths: Sequence[float], color: tuple[int, int, int]) -> None:
        """A line whose width (metres) changes evenly along `points`."""
        path = _smooth(points)
        along = np.gradient(path, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        width = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(widths)), widths)
        half = across * width[:, None] / 2
        self.shape(np.concatenate([path + half, (path - half)[::-1]]), color)

    def reduced(self) -> np.ndarray:
        """[CELL_PX, CELL_PX, 4] uint8; where nothing is drawn, the colour of what is near."""
        small = self.image.convert("RGBa").reduce(_OVERSIZE)
        light = np.asarray(small, np.float32) / np.float32(255.0)
        filled, spread = light, light
        # Ever wider means fill the empty texels, so that filtering brings no dark fringe in.
        for reach in (1, 2, 4, 8):
            for axis in (0, 1):
                spread = spread + np.roll(spread, reach, axis) + np.roll(spread, -reach, axis)
            filled = np.where(filled[..., 3:] > 1e-3, filled, spread)
        colors = filled[..., :3] / np.maximum(filled[..., 3:], 1e-9)
        pixels = np.concatenate([np.clip(colors, 0, 1), light[..., 3:]], axis=-1)
        return np.rint(pixels * 255).astype(np.uint8)


def _opening() -> FloatArray:
    return np.concatenate([_smooth(_UPPER_LID), _smooth(_LOWER_LID)])


def draw_eye_white() -> np.ndarray:
    """The white of the left eye, a little in the shade of its lid."""
    cell = _Cell(EYE_CELL)
    opening = cell.mask(_opening())
    cell.lay(opening, (252, 250, 252))
    lid = _smooth(_UPPER_LID)
    shade = cell.mask(
        np.concatenate([_moved(lid, 0, 0.004), _moved(lid, 0, -0.0052)[::-1]]), 0.0006
    )
    cell.lay(ImageChops.multiply(shade, opening), (176, 172, 200), 0.85)
    return cell.reduced()


def draw_iris() -> np.ndarray:
    """The left iris in greys, which the material's colour tints: dark above, bright below."""
    cell = _Cell(EYE_CELL)
    opening = cell.mask(_opening())
    center, reach = np.array(_IRIS_CENTER), np.array(_IRIS_REACH)

    def lay(points: Points, grey: int, blur: float = 0.0, strength: float = 1.0) -> None:
        mask = ImageChops.multiply(cell.mask(points, blur), opening)
        cell.lay(ImageChops.multiply(mask, whole), (grey, grey, grey), strength)

    whole = cell.mask(_arc(center, reach))
    lay(_arc(center, reach), 78)
    lay(_arc(center, reach * 0.88), 168)
    lay(_arc(_moved(center, 0, -0.0060), reach * [0.80, 0.66]), 222, 0.0016)
    lay(_arc(_moved(center, 0, -0.0095), reach * [0.58, 0.34]), 255, 0.0012)
    lay(_arc(_moved(center, 0, 0.0115), reach * [1.2, 0.66]), 70, 0.0024)
    lay(_arc(_moved(center, 0, 0.0005), reach * 0.40), 44, 0.0005)
    return cell.reduced()


def draw_lashes(mirrored: bool) -> np.ndarray:
    """Lashes, crease and the lights in the iris; lights lie on the same side in both eyes."""
    cell = _Cell(EYE_CELL, mirrored)
    light = -1.0 if not mirrored else 1.0
    upper, lower = np.array(_UPPER_LID), np.array(_LOWER_LID)
    cell.stroke(_moved(upper, 0, 0.0005), (0.0012, 0.0032, 0.0040, 0.0040, 0.0042, 0.0030), _LASH)
    wing = [
        (0.0120, 0.0120),
        (0.0178, 0.0050),
        (0.0232, 0.0046),
        (0.0196, 0.0010),
        (0.0176, -0.003),
    ]
    cell.shape(_smooth(wing), _LASH)
    second = [(0.0172, 0.0062), (0.0208, 0.0098), (0.0228, 0.0112), (0.0196, 0.0050)]
    cell.shape(second, _LASH)
    cell.stroke(lower[:3], (0.0030, 0.0014, 0.0006), _LASH)
    cell.stroke(lower[2:5], (0.0006, 0.0007, 0.0004), _CREASE)
    crease = [(-0.0130, 0.0150), (-0.0040, 0.0205), (0.0060, 0.0204), (0.0140, 0.0160)]
    cell.stroke(crease, (0.0002, 0.0008, 0.0009, 0.0003), _CREASE)
    center = np.array(_IRIS_CENTER)
    cell.shape(_arc(_moved(center, light * 0.0050, 0.0068), (0.0036, 0.0044)), _WHITE)
    cell.shape(_arc(_moved(center, -light * 0.0056, -0.0078), (0.0019, 0.0023)), _WHITE, 0.9)
    cell.shape(_arc(_moved(center, -light * 0.0028, -0.0112), (0.0009, 0.0010)), _WHITE, 0.8)
    return cell.reduced()


def draw_closed_lid(happy: bool) -> np.ndarray:
    """The left eye closed: lashes hang down, or in joy make an arch."""
    cell = _Cell(EYE_CELL)
    if happy:
        arch = [(-0.0175, -0.0060), (-0.0100, 0.0040), (0.0010, 0.0075), (0.0110, 0.0040),
                (0.0185, -0.0060)]  # fmt: skip
    else:
        arch = [(-0.0175, -0.0040), (-0.0100, -0.0110), (0.0010, -0.0138), (0.0110, -0.0108),
                (0.0185, -0.0030)]  # fmt: skip
    cell.stroke(arch, (0.0010, 0.0030, 0.0036, 0.0034, 0.0016), _LASH)
    for x, y in ((0.0150, -0.0055), (0.0108, -0.0095)) if not happy else ((0.0165, -0.003),):
        cell.stroke([(x, y), (x + 0.0030, y - 0.0014), (x + 0.0058, y - 0.0020)],
                    (0.0020, 0.0012, 0.0003), _LASH)  # fmt: skip
    return cell.reduced()


def draw_mouth(kind: str) -> np.ndarray:
    """A mouth: "smile", "open", "grin" or "frown"."""
    cell = _Cell(MOUTH_CELL)
    if kind in ("smile", "frown"):
        turn = 1.0 if kind == "smile" else -1.0
        line = [(-0.0098, 0.0016), (-0.0050, -0.0010), (0.0, -0.0016), (0.0050, -0.0010),
                (0.0098, 0.0016)]  # fmt: skip
        cell.stroke(np.array(line) * [1.0, turn], (0.0004, 0.0011, 0.0012, 0.0011, 0.0004), _LINE)
        cell.stroke([(-0.0024, -0.0062), (0.0, -0.0066), (0.0024, -0.0062)],
                    (0.0002, 0.0007, 0.0002), _LIP)  # fmt: skip
        return cell.reduced()
    wide, high = (0.0064, 0.0072) if kind == "open" else (0.0098, 0.0098)
    if kind == "open":
        edge = _arc((0.0, -0.0030), (wide, high))
    else:
        edge = np.concatenate(
            [
                _smooth([(-wide, 0.0026), (0.0, 0.0014), (wide, 0.0026)]),
                _smooth([(wide, 0.0026), (0.0060, -0.0062), (0.0, -high), (-0.0060, -0.0062),
                         (-wide, 0.0026)]),
            ]
        )  # fmt: skip
    cell.shape(edge * 1.0 + np.sign(edge) * 0.0006, _LINE)
    inside = cell.mask(edge)
    cell.lay(inside, _MOUTH)
    tongue = cell.mask(_arc((0.0, -0.0105), (wide * 0.7, 0.0052)))
    cell.lay(ImageChops.multiply(tongue, inside), _TONGUE)
    return cell.reduced()


def draw_brow() -> np.ndarray:
    """The left brow, in white for the material's colour."""
    cell = _Cell(BROW_CELL)
    arch = [(-0.0185, -0.0030), (-0.0080, 0.0018), (0.0040, 0.0030), (0.0190, -0.0034)]
    cell.stroke(arch, (0.0018, 0.0030, 0.0027, 0.0004), _WHITE)
    return cell.reduced()


def draw_face(metres: float, middle: tuple[float, float], size_px: int = 512) -> Picture:
    """The skin of the face, relative to the skin's colour: blush, nose, shade under the fringe.

    Args:
        metres: side of the square that the picture covers.
        middle: (x, y) at the picture's middle.
        size_px: its side in pixels.
    """
    y, x = np.mgrid[:size_px, :size_px]
    x = np.abs((x + 0.5) / size_px - 0.5) * metres
    y = middle[1] - ((y + 0.5) / size_px - 0.5) * metres
    colors = np.ones((size_px, size_px, 3))

    def tint(strength: FloatArray, color: tuple[float, float, float]) -> None:
        colors[:] *= 1.0 - strength[..., None] * (1.0 - np.array(color))

    cheek = np.exp(-(((x - 0.0450) / 0.0120) ** 2) - ((y - 1.3800) / 0.0080) ** 2)
    tint(0.95 * cheek, (1.0, 0.80, 0.78))
    nose = np.exp(-((x / 0.0026) ** 2) - ((y - 1.3800) / 0.0013) ** 2)
    tint(0.8 * nose, (0.88, 0.56, 0.52))
    nose_tip = np.exp(-((x / 0.0052) ** 2) - ((y - 1.3860) / 0.0052) ** 2)
    tint(0.5 * nose_tip, (1.0, 0.90, 0.88))
    under_hair = smooth_step(y + 0.9 * np.maximum(x - 0.045, 0.0), 1.4680, 1.4900)
    tint(0.5 * under_hair, (0.98, 0.84, 0.81))
    return Picture("face", np.rint(colors * 255).astype(np.uint8))


def atlas_of(cells: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Cells side by side, `columns` in a row; what is left of the last row stays empty."""
    rows = -(-len(cells) // columns)
    height, width = cells[0].shape[:2]
    atlas = np.zeros((rows * height, columns * width, 4), np.uint8)
    for index, cell in enumerate(cells):
        top, left = index // columns * height, index % columns * width
        atlas[top : top + height, left : left + width] = cell
    return atlas
