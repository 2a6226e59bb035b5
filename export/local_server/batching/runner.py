"""Dynamic batching: requests that come close together are run as one, as the stock server does.

A `BatchingRunner` stands before a servable's own runner and has the same face. Requests for the
same tensors share a queue (`scheduler.py`); a batch is the concatenation of their arrays along axis
0, filled up to an allowed size with copies of a row, and each request gets the rows of the answer
that are its own. One request that does not fit the others in a batch fails them too, as on the
stock server: that is why a client must check shapes before it sends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import grpc
import numpy as np
from tensorflow.core.framework import types_pb2

from export.local_server.batching.config import BatchingParameters
from export.local_server.batching.scheduler import BatchQueue, BatchScheduler, Task
from export.local_server.interfaces import GraphRunner
from export.tensorflow_c.library import TYPE_NUMBERS
from export.tensorflow_c.status import StatusError

FOREVER = float("inf")
MOST_PADDED_AXES = 6

INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


def request_size(feeds: Mapping[str, np.ndarray]) -> int:
    """The rows of a request. Raises INVALID_ARGUMENT where its arrays cannot be batched."""
    if not feeds:
        raise StatusError(INVALID, "Batching session Run() must have at least one input tensor")
    if any(array.ndim == 0 for array in feeds.values()):
        raise StatusError(INVALID, "Batching Run() input tensors must have at least one dimension")
    sizes = {array.shape[0] for array in feeds.values()}
    if len(sizes) > 1:
        raise StatusError(
            INVALID, "Batching Run() input tensors must have equal 0th-dimension size"
        )
    return sizes.pop()


def split_feeds(
    feeds: Mapping[str, np.ndarray], sizes: Sequence[int]
) -> list[dict[str, np.ndarray]]:
    """The feeds' rows in parts of these sizes."""
    ends = np.cumsum(sizes)
    return [
        {name: array[end - size : end] for name, array in feeds.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]


def part_sizes(size: int, first_room: int, limit: int) -> list[int]:
    """How a large request is spread: what room is left in the open batch, then full batches."""
    if size <= first_room:
        return [size]
    sizes = [first_room] if first_room > 0 else []
    while (left := size - sum(sizes)) > 0:
        sizes.append(min(left, limit))
    return sizes


def pad_to_largest(name: str, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays with the same inner shape: each axis but the first is padded to the longest.

    The padding is the array's own first value, as on the stock server.
    """
    axes = {array.ndim for array in arrays}
    if len(axes) > 1:
        raise _unequal_shapes(name)
    longest = np.max([array.shape[1:] for array in arrays], axis=0, initial=0)
    return [_padded(array, longest) for array in arrays]


def _padded(array: np.ndarray, inner_shape: np.ndarray) -> np.ndarray:
    missing = inner_shape - array.shape[1:]
    if not missing.any():
        return array
    if array.ndim > MOST_PADDED_AXES:
        raise StatusError(INVALID, "Only tensors with rank from 1 to 6 can be padded.")
    if not array.size:
        raise StatusError(INVALID, "Got empty tensor in batch of non-empty tensors.")
    widths = [(0, 0), *((0, int(more)) for more in missing)]
    return np.pad(array, widths, constant_values=array.flat[0])


def _unequal_shapes(name: str) -> StatusError:
    return StatusError(
        PRECONDITION,
        f"Tensors with name '{name}' from different tasks have different shapes and padding is "
        "turned off. Set pad_variable_length_inputs to true, or ensure that all tensors with the "
        "same name have equal dimensions starting with the first dim.",
    )


def _type_name(array: np.ndarray) -> str:
    """As TensorFlow's own texts call the type: `float` for float32, `half` for float16."""
    return types_pb2.DataType.Name(TYPE_NUMBERS[array.dtype]).removeprefix("DT_").lower()


def join_rows(name: str, arrays: Sequence[np.ndarray], padding_rows: int) -> np.ndarray:
    """The tasks' arrays below each other, then copies of the last task's first row."""
    for array in arrays[1:]:
        if array.shape[1:] != arrays[0].shape[1:]:
            raise _unequal_shapes(name)
        if array.dtype != arrays[0].dtype:
            raise StatusError(
                grpc.StatusCode.INTERNAL,
                "Tensor concat operation failed: INVALID_ARGUMENT: Cannot concatenate tensors that "
                f"have different data types. Got {_type_name(arrays[0])} and {_type_name(array)}.",
            )
    if len(arrays) == 1 and not padding_rows:
        return arrays[0]
    copied = next((array[:1] for array in reversed(arrays) if len(array)), arrays[-1][:0])
    return np.concatenate([*arrays, *[copied] * padding_rows])


def merge(tasks: Sequence[Task], parameters: BatchingParameters) -> dict[str, np.ndarray]:
    """The feeds of a batch.

    Raises:
        StatusError: the tasks do not fit together.
    """
    size = sum(task.size for task in tasks)
    padding_rows = parameters.padded_size(size) - size
    merged = {}
    for name in tasks[0].feeds:
        arrays = [task.feeds[name] for task in tasks]
        if parameters.pad_variable_length_inputs:
            arrays = pad_to_largest(name, arrays)
        merged[name] = join_rows(name, arrays, padding_rows)
    return merged


def split(
    outputs: Sequence[np.ndarray], tasks: Sequence[Task], rows: int
) -> list[list[np.ndarray]]:
    """Each task's own rows of each output of a batch of `rows`, in the tasks' order.

    Raises:
        StatusError: an output has not a row for each row that went in.
    """
    for output in outputs:
        if np.ndim(output) == 0:
            raise StatusError(PRECONDITION, "Batched output tensor has 0 dimensions")
        if len(output) != rows:
            raise StatusError(
                PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
                "sizes of the input tensors",
            )
    ends = np.cumsum([task.size for task in tasks])
    return [
        [output[end - task.size : end] for output in outputs]
        for task, end in zip(tasks, ends, strict=True)
    ]


class BatchingRunner:
    """Runs requests in batches; has the face of `GraphRunner` and may be called by many threads.

    Args:
        runner: runs a batch.
        parameters: how batches are made.
        scheduler: has the threads; may be shared with other runners.
        queued: is told how long each request waited in its queue, in seconds.
    """

    def __init__(
        self,
        runner: GraphRunner,
        parameters: BatchingParameters,
        scheduler: BatchScheduler,
        queued: Callable[[float], None] = lambda secs: None,
    ) -> None:
        self._runner = runner
        self._parameters = parameters
        self._scheduler = scheduler
        self._queued = queued
        self._lock = threading.Lock()
        self._queues: dict[tuple[frozenset[str], tuple[str, ...]], BatchQueue] = {}

    def run(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        timeout_secs: float | None,
    ) -> list[np.ndarray]:
        """One request's part of a batch: see `GraphRunner.run`, and for errors the module's text.

        Raises:
            StatusError: DEADLINE_EXCEEDED as soon as the time is over, whatever the batch does;
                UNAVAILABLE where the queue is full; and what the batch ended with.
        """
        size = request_size(feeds)
        deadline = FOREVER if timeout_secs is None else time.monotonic() + timeout_secs
        queue = self._queue_of(feeds, fetches)
        limit = self._parameters.batch_size_limit

        def tasks_of_request(room: int) -> list[Task]:
            if not self._parameters.enable_large_batch_splitting:
                return [Task(dict(feeds), size, deadline)]
            sizes = part_sizes(size, room, limit)
            parts = split_feeds(feeds, sizes)
            return [Task(part, rows, deadline) for part, rows in zip(parts, sizes, strict=True)]

        tasks = self._scheduler.submit(queue, tasks_of_request, size)
        for task in tasks:
            if not task.done.wait(None if deadline == FOREVER else deadline - time.monotonic()):
                self._scheduler.withdraw(queue, tasks)
                raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
            if task.error is not None:
                self._scheduler.withdraw(queue, tasks)
                raise task.error
        if len(tasks) == 1:
            return tasks[0].outputs
        return [
            np.concatenate(parts) for parts in zip(*(task.outputs for task in tasks), strict=True)
        ]

    def close(self) -> None:
        """Ends all queues once what is in them was run, then closes the wrapped runner."""
        with self._lock:
            queues = list(self._queues.values())
        for queue in queues:
            self._scheduler.close_queue(queue)
        self._runner.close()

    def _queue_of(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> BatchQueue:
        """The queue of the requests with these inputs and outputs."""
        key = (frozenset(feeds), tuple(fetches))
        with self._lock:
            queue = self._queues.get(key)
            if queue is None:
                queue = BatchQueue(self._parameters, lambda tasks: self._process(tasks, key[1]))
                self._queues[key] = queue
                self._scheduler.add_queue(queue)
        return queue

    def _process(self, tasks: list[Task], fetches: Sequence[str]) -> None:
        """Runs a batch; whatever happens, each task is finished or failed."""
        try:
            for task, outputs in zip(tasks, self._outputs(tasks, fetches), strict=True):
                task.finish(outputs)
        except StatusError as error:
            for task in tasks:
                task.fail(error)
        except Exception as error:
            for task in tasks:
                task.fail(StatusError(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"))

    def _outputs(self, tasks: list[Task], fetches: Sequence[str]) -> list[list[np.ndarray]]:
        now = time.monotonic()
        for task in tasks:
            self._queued(now - task.enqueued)
        latest = max(task.deadline for task in tasks)
        if latest <= now:
            raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        merged = merge(tasks, self._parameters)
        rows = len(next(iter(merged.values())))
        outputs = self._runner.run(merged, fetches, None if latest == FOREVER else latest - now)
        return split(outputs, tasks, rows)
