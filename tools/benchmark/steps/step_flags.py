"""The flags of the subjects `train` and `generate`, which differ only in what a step is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from absl import flags

from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.training.config import PRECISIONS
from tools.benchmark.steps.cases import KERNELS, Case, check, chosen, stages
from tools.benchmark.steps.comparison import measure_stage, table, with_ratios
from tools.benchmark.steps.peer import PEER, default_folder, peer_python

FLAGS = flags.FLAGS

flags.DEFINE_list("resolution", ["64"], "Of the stages, in pixels.")
flags.DEFINE_list("batch", ["16"], "Pictures of a step; one number, or one for each resolution.")
flags.DEFINE_integer("num_keypoints", 20, "M.", 0)
flags.DEFINE_integer("fmap_base", 8192, "Widths; the paper's by default.")
flags.DEFINE_integer("fmap_max", 512, "Cap on the widths.")
flags.DEFINE_list("precision", ["float32"], f"One or more of {', '.join(PRECISIONS)}.")
flags.DEFINE_list("kernels", ["fast"], "fast, or plain: as the paper draws it; or both.")
flags.DEFINE_alias("form", "kernels")  # its name before
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
                kernels,
            )
        )
        for precision in chosen("precision", FLAGS.precision, PRECISIONS)
        for kernels in chosen("kernels", FLAGS.kernels, KERNELS)
    ]


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
        found = with_ratios(measure_stage(cases, peer, FLAGS.rounds))
        print(table(cases[0].stage, found), flush=True)
        rows += found
        if FLAGS.json:  # after each stage: what was measured is not lost
            write_atomically(FLAGS.json, json_text({"subject": subject, "rows": rows}))
    print("times as fast: as the last line of its stage; of the best: of the fastest convolution")
    return 0
