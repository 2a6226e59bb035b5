"""Gradients of a loss of several terms, one term after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf


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
