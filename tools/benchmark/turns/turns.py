"""Measurements that take turns: processes that all stay alive and work one after the other.

Whatever else the machine does then falls on all of them alike, so that ratios hold where seconds
do not; and each has a process of its own, so that peaks of memory do not mix.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from psgan_tf.common.progress import duration
from tools.benchmark._places import REPOSITORY
from tools.benchmark.turns.turn_taker import END, STEP

_SECS_TO_END = 30


class TurnTaker:
    """A process that measures one thing.

    Args:
        name: what it is called in messages.
        python: the interpreter that runs it.
        module: the module to run, which calls `turn_taker.serve`.
        case: what to measure, as JSON.
    """

    def __init__(self, name: str, python: str, module: str, case: dict[str, Any]) -> None:
        self.name = name
        # Closed with the process; a pipe that nobody reads would fill up.
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-m", module, json.dumps(case)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        """The next line that it sends.

        Raises:
            ValueError: it ended instead; the text has its own last line.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ValueError(f"The measurement of {self.name} ended early: {self._last_words()}")
        return dict(json.loads(line))

    def ask(self, request: str) -> dict[str, Any]:
        """Sends a line and waits for the answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `answer` then says why
            print(request, file=self._process.stdin, flush=True)
        return self.answer()

    def close(self) -> None:
        """Lets it end, or ends it."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        try:
            self._process.wait(_SECS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        if code < 0:
            return f"signal {-code} stopped it; 9 means that memory ran out."
        return lines[-1] if lines else f"exit code {code}."


def take_turns(takers: Sequence[TurnTaker], rounds: int, title: str) -> list[dict[str, Any]]:
    """Starts each taker's work, lets all take turns, and gathers what they say.

    The order turns round from round to round, so that none always follows the same one.

    Args:
        takers: just made; closed here.
        rounds: turns of each.
        title: for the lines of progress on stderr.

    Returns:
        For each taker what it said when ready and at the end, and `steps`, a list of its answers.
    """
    with contextlib.ExitStack() as open_takers:
        for taker in takers:
            open_takers.callback(taker.close)
        facts = [taker.answer() for taker in takers]
        steps: list[list[dict[str, Any]]] = [[] for _ in takers]
        start = time.monotonic()
        for number in range(rounds):
            for place in range(len(takers)):
                index = (number + place) % len(takers)
                steps[index].append(takers[index].ask(STEP))
            secs_left = (time.monotonic() - start) / (number + 1) * (rounds - number - 1)
            left = f", {duration(secs_left)} left" if secs_left else ""
            print(f"{title}: round {number + 1} of {rounds}{left}", file=sys.stderr)
        return [
            {**known, **taker.ask(END), "steps": done}
            for known, taker, done in zip(facts, takers, steps, strict=True)
        ]
