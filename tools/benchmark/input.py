"""Rate of the input pipeline from shards, beside what the training step consumes.

    python -m tools.benchmark input                       # draws pictures; the step of this machine
    python -m tools.benchmark input --data_dir=data/avatar --eats_tflops=90    # a GPU's, reckoned

Real pictures, real shards, the pipeline of training; the files come from memory after the first
epoch. Besides pictures a second the processor time of a picture counts: other work on the machine
slows the first and not the second.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.data.input_pipeline import TrainingData
from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.config import PRECISIONS, TrainingConfig
from psgan_tf.training.schedule import build_schedule
from tools.benchmark.inputs.rates import Row, measured_step, read, reckoned_step, table
from tools.benchmark.inputs.shards import make_shards
from tools.benchmark.steps.cases import Case, whole_numbers

FLAGS = flags.FLAGS

flags.DEFINE_string("data_dir", "", "Shards to read; without them the built-in avatar is drawn.")
flags.DEFINE_integer("size", 1024, "Of the pictures that are drawn, in pixels.", 4)
flags.DEFINE_list("resolutions", None, "Those to measure, in pixels. Default: all of the shards.")
flags.DEFINE_string("batch_size", str(TrainingConfig.batch_size), "Global batch, by resolution.")
flags.DEFINE_boolean("mirror", False, "Turn pictures at random, as in training.")
flags.DEFINE_float("secs", 3.0, "How long each resolution is read.", 0.0)
flags.DEFINE_integer("fmap_base", NetworkConfig.fmap_base, "Widths of the step's networks.")
flags.DEFINE_integer("fmap_max", NetworkConfig.fmap_max, "Cap on the widths.")
flags.DEFINE_enum("precision", "float32", PRECISIONS, "Of the step.")
flags.DEFINE_integer("steps", 2, "Steps that are measured at each resolution.", 1)
flags.DEFINE_float(
    "eats_tflops", None, "Reckon the step for a device that sustains so many TFLOP/s.", 0.0
)
flags.DEFINE_float("eats_least_ms", 2.0, "Its shortest step: kernels start one by one.", 0.0)
flags.DEFINE_string("json", "", "Write the figures to this file as well.")


def measure(directory: Path) -> list[Row]:
    """All figures from the shards in a folder.

    Raises:
        ValueError: for a flag that is out of its range, before anything is measured.
    """
    card = DatasetCard.load(directory)
    resolutions = whole_numbers(
        "resolutions", FLAGS.resolutions or [str(n) for n in card.resolutions]
    )
    missing = sorted(set(resolutions) - set(card.resolutions))
    if missing:
        raise ValueError(
            f"`resolutions` must be among those of the shards, {list(card.resolutions)}. "
            f"Received: {missing}."
        )
    num_keypoints = card.skeleton.num_keypoints
    shape = {
        "num_keypoints": num_keypoints,
        "fmap_base": FLAGS.fmap_base,
        "fmap_max": FLAGS.fmap_max,
    }
    network = NetworkConfig(max(resolutions), **shape)
    schedule = build_schedule(TrainingConfig(network, "", "", batch_size=FLAGS.batch_size))
    batch_at = {phase.resolution: phase.batch_size for phase in schedule.phases}
    data = TrainingData(directory, card, 0, FLAGS.mirror, num_keypoints)
    rows = []
    for n in resolutions:
        delivered, cpu_secs = read(data, n, batch_at[n], FLAGS.secs)
        case = Case("train", n, batch_at[n], fading=n > 4, precision=FLAGS.precision, **shape)
        if FLAGS.eats_tflops is None:
            eaten = measured_step(case, FLAGS.steps)
        else:
            eaten = reckoned_step(case, FLAGS.eats_tflops, FLAGS.eats_least_ms)
        rows.append(Row(n, batch_at[n], delivered, cpu_secs, eaten))
        print(f"input: {n} x {n} done", file=sys.stderr)
    return rows


def as_json(rows: list[Row]) -> dict[str, Any]:
    """The figures for `--json`."""
    figures = [
        {**dataclasses.asdict(row), "ratio": row.ratio, "busy_cores": row.busy_cores}
        for row in rows
    ]
    step = "measured" if FLAGS.eats_tflops is None else f"reckoned at {FLAGS.eats_tflops} TFLOP/s"
    return {"cores": os.cpu_count(), "step": step, "resolutions": figures}


def main() -> int:
    """Measures and prints one table."""
    if FLAGS.eats_tflops == 0:
        raise ValueError("`eats_tflops` must be positive. Received: eats_tflops=0.0.")
    with tempfile.TemporaryDirectory() as folder:
        directory = (
            Path(FLAGS.data_dir) if FLAGS.data_dir else make_shards(Path(folder), FLAGS.size)
        )
        rows = measure(directory)
    print(table(rows))
    if FLAGS.json:
        write_atomically(FLAGS.json, json_text(as_json(rows)))
    return 0
