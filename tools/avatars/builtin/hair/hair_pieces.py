"""Pieces of hair styles: curtains of locks, combed back hair, tails, braids and buns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tools.avatars.builtin.hair.hair_strands import (
    SKULL_CENTER,
    SKULL_REACH,
    Lock,
    away_from_head,
    lock_along,
    mirrored_lock,
    on_head,
    taper,
)
from tools.avatars.builtin.shapes.curves import FloatArray, curve_through, smooth_curve
from tools.avatars.builtin.shapes.sweeps import Mesh, frames_along, unit

Place = tuple[float, float, float]


def both_sides(locks: Sequence[Lock]) -> list[Lock]:
    """Locks of the left side, and the same on the right."""
    return [*locks, *(mirrored_lock(lock) for lock in locks)]


def curtain(fall: Callable[[float], float], flare: float, curl: float, width: float) -> list[Lock]:
    """Two layers of locks around the back of the head.

    Args:
        fall: how far the lock at an azimuth (0 to 180) falls.
        flare: how far the ends stand off the head, metres.
        curl: how much the last part turns in, metres.
        width: of a lock, metres.
    """
    locks = []
    random = np.random.default_rng(11)
    for layer, azimuths in enumerate((np.arange(180, 84, -17.0), np.arange(171.5, 84, -17.0))):
        for azimuth in azimuths:
            last = fall(azimuth) - 0.12 * (1 - layer) + random.uniform(-0.07, 0.07)
            middle = 1.0 + 0.5 * (last - 1.0)
            out = 0.010 + 0.004 * layer + random.uniform(-0.001, 0.003)
            # Long hair falls behind the shoulders and lies on the back.
            long = max(0.0, last - 2.4)
            end = azimuth + min(0.55, 0.25 * long) * (180 - azimuth)
            drape = min(0.035, 0.014 * long)
            places = [
                (azimuth, 0.05, 0.005),
                (azimuth, 0.30, out),
                (azimuth, 0.65, out + 0.005),
                (azimuth, 1.0, out + 0.006),
                (0.8 * azimuth + 0.2 * end, middle, out + 0.6 * flare - 0.5 * drape),
                (end + random.uniform(-3, 3), 0.25 * middle + 0.75 * last, out + flare - drape),
                (end + random.uniform(-5, 5), last, out + flare - curl - drape),
            ]
            lock = Lock(places, width, 0.008, root=0.30, rows=15)
            locks += [lock] if azimuth == 180 else both_sides([lock])
    return locks


def _arc_over(start: FloatArray, target: FloatArray) -> FloatArray:
    """[R, 3]: even steps from one unit vector to another, more the wider they lie apart."""
    angle = float(np.arccos(np.clip(start @ target, -0.999, 0.999)))
    part = np.linspace(0.0, 1.0, 5 + int(angle / 0.45))[:, None]
    turned = start * np.sin((1 - part) * angle) + target * np.sin(part * angle)
    return turned / max(np.sin(angle), 1e-6)


def _combed(starts: Sequence[Place], tie: Place, width: float) -> list[Mesh]:
    """Locks over the head from places on it to one place."""
    target = unit((on_head(*tie) - SKULL_CENTER) / SKULL_REACH)
    meshes = []
    for place in starts:
        ways = _arc_over(unit((on_head(*place) - SKULL_CENTER) / SKULL_REACH), target)
        part = np.linspace(0.0, 1.0, len(ways))
        lift = 0.002 + 0.012 * np.sin(np.pi * np.minimum(part, 0.9)) + 0.006 * part
        path = SKULL_CENTER + ways * (SKULL_REACH + lift[:, None])
        widths = width * smooth_curve([0, 0.4, 1], [0.7, 1.0, 0.35], part)
        thicknesses = np.full(len(ways), 0.008)
        meshes.append(lock_along(path, widths, thicknesses, away_from_head(path)))
    return meshes


def gathered(tie: Place, count: int = 16) -> list[Mesh]:
    """All hair combed from the hairline to one place."""
    azimuths = np.linspace(-180.0, 180.0, count, endpoint=False)
    return _combed([(azimuth, _edge(azimuth), 0.0) for azimuth in azimuths], tie, 0.060)


def parted(tie: Place) -> list[Mesh]:
    """The left half of the hair combed from the parting and the hairline to one place."""
    hairline = [(azimuth, _edge(azimuth), 0.0) for azimuth in (20, 45, 70, 95, 120, 145, 168)]
    parting = [(2, 0.34, 0.0), (6, 0.08, 0.0), (174, 0.22, 0.0), (177, 0.52, 0.0),
               (178, 0.86, 0.0), (178, 1.25, 0.0), (178, 1.75, 0.0)]  # fmt: skip
    return [*_combed(hairline, tie, 0.056), *_combed(parting, tie, 0.056)]


def _edge(azimuth: float) -> float:
    """How far down combed hair begins."""
    falls = ([0, 60, 90, 130, 180], [0.30, 0.72, 1.2, 1.85, 2.10])
    return float(smooth_curve(*falls, abs(azimuth)))


def bundle(
    points: Sequence[Sequence[float]], reach: float, width: float, count: int = 7, rows: int = 16
) -> list[Mesh]:
    """A tail: locks around a curve through `points` [K, 3] that meet at both ends."""
    path = curve_through(np.array(points), rows)
    first, second = frames_along(path, (1.0, 0.0, 0.0))
    part = np.linspace(0.0, 1.0, len(path))
    spread = smooth_curve([0, 0.12, 0.45, 0.8, 1], [0.25, 0.7, 1.0, 0.7, 0.25], part)[:, None]
    meshes = []
    for index in range(count):
        angle = 2.0 * np.pi * index / count
        out = first * np.cos(angle) + second * np.sin(angle)
        end = 1.0 - 0.10 * (index % 3)
        keep = np.linspace(0.0, end, len(path))
        center = np.stack([np.interp(keep, part, path[:, axis]) for axis in range(3)], axis=1)
        strand = center + out * spread * reach
        widths = width * taper(part, 0.45, 0.4)
        meshes.append(lock_along(strand, widths, 0.22 * widths, out))
    return meshes


def mirrored_too(meshes: Sequence[Mesh]) -> list[Mesh]:
    """Meshes of the left side, and their mirror images."""
    flip = np.array([-1.0, 1.0, 1.0])
    return [
        *meshes,
        *(mesh._replace(positions=mesh.positions * flip, triangles=mesh.triangles[:, ::-1])
          for mesh in meshes),
    ]  # fmt: skip


def plait(points: Sequence[Sequence[float]], width: float, links: int) -> list[Mesh]:
    """A braid: leaves that overlap left and right along a curve, and a tuft."""
    path = curve_through(np.array(points), 60)
    sides, outs = frames_along(path, (1.0, 0.0, 0.0))
    meshes = []
    for link in range(links):
        at = int((link + 0.5) / links * 50)
        size = width * (1.0 - 0.45 * link / links)
        sign = 1.0 if link % 2 == 0 else -1.0
        forward = unit(path[at + 4] - path[at])
        start = path[at] - forward * 0.62 * size + sign * sides[at] * 0.50 * size
        end = path[at] + forward * 0.95 * size - sign * sides[at] * 0.28 * size
        bulge = path[at] + sign * sides[at] * 0.30 * size
        leaf = curve_through(np.stack([start, bulge, end]), 5)
        shape = size * np.array([0.25, 0.92, 1.0, 0.80, 0.15])
        for out in (outs[at], -outs[at]):
            meshes.append(lock_along(leaf + out * 0.10 * size, 0.9 * shape, 0.42 * shape, out))
    tip = path[50] + (path[59] - path[50]) * 2.2
    return [*meshes, *bundle([path[50], path[56], tip], 0.35 * width, 0.5 * width, 4, 7)]


def bun(place: Place, radius: float) -> list[Mesh]:
    """A ball of hair wound from locks."""
    middle = on_head(*place) + unit(on_head(*place) - SKULL_CENTER) * radius * 0.72
    axis = unit(middle - SKULL_CENTER)
    first = unit(np.cross(axis, [1.0, 0.0, 0.2]))
    second = np.cross(axis, first)
    meshes = []
    for index in range(9):
        turn = 2.0 * np.pi * index / 9
        angles = np.linspace(-1.45, 1.45, 9)
        twist = turn + 0.55 * angles
        out = np.cos(twist)[:, None] * first + np.sin(twist)[:, None] * second
        ways = np.cos(angles)[:, None] * out + np.sin(angles)[:, None] * axis
        widths = radius * (0.30 + 0.72 * np.cos(angles))
        meshes.append(lock_along(middle + ways * radius * 0.90, widths, widths * 0.25, ways))
    return meshes
