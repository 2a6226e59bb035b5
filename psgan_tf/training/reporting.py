"""Reports of a run: one line per tick, `stats.jsonl`, TensorBoard, and files of sample grids."""

from __future__ import annotations

import contextlib
import json
import math
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from psgan_tf.common.files import write_atomically
from psgan_tf.common.progress import duration
from psgan_tf.images.pictures import encode_png
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.ops.devices import peak_memory_gib
from psgan_tf.training.checkpoints import TrainingState
from psgan_tf.training.sample_grid import SampleGrid
from psgan_tf.training.schedule import GrowthState, Schedule
from psgan_tf.training.time_left import seconds_left

LEGEND = (
    "kimg: thousand images shown | loss G D, score real fake, |grad|: means since the last line | "
    "img/s without tracing and samples | left: in this phase / in the run, estimated | "
    "mem: peak of the process"
)


class Tick:
    """The batches between two status lines.

    Args:
        images_shown: before the first of them.
    """

    def __init__(self, images_shown: int):
        self.first_image = images_shown
        self.growth: GrowthState | None = None
        self.means: dict[str, float] = {}
        self._measures: list[dict[str, tf.Tensor]] = []
        self._counted_secs = 0.0
        self._counted_images = 0

    @contextlib.contextmanager
    def clock(self, growth: GrowthState, counts: bool):
        """Times a batch; one whose step is traced first says nothing on the speed."""
        start = time.perf_counter()
        yield
        self.growth = growth
        if counts:
            self._counted_secs += time.perf_counter() - start
            self._counted_images += growth.phase.batch_size

    def add(self, measures: dict[str, tf.Tensor]) -> None:
        """Adds a batch's means, left on the device until the tick ends."""
        self._measures.append(measures)

    @property
    def secs_per_image(self) -> float | None:
        """Mean over the counted batches; None where none was counted."""
        return self._counted_secs / self._counted_images if self._counted_images else None

    def check_finite(self) -> None:
        """Fetches the means and refuses any that is not finite.

        Raises:
            FloatingPointError: naming the quantity and the images window.
        """
        start = time.perf_counter()
        names = self._measures[0]
        rows = {name: np.array([float(m[name]) for m in self._measures]) for name in names}
        if self._counted_images:
            self._counted_secs += time.perf_counter() - start
        self.means = {name: float(values.mean()) for name, values in rows.items()}
        broken = [name for name, values in rows.items() if not np.isfinite(values).all()]
        if broken:
            raise FloatingPointError(
                f"{', '.join(broken)} became NaN or infinite between {self.first_image} and "
                f"{self.growth.images_after} images, in {self.growth.phase.name}. The last good "
                "checkpoint is untouched: run the same command again to go on from it, with a "
                "lower --learning_rate or --precision=float32 if it comes back."
            )


class Reporter:
    """Writes what a run shows into its directory, and a line a tick to the terminal.

    Args:
        run_dir: the run's directory.
        network: the networks' shape.
        grid: draws the sample grids.
        images_shown: where the run starts or goes on; rows of `stats.jsonl` after it belong to
            batches that are trained again, and are dropped.
    """

    def __init__(self, run_dir: Path, network: NetworkConfig, grid: SampleGrid, images_shown: int):
        self._run_dir = run_dir
        self._network = network
        self._grid = grid
        self._stats = run_dir / "stats.jsonl"
        keep_rows_up_to(self._stats, images_shown)
        (run_dir / "samples").mkdir(exist_ok=True)
        self._summaries = tf.summary.create_file_writer(str(run_dir / "logs"))
        print(LEGEND, flush=True)

    def tick(self, tick: Tick, schedule: Schedule) -> None:
        """Shows the means of a tick."""
        growth, means, secs = tick.growth, tick.means, tick.secs_per_image
        memory = peak_memory_gib()
        left = (math.nan, math.nan)
        if secs:
            left = seconds_left(schedule, self._network, growth.images_after, secs)
        row = {
            "images_shown": growth.images_after,
            "from_images": tick.first_image,
            "phase": growth.phase.name,
            "resolution": growth.phase.resolution,
            "alpha": growth.alpha,
            "learning_rate": growth.phase.learning_rate,
            "batch_size": growth.phase.batch_size,
            **means,
            "secs_per_image": secs,
            "peak_memory_gib": round(memory, 3),
            "time": round(time.time(), 3),
        }
        with open(self._stats, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(_status_line(growth, means, secs, left, memory), flush=True)
        with self._summaries.as_default(step=growth.images_after):
            for name, value in means.items():
                tf.summary.scalar(_summary_name(name), value)
            tf.summary.scalar("schedule/alpha", growth.alpha)
            tf.summary.scalar("schedule/resolution", growth.phase.resolution)
            tf.summary.scalar("schedule/learning_rate", growth.phase.learning_rate)
            tf.summary.scalar("perf/peak_memory_gib", memory)
            if secs:
                tf.summary.scalar("perf/images_per_sec", 1 / secs)
        self._summaries.flush()

    def samples(self, state: TrainingState, growth: GrowthState) -> None:
        """Writes a sample grid as a PNG and to TensorBoard."""
        grid = self._grid.draw(state, growth)
        path = self._run_dir / "samples" / f"images-{growth.images_after:09d}.png"
        write_atomically(path, encode_png(grid))
        with self._summaries.as_default(step=growth.images_after):
            tf.summary.image("samples", grid[None])
        self._summaries.flush()


def keep_rows_up_to(path: Path, images_shown: int) -> None:
    """Drops rows of `stats.jsonl` after `images_shown`, and a last line that was cut short."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["images_shown"] <= images_shown:
                kept.append(line + "\n")
        except (json.JSONDecodeError, KeyError, TypeError):
            continue
    write_atomically(path, "".join(kept))


def _summary_name(measure: str) -> str:
    """TensorBoard groups by the part before the slash."""
    for group in ("loss", "score", "norm", "skipped"):
        if group in measure:
            return f"{group}/{measure}"
    return measure


def _status_line(growth: GrowthState, means: dict, secs, left, memory: float) -> str:
    phase = growth.phase
    alpha = f" alpha {growth.alpha:.3f}" if phase.fading else ""
    skipped = max(means["generator_skipped"], means["discriminator_skipped"])
    line = (
        f"{phase.name}{alpha} | {growth.images_after / 1000:.1f} kimg"
        f" | loss G {means['generator_loss']:.2f} D {means['discriminator_loss']:.2f}"
        f" | score {means['real_score']:.2f} {means['fake_score']:.2f}"
        f" | |grad| {means['gradient_norm']:.3f}"
    )
    if secs:
        line += f" | {1 / secs:.1f} img/s | left {duration(left[0])} / {duration(left[1])}"
    if skipped:
        line += f" | {skipped:.1%} updates skipped: gradients not finite"
    return line + f" | mem {memory:.1f} GiB"
