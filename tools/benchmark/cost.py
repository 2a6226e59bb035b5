"""How the cost of a training step grows with resolution, batch, keypoints and replicas: a picture.

    python -m tools.benchmark cost --output=cost.png
    python -m tools.benchmark cost --sweeps=resolution --resolutions=4,64 --precision=float32
    python -m tools.benchmark cost --json=cost.json --draw_only

Each point is measured in processes of its own, point after point; the precisions and forms of a
point take turns, and with them bare convolutions. A step's arithmetic at their best rate of all
points is the floor that is drawn. Figures are kept as points are done, and the same command again
goes on from there. It may name other sweeps and sizes: their points are added.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from psgan_tf.common.files import write_atomically
from psgan_tf.common.progress import duration
from psgan_tf.training.config import PRECISIONS
from tools.benchmark.films.figures import png_of
from tools.benchmark.multi_worker.team import check_counts, own_cores
from tools.benchmark.scaling.measuring import measure, summary
from tools.benchmark.scaling.picture import cost_figure
from tools.benchmark.scaling.record import Record, open_record, read_record
from tools.benchmark.scaling.sweeps import (
    BATCH,
    KEYPOINTS,
    REPLICAS,
    RESOLUTION,
    SWEEPS,
    Point,
    Settings,
    points,
)
from tools.benchmark.steps.cases import chosen, whole_numbers

FLAGS = flags.FLAGS

_RESOLUTIONS = [str(2**level) for level in range(2, 11)]
_REPLICAS = [str(2**level) for level in range(len(own_cores()).bit_length())]

flags.DEFINE_list("sweeps", list(SWEEPS), f"One or more of {', '.join(SWEEPS)}.")
flags.DEFINE_list("resolutions", _RESOLUTIONS, "Against the resolution: these, in pixels.")
flags.DEFINE_integer("resolution_batch", 1, "Against the resolution: images of a step.", 1)
flags.DEFINE_list("batches", ["1", "2", "4", "8", "16"], "Against the batch: these.")
flags.DEFINE_integer("batch_px", 32, "Against the batch: the resolution.")
flags.DEFINE_list("keypoints", ["0", "20", "68", "133"], "Against M: these.")
flags.DEFINE_integer("keypoints_px", 64, "Against M: the resolution.")
flags.DEFINE_integer("keypoints_batch", 4, "Against M: images of a step.", 1)
flags.DEFINE_list("replicas", _REPLICAS, "Against replicas: so many, a core each.")
flags.DEFINE_integer("replicas_px", 32, "Against replicas: the resolution.")
flags.DEFINE_integer("replicas_batch", 4, "Against replicas: images of a step of each.", 1)
flags.DEFINE_integer("num_keypoints", 20, "M, where it does not grow.", 0)
flags.DEFINE_integer("fmap_base", 8192, "Widths; the paper's by default.")
flags.DEFINE_integer("fmap_max", 512, "Cap on the widths.")
flags.DEFINE_boolean("fading", True, "Fading stages, the dearer ones.")
flags.DEFINE_list(
    "precision",
    list(PRECISIONS),
    f"One or more of {', '.join(PRECISIONS)}; the first is that of keypoints and replicas.",
)
flags.DEFINE_integer("rounds", 3, "Steps of each that are counted; the first is not.", 1)
flags.DEFINE_string("output", "cost.png", "The picture.")
flags.DEFINE_string("json", "", "The figures. Default: beside the picture, with ending .json.")
flags.DEFINE_boolean("draw_only", False, "Draw what --json holds, and measure nothing.")


def asked_settings(cores: int) -> Settings:
    """What the flags say of all points."""
    return Settings(
        num_keypoints=FLAGS.num_keypoints,
        fmap_base=FLAGS.fmap_base,
        fmap_max=FLAGS.fmap_max,
        fading=FLAGS.fading,
        precision=tuple(chosen("precision", FLAGS.precision, PRECISIONS)),
        rounds=FLAGS.rounds,
        resolution_batch=FLAGS.resolution_batch,
        batch_px=FLAGS.batch_px,
        keypoints_px=FLAGS.keypoints_px,
        keypoints_batch=FLAGS.keypoints_batch,
        replicas_px=FLAGS.replicas_px,
        replicas_batch=FLAGS.replicas_batch,
        cores=cores,
    )


def asked_points(settings: Settings) -> list[Point]:
    """The points of the sweeps that the flags name."""
    places = {
        RESOLUTION: whole_numbers("resolutions", FLAGS.resolutions),
        BATCH: whole_numbers("batches", FLAGS.batches),
        KEYPOINTS: whole_numbers("keypoints", FLAGS.keypoints, least=0),
        REPLICAS: whole_numbers("replicas", FLAGS.replicas),
    }
    sweeps = chosen("sweeps", FLAGS.sweeps, SWEEPS)
    if REPLICAS in sweeps:
        check_counts("replicas", places[REPLICAS], settings.cores)
    return points(settings, {sweep: places[sweep] for sweep in sweeps})


def asked_files() -> tuple[Path, Path]:
    """The picture and the figures.

    Raises:
        ValueError: the picture is no PNG, or a folder is missing.
    """
    output = Path(FLAGS.output)
    if output.suffix != ".png":
        raise ValueError(
            f"`output` must end in .png. Received: output={FLAGS.output}. Give a name that does."
        )
    figures = Path(FLAGS.json) if FLAGS.json else output.with_suffix(".json")
    if figures == output:
        raise ValueError(
            f"`json` must be another file than `output`. Received: json={figures}. Leave it out."
        )
    for name, path in (("output", output), ("json", figures)):
        if not path.parent.is_dir():
            raise ValueError(
                f"`{name}` must be in a folder that exists. Received: {name}={path}. Make it first."
            )
    return output, figures


def measure_missing(record: Record, wanted: Sequence[Point], cores: Sequence[int]) -> None:
    """Measures the points that the record lacks, and keeps each as it is done."""
    rounds = record.settings.rounds
    missing = [point for point in wanted if point not in record]
    gflop_left = sum(point.gflop(rounds) for point in missing)
    gflop_done, start_secs = 0.0, time.monotonic()
    for number, point in enumerate(missing, start=1):
        rows = measure(point, cores, rounds)
        record.add(point, rows)
        print(summary(point, rows), flush=True)
        gflop = point.gflop(rounds)
        gflop_done, gflop_left = gflop_done + gflop, gflop_left - gflop
        line = f"cost: {number} of {len(missing)} points"
        if number < len(missing):
            secs_left = (time.monotonic() - start_secs) / gflop_done * gflop_left
            line += f", {duration(secs_left)} left"
        print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Measures what is missing, and draws all."""
    output, figures = asked_files()
    if FLAGS.draw_only:
        record = read_record(figures)
    else:
        cores = own_cores()
        settings = asked_settings(len(cores))
        wanted = asked_points(settings)
        record = open_record(figures, settings)
        measure_missing(record, wanted, cores)
    write_atomically(output, png_of(cost_figure(record)))
    print(f"{output}, of {len(record)} points in {figures}")
    return 0
