"""Batching in the stand-in: who shares a batch, who gets which rows, and what goes wrong how."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from batching_by_hand import PATIENCE_SECS, HeldGraph, at_once, outcome, rows
from export.local_server.batching.config import BatchingParameters
from export.local_server.batching.runner import BatchingRunner, pad_to_largest
from export.local_server.batching.scheduler import BatchScheduler

ODD_SHAPE = (
    "FAILED_PRECONDITION: Tensors with name 'x:0' from different tasks have different shapes and "
    "padding is turned off. Set pad_variable_length_inputs to true, or ensure that all tensors "
    "with the same name have equal dimensions starting with the first dim."
)
FOREVER_US = 3_600_000_000


@pytest.fixture
def batched():
    """Makes a batching runner before a HeldGraph; all are closed at the end."""
    made = []

    def make(threads=1, **parameters):
        scheduler = BatchScheduler(threads)
        graph = HeldGraph()
        runner = BatchingRunner(graph, BatchingParameters(**parameters), scheduler)
        made.append((scheduler, graph, runner))
        return runner, graph

    yield make
    for scheduler, graph, runner in made:
        graph.open.set()
        runner.close()
        scheduler.close()


def ask(runner, x, fetches=("y:0",), timeout_secs=PATIENCE_SECS):
    return runner.run({"x:0": x}, fetches, timeout_secs)


# --- who shares a batch


def test_a_single_row_is_filled_up_to_the_smallest_allowed_size(batched):
    runner, graph = batched(max_batch_size=4, allowed_batch_sizes=(2, 4))
    y, size = ask(runner, rows(1, 3.0), ("y:0", "size:0"))
    assert size.tolist() == [2]
    assert y.tolist() == [[7.0, 7.0, 7.0]]
    assert graph.seen[0]["x:0"].tolist() == [[3.0] * 3] * 2  # a copy of the row, not zeros


def test_eight_single_rows_at_once_run_as_two_batches_of_four(batched):
    runner, graph = batched(max_batch_size=4, batch_timeout_micros=FOREVER_US, threads=2)
    sizes = at_once([lambda: ask(runner, rows(1), ("size:0",))[0].tolist()] * 8)
    assert sizes == [[4]] * 8
    assert graph.sizes() == [4, 4]


def test_different_outputs_and_different_inputs_never_share_a_batch(batched):
    runner, graph = batched(max_batch_size=2, batch_timeout_micros=20_000, threads=2)
    at_once(
        [
            lambda: ask(runner, rows(1), ("y:0",)),
            lambda: ask(runner, rows(1), ("size:0",)),
            lambda: runner.run({"x:0": rows(1), "z:0": rows(1)}, ("y:0",), PATIENCE_SECS),
        ]
    )
    assert graph.sizes() == [1, 1, 1]


def test_each_of_many_clients_gets_its_own_rows(batched):
    runner, graph = batched(
        threads=2, max_batch_size=8, batch_timeout_micros=300, allowed_batch_sizes=(4, 8)
    )
    sizes = np.random.default_rng(5).integers(1, 5, size=400).tolist()

    def call(number):
        x = rows(sizes[number], float(number)) + np.arange(sizes[number])[:, None] / 8
        (y,) = ask(runner, x)
        return np.array_equal(y, x * 2 + 1)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(400)))
    assert set(graph.sizes()) <= {4, 8}
    assert len(graph.seen) < 400


# --- what goes wrong


@pytest.mark.parametrize(
    ("feeds", "fetch", "expected"),
    [
        (
            {"x:0": np.float32(1.0)},
            "y:0",
            "INVALID_ARGUMENT: Batching Run() input tensors must have at least one dimension",
        ),
        (
            {"x:0": rows(1), "psi:0": np.ones(2, np.float32)},
            "y:0",
            "INVALID_ARGUMENT: Batching Run() input tensors must have equal 0th-dimension size",
        ),
        (
            {"x:0": rows(5)},
            "y:0",
            "INVALID_ARGUMENT: Task size 5 is larger than maximum input batch size 4",
        ),
        (
            {"x:0": rows(1)},
            "total:0",
            "FAILED_PRECONDITION: Batched output tensor has 0 dimensions",
        ),
        (
            {"x:0": rows(2)},
            "first:0",
            "FAILED_PRECONDITION: Batched output tensor's 0th dimension does not equal the sum of "
            "the 0th dimension sizes of the input tensors",
        ),
        ({}, "y:0", "INVALID_ARGUMENT: Batching session Run() must have at least one input tensor"),
        ({"x:0": rows(1)}, "broken:0", "INTERNAL: ZeroDivisionError: a fault of the graph's own"),
    ],
)
def test_what_cannot_be_batched_is_refused_and_the_next_request_runs(
    batched, feeds, fetch, expected
):
    runner, _ = batched(max_batch_size=4)
    assert outcome(lambda: runner.run(feeds, (fetch,), PATIENCE_SECS)) == expected
    assert ask(runner, rows(1))[0].tolist() == [[1.0] * 3]


def test_an_odd_shape_fails_its_neighbour_too_and_nobody_after_them(batched):
    runner, graph = batched(max_batch_size=2, batch_timeout_micros=FOREVER_US)
    outcomes = at_once(
        [lambda: ask(runner, rows(1, width=3)), lambda: ask(runner, rows(1, width=2))]
    )
    assert outcomes == [ODD_SHAPE, ODD_SHAPE]
    assert graph.seen == []
    assert ask(runner, rows(2))[0].shape == (2, 3)


def test_another_dtype_in_the_batch_is_an_error_and_no_silent_cast(batched):
    runner, graph = batched(max_batch_size=2, batch_timeout_micros=FOREVER_US)
    calls = [lambda: ask(runner, rows(1)), lambda: ask(runner, rows(1, dtype=np.float64))]
    for text in at_once(calls):
        assert text.startswith(
            "INTERNAL: Tensor concat operation failed: INVALID_ARGUMENT: Cannot concatenate "
            "tensors that have different data types. Got "
        )
    assert graph.seen == []


def test_of_thirty_slow_requests_a_queue_of_two_batches_takes_twelve(batched):
    runner, graph = batched(
        max_batch_size=4, batch_timeout_micros=FOREVER_US, max_enqueued_batches=2
    )
    graph.open.clear()
    with ThreadPoolExecutor(30) as pool:
        running = [pool.submit(outcome, lambda: ask(runner, rows(1))) for _ in range(4)]
        assert graph.entered.acquire(timeout=PATIENCE_SECS)  # the one thread has a batch
        later = [pool.submit(outcome, lambda: ask(runner, rows(1))) for _ in range(26)]
        refused = []
        while len(refused) < 18:
            refused = [future.result() for future in later if future.done()]
        graph.open.set()
        answers = [future.result(PATIENCE_SECS) for future in (*running, *later)]
    assert set(refused) == {
        "UNAVAILABLE: The batch scheduling queue to which this task was submitted is full; "
        "currently 2 batches enqueued and max_enqueued_batches is 2"
    }
    assert sum(not isinstance(answer, str) for answer in answers) == 12
    assert graph.sizes() == [4, 4, 4]


# --- time


def test_a_request_leaves_at_its_deadline_and_takes_its_rows_out_of_the_queue(batched):
    runner, graph = batched(max_batch_size=4)
    graph.open.clear()
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(ask, runner, rows(1, 1.0))
        assert graph.entered.acquire(timeout=PATIENCE_SECS)
        late = outcome(lambda: ask(runner, rows(1, 2.0), timeout_secs=0.05))
        assert late == "DEADLINE_EXCEEDED: Deadline Exceeded"
        last = pool.submit(ask, runner, rows(1, 3.0))
        graph.open.set()
        assert slow.result(PATIENCE_SECS)[0].tolist() == [[3.0] * 3]
        assert last.result(PATIENCE_SECS)[0].tolist() == [[7.0] * 3]
    assert [feeds["x:0"][:, 0].tolist() for feeds in graph.seen] == [[1.0], [3.0]]


def test_a_batch_has_the_time_of_the_most_patient_of_its_requests(batched):
    runner, graph = batched(max_batch_size=2, batch_timeout_micros=FOREVER_US)
    at_once([partial(ask, runner, rows(1), timeout_secs=secs) for secs in (20, 50)])
    (timeout_secs,) = graph.timeouts
    assert 40 < timeout_secs <= 50


def test_a_slow_batch_of_one_signature_does_not_hold_up_another(batched):
    runner, graph = batched(threads=2, max_batch_size=4)
    graph.open.clear()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, runner, rows(1), ("size:0",))
        assert graph.entered.acquire(timeout=PATIENCE_SECS)
        quick = HeldGraph()
        other = BatchingRunner(quick, BatchingParameters(max_batch_size=4), runner._scheduler)
        assert ask(other, rows(1))[0].tolist() == [[1.0] * 3]
        assert not slow.done()
        other.close()
        assert quick.closed
        graph.open.set()
        assert slow.result(PATIENCE_SECS)[0].tolist() == [1]


def test_busy_queues_take_turns(batched):
    runner, graph = batched(max_batch_size=1, max_enqueued_batches=100)
    graph.open.clear()
    with ThreadPoolExecutor(13) as pool:
        pool.submit(ask, runner, rows(1))
        assert graph.entered.acquire(timeout=PATIENCE_SECS)
        many = [pool.submit(ask, runner, rows(1), ("y:0",)) for _ in range(10)]
        while sum(map(len, queue_batches(runner))) < 10:
            time.sleep(0.001)
        single = pool.submit(ask, runner, rows(1, 9.0), ("size:0",))
        while sum(map(len, queue_batches(runner))) < 11:
            time.sleep(0.001)
        graph.open.set()
        single.result(PATIENCE_SECS)
        assert [future.result(PATIENCE_SECS) for future in many]
    values = [float(feeds["x:0"][0, 0]) for feeds in graph.seen]
    assert values.index(9.0) <= 2  # after the batch under way and at most one of the other queue


def queue_batches(runner):
    return [batch for queue in runner._queues.values() for batch in queue._batches]


def test_closing_answers_what_is_queued_and_then_closes_the_graph(batched):
    runner, graph = batched(max_batch_size=4, batch_timeout_micros=FOREVER_US)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(ask, runner, rows(1))
        while not any(queue_batches(runner)):
            time.sleep(0.001)
        runner.close()
        assert graph.closed
        assert waiting.result(PATIENCE_SECS)[0].tolist() == [[1.0] * 3]
    assert outcome(lambda: ask(runner, rows(1))).startswith("UNAVAILABLE")
    graph.closed = False


# --- large requests and unequal lengths


def test_a_split_request_comes_back_whole_and_in_order(batched):
    runner, graph = batched(
        threads=2, max_batch_size=100, max_execution_batch_size=4, enable_large_batch_splitting=True
    )
    x = np.arange(30, dtype=np.float32).reshape(10, 3)
    assert np.array_equal(ask(runner, x)[0], x * 2 + 1)
    assert max(graph.sizes()) <= 4


def test_shorter_inputs_are_padded_with_their_own_first_value(batched):
    runner, graph = batched(
        max_batch_size=2, batch_timeout_micros=FOREVER_US, pad_variable_length_inputs=True
    )
    outcomes = at_once(
        [lambda: ask(runner, rows(1, 5.0, width=1)), lambda: ask(runner, rows(1, 6.0, width=3))]
    )
    assert [answer[0].tolist() for answer in outcomes] == [[[11.0] * 3], [[13.0] * 3]]
    assert sorted(graph.seen[0]["x:0"].tolist()) == [[5.0] * 3, [6.0] * 3]


def test_inputs_of_unequal_rank_cannot_be_padded():
    arrays = [np.zeros((1, 2)), np.zeros((1, 2, 2))]
    assert outcome(lambda: pad_to_largest("x:0", arrays)) == ODD_SHAPE


def test_strings_are_batched_as_they_are(batched):
    scheduler = BatchScheduler(1)

    class Echo(HeldGraph):
        def run(self, feeds, fetches, timeout_secs):
            return [feeds["x:0"]]

    runner = BatchingRunner(
        Echo(), BatchingParameters(max_batch_size=4, allowed_batch_sizes=(4,)), scheduler
    )
    (echoed,) = ask(runner, np.array([b"a", b"\x00b\x00"], object))
    assert echoed.tolist() == [b"a", b"\x00b\x00"]
    runner.close()
    scheduler.close()


def test_a_batch_of_no_rows_is_run_as_it_is(batched):
    runner, graph = batched(max_batch_size=4, allowed_batch_sizes=(2, 4))
    assert ask(runner, rows(0))[0].shape == (0, 3)
    assert graph.sizes() == [0]
