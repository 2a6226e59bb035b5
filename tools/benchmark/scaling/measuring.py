"""How one point of a sweep of the subject `cost` is measured, in processes of its own."""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from tools.benchmark.multi_worker.team import Team
from tools.benchmark.scaling.sweeps import REPLICAS, Point, curve_name
from tools.benchmark.steps.comparison import measure_stage


def _measure_team(point: Point, cores: Sequence[int], rounds: int) -> dict[str, Any]:
    """The figures of replicas that train together, a step a turn."""
    (case,) = point.cases
    with contextlib.closing(Team(case, cores[: point.at], steps=1)) as team:
        team.wait_until_ready()
        turns = []
        for number in range(rounds):
            turns.append(team.turn())
            print(f"{point.at} replicas: round {number + 1} of {rounds}", file=sys.stderr)
    return {
        "batch": case.batch,
        "secs_per_image": statistics.median(turn.secs for turn in turns) / case.batch,
        "all_secs": [turn.secs for turn in turns],
        "peak_gib": turns[-1].peak_gib,
    }


def measure(point: Point, cores: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """The figures of a point, a row for each curve.

    Args:
        point: of a sweep.
        cores: replicas get one each.
        rounds: steps that are counted.

    Raises:
        ValueError: a process ended early, for instance as memory ran out.
    """
    if point.sweep == REPLICAS:
        found = [_measure_team(point, cores, rounds)]
    else:
        found = measure_stage(list(point.cases), None, rounds)
    return [
        {"curve": curve_name(point.sweep, case), "precision": case.precision, **row}
        for case, row in zip(point.cases, found, strict=True)
    ]


def summary(point: Point, rows: Sequence[dict[str, Any]]) -> str:
    """A line for people."""
    texts = [
        f"{row['curve']} {row['secs_per_image']:.3f} s an image, {row['peak_gib']:.2f} GiB"
        for row in rows
    ]
    return f"{point.sweep} {point.at}: {'; '.join(texts)}"
