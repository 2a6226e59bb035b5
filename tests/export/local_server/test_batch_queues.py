"""The queues of the stand-in's batching: which tasks come into a batch, and when it is due."""

import threading
import time

import pytest

from batching_by_hand import outcome
from export.local_server.batching.config import BatchingParameters
from export.local_server.batching.runner import part_sizes
from export.local_server.batching.scheduler import BatchQueue, BatchScheduler, Task


def queue_of(sizes, **parameters):
    """The sizes of the tasks in each batch that a queue makes of tasks that come in this order."""
    queue = BatchQueue(BatchingParameters(**parameters), process=lambda tasks: None)
    for size in sizes:
        queue.check_room(size)
        queue.add([Task({}, size, deadline=0.0)])
    batches = []
    while not queue.is_idle():
        batches.append([task.size for task in queue.take()])
        queue.batches_under_way -= 1
    return batches


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([1, 2, 3], [[1, 2], [3]]),
        ([3, 1, 2], [[3, 1], [2]]),
        ([2, 3, 1], [[2], [3, 1]]),
        ([4, 4, 1], [[4], [4], [1]]),
        ([0, 4, 0], [[0, 4, 0]]),
    ],
)
def test_a_request_that_does_not_fit_any_more_begins_the_next_batch(sizes, batches):
    assert queue_of(sizes, max_batch_size=4) == batches


def test_a_batch_is_due_when_full_or_when_its_first_task_has_waited():
    queue = BatchQueue(
        BatchingParameters(max_batch_size=2, batch_timeout_micros=5_000_000), lambda tasks: None
    )
    assert queue.due_at() == float("inf")
    before = time.monotonic()
    queue.add([Task({}, 1, deadline=0.0)])
    assert before + 5 <= queue.due_at() <= time.monotonic() + 5
    queue.add([Task({}, 1, deadline=0.0)])
    assert queue.due_at() == 0.0


@pytest.mark.parametrize(
    ("size", "room", "expected"),
    [(3, 4, [3]), (10, 4, [4, 4, 2]), (10, 1, [1, 4, 4, 1]), (8, 0, [4, 4]), (0, 0, [0])],
)
def test_a_large_request_fills_the_open_batch_and_then_whole_ones(size, room, expected):
    assert part_sizes(size, room, 4) == expected


def test_a_split_request_that_has_no_room_is_refused_whole():
    parameters = BatchingParameters(
        max_batch_size=100,
        max_execution_batch_size=4,
        max_enqueued_batches=2,
        enable_large_batch_splitting=True,
    )
    queue = BatchQueue(parameters, lambda tasks: None)
    assert outcome(lambda: queue.check_room(9)) == (
        "UNAVAILABLE: The batch scheduling queue to which this task was submitted is full; task "
        "size is 9 but scheduling capacity is only 8 (num_enqueued_batches=1, "
        "max_enqueued_batches=2, open_batch_size=0, max_execution_batch_size=4)"
    )
    queue.check_room(8)


def test_all_threads_end_with_the_scheduler():
    scheduler = BatchScheduler(3, "ends")
    assert sum(thread.name.startswith("ends_") for thread in threading.enumerate()) == 3
    scheduler.close()
    assert not any(thread.name.startswith("ends_") for thread in threading.enumerate())
