"""Progress of long work: lengths of time for people to read, and the time that is left."""

from __future__ import annotations

import time

# Lines of progress that follow each other faster than this are left out.
_LEAST_GAP_SECS = 1.0


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
        self._start_secs = self._last_line_secs = time.monotonic()

    def line(self, done: int) -> str:
        """For instance `12 of 480, 3.1 a second, 2m 31s left`, once `done` are done in all.

        Empty when the last line is less than a second ago, except for the one of the end.
        """
        now_secs = time.monotonic()
        if done < self._total and now_secs - self._last_line_secs < _LEAST_GAP_SECS:
            return ""
        self._last_line_secs = now_secs
        secs = max(now_secs - self._start_secs, 1e-9)
        counted = done - self._done_before
        text = f"{done} of {self._total}, {counted / secs:.1f} a second"
        if done == self._total or not counted:
            return text
        return f"{text}, {duration((self._total - done) * secs / counted)} left"
