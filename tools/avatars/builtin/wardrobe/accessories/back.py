"""Accessories of the back and waist: wings, bags, tails, aprons, belts, obi."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.shapes.curves import curve_through, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.shapes.sweeps import Mesh, joined, loft, tube
from tools.avatars.builtin.wardrobe.bodices import FRONT, Bodice, band, on_bodice
from tools.avatars.builtin.wardrobe.cloth import (
    as_one,
    cloth,
    lining,
    skirt_weights,
    solid,
    weights_of_skin,
)
from tools.avatars.builtin.wardrobe.garments.skirts import Skirt, skirt_band
from tools.avatars.builtin.wardrobe.trinkets import (
    ball,
    bow,
    moved,
    pair,
    plate,
    rotated,
    star,
    turned,
)

_SHELL = Bodice(low=0.90, air=0.026, drape=0.6)
_WAIST = Skirt(waist=0.985, hem=0.80, spread=0.03, air=0.026)


def _feathers() -> Part:
    """An angel's wings: three rows of feathers along an arm."""
    feathers = []
    for row, (length, count) in enumerate(((0.30, 8), (0.20, 7), (0.12, 6))):
        for index in range(count):
            part = index / (count - 1)
            root = np.array([0.035 + 0.20 * part, 1.13 + 0.17 * np.sqrt(part) - 0.01 * row,
                             -0.115 - 0.03 * part + 0.006 * row])  # fmt: skip
            lean = np.radians(-82.0 + 72.0 * part)
            long = length * (0.75 + 0.45 * part)
            end = root + long * np.array([np.cos(lean), np.sin(lean), -0.10])
            steps = np.linspace(0.0, 1.0, 5)[:, None]
            path = root + steps * (end - root)
            width = smooth_curve([0, 0.5, 0.85, 1], [0.010, 0.020, 0.017, 0.002], steps[:, 0])
            radii = np.stack([width, 0.004 + 0 * width], axis=1)
            feathers.append(tube(path, radii, 6, np.cross(end - root, [0.0, 0.0, 1.0])))
    return solid("wings_angel", "back", pair(joined(feathers)), "upperChest")


def _webbed(
    name: str, outline: list[tuple[float, float]], thickness: float, ribs: bool
) -> list[Part]:
    """Wings cut from a sheet: `outline` (x, y) from the root round to it again."""
    points = np.array([[1.2 * x, y, -0.105 - 0.14 * x] for x, y in outline])
    wing = plate(points, thickness, middle=points[0] + [0.06, 0.02, -0.007])
    parts = [solid(name, "back", pair(wing), "upperChest")]
    if ribs:
        root = points[0]
        fingers = [
            tube(curve_through([root, 0.5 * (root + tip) + [0.0, 0.03, 0.0], tip], 5),
                 [0.010, 0.008, 0.006, 0.004, 0.002], 6)
            for tip in points[2:-1:2]
        ]  # fmt: skip
        parts.append(solid(name + "_ribs", "back", pair(joined(fingers)), "upperChest"))
    return parts


def _tail(name: str, path: list, radii: tuple[float, ...], tip: float) -> list[Part]:
    """A tail along a path, its tip (so much of it) a part of its own colour."""
    curve = curve_through(path, 14)
    part = np.linspace(0.0, 1.0, 14)
    reach = smooth_curve(np.linspace(0, 1, len(radii)), radii, part)
    cut = round(13 * (1.0 - tip))
    whole = solid(name, "tail", tube(curve[: cut + 1], reach[: cut + 1], 12), "hips")
    end = solid(name + "_tip", "tail", tube(curve[cut:], reach[cut:], 12), "hips")
    return [whole, end]


def _box(center: tuple[float, float, float], size: tuple[float, float, float]) -> Mesh:
    """A block with rounded edges."""
    angle = 2.0 * np.pi * np.arange(16) / 16
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.35 * size[0]
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.35 * size[1]
    rings = [
        np.stack([x * s, y * s, np.full(16, z * size[2])], axis=1) + center
        for s, z in ((0.82, -1.0), (1.0, -0.75), (1.0, 0.75), (0.85, 1.0))
    ]
    return loft(np.array(rings), cap_start=True, cap_end=True)


def _shoulder_straps(name: str) -> list[Part]:
    """Two straps from the back over the shoulders to the waist."""
    return [
        on_bodice(name, "back", _SHELL, lambda u, v, s=side: (
            0.30 + 0.685 * np.sin(np.pi * v) ** 0.55,
            (s * (0.115 + 0.27 * v) + (u - 0.5) * 0.030) % 1.0), (1, 12), 0.004)
        for side in (1.0, -1.0)
    ]  # fmt: skip


def _backpack() -> list[Part]:
    bag = joined([_box((0.0, 1.095, -0.165), (0.118, 0.140, 0.070)),
                  _box((0.0, 1.045, -0.240), (0.082, 0.062, 0.022))])  # fmt: skip
    flap = _box((0.0, 1.205, -0.170), (0.112, 0.040, 0.072))
    return [
        solid("backpack", "back", bag, "chest"),
        as_one("backpack_straps", [*_shoulder_straps("s"), solid("s", "back", flap, "chest")]),
    ]


def _satchel() -> list[Part]:
    """The square leather bag of a school child."""
    bag = _box((0.0, 1.090, -0.170), (0.122, 0.122, 0.075))
    lid = _box((0.0, 1.125, -0.176), (0.127, 0.094, 0.079))
    return [
        solid("satchel", "back", bag, "chest"),
        as_one("satchel_lid", [solid("l", "back", lid, "chest"), *_shoulder_straps("l")]),
    ]


def _shoulder_bag() -> list[Part]:
    strap = on_bodice(
        "bag",
        "waist",
        _SHELL,
        lambda u, v: (0.02 + 0.93 * v + 0.0 * u, (0.185 - 0.32 * v + (u - 0.5) * 0.022) % 1.0),
        (1, 14),
        0.006,
    )
    behind = on_bodice(
        "bag",
        "waist",
        _SHELL,
        lambda u, v: (0.02 + 0.93 * v + 0.0 * u, (0.315 + 0.31 * v + (u - 0.5) * 0.022) % 1.0),
        (1, 14),
        0.006,
    )
    pouch = _box((0.0, 0.0, 0.0), (0.080, 0.062, 0.028))
    pouch = rotated(pouch, 1, 80.0)
    pouch = moved(pouch, (0.185, 0.845, -0.01))
    return [as_one("bag_strap", [strap, behind]), solid("bag", "waist", pouch, "hips")]


def _apron(name: str, low: float, bib: bool) -> list[Part]:
    skirt = Skirt(waist=0.985, hem=low, spread=0.155, air=0.024, bow=0.85, rows=6)
    half = np.linspace(-1.0, 1.0, 15)[None, :]
    fall = np.linspace(1.0, 0.0, 8)[:, None]
    fall, half = np.broadcast_arrays(fall, half)
    width = 0.62 + 0.42 * smooth_step(fall, 0.0, 0.6) - 0.30 * smooth_step(fall, 0.75, 1.0) ** 2
    points = skirt.points(fall * (1.0 - 0.06 * half**2), FRONT + half * width, 0.012)
    sheet_part = cloth(name, "waist", points, skirt_weights(points), closed=False)
    parts = [sheet_part]
    if bib:
        parts.append(
            on_bodice(
                name,
                "waist",
                _SHELL,
                lambda u, v: (0.22 + 0.52 * v, (u - 0.5) * (0.20 - 0.02 * v) % 1.0),
                (8, 6),
                0.004,
            )
        )
    back_bow = bow((0.0, 0.972, -0.118), 0.17, 0.085, 0.22, -1.0)
    tied = solid("t", "waist", back_bow, "spine")
    belt = skirt_band("t", skirt, (0.0, 0.085), 0.008)
    return [
        as_one(name, parts),
        as_one(name + "_bow", [belt, tied]),
        lining(sheet_part, name + "_lining"),
    ]


def _obi() -> list[Part]:
    shell = Bodice(low=0.925, air=0.024, drape=0.9, creases=0.0)
    wrap = band("obi", "waist", shell, (0.10, 0.52), lift=0.006, rows=3)
    cord = band("obi_cord", "waist", shell, (0.28, 0.33), lift=0.011)
    knot = bow((0.0, 1.035, -0.130), 0.27, 0.150, 0.14, -1.0)
    return [as_one("obi", [wrap, solid("o", "waist", knot, "chest")]), cord]


def _suspenders() -> Part:
    straps = [
        on_bodice("suspenders", "waist", _SHELL, lambda u, v, s=side: (
            0.985 * np.sin(np.pi * v) ** 0.5 + 0.0 * u,
            (s * (0.075 + 0.36 * v) + (u - 0.5) * 0.022) % 1.0), (1, 18), 0.001)
        for side in (1.0, -1.0)
    ]  # fmt: skip
    return as_one("suspenders", straps)


def _bib() -> Part:
    """The breast of dungarees, with its straps."""
    front = on_bodice(
        "b",
        "waist",
        _SHELL,
        lambda u, v: (0.66 * v, (u - 0.5) * (0.40 - 0.16 * v) % 1.0),
        (9, 7),
        0.002,
    )
    back = on_bodice(
        "b",
        "waist",
        _SHELL,
        lambda u, v: (0.42 * v, 0.5 + (u - 0.5) * (0.44 - 0.30 * v)),
        (8, 5),
        0.002,
    )
    return as_one("bib", [front, back, _suspenders()])


def _belt(name: str, fall: tuple[float, float]) -> list[Part]:
    strap = skirt_band(name, _WAIST, fall, 0.004)
    place = _WAIST.points(np.array([sum(fall) / 2]), np.array([FRONT]), 0.010)[0]
    corners = np.array([(1, 0.9), (0, 1), (-1, 0.9), (-1, -0.9), (0, -1), (1, -0.9)])
    buckle = plate(place + np.hstack([corners * [0.022, 0.020], np.zeros((6, 1))]), 0.010)
    return [strap, solid(name + "_buckle", "waist", buckle, "hips")]


def _sword() -> list[Part]:
    sheath = tube([[0.150, 0.93, 0.06], [0.185, 0.86, -0.10], [0.215, 0.76, -0.34],
                   [0.222, 0.73, -0.40]], [[0.012, 0.020]] * 4, 8, (0.0, 1.0, 0.4))  # fmt: skip
    hilt = tube([[0.148, 0.935, 0.070], [0.135, 0.968, 0.150]], 0.010, 8)
    guard = ball((0.149, 0.933, 0.068), (0.024, 0.026, 0.010), 10, 5)
    return [
        solid("sword", "hip", sheath, "hips"),
        solid("sword_hilt", "hip", joined([hilt, guard]), "hips"),
    ]


def _wand() -> list[Part]:
    staff = tube([[-0.600, 1.214, -0.22], [-0.600, 1.214, 0.34]], 0.0085, 8)
    # It lies in the plane of the staff and the arm.
    top = moved(rotated(star((0.0, 0.0, 0.0), 0.062, 5, 0.024), 0, 90.0), (-0.600, 1.214, 0.395))
    return [solid("wand", "hand", staff, "rightHand"), solid("wand_star", "hand", top, "rightHand")]


def _pauldrons() -> Part:
    plates = [
        rotated(turned((0.0, 0.0, 0.0), [(0.066 - 0.006 * k, 0.0), (0.060 - 0.006 * k, 0.030),
                                         (0.036, 0.048), (0.004, 0.054)], 14), 2, -62.0)
        for k in range(2)
    ]  # fmt: skip
    placed = [
        moved(mesh, (0.128 + 0.026 * k, 1.236 - 0.012 * k, -0.014)) for k, mesh in enumerate(plates)
    ]
    mesh = pair(joined(placed))
    # Plates do not bend: each goes with one place on its shoulder.
    shoulders = np.sign(mesh.positions[:, :1]) * [0.135, 0.0, 0.0] + [0.0, 1.262, -0.014]
    return solid("pauldrons", "arms", mesh, weights_of_skin(shoulders))


def back_accessories() -> list[Part]:
    """All that is carried on the back and round the waist."""
    bat = [(0.03, 1.16), (0.10, 1.27), (0.26, 1.36), (0.36, 1.30), (0.40, 1.12), (0.31, 1.16),
           (0.24, 1.00), (0.17, 1.08), (0.09, 0.96)]  # fmt: skip
    fairy = [(0.03, 1.17), (0.12, 1.34), (0.27, 1.44), (0.36, 1.36), (0.31, 1.20), (0.17, 1.12),
             (0.25, 1.02), (0.24, 0.90), (0.14, 0.88), (0.06, 1.02)]  # fmt: skip
    cat = [[0.0, 0.845, -0.085], [0.0, 0.77, -0.16], [0.03, 0.70, -0.25], [0.10, 0.72, -0.34],
           [0.15, 0.84, -0.36], [0.12, 0.94, -0.33]]  # fmt: skip
    fox = [[0.0, 0.85, -0.085], [0.02, 0.80, -0.17], [0.06, 0.76, -0.28], [0.10, 0.82, -0.39],
           [0.11, 0.97, -0.44], [0.07, 1.10, -0.42]]  # fmt: skip
    imp = [[0.0, 0.845, -0.085], [0.0, 0.72, -0.15], [-0.05, 0.62, -0.24], [-0.14, 0.66, -0.31],
           [-0.16, 0.78, -0.32]]  # fmt: skip
    return [
        _feathers(),
        *_webbed("wings_bat", bat, 0.006, True),
        *_webbed("wings_fairy", fairy, 0.005, False),
        *_tail("tail_cat", cat, (0.016, 0.016, 0.017, 0.017, 0.016, 0.004), 0.22),
        *_tail("tail_fox", fox, (0.016, 0.036, 0.060, 0.070, 0.052, 0.004), 0.30),
        *_tail("tail_imp", imp, (0.012, 0.009, 0.008, 0.008, 0.030, 0.002), 0.24),
        solid("tail_rabbit", "tail", ball((0.0, 0.845, -0.128), 0.044, 12, 8), "hips"),
        *_backpack(),
        *_satchel(),
        *_shoulder_bag(),
        *_apron("apron", 0.60, True),
        *_apron("waist_apron", 0.66, False),
        *_obi(),
        _suspenders(),
        _bib(),
        *_belt("belt", (0.10, 0.32)),
        *_sword(),
        *_wand(),
        _pauldrons(),
    ]
