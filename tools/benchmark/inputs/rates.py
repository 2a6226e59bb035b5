"""Pictures a second: what the input pipeline delivers, and what a training step eats."""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time

from psgan_tf.data.input_pipeline import TrainingData
from psgan_tf.model.arithmetic import step_multiplications
from tools.benchmark.steps.cases import Case
from tools.benchmark.turns.turns import TurnTaker, take_turns


@dataclasses.dataclass(frozen=True)
class Row:
    """The figures of one resolution.

    Args:
        resolution: in pixels.
        batch: pictures of a step.
        delivered: pictures a second that the pipeline gives when nothing else is done.
        cpu_secs: processor time of a picture in the pipeline.
        eaten: pictures a second that the step takes.
    """

    resolution: int
    batch: int
    delivered: float
    cpu_secs: float
    eaten: float

    @property
    def ratio(self) -> float:
        """Delivered to eaten."""
        return self.delivered / self.eaten

    @property
    def busy_cores(self) -> float:
        """Processor cores that the pipeline keeps busy at the step's pace."""
        return self.cpu_secs * self.eaten


def read(data: TrainingData, resolution: int, batch: int, secs: float) -> tuple[float, float]:
    """Reads batches for some seconds, the first one, which fills the buffers, left out.

    Returns:
        Pictures a second, and seconds of processor time a picture.
    """
    batches = iter(data.batches(resolution, batch, 0))
    next(batches)
    pictures, start, cpu_start = 0, time.perf_counter(), time.process_time()
    while not pictures or time.perf_counter() - start < secs:
        next(batches)
        pictures += batch
    wall_secs, cpu_secs = time.perf_counter() - start, time.process_time() - cpu_start
    return pictures / wall_secs, cpu_secs / pictures


def measured_step(case: Case, steps: int) -> float:
    """Pictures a second of the real step on this machine, in a process of its own."""
    taker = TurnTaker(case.name, sys.executable, "tools.benchmark.steps.worker", case.fields)
    (answer,) = take_turns([taker], steps, case.stage)
    return case.batch / statistics.median(step["secs"] for step in answer["steps"])


def reckoned_step(case: Case, tflops: float, least_ms: float) -> float:
    """Pictures a second of a step at a stated rate, no step shorter than stated either."""
    flop = 2 * case.batch * step_multiplications(case.network, case.resolution)
    return case.batch / max(flop / (1e12 * tflops), least_ms / 1e3)


def table(rows: list[Row]) -> str:
    """The figures as text."""
    lines = ["resolution  batch   delivered/s   CPU us each   eaten/s   ratio   busy cores"]
    for row in rows:
        lines.append(
            f"{row.resolution:10d}{row.batch:7d}{row.delivered:14.0f}{1e6 * row.cpu_secs:14.0f}"
            f"{row.eaten:10.1f}{row.ratio:8.1f}{row.busy_cores:13.2f}"
        )
    return "\n".join(lines)
