"""A batch computed in parts, one after the other, so that memory for one part is enough."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def sum_over_parts(
    compute: Callable[..., Any],
    examples: tuple[tf.Tensor, ...],
    sizes: Sequence[int],
    zeros: Any,
) -> Any:
    """The sum of what `compute` makes of each part of a batch.

    Parts of one size are the turns of one loop, traced once; a part's tensors are gone when the
    next one starts, and nothing of a part starts before its examples are there. A batch in one part
    is computed without a loop.

    Args:
        compute: from a part of each example tensor to a nest of tensors.
        examples: each [B, ...].
        sizes: of consecutive parts; their sum is B.
        zeros: what the sum starts from, of the structure and the shapes that `compute` returns.
    """
    if len(sizes) == 1:
        return _compute_after(examples, compute)
    totals, start = zeros, 0
    for size, equal_parts in itertools.groupby(sizes):
        count = len(list(equal_parts))
        end = start + count * size
        stacked = [
            tf.reshape(rows[start:end], [count, size, *rows.shape[1:]])  # [B, ...] to parts
            for rows in examples
        ]
        totals = _add_parts(compute, stacked, count, totals)
        start = end
    return totals


def _add_parts(compute, stacked, count, totals):
    def add(index, totals):
        part = _compute_after([rows[index] for rows in stacked], compute)
        return index + 1, tf.nest.map_structure(tf.add, totals, part)

    _, totals = tf.while_loop(
        lambda index, _: index < count, add, (0, totals), parallel_iterations=1
    )
    return totals


def _compute_after(part, compute):
    with tf.control_dependencies(part):
        return compute(*part)
