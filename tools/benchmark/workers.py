"""Scaling of training over workers: images per second of 1 to n processes, one per core.

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
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from tools.benchmark.multi_worker.team import Team, Turn, check_counts, own_cores
from tools.benchmark.steps.cases import Case, check, whole_numbers

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
    cores = own_cores()
    check_counts(counts, len(cores))
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
