"""Memory and time of each phase of a run: real steps of it, each phase in its own process.

The peak of a process cannot be set back, and a phase that does not fit may take its process with
it.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection

import tensorflow as tf

from psgan_tf.common.processes import end_with_parent
from psgan_tf.common.progress import duration
from psgan_tf.model.ops.devices import peak_memory_gib
from psgan_tf.training.checkpoints import new_state
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.devices import start_devices
from psgan_tf.training.per_resolution import PerResolution
from psgan_tf.training.schedule import Phase, build_schedule, split_over_replicas
from psgan_tf.training.synthetic_data import SyntheticData
from psgan_tf.training.trainer import Trainer

# How a process ends for want of memory: by the system, or by the C++ library.
_MEMORY_SIGNALS = (-signal.SIGKILL, -signal.SIGABRT)
_HEADER = "phase                 batch  micro batch   peak GiB     s a step   images/s"


@dataclasses.dataclass(frozen=True)
class PhaseMemory:
    """Memory and time of a phase, as measured.

    Args:
        phase: the phase, its batch split over the replicas.
        peak_gib: most memory of the process or of the first GPU; None where it did not fit.
        step_secs: of a step after the first; None where it did not fit.
        fits: whether it ran, within the budget where there is one.
    """

    phase: Phase
    peak_gib: float | None
    step_secs: float | None
    fits: bool

    def line(self) -> str:
        """A line of the table."""
        phase = self.phase
        micro_batch = phase.micro_batch or "-"
        start = f"{phase.index:2d} {phase.name:<19}{phase.batch_size:5d}{micro_batch:>13}"
        if self.peak_gib is None:
            return f"{start}   does not fit: memory ran out, or its process was killed"
        rate = phase.batch_size / self.step_secs
        beyond = "" if self.fits else "   over the budget"
        return f"{start}{self.peak_gib:11.2f}{self.step_secs:13.3f}{rate:11.2f}{beyond}"


# -------------------------------------------------------------------------------------------------
# The process of one phase


def measure(config: TrainingConfig, phase_index: int, devices: list[str]) -> tuple[float, float]:
    """Two steps of one phase in this process.

    Args:
        config: the run's options; its pictures are noise here.
        phase_index: which phase.
        devices: from `devices.replica_devices`.

    Returns:
        Peak memory in GiB over both steps, and the seconds of the second one.
    """
    # Turning poses over takes the data's skeleton, and no memory.
    config = dataclasses.replace(config, mirror=False)
    strategy = start_devices(config, devices)
    schedule = split_over_replicas(build_schedule(config), len(devices), config.strict_batch)
    phase = schedule.phases[phase_index]
    with strategy.scope():
        state = new_state(config.network, ema_decay=config.ema_decay, dtype=config.dtype_policy)
    data = SyntheticData(config.network, phase.batch_size, phase.resolution)
    trainer = Trainer(config, schedule, data, strategy, state)
    dataset = tf.data.Dataset.from_tensors(data.batch()).repeat()
    batches = iter(strategy.experimental_distribute_dataset(dataset))
    growth = schedule.growth_at(phase.start_images)
    for _ in range(2):  # the first one traces
        start = time.perf_counter()
        float(trainer.step(growth, next(batches))["generator_loss"])
        step_secs = time.perf_counter() - start
    return peak_memory_gib(), step_secs


def _answer(answers: Connection, *case) -> None:
    """Sends what `measure` finds: its figures, None for want of memory, or an error's text."""
    end_with_parent()
    tf.get_logger().setLevel("WARNING")
    try:
        found = measure(*case)
    except (tf.errors.ResourceExhaustedError, MemoryError):
        found = None
    except Exception as error:
        found = f"{type(error).__name__}: {' '.join(str(error).split()):.300}"
    answers.send(found)


def _measure_apart(
    config: TrainingConfig, phase: Phase, devices: list[str]
) -> tuple[float, float] | None:
    """`measure` in a process of its own; None when that ran out of memory.

    Raises:
        ValueError: when it ended for another reason.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, config, phase.index, devices))
    process.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        process.join()
        ended = process.exitcode
        found = None if ended in _MEMORY_SIGNALS else f"its process ended with {ended}"
    finally:
        process.kill()
        process.join()
    if isinstance(found, str):
        raise ValueError(f"The probe of {phase.name} failed: {found}.")
    return found


# -------------------------------------------------------------------------------------------------
# All phases


def _micro_batch(limits: dict[int, int]) -> PerResolution:
    """Limits by resolution as the run's option; 0 sets none."""
    return PerResolution(0, tuple((n, most) for n, most in limits.items() if most))


def measure_phases(
    config: TrainingConfig, devices: list[str], budget_gib: float | None
) -> Iterator[PhaseMemory]:
    """Measures one phase after the other; under a budget also smaller parts where one is too large.

    Args:
        config: the run's options.
        devices: from `devices.replica_devices`.
        budget_gib: what each device may take, or None.

    Yields:
        What each phase measure_phases, and again for each smaller micro batch that was tried.
    """
    planned = split_over_replicas(build_schedule(config), len(devices), config.strict_batch).phases
    limits = {phase.resolution: phase.micro_batch for phase in planned}
    for phase in planned:
        while True:
            most = limits[phase.resolution]
            tried = dataclasses.replace(phase, micro_batch=most)
            run = dataclasses.replace(config, micro_batch=_micro_batch(limits))
            found = _measure_apart(run, phase, devices)
            peak_gib, step_secs = found or (None, None)
            fits = found is not None and (budget_gib is None or peak_gib <= budget_gib)
            yield PhaseMemory(tried, peak_gib, step_secs, fits)
            largest = max(tried.parts(len(devices)))
            if fits or budget_gib is None or largest == 1:
                break
            limits[phase.resolution] = (largest + 1) // 2


def recommend_micro_batch(found: Sequence[PhaseMemory], num_replicas: int) -> str:
    """One line: whether the run fits, and with which --micro_batch.

    Args:
        found: in the order of `measure_phases`.
        num_replicas: devices that share a batch.
    """
    last = {need.phase.index: need for need in found}
    too_large = [need.phase.name for need in last.values() if not need.fits]
    if too_large:
        return f"Does not fit: {', '.join(too_large)}"
    if len(last) == len(found):
        return "All phases fit"
    limits = {need.phase.resolution: need.phase.micro_batch for need in last.values()}
    alone = [need.phase.name for need in last.values() if min(need.phase.parts(num_replicas)) < 2]
    note = (
        f"; one picture at a time, so no minibatch statistic: {', '.join(alone)}" if alone else ""
    )
    flag = str(_micro_batch(limits)).removeprefix("0,")
    return f"All phases fit with --micro_batch={flag}{note}"


def probe(config: TrainingConfig, devices: list[str], budget_gib: float | None) -> Iterable[str]:
    """The table of all phases, line by line as they are measured; progress goes to stderr."""
    yield _HEADER
    found: list[PhaseMemory] = []
    start = time.monotonic()
    for need in measure_phases(config, devices, budget_gib):
        found.append(need)
        yield need.line()
        spent = duration(time.monotonic() - start)
        print(f"probe: {need.phase.name} done after {spent}", file=sys.stderr, flush=True)
    yield recommend_micro_batch(found, len(devices))
