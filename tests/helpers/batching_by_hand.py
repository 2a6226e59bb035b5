"""A graph in numpy whose runs tests can hold, count and read, and threads that ask it at once."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np

from export.tensorflow_c.status import StatusError

PATIENCE_SECS = 60  # what no test waits for unless something is stuck


class HeldGraph:
    """`y = 2 x + 1`, and `size`, the rows that the graph saw, for each row.

    Attributes:
        open: runs wait for this event.
        entered: counts runs that have begun.
        seen: the feeds of each run.
    """

    def __init__(self):
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.seen = []
        self.timeouts = []
        self.closed = False

    def run(self, feeds, fetches, timeout_secs):
        assert not self.closed
        self.seen.append(dict(feeds))
        self.timeouts.append(timeout_secs)
        self.entered.release()
        assert self.open.wait(PATIENCE_SECS)
        x = feeds["x:0"]
        answers = {
            "y:0": lambda: x * 2 + 1,
            "size:0": lambda: np.full(len(x), len(x)),
            "total:0": lambda: np.array(x.sum()),
            "first:0": lambda: x[:1],
            "broken:0": self.fail,
        }
        return [answers[name]() for name in fetches]

    def fail(self):
        raise ZeroDivisionError("a fault of the graph's own")

    def close(self):
        self.closed = True

    def sizes(self):
        return [len(feeds["x:0"]) for feeds in self.seen]


def outcome(call):
    """What a call returned, or `CODE: text`."""
    try:
        return call()
    except StatusError as error:
        return str(error)


def at_once(calls):
    """The outcomes of calls made at once, in their order."""
    start = threading.Barrier(len(calls))

    def after_start(call):
        start.wait(PATIENCE_SECS)
        return outcome(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(after_start, call) for call in calls]
        _, late = wait(futures, PATIENCE_SECS)
        assert not late
        return [future.result() for future in futures]


def rows(count, value=0.0, width=3, dtype=np.float32):
    return np.full((count, width), value, dtype)
