"""Batches in parts: which rows a part holds, what is added up, and what one part can spoil."""

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.training.gradient_accumulation import sum_over_parts
from psgan_tf.training.schedule import part_sizes


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [
        (16, 0, [16]),
        (16, 99, [16]),
        (16, 16, [16]),
        (16, 4, [4, 4, 4, 4]),
        (5, 4, [3, 2]),
        (5, 3, [3, 2]),
        (5, 2, [2, 2, 1]),
        (12, 5, [4, 4, 4]),
        (2, 1, [1, 1]),
        (1, 3, [1]),
    ],
)
def test_a_batch_falls_into_the_fewest_parts_of_nearly_one_size(count, most, sizes):
    assert part_sizes(count, most) == sizes


def test_parts_hold_all_pictures_and_none_has_too_many_or_two_fewer_than_another():
    for count in range(1, 40):
        for most in range(1, 45):
            sizes = part_sizes(count, most)
            assert sum(sizes) == count
            assert max(sizes) <= most
            assert max(sizes) - min(sizes) <= 1
            assert (len(sizes) - 1) * most < count, "fewer parts would do"


# A weighted sum, the largest row and the size of a part: each shows which rows a part held.
def facts(rows, weights):
    return {
        "sum": tf.linalg.matvec(rows, weights, transpose_a=True),
        "spread": tf.reduce_max(rows[:, 0]) - tf.reduce_min(rows[:, 0]),
        "squared size": tf.cast(tf.shape(rows)[0] ** 2, tf.float32),
    }


@pytest.mark.parametrize("sizes", [[5], [3, 2], [2, 2, 1], [1, 1, 1, 1, 1]])
def test_the_sum_is_that_of_consecutive_parts(sizes):
    rows = np.float32([[1, 2], [3, 5], [10, 7], [20, 11], [40, 13]])
    weights = np.float32([1, 2, 3, 4, 5])
    zeros = {"sum": tf.zeros(2), "spread": 0.0, "squared size": 0.0}
    summed = tf.function(lambda *given: sum_over_parts(facts, given, sizes, zeros))(rows, weights)
    parts = np.split(rows, np.cumsum(sizes)[:-1])
    np.testing.assert_allclose(summed["sum"], rows.T @ weights)
    assert summed["spread"] == sum(np.ptp(part[:, 0]) for part in parts)
    assert summed["squared size"] == sum(size**2 for size in sizes)


@pytest.mark.parametrize("sizes", [[4], [2, 2], [2, 1, 1]])
def test_a_part_knows_its_size_when_it_is_traced(sizes):
    traced = []

    def compute(rows):
        traced.append(rows.shape.as_list())
        return tf.reduce_sum(rows)

    total = tf.function(lambda rows: sum_over_parts(compute, (rows,), sizes, 0.0))(tf.ones([4, 3]))
    assert total == 12
    assert [shape[0] for shape in traced] == list(dict.fromkeys(sizes)), "one trace for each size"
