"""Training over several machines with TensorFlow's MultiWorkerMirroredStrategy.

Every worker computes its rows of each global batch and holds the same weights; the chief alone
writes. What must happen on all in the same step is agreed; when one dies, all end.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from psgan_tf.common.files import json_text
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.training.checkpoints import CHECKPOINTS, TrainingState, newest_whole_checkpoint
from psgan_tf.training.config import TrainingConfig, as_fields
from psgan_tf.training.reporting import Tick
from psgan_tf.training.schedule import GrowthState, Schedule

# TensorFlow notices within about ten seconds that a worker is gone, once all have started. For
# the start itself, in which it would wait for an hour, this is the limit.
START_SECS = 120
# What the others see of a worker that is gone.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)


def run_fingerprint(
    config: TrainingConfig, card: DatasetCard, devices: list[str], checkpoint: str | None
) -> dict[str, str]:
    """Fingerprint of a run: what all its workers must have alike, by the flag that decides it.

    Args:
        config: the run's options.
        card: of the data.
        devices: of this worker.
        checkpoint: path prefix of the one that this worker would go on from.
    """
    options = as_fields(config)
    facts = {name: str(value) for name, value in (options.pop("network") | options).items()}
    facts["devices"] = ",".join(devices)
    # Of folders what is in them counts; each machine may have them elsewhere.
    facts["data_dir"] = f"{card.name} ({_digest(json_text(card.to_json()).encode())})"
    facts["run_dir"] = _label(checkpoint)
    if config.init_from and checkpoint is None:
        facts["init_from"] = _label(newest_whole_checkpoint(Path(config.init_from) / CHECKPOINTS))
    return facts


def _label(checkpoint: str | None) -> str:
    """Names a checkpoint; the digest differs where any weight does, whose sums its index holds."""
    if checkpoint is None:
        return "no checkpoint"
    return f"{Path(checkpoint).name} ({_digest(Path(f'{checkpoint}.index').read_bytes())})"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def start_workers() -> tf.distribute.Strategy:
    """Makes the strategy of the cluster in TF_CONFIG, after its workers have met."""
    with _killable(START_SECS):
        return tf.distribute.MultiWorkerMirroredStrategy()


@contextlib.contextmanager
def _killable(secs: int) -> Iterator[None]:
    """Lets signals and time end the process at once, as TensorFlow's start heeds neither."""
    numbers = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    signal.alarm(secs)
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def reports_lost_workers() -> Iterator[None]:
    """Turns what TensorFlow raises when another worker is gone into one line.

    Raises:
        ConnectionError: instead.
    """
    try:
        yield
    except _LOST as error:
        raise ConnectionError(
            "another worker ended or cannot be reached, and this one ends with it. Start all "
            "again with the same commands to go on from the last checkpoint."
        ) from error


def input_context(
    strategy: tf.distribute.MultiWorkerMirroredStrategy,
) -> tf.distribute.InputContext:
    """This worker's share of each global batch."""
    resolver = strategy.cluster_resolver
    return tf.distribute.InputContext(
        resolver.cluster_spec().num_tasks("worker"),
        resolver.task_id,
        strategy.num_replicas_in_sync,
    )


def local_batches(
    strategy: tf.distribute.MultiWorkerMirroredStrategy, share: tf.data.Dataset
) -> Iterator[Any]:
    """The batches of this worker's replicas.

    A DistributedDataset would have all workers ask one another at each step whether there is more,
    and stalls for up to a minute where it is dropped, as autotuning does not hear of it; all
    workers would wait for each.

    Args:
        strategy: of all workers.
        share: gives one replica's part after the other.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    parts = iter(share.with_options(options))
    while True:
        yield strategy.experimental_distribute_values_from_function(lambda context: next(parts))


class CollectiveDecision:
    """Lets all workers stop and save after the same batch.

    Args:
        strategy: of all workers.
        is_chief: whether this one's clock decides when a checkpoint is due.
    """

    def __init__(self, strategy: tf.distribute.Strategy, is_chief: bool):
        self._strategy = strategy
        self._is_chief = is_chief
        self._summed = tf.function(self._sum)

    def __call__(self, stopping: bool, due: bool) -> tuple[bool, bool]:
        """Whether any worker was asked to stop, and whether the chief's checkpoint is due."""
        own = tf.constant([stopping, due and self._is_chief], tf.float32)
        stopping, due = self._summed(own).numpy() > 0
        return bool(stopping), bool(due)

    def wait_for_all(self) -> None:
        """Returns once all workers have come this far."""
        self(False, False)

    def _sum(self, own: tf.Tensor) -> tf.Tensor:
        def on_replica(own):
            replica = tf.distribute.get_replica_context()
            # Only what was computed on a replica has a device to be summed on.
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(own))

        sums = self._strategy.run(on_replica, args=(own,))
        return self._strategy.experimental_local_results(sums)[0]


class NullReporter:
    """The checkpoint store and the reporter of a worker that is not the chief: both do nothing."""

    def save(self) -> None:
        """The chief saves."""

    def tick(self, tick: Tick, schedule: Schedule) -> None:
        """The chief shows the means."""

    def samples(self, state: TrainingState, growth: GrowthState) -> None:
        """The chief draws."""
