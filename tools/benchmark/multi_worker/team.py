"""Workers on one machine that train together and are told when to."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tools.benchmark.steps.cases import Case
from tools.benchmark.turns.turn_taker import STEP
from tools.benchmark.turns.turns import TurnTaker

_WORKER = "tools.benchmark.multi_worker.pinned_worker"


@dataclasses.dataclass(frozen=True)
class Turn:
    """What one turn of a team took.

    Args:
        secs: from its start to its end.
        cpu_secs: of processor time, of all workers together.
        peak_gib: the most memory of a worker so far.
    """

    secs: float
    cpu_secs: float
    peak_gib: float


class Team:
    """Workers that train together, one process on one core each.

    Args:
        case: the stage, with the global batch.
        cores: one for each worker.
        steps: training steps of a turn.
    """

    def __init__(self, case: Case, cores: Sequence[int], steps: int) -> None:
        self._pool = ThreadPoolExecutor(len(cores))
        self._takers = []
        for index, tf_config in enumerate(_tf_configs(len(cores))):
            fields = {
                "case": case.fields,
                "own_batch": case.batch // len(cores),
                "steps": steps,
                "core": cores[index],
                "tf_config": tf_config,
            }
            name = f"worker {index} of {len(cores)}"
            self._takers.append(TurnTaker(name, sys.executable, _WORKER, fields))

    def wait_until_ready(self) -> None:
        """Returns once all have traced their step."""
        list(self._pool.map(TurnTaker.answer, self._takers))

    def turn(self) -> Turn:
        """Does a turn, which lasts as long as its slowest worker."""
        # All at once: each step of one waits for the others'.
        answers = list(self._pool.map(lambda taker: taker.ask(STEP), self._takers))
        return Turn(
            secs=max(answer["secs"] for answer in answers),
            cpu_secs=sum(answer["cpu_secs"] for answer in answers),
            peak_gib=max(answer["peak_gib"] for answer in answers),
        )

    def close(self) -> None:
        """Ends all."""
        for taker in self._takers:
            taker.close()
        self._pool.shutdown()


def _tf_configs(count: int) -> list[str]:
    """TF_CONFIG of each worker; none for one alone."""
    if count == 1:
        return [""]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        ports = [server.getsockname()[1] for server in servers]
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    return [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        for index in range(count)
    ]


def own_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def check_counts(counts: Sequence[int], cores: int) -> None:
    """Checks that each worker can have a core of its own.

    Args:
        counts: numbers of workers, of the flag `workers`.
        cores: how many there are.

    Raises:
        ValueError: naming the flag.
    """
    if max(counts) > cores:
        raise ValueError(
            f"`workers` must leave each a core of its own, of {cores} here. "
            f"Received: workers={','.join(map(str, counts))}. Lower --workers."
        )
