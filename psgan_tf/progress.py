"""How far a program is: lengths of time for people to read, and the time that is left."""

from __future__ import annotations

import time


def duration(secs: float) -> str:
    """Seconds as `3d 04h`, `2h 05m`, `4m 09s` or `7s`."""
    secs = round(secs)
    for unit, name, lower, lower_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if secs >= unit:
            return f"{secs // unit}{name} {secs % unit // lower:02d}{lower_name}"
    return f"{secs // 60}m {secs % 60:02d}s" if secs >= 60 else f"{secs}s"


class Pace:
    """Reckons the time left from what was done since the start.

    Args:
        total: how many there are to do.
        done: how many were done before the start, which say nothing on the speed.
    """

    def __init__(self, total: int, done: int = 0):
        self._total = total
        self._done_before = done
        self._start_secs = time.monotonic()

    def line(self, done: int) -> str:
        """For instance `12 of 480, 3.1 a second, 2m 31s left`, once `done` are done in all."""
        secs = time.monotonic() - self._start_secs
        counted = done - self._done_before
        if counted < 1 or secs <= 0:
            return f"{done} of {self._total}"
        left = duration((self._total - done) * secs / counted)
        return f"{done} of {self._total}, {counted / secs:.1f} a second, {left} left"
