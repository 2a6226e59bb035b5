"""Steps side by side: precisions and forms of ours, the peer, and how fast the machine convolves.

Of each stage all are measured in one run, taking turns (turns/turns.py).
"""

from __future__ import annotations

import statistics
import sys
from typing import Any

from tools.benchmark.steps.cases import KERNELS, Case
from tools.benchmark.steps.peer import DRIVER, PEER
from tools.benchmark.turns.turns import TurnTaker, take_turns

WORKER = "tools.benchmark.steps.worker"


def as_convolutions(case: Case) -> Case:
    """The bare convolutions of a case's stage and precision."""
    return Case(**{**case.fields, "subject": "convolutions", "kernels": KERNELS[0]})


def start_takers(cases: list[Case], peer: str | None) -> list[TurnTaker]:
    """One process for each case, for the convolutions of each precision, and for the peer.

    Args:
        cases: of one stage.
        peer: the interpreter that has the peer; None leaves it out.
    """
    bare = {case.precision: as_convolutions(case) for case in cases}
    takers = [
        TurnTaker(case.name, sys.executable, WORKER, case.fields)
        for case in [*cases, *bare.values()]
    ]
    if peer:
        takers.append(TurnTaker(PEER, peer, DRIVER, cases[0].fields))
    return takers


def best_rate(steps: list[dict[str, Any]]) -> float:
    """The fastest convolution's GFLOP/s: of each its median over the turns, of these the largest.

    Args:
        steps: the answers of a `ConvolutionWork`.
    """
    names = steps[0]["gflops"]
    return max(statistics.median(step["gflops"][name] for step in steps) for name in names)


def figures_of(case: Case, name: str, facts: dict[str, Any], best_gflops: float) -> dict[str, Any]:
    """The figures of one that was measured.

    Args:
        case: its stage.
        name: who it is.
        facts: what its process told.
        best_gflops: the machine's best rate at its precision, in the same run.
    """
    secs = statistics.median(step["secs"] for step in facts["steps"])
    gflops = facts["gflop"] / secs
    return {
        "name": name,
        "resolution_px": case.resolution,
        "batch": case.batch,
        "secs_per_image": secs / case.batch,
        "all_secs": [step["secs"] for step in facts["steps"]],
        "gflop_per_image": facts["gflop"] / case.batch,
        "plain_gflop_per_image": facts["plain_gflop"] / case.batch,
        "gflops": gflops,
        "best_gflops": best_gflops,
        "share_of_best": gflops / best_gflops,
        "floor_secs_per_image": facts["gflop"] / case.batch / best_gflops,
        "peak_gib": facts["peak_gib"],
        "ready_secs": facts["ready_secs"],
    }


def measure_stage(cases: list[Case], peer: str | None, rounds: int) -> list[dict[str, Any]]:
    """The figures of one stage, a row for each of ours and the peer.

    Args:
        cases: of one stage.
        peer: the interpreter that has the peer; None leaves it out.
        rounds: steps of each that are counted.
    """
    takers = start_takers(cases, peer)
    names = [taker.name for taker in takers]
    facts = dict(zip(names, take_turns(takers, rounds, cases[0].stage), strict=True))
    best = {case.precision: best_rate(facts[as_convolutions(case).name]["steps"]) for case in cases}
    rows = [figures_of(case, case.name, facts[case.name], best[case.precision]) for case in cases]
    if peer:
        # The peer computes in float32; where that was not measured there is nothing to hold it to.
        rate = best.get("float32", float("nan"))
        rows.append(figures_of(cases[0], PEER, facts[PEER], rate))
    return rows


def with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one stage with `times_as_fast` as the last of them: the peer, or the plain form."""
    base = rows[-1]["secs_per_image"]
    return [{**row, "times_as_fast": base / row["secs_per_image"]} for row in rows]


def table(stage: str, rows: list[dict[str, Any]]) -> str:
    """The rows of one stage as text."""
    heads = ("s an image", "times as fast", "GFLOP/image", "GFLOP/s", "of the best", "peak GiB")
    lines = [f"{stage:34}" + "".join(f"{head:>14}" for head in heads)]
    for row in rows:
        lines.append(
            f"{row['name']:34}{row['secs_per_image']:14.3f}{row['times_as_fast']:14.2f}"
            f"{row['gflop_per_image']:14.1f}{row['gflops']:14.0f}{row['share_of_best']:14.0%}"
            f"{row['peak_gib']:14.1f}"
        )
    return "\n".join(lines)
