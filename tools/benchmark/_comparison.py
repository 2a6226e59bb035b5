"""Steps side by side: precisions and forms of ours, the peer, and how fast the machine convolves.

Of each stage all are measured in one run, taking turns (_turns.py). The subjects `train` and
`generate` differ in what a step is and share all of this, their flags included.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags

from psgan_tf.config import PRECISIONS
from psgan_tf.files import json_text, write_atomically
from tools.benchmark._cases import FORMS, Case, check, chosen, stages
from tools.benchmark._peer import DRIVER, PEER, default_folder, peer_python
from tools.benchmark._turns import TurnTaker, take_turns

FLAGS = flags.FLAGS
WORKER = "tools.benchmark._worker"

flags.DEFINE_list("resolution", ["64"], "Of the stages, in pixels.")
flags.DEFINE_list("batch", ["16"], "Pictures of a step; one number, or one for each resolution.")
flags.DEFINE_integer("num_keypoints", 20, "M.", 0)
flags.DEFINE_integer("fmap_base", 8192, "Widths; the paper's by default.")
flags.DEFINE_integer("fmap_max", 512, "Cap on the widths.")
flags.DEFINE_list("precision", ["float32"], f"One or more of {', '.join(PRECISIONS)}.")
flags.DEFINE_list("form", ["fast"], "fast, or plain: as the paper draws it; or both.")
flags.DEFINE_enum("against", None, [PEER], "Measure this peer too; it has float32 and no poses.")
flags.DEFINE_string("peer_dir", "", "Its environment, installed on the first call. In the cache.")
flags.DEFINE_integer("rounds", 3, "Steps of each that are counted; the first is not.", 1)
flags.DEFINE_string("json", "", "Write the figures to this file as well.")


def our_cases(subject: str, resolution: int, batch: int, fading: bool) -> list[Case]:
    """The cases of one stage that the flags ask for."""
    return [
        check(
            Case(
                subject,
                resolution,
                batch,
                FLAGS.num_keypoints,
                FLAGS.fmap_base,
                FLAGS.fmap_max,
                fading and resolution > 4,
                precision,
                form,
            )
        )
        for precision in chosen("precision", FLAGS.precision, PRECISIONS)
        for form in chosen("form", FLAGS.form, FORMS)
    ]


def as_convolutions(case: Case) -> Case:
    """The bare convolutions of a case's stage and precision."""
    return Case(**{**case.fields, "subject": "convolutions", "form": FORMS[0]})


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


def measure_stage(cases: list[Case], peer: str | None) -> list[dict[str, Any]]:
    """The figures of one stage, a row for each of ours and the peer."""
    takers = start_takers(cases, peer)
    names = [taker.name for taker in takers]
    facts = dict(zip(names, take_turns(takers, FLAGS.rounds, cases[0].stage), strict=True))
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


def run(subject: str, fading: Callable[[], bool]) -> int:
    """Measures all stages, prints a table of each, and writes them as JSON.

    Args:
        subject: `train` or `generate`.
        fading: whether the stages are fades, read from the flags.
    """
    wanted = [
        our_cases(subject, resolution, batch, fading())
        for resolution, batch in stages(FLAGS.resolution, FLAGS.batch)
    ]
    folder = Path(FLAGS.peer_dir) if FLAGS.peer_dir else default_folder()
    peer = peer_python(folder) if FLAGS.against else None
    rows = []
    for cases in wanted:
        found = with_ratios(measure_stage(cases, peer))
        print(table(cases[0].stage, found), flush=True)
        rows += found
        if FLAGS.json:  # after each stage: what was measured is not lost
            write_atomically(FLAGS.json, json_text({"subject": subject, "rows": rows}))
    print("times as fast: as the last line of its stage; of the best: of the fastest convolution")
    return 0
