"""Processes: locks, ends with the parent, interrupts, memory."""

from __future__ import annotations

import ctypes
import fcntl
import multiprocessing
import os
import re
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def exclusive(path: Path, refusal: str) -> Iterator[None]:
    """Holds a lock file; the lock goes with the process, however that ends.

    Args:
        path: the lock file, made where it is missing.
        refusal: what to say when another process holds it.

    Raises:
        ValueError: with `refusal`, when another process holds the lock.
    """
    with open(path, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(refusal) from None
        yield


def end_with_parent() -> None:
    """Makes a worker leave interrupts to its parent, and end when that is killed.

    Workers of a killed parent would otherwise wait for ever for more to do.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait_and_end() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()


def return_free_memory() -> None:
    """Gives the system what the C library holds and nobody uses, where that can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))


class Interrupts:
    """Within the block, the first Ctrl-C or SIGTERM is noted and stops nothing.

    A program that asks can end its work in order. The second one acts as usual.
    """

    def __init__(self) -> None:
        self._seen = False
        self._before: dict[int, Any] = {}

    def seen(self) -> bool:
        """Whether there was one."""
        return self._seen

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    def _note(self, number: int, frame: object) -> None:
        self._seen = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def peak_resident_gib() -> float:
    """Most memory in GiB that this process has held."""
    # The first choice, since getrusage's peak begins with what the parent process held.
    own = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return (int(own[1]) if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20


class StopRequest:
    """Remembers SIGTERM and SIGINT, so that the batch is finished and a checkpoint written."""

    def __init__(self) -> None:
        self.signal: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: object) -> None:
        if self.signal is not None:
            # Asked twice: the user does not want to wait for the checkpoint.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.signal = number

    def __call__(self) -> bool:
        return self.signal is not None
