"""Gradients summed over the parts of a batch and the terms of a loss, one after the other.

Memory for the largest part and the largest term is then enough.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
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


class LossGradients:
    """Sums the gradients of a loss's terms as they are added.

    In a graph a term starts when the gradients of the one before are done and its tensors gone: a
    step then needs memory for the largest term and not for all. One tape sees all terms, since
    the first one makes what the others share (`Kernels.once`).

        gradients = LossGradients(variables, batch_size)
        with gradients.term():
            losses = ...
        gradients.add(losses)

    Args:
        variables: whose gradients they are; some term depends on each.
        batch_size: the losses' sum is divided by it.
        in_turn: compute one term after the other; else all at once, when `total` is asked for.
    """

    def __init__(self, variables: Sequence[tf.Variable], batch_size: int, *, in_turn: bool = True):
        self._variables = variables
        self._batch_size = batch_size
        self._in_turn = in_turn
        self._loss: tf.Tensor | None = None
        self._gradients: list[tf.Tensor | None] = [None] * len(variables)
        self._tape = tf.GradientTape(persistent=True, watch_accessed_variables=False)
        with self._tape:
            self._tape.watch(variables)

    @contextlib.contextmanager
    def term(self) -> Iterator[None]:
        """Within this a term is computed: recorded, and not before those added are done."""
        done = tf.group(*[gradient for gradient in self._gradients if gradient is not None])
        with self._tape, tf.control_dependencies([done]):
            yield

    def add(self, losses: tf.Tensor) -> None:
        """Adds the gradients of a term.

        Args:
            losses: [B] float32, computed within `term`.
        """
        with self._tape:
            loss = tf.reduce_sum(losses) / self._batch_size
            if not self._in_turn:
                self._loss = loss if self._loss is None else self._loss + loss
                return
        of_term = self._tape.gradient(loss, self._variables)
        self._gradients = [
            before if by is None else by if before is None else before + by
            for before, by in zip(self._gradients, of_term, strict=True)
        ]

    def total(self) -> list[tf.Tensor | None]:
        """The gradient of all terms' sum by each variable; None where no term depends on it."""
        if not self._in_turn:
            return self._tape.gradient(self._loss, self._variables)
        return self._gradients
