"""The body as one smooth solid: how far any place lies outside her skin.

Trunk and limbs are separate profiles; here they are melted into one another (the smooth minimum of
their distances), so that shoulders, groin and ankles have no creases. Meshes are laid onto this
solid, garments onto its surface at a distance.
"""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.body.proportions import PROFILES, Profile
from tools.avatars.builtin.shapes.curves import FloatArray
from tools.avatars.builtin.shapes.sweeps import unit

# Round shapes: centre of the left one, reaches along x, y and z, and how softly they melt in.
_LEFT_SHAPES = (
    ((0.051, 1.120, 0.046), (0.052, 0.054, 0.047), 0.034),  # breast
    ((0.060, 0.812, -0.040), (0.064, 0.070, 0.062), 0.045),  # buttock
    ((0.122, 1.232, -0.014), (0.036, 0.032, 0.036), 0.030),  # shoulder
)
_MELT = {"Arm": 0.030, "Leg": 0.022, "Foot": 0.016}


def profile_distance(profile: Profile, points: FloatArray) -> FloatArray:
    """[N] metres that [N, 3] places lie outside a limb, nearly exact close to its surface."""
    along = points[:, profile.axis]
    inside = np.clip(along, profile.start, profile.end)
    centers, reaches = profile.section(inside)
    first = points[:, profile.across[0]] - centers[:, 0]
    second = points[:, profile.across[1]] - centers[:, 1]
    reach_first = np.where(first >= 0, reaches[:, 0], reaches[:, 1])
    reach_second = np.where(second >= 0, reaches[:, 2], reaches[:, 3])
    ratio = np.sqrt((first / reach_first) ** 2 + (second / reach_second) ** 2)
    slope = np.sqrt((first / reach_first**2) ** 2 + (second / reach_second**2) ** 2)
    steep = ratio * (ratio - 1.0) / np.maximum(slope, 1e-9)
    around = np.where(ratio < 1e-6, -np.minimum(reach_first, reach_second), steep)
    beyond = np.abs(along - inside)
    return np.where(beyond > 0, np.hypot(np.maximum(around, 0.0), beyond), around)


def _ellipsoid_distance(points: FloatArray, center: FloatArray, reach: FloatArray) -> FloatArray:
    scaled = (points - center) / reach
    ratio = np.linalg.norm(scaled, axis=1)
    slope = np.linalg.norm(scaled / reach, axis=1)
    return np.where(ratio < 1e-6, -reach.min(), ratio * (ratio - 1.0) / np.maximum(slope, 1e-9))


def _melted(first: FloatArray, second: FloatArray, softness: float) -> FloatArray:
    """The smaller of two distances, rounded off where they are about equal."""
    near = np.maximum(softness - np.abs(first - second), 0.0) / softness
    return np.minimum(first, second) - near**2 * softness * 0.25


def signed_distance(points: FloatArray) -> FloatArray:
    """[N] metres that `points` [N, 3] lie outside the skin (below 0: in the flesh)."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    # Left and right are alike, and hardly meet but between the legs.
    result = profile_distance(PROFILES["torso"], points)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for name, softness in _MELT.items():
            limb = profile_distance(PROFILES[side + name], points)
            result = _melted(result, limb, softness)
        for center, reach, softness in _LEFT_SHAPES:
            place = np.array(center) * [sign, 1.0, 1.0]
            result = _melted(result, _ellipsoid_distance(points, place, np.array(reach)), softness)
    return result


def outward_directions(points: FloatArray, step: float = 5e-4) -> FloatArray:
    """[N, 3] unit vectors: where the solid's outside lies."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    moved = points[:, None, None] + step * np.array([[1.0], [-1.0]]) * np.eye(3)[:, None]
    values = signed_distance(moved.reshape(-1, 3)).reshape(len(points), 3, 2)
    return unit(values[..., 0] - values[..., 1])


def snapped(points: FloatArray, offset: FloatArray | float = 0.0, num_steps: int = 4) -> FloatArray:
    """[N, 3]: `points` moved to the surface that lies `offset` metres outside the skin."""
    points = np.asarray(points, np.float64).reshape(-1, 3).copy()
    for _ in range(num_steps):
        away = signed_distance(points) - offset
        points -= np.clip(away, -0.03, 0.03)[:, None] * outward_directions(points)
    return points


def pushed_out(points: FloatArray, offset: FloatArray | float) -> FloatArray:
    """[N, 3]: those of `points` that lie nearer than `offset` metres moved out to it."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    close = signed_distance(points) < offset
    return np.where(close[:, None], snapped(points, offset), points)
