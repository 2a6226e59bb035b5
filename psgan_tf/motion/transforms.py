"""Rotations, rigid transforms and forward kinematics over whole arrays of frames.

Quaternions are [..., 4] float64 in the order x, y, z, w (glTF's); rotation matrices [..., 3, 3]
and 4 x 4 matrices act on column vectors. All functions broadcast over leading axes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

IDENTITY_QUATERNION = np.array([0.0, 0.0, 0.0, 1.0])

# Below this angle between two quaternions (as 1 - cos) slerp and lerp agree to rounding.
_SLERP_EPSILON = 1e-12


def normalise_quaternions(quaternions: FloatArray) -> FloatArray:
    """Unit quaternions [..., 4]; a quaternion shorter than 1e-9 becomes the identity."""
    lengths = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    usable = lengths > 1e-9
    return np.where(usable, quaternions / np.where(usable, lengths, 1.0), IDENTITY_QUATERNION)


def multiply_quaternions(first: FloatArray, second: FloatArray) -> FloatArray:
    """The rotation `second` followed by `first` (first @ second as matrices): [..., 4]."""
    ax, ay, az, aw = first[..., 0], first[..., 1], first[..., 2], first[..., 3]
    bx, by, bz, bw = second[..., 0], second[..., 1], second[..., 2], second[..., 3]
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=-1,
    )


def conjugate_quaternions(quaternions: FloatArray) -> FloatArray:
    """The inverse rotations of unit quaternions [..., 4]."""
    conjugated: FloatArray = quaternions * np.array([-1.0, -1.0, -1.0, 1.0])
    return conjugated


def rotate_vectors(quaternions: FloatArray, vectors: FloatArray) -> FloatArray:
    """[..., 3] vectors turned by [..., 4] unit quaternions."""
    axes, w = quaternions[..., :3], quaternions[..., 3:]
    twice_cross = 2.0 * np.cross(axes, vectors)
    return vectors + w * twice_cross + np.cross(axes, twice_cross)


def angles_between(first: FloatArray, second: FloatArray) -> FloatArray:
    """[...] radians, 0 to pi, by which the rotations [..., 4] and [..., 4] differ."""
    relative = multiply_quaternions(conjugate_quaternions(first), second)
    sines = np.linalg.norm(relative[..., :3], axis=-1)
    angles: FloatArray = 2.0 * np.arctan2(sines, np.abs(relative[..., 3]))
    return angles


def matrices_from_quaternions(quaternions: FloatArray) -> FloatArray:
    """[..., 4] unit quaternions to [..., 3, 3] rotation matrices."""
    x, y, z, w = np.moveaxis(np.asarray(quaternions, np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternions_from_matrices(matrices: FloatArray) -> FloatArray:
    """[..., 3, 3] rotation matrices to [..., 4] unit quaternions with w >= 0.

    Shepperd's method: of the four ways to write the quaternion, the one whose leading component
    is largest, so no case divides by a small number.
    """
    m = np.asarray(matrices, np.float64)
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    candidates = np.stack(
        [
            _stacked(
                1 + d0 - d1 - d2,
                m[..., 0, 1] + m[..., 1, 0],
                m[..., 0, 2] + m[..., 2, 0],
                m[..., 2, 1] - m[..., 1, 2],
            ),
            _stacked(
                m[..., 0, 1] + m[..., 1, 0],
                1 - d0 + d1 - d2,
                m[..., 1, 2] + m[..., 2, 1],
                m[..., 0, 2] - m[..., 2, 0],
            ),
            _stacked(
                m[..., 0, 2] + m[..., 2, 0],
                m[..., 1, 2] + m[..., 2, 1],
                1 - d0 - d1 + d2,
                m[..., 1, 0] - m[..., 0, 1],
            ),
            _stacked(
                m[..., 2, 1] - m[..., 1, 2],
                m[..., 0, 2] - m[..., 2, 0],
                m[..., 1, 0] - m[..., 0, 1],
                1 + d0 + d1 + d2,
            ),
        ],
        axis=-2,
    )
    leading = np.stack([d0, d1, d2, d0 + d1 + d2], axis=-1)
    best = np.argmax(leading, axis=-1)[..., None, None]
    chosen = np.take_along_axis(candidates, best, axis=-2)[..., 0, :]
    chosen = normalise_quaternions(chosen)
    return np.where(chosen[..., 3:] < 0, -chosen, chosen)


def _stacked(*components: FloatArray) -> FloatArray:
    stacked: FloatArray = np.stack(components, axis=-1)
    return stacked


def axis_rotation_matrices(axis: int, angles_rad: FloatArray) -> FloatArray:
    """[...] angles about the x (0), y (1) or z (2) axis to [..., 3, 3] rotation matrices."""
    angles_rad = np.asarray(angles_rad, np.float64)
    cosines, sines = np.cos(angles_rad), np.sin(angles_rad)
    matrices = np.zeros((*angles_rad.shape, 3, 3))
    second, third = (axis + 1) % 3, (axis + 2) % 3
    matrices[..., axis, axis] = 1.0
    matrices[..., second, second] = cosines
    matrices[..., third, third] = cosines
    matrices[..., second, third] = -sines
    matrices[..., third, second] = sines
    return matrices


def rotation_between(source: FloatArray, target: FloatArray) -> FloatArray:
    """[3, 3]: the smallest rotation that turns the direction `source` to `target`.

    Opposite directions turn about an axis of our choice (there is no smallest one).
    """
    source = source / np.linalg.norm(source)
    target = target / np.linalg.norm(target)
    cosine = float(source @ target)
    if cosine < -1 + 1e-9:
        helper = np.eye(3)[int(np.argmin(np.abs(source)))]
        axis = np.cross(source, helper)
        axis /= np.linalg.norm(axis)
        return 2.0 * np.outer(axis, axis) - np.eye(3)
    cross = np.cross(source, target)
    skew = np.array([[0, -cross[2], cross[1]], [cross[2], 0, -cross[0]], [-cross[1], cross[0], 0]])
    rotation: FloatArray = np.eye(3) + skew + skew @ skew / (1.0 + cosine)
    return rotation


def slerp(first: FloatArray, second: FloatArray, fractions: FloatArray) -> FloatArray:
    """Spherical interpolation the short way round: [..., 4]; `fractions` [...] from 0 to 1."""
    dots = np.sum(first * second, axis=-1, keepdims=True)
    second = np.where(dots < 0, -second, second)
    dots = np.minimum(np.abs(dots), 1.0)
    angles = np.arccos(dots)
    fractions = np.asarray(fractions)[..., None]
    close = dots > 1.0 - _SLERP_EPSILON
    sines = np.where(close, 1.0, np.sin(angles))
    first_weights = np.where(close, 1.0 - fractions, np.sin((1.0 - fractions) * angles) / sines)
    second_weights = np.where(close, fractions, np.sin(fractions * angles) / sines)
    return normalise_quaternions(first_weights * first + second_weights * second)


def matrices_from_trs(
    translations: FloatArray, rotations: FloatArray, scales: FloatArray
) -> FloatArray:
    """[..., 3] translations, [..., 4] unit quaternions, [..., 3] scales to [..., 4, 4]."""
    rotated = matrices_from_quaternions(rotations)
    matrices = np.zeros((*rotated.shape[:-2], 4, 4))
    matrices[..., :3, :3] = rotated * np.asarray(scales)[..., None, :]
    matrices[..., :3, 3] = translations
    matrices[..., 3, 3] = 1.0
    return matrices


def trs_from_matrices(matrices: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """[..., 4, 4] to translations [..., 3], unit quaternions [..., 4] and scales [..., 3].

    Shear is dropped; a mirror (negative determinant) goes into the x scale; an axis of no length
    gives scale 0 and a rotation that is the identity's nearest.
    """
    matrices = np.asarray(matrices, np.float64)
    return (
        matrices[..., :3, 3].copy(),
        quaternions_from_matrices(rotations_of(matrices)),
        _signed_scales(matrices),
    )


def _signed_scales(matrices: FloatArray) -> FloatArray:
    linear = matrices[..., :3, :3]
    scales: FloatArray = np.linalg.norm(linear, axis=-2)
    scales[..., 0] *= np.where(np.linalg.det(linear) < 0, -1.0, 1.0)
    return scales


def rotations_of(matrices: FloatArray) -> FloatArray:
    """[..., 3, 3]: the proper rotation nearest to the linear part of [..., 4, 4] matrices."""
    linear = np.asarray(matrices, np.float64)[..., :3, :3]
    scales = _signed_scales(np.asarray(matrices, np.float64))[..., None, :]
    unit = linear / np.where(np.abs(scales) > 1e-12, scales, 1.0)
    left, _, right = np.linalg.svd(unit)
    signs = np.ones((*unit.shape[:-2], 3))
    signs[..., 2] = np.where(np.linalg.det(left @ right) < 0, -1.0, 1.0)
    rotations: FloatArray = (left * signs[..., None, :]) @ right
    return rotations


def forward_kinematics(
    parents: IntArray, order: IntArray, local_matrices: FloatArray
) -> FloatArray:
    """World matrices [..., N, 4, 4] of a node tree from its local matrices [..., N, 4, 4].

    Args:
        parents: [N] int, -1 for roots.
        order: [N] int, parents before children.
        local_matrices: for any number of leading (frame) axes.
    """
    world = np.array(local_matrices, np.float64)
    for node in order:
        if parents[node] >= 0:
            world[..., node, :, :] = world[..., parents[node], :, :] @ world[..., node, :, :]
    return world
