"""3 x 3 convolution by Winograd's minimal filtering: a quarter of the multiplications.

Lavin and Gray, "Fast algorithms for convolutional neural networks" (2015): a tile of 4 x 4 results
sees 6 x 6 pixels. As polynomials of degree 3 in each direction these are multiplied with the kernel
through their values at six points: 36 products where the sum takes 144. Constant matrices bring
lines of pixels to the points and back, so that a convolution is 36 matrix products over all tiles.
The matrices see whole lines: their cost comes on top, and grows with the line.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from psgan_tf.model.ops.kernels import FAST, Kernels

Matrix = npt.NDArray[np.float32]

_TAPS = 3
_TILE = 4  # results of a tile in each direction
_POINTS = _TILE + _TAPS - 1
# Pairs that are one another's inverses keep the matrices small, and with them the rounding: half
# of that at the usual 0, 1, -1, 2, -2. The sixth point is infinity.
_FINITE_POINTS = (0.0, math.sqrt(0.5), -math.sqrt(0.5), math.sqrt(2.0), -math.sqrt(2.0))


def _values_at_points(coefficients: int) -> npt.NDArray[np.float64]:
    """[6, coefficients]: from a polynomial to its values; at infinity, the last coefficient."""
    finite = np.vander(_FINITE_POINTS, coefficients, increasing=True)
    return np.vstack([finite, np.eye(coefficients)[-1]])


@functools.cache
def _to_points(size: int, doubled: bool) -> Matrix:
    """[6 size / 4, pixels]: from a line of pixels to the tiles' values, ordered (point, tile).

    What lies beyond the line's ends is zero.

    Args:
        size: results in a line, a multiple of 4.
        doubled: the line holds half as many pixels, each to be taken twice.
    """
    tiles = size // _TILE
    of_tile = np.linalg.inv(_values_at_points(_POINTS)).T
    matrix = np.zeros([_POINTS, tiles, size + 2])
    for tile in range(tiles):
        matrix[:, tile, tile * _TILE : tile * _TILE + _POINTS] = of_tile
    matrix = matrix[:, :, 1:-1].reshape(_POINTS * tiles, size)
    if doubled:
        matrix = matrix[:, 0::2] + matrix[:, 1::2]
    return matrix.astype(np.float32)


@functools.cache
def _from_points(size: int) -> Matrix:
    """[size, 6 size / 4]: from the tiles' values at the points to a line of results."""
    tiles = size // _TILE
    of_tile = _values_at_points(_TILE).T
    matrix = np.einsum("rp,st->srpt", of_tile, np.eye(tiles))
    return matrix.reshape(size, _POINTS * tiles).astype(np.float32)


def _filter_transform(kernel: tf.Tensor) -> tf.Tensor:
    """[3, 3, C, F] to [36, C, F]."""
    channels, filters = kernel.shape[2:]
    line = _values_at_points(_TAPS)
    matrix = np.kron(line, line).astype(np.float32)
    values = tf.matmul(matrix, tf.reshape(kernel, [_TAPS * _TAPS, channels * filters]))
    return tf.reshape(values, [_POINTS * _POINTS, channels, filters])


def _input_transform(pixels: tf.Tensor, rows: Matrix, columns: Matrix) -> tf.Tensor:
    """Pixels [B, H, W, C] brought to the points, [36, B * tiles, C]: rows @ pixels @ columns^T."""
    height, width, channels = pixels.shape[1:]
    down, across = len(rows) // _POINTS, len(columns) // _POINTS
    lines = tf.matmul(rows, tf.reshape(pixels, [-1, height, width * channels]))
    values = tf.matmul(columns, tf.reshape(lines, [-1, width, channels]))
    values = tf.reshape(values, [-1, _POINTS, down, _POINTS, across * channels])
    values = tf.transpose(values, [1, 3, 0, 2, 4])
    return tf.reshape(values, [_POINTS * _POINTS, -1, channels])


def _output_transform(values: tf.Tensor, rows: Matrix, columns: Matrix) -> tf.Tensor:
    """The way back: values [36, B * tiles, C] to pixels [B, H, W, C]."""
    channels = values.shape[2]
    down, across = rows.shape[1] // _POINTS, columns.shape[1] // _POINTS
    values = tf.reshape(values, [_POINTS, _POINTS, -1, down, across * channels])
    values = tf.transpose(values, [2, 0, 3, 1, 4])
    lines = tf.matmul(columns, tf.reshape(values, [-1, _POINTS * across, channels]))
    width = len(columns)
    pixels = tf.matmul(rows, tf.reshape(lines, [-1, _POINTS * down, width * channels]))
    return tf.reshape(pixels, [-1, len(rows), width, channels])


def _product(
    pixels: tf.Tensor,
    weights: tf.Tensor,
    to_points: tuple[Matrix, Matrix],
    from_points: tuple[Matrix, Matrix],
    transposed: bool = False,
) -> tf.Tensor:
    """Pixels brought to the points, times weights there, brought back.

    Its derivative by the pixels is of the same kind. Values at the points, 9 numbers for 4
    pixels, are computed anew for the derivative by the weights and never kept.

    Args:
        pixels: [B, H, W, C].
        weights: [36, C, F], or [36, F, C] when transposed.
        to_points, from_points: matrices for the rows and for the columns.
        transposed: of each weight matrix.
    """
    back_to = tuple(matrix.T for matrix in from_points)
    back_from = tuple(matrix.T for matrix in to_points)

    @tf.custom_gradient
    def product(pixels, weights):
        values = tf.matmul(_input_transform(pixels, *to_points), weights, transpose_b=transposed)

        def gradients(upstream):
            with tf.control_dependencies([upstream]):
                again = tf.identity(pixels)
            left, right = _input_transform(again, *to_points), _input_transform(upstream, *back_to)
            if transposed:
                left, right = right, left
            return (
                _product(upstream, weights, back_to, back_from, not transposed),
                tf.matmul(left, right, transpose_a=True),
            )

        return _output_transform(values, *from_points), gradients

    return product(pixels, weights)


def winograd_conv2d(
    features: tf.Tensor, kernel: tf.Tensor, kernels: Kernels = FAST, *, doubled: bool = False
) -> tf.Tensor:
    """3 x 3 convolution with zero padding, with gradients of any order, as cheap as itself.

    Args:
        features: [B, H, W, C] float32.
        kernel: [3, 3, C, F] float32.
        kernels: keeps the kernel's transform for the other calls of a training step.
        doubled: convolve the features doubled in both directions (nearest neighbour).

    Returns:
        [B, H, W, F], or twice as high and wide, as `tf.nn.conv2d(features, kernel, 1, "SAME")`;
        height and width are multiples of 4. Rounding is two to five times that of the sum.
    """
    height, width = features.shape[1:3]
    rows, columns = (2 * height, 2 * width) if doubled else (height, width)
    return _product(
        features,
        kernels.once((kernel.ref(), "points"), lambda: _filter_transform(kernel)),
        (_to_points(rows, doubled), _to_points(columns, doubled)),
        (_from_points(rows), _from_points(columns)),
    )
