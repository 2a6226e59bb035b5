"""Queues of requests and the threads that run them in batches, by the stock server's rules.

A queue is a row of batches of which only the last takes further tasks. A batch is due when it is
full, when its first task has waited for the batch timeout, or when another was begun behind it.
All queues share the threads and are looked after in turn, so that a busy one delays the others by
a batch at most, and a slow batch by nothing while a thread is free.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import numpy as np

from export.local_server.batching.config import BatchingParameters
from export.tensorflow_c.status import StatusError

QUEUE_IS_FULL = "The batch scheduling queue to which this task was submitted is full; "


@dataclass(eq=False)
class Task:
    """One request, or one part of a large one.

    Attributes:
        feeds: tensor name to array; all arrays have `size` rows.
        deadline: on time.monotonic's clock; infinity for none.
    """

    feeds: dict[str, np.ndarray]
    size: int
    deadline: float
    enqueued: float = field(default_factory=time.monotonic)
    outputs: list[np.ndarray] = field(default_factory=list)
    error: StatusError | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def finish(self, outputs: list[np.ndarray]) -> None:
        self.outputs = outputs
        self.done.set()

    def fail(self, error: StatusError) -> None:
        """Each waiting thread gets an exception of its own, since raising changes it."""
        self.error = StatusError(error.code, error.message)
        self.done.set()


class BatchQueue:
    """Tasks of one kind. Its methods are called with the scheduler's lock held.

    Attributes:
        process: runs a batch and finishes or fails each of its tasks.
    """

    def __init__(
        self, parameters: BatchingParameters, process: Callable[[list[Task]], None]
    ) -> None:
        self.parameters = parameters
        self.process = process
        self.closed = False
        self.batches_under_way = 0
        self._batches: deque[list[Task]] = deque([[]])
        self._open_since = 0.0

    def add(self, tasks: list[Task]) -> None:
        """Puts tasks at the end; those of one request come together and in order."""
        for task in tasks:
            if self._open_size() + task.size > self.parameters.batch_size_limit:
                self._batches.append([])
            if not self._batches[-1]:
                self._open_since = time.monotonic()
            self._batches[-1].append(task)

    def check_room(self, size: int) -> None:
        """Raises INVALID_ARGUMENT for a request too large, UNAVAILABLE for a full queue."""
        parameters = self.parameters
        if size > parameters.max_batch_size:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Task size {size} is larger than maximum input batch size "
                f"{parameters.max_batch_size}",
            )
        if parameters.enable_large_batch_splitting:
            self._check_room_for_parts(size)
        elif (
            self._open_size() + size > parameters.max_batch_size
            and len(self._batches) >= parameters.max_enqueued_batches
        ):
            raise StatusError(
                grpc.StatusCode.UNAVAILABLE,
                f"{QUEUE_IS_FULL}currently {len(self._batches)} batches enqueued and "
                f"max_enqueued_batches is {parameters.max_enqueued_batches}",
            )

    def _check_room_for_parts(self, size: int) -> None:
        limit = self.parameters.batch_size_limit
        most = self.parameters.max_enqueued_batches
        room = (most - len(self._batches)) * limit + self.room_in_open_batch()
        if size > room:
            raise StatusError(
                grpc.StatusCode.UNAVAILABLE,
                f"{QUEUE_IS_FULL}task size is {size} but scheduling capacity is only {room} "
                f"(num_enqueued_batches={len(self._batches)}, max_enqueued_batches={most}, "
                f"open_batch_size={self._open_size()}, max_execution_batch_size={limit})",
            )

    def _open_size(self) -> int:
        return sum(task.size for task in self._batches[-1])

    def room_in_open_batch(self) -> int:
        return self.parameters.batch_size_limit - self._open_size()

    def due_at(self) -> float:
        """When the first batch is due, on time.monotonic's clock; infinity with no task."""
        if len(self._batches) > 1:
            return 0.0
        if not self._batches[0]:
            return float("inf")
        if self.closed or self.room_in_open_batch() <= 0:
            return 0.0
        return self._open_since + self.parameters.batch_timeout_micros / 1e6

    def take(self) -> list[Task]:
        """The first batch, which is due."""
        if len(self._batches) == 1:
            self._batches.append([])
        self.batches_under_way += 1
        return self._batches.popleft()

    def withdraw(self, task: Task) -> None:
        """Takes a task out that nobody waits for any more; one under way runs on."""
        for batch in self._batches:
            if task in batch:
                batch.remove(task)

    def is_idle(self) -> bool:
        return not self.batches_under_way and len(self._batches) == 1 and not self._batches[0]


class BatchScheduler:
    """The threads that run batches, shared by all models and signatures."""

    def __init__(self, threads: int, name: str = "batch_threads") -> None:
        self._lock = threading.Lock()
        self._work_came = threading.Condition(self._lock)
        self._batch_ended = threading.Condition(self._lock)
        self._queues: deque[BatchQueue] = deque()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}_{index}", daemon=True)
            for index in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def add_queue(self, queue: BatchQueue) -> None:
        with self._lock:
            self._queues.append(queue)

    def submit(
        self, queue: BatchQueue, split: Callable[[int], list[Task]], size: int
    ) -> list[Task]:
        """Puts a request into a queue.

        Args:
            split: makes the request's tasks, given the room in the batch that is being filled.
            size: of the request, in examples.

        Raises:
            StatusError: it is too large, or the queue is full or closed.
        """
        with self._lock:
            if queue.closed:
                raise StatusError(grpc.StatusCode.UNAVAILABLE, "The batching queue is closed")
            queue.check_room(size)
            tasks = split(queue.room_in_open_batch())
            queue.add(tasks)
            self._work_came.notify()
        return tasks

    def withdraw(self, queue: BatchQueue, tasks: list[Task]) -> None:
        with self._lock:
            for task in tasks:
                queue.withdraw(task)

    def close_queue(self, queue: BatchQueue) -> None:
        """Runs what is in the queue, waits for it, and forgets the queue."""
        with self._lock:
            queue.closed = True
            self._work_came.notify()
            self._batch_ended.wait_for(queue.is_idle)
            if queue in self._queues:
                self._queues.remove(queue)

    def close(self) -> None:
        """Ends the threads; queues are closed before."""
        with self._lock:
            self._closed = True
            self._work_came.notify_all()
        for thread in self._threads:
            thread.join()

    def _next(self) -> tuple[BatchQueue, list[Task]] | None:
        """Waits for a batch that is due; None once the scheduler is closed."""
        with self._lock:
            while True:
                now = time.monotonic()
                for _ in range(len(self._queues)):
                    queue = self._queues[0]
                    self._queues.rotate(-1)
                    if queue.due_at() <= now:
                        # Another thread watches over what is still waiting.
                        self._work_came.notify()
                        return queue, queue.take()
                if self._closed:
                    return None
                next_due = min((queue.due_at() for queue in self._queues), default=float("inf"))
                self._work_came.wait(None if next_due == float("inf") else next_due - now)

    def _work(self) -> None:
        while (found := self._next()) is not None:
            queue, batch = found
            try:
                if batch:
                    queue.process(batch)
            finally:
                with self._lock:
                    queue.batches_under_way -= 1
                    self._batch_ended.notify_all()
