"""How training scales over workers: images a second of 1 to n processes, each on a core of its own.

python -m tools.benchmark workers --resolution=32 --batch=4

Each worker has the same batch however many there are, one thread and one core; one alone is the
usual single process. Efficiency is the rate of n workers over n times that of one, measured in
turns, so that other work on the machine falls on both; still it slows n workers more, as the
slowest holds up all, which processor seconds do not show. All workers are on this machine: memory
and caches are shared, and sums go through its loopback and not through a network.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from absl import flags

from tools.benchmark._cases import Case, check, whole_numbers
from tools.benchmark._turn_taker import STEP
from tools.benchmark._turns import TurnTaker

FLAGS = flags.FLAGS

flags.DEFINE_integer("resolution", 32, "Of the stage, in pixels.")
flags.DEFINE_integer("batch", 4, "Pictures of a step and worker.", 1)
flags.DEFINE_list("workers", ["1", "2"], "Numbers of workers; 1 is always measured.")
flags.DEFINE_integer("num_keypoints", 20, "M.", 0)
flags.DEFINE_integer("fmap_base", 512, "Widths.")
flags.DEFINE_integer("fmap_max", 64, "Cap on the widths.")
flags.DEFINE_boolean("fading", True, "A fading stage, the dearer one.")
flags.DEFINE_integer("steps", 5, "Training steps of a turn.", 1)
flags.DEFINE_integer("rounds", 7, "Turns of each number of workers.", 1)
flags.DEFINE_string("json", "", "File for the figures, beside the table on the terminal.")


@dataclasses.dataclass(frozen=True)
class Turn:
    """What one turn of a team took.

    Args:
        secs: from its start to its end.
        cpu_secs: of processor time, of all workers together.
    """

    secs: float
    cpu_secs: float


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
            name, module = f"worker {index} of {len(cores)}", "tools.benchmark._pinned_worker"
            self._takers.append(TurnTaker(name, sys.executable, module, fields))

    def wait_until_ready(self) -> None:
        """Returns once all have traced their step."""
        list(self._pool.map(TurnTaker.answer, self._takers))

    def turn(self) -> Turn:
        """Does a turn, which lasts as long as its slowest worker."""
        # All at once: each step of one waits for the others'.
        answers = list(self._pool.map(lambda taker: taker.ask(STEP), self._takers))
        return Turn(max(a["secs"] for a in answers), sum(a["cpu_secs"] for a in answers))

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


def measure(counts: Sequence[int], cores: Sequence[int]) -> dict[int, list[Turn]]:
    """The turns by the number of workers."""
    case = check(
        Case(
            subject="train",
            resolution=FLAGS.resolution,
            batch=FLAGS.batch,
            num_keypoints=FLAGS.num_keypoints,
            fmap_base=FLAGS.fmap_base,
            fmap_max=FLAGS.fmap_max,
            fading=FLAGS.fading,
        )
    )
    with contextlib.ExitStack() as stack:
        teams = {}
        for count in counts:
            whole = dataclasses.replace(case, batch=count * case.batch)
            teams[count] = Team(whole, cores[:count], FLAGS.steps)
            stack.callback(teams[count].close)
        for team in teams.values():
            team.wait_until_ready()
        turns: dict[int, list[Turn]] = {count: [] for count in counts}
        for number in range(FLAGS.rounds):
            for count, team in teams.items():
                turns[count].append(team.turn())
            print(f"round {number + 1} of {FLAGS.rounds}", file=sys.stderr)
    return turns


def rows(turns: dict[int, list[Turn]]) -> list[dict[str, float]]:
    """Rate and efficiency by the number of workers, 1 among them."""
    found = []
    for count, own in turns.items():
        # Round by round: what else the machine did then fell on both.
        ratios = [one.secs / turn.secs for one, turn in zip(turns[1], own, strict=True)]
        images = count * FLAGS.batch * FLAGS.steps
        found.append(
            {
                "workers": count,
                "images_per_sec": images / statistics.median(turn.secs for turn in own),
                "cpu_secs_per_image": statistics.median(turn.cpu_secs for turn in own) / images,
                "efficiency": statistics.median(ratios),
                "least_efficiency": min(ratios),
                "most_efficiency": max(ratios),
            }
        )
    return found


def main() -> int:
    """Measures and prints one table."""
    counts = sorted({1, *whole_numbers("workers", FLAGS.workers)})
    cores = sorted(os.sched_getaffinity(0))
    if counts[-1] > len(cores):
        raise ValueError(
            f"`workers` must leave each a core of its own, of {len(cores)} here. "
            f"Received: workers={','.join(FLAGS.workers)}. Lower --workers."
        )
    found = rows(measure(counts, cores))
    verb = "fade to " if FLAGS.fading else ""
    print(
        f"{verb}{FLAGS.resolution} x {FLAGS.resolution}, batch {FLAGS.batch} a worker, widths "
        f"{FLAGS.fmap_base} / {FLAGS.fmap_max}, M = {FLAGS.num_keypoints}; one core and one thread "
        f"a worker; medians of {FLAGS.rounds} turns of {FLAGS.steps} steps"
    )
    print("workers   images/s   efficiency (least to most)   processor seconds an image")
    for row in found:
        print(
            f"{row['workers']:7d}{row['images_per_sec']:11.2f}{row['efficiency']:13.0%}"
            f" ({row['least_efficiency']:.0%} to {row['most_efficiency']:.0%})"
            f"{row['cpu_secs_per_image']:26.4f}"
        )
    if FLAGS.json:
        Path(FLAGS.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0
