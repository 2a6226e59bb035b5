"""The measured side of taking turns: a process that prepares once and works when it is told to.

It answers with lines of JSON on its standard output, which it keeps for that: `ready`, then one
line for each `step` that it reads, then one for `end`. What libraries print goes to the standard
error instead. Nothing but the standard library, for this runs in the peer's environment as well.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

STEP, END = "step", "end"
# How long short work is repeated in a turn where it may be.
TURN_SECS = 1.0


class Work(Protocol):
    """What a process measures."""

    def step(self) -> dict[str, Any]:
        """Does it once; what is told beside the seconds."""

    def end(self) -> dict[str, Any]:
        """Facts that are known at the end."""


def serve(prepare: Callable[[dict[str, Any]], Work], turn_secs: float = 0.0) -> None:
    """Measures what the JSON of the first argument asks for, a turn for each line that is read.

    Ends with its parent, since the lines end then.

    Args:
        prepare: makes the work, warmed up, from the case that the parent sent.
        turn_secs: repeats shorter work for so long; its first time in a turn, after others' turns,
            is then a warm-up. Not for processes that step together: each has its own clock.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(facts: dict[str, Any]) -> None:
        print(json.dumps(facts), file=answers, flush=True)

    start = time.perf_counter()
    work = prepare(json.loads(sys.argv[1]))
    tell({"ready_secs": time.perf_counter() - start})
    for line in sys.stdin:
        if line.strip() == END:
            tell(work.end())
            return
        tell(_turn(work, turn_secs))


def _turn(work: Work, turn_secs: float) -> dict[str, Any]:
    """What the last step of a turn tells, and the median seconds of its steps."""
    secs: list[float] = []
    while not secs or sum(secs) < turn_secs:
        start = time.perf_counter()
        facts = work.step()
        secs.append(time.perf_counter() - start)
    return {"secs": statistics.median(secs[1:] or secs), **facts}
