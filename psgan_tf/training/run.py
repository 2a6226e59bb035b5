"""A run from its checked options to its end: directory, devices, first weights, training.

What can be refused is refused before a device is started; what was written is never lost.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import tensorflow as tf
from absl import logging

from psgan_tf.common.files import write_atomically
from psgan_tf.common.processes import exclusive
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.data.input_pipeline import TrainingData
from psgan_tf.model.weights import (
    Architecture,
    dump_weights,
    load_weights,
    map_weights,
    named_variables,
)
from psgan_tf.training.checkpoints import (
    CHECKPOINTS,
    CheckpointStore,
    TrainingState,
    load_run_weights,
    new_state,
    newest_whole_checkpoint,
)
from psgan_tf.training.config import TrainingConfig, to_json
from psgan_tf.training.devices import start_devices
from psgan_tf.training.distributed.cluster import Cluster
from psgan_tf.training.distributed.multi_worker import (
    CollectiveDecision,
    NullReporter,
    reports_lost_workers,
    run_fingerprint,
)
from psgan_tf.training.distributed.rendezvous import meet
from psgan_tf.training.optimizers import averaged_value
from psgan_tf.training.reporting import Reporter
from psgan_tf.training.sample_grid import SampleGrid
from psgan_tf.training.schedule import Schedule, build_schedule, split_over_replicas
from psgan_tf.training.trainer import Decision, Trainer, own_decision


@contextlib.contextmanager
def run_directory(config: TrainingConfig, card: DatasetCard) -> Iterator[Path]:
    """Makes the run directory, keeps others out of it, writes the options and the data's card.

    Raises:
        ValueError: when it cannot be written, or another process trains there.
    """
    directory = Path(config.run_dir)
    with contextlib.ExitStack() as stack:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            stack.enter_context(
                exclusive(
                    directory / "lock",
                    "`run_dir` must belong to one training at a time. Received: "
                    f"run_dir={config.run_dir!r}, where another one runs. Stop it first.",
                )
            )
            write_atomically(directory / "options.json", to_json(config))
            card.save(directory)
        except OSError as error:
            raise ValueError(
                f"`run_dir` must be a folder that can be written. Received: {config.run_dir!r} "
                f"({error.strerror}). Choose another."
            ) from None
        yield directory


# -------------------------------------------------------------------------------------------------
# Training


def take_weights(state: TrainingState, config: TrainingConfig, card: DatasetCard) -> None:
    """Carries the weights of `init_from` over into a state that is at its start.

    Raises:
        ValueError: when `init_from` holds no run or no checkpoint.
    """
    source = load_run_weights(config.init_from)
    architectures = (
        Architecture(source.network, DatasetCard.load(config.init_from).skeleton.keypoints),
        Architecture(config.network, card.skeleton.keypoints),
    )
    own = dump_weights(state.generator)
    weights, taken = map_weights(source.generator, own, *architectures)
    averages, _ = map_weights(source.averaged_generator, own, *architectures)
    load_weights(state.generator, weights)
    for name, variable in named_variables(state.generator).items():
        averaged_value(state.generator_optimizer, variable).assign(averages[name])
    own = dump_weights(state.discriminator)
    weights, also_taken = map_weights(source.discriminator, own, *architectures)
    load_weights(state.discriminator, weights)
    total = len(averages) + len(own)
    print(f"took {len(taken) + len(also_taken)} of {total} weights from {source.path}")


@dataclasses.dataclass(frozen=True)
class TrainingRun:
    """A run that is ready to train.

    Args:
        trainer: around the state at its start, or where the run stopped.
        store: where its checkpoints go.
        reporter: shows its progress.
        agreed: what all workers make of their own wishes, after each batch.
    """

    trainer: Trainer
    store: CheckpointStore | NullReporter
    reporter: Reporter | NullReporter
    agreed: Decision

    def end_line(self, complete: bool) -> str:
        """Line that says how far the run came, and how to go on."""
        images_shown = int(self.trainer.state.images_shown.numpy())
        if complete:
            samples = Path(self.trainer.config.run_dir) / "samples"
            return f"complete: {images_shown} images shown, samples in {samples}"
        return f"stopped at {images_shown} images; run the same command again to go on"


@contextlib.contextmanager
def open_run(
    config: TrainingConfig,
    card: DatasetCard,
    devices: list[str],
    stop: Callable[[], bool],
    cluster: Cluster | None = None,
) -> Iterator[TrainingRun | None]:
    """Opens the run directory, starts the devices, and makes or restores the run's state.

    Args:
        config: checked options.
        card: of the data.
        devices: from `replica_devices`.
        stop: asked while this worker waits for the others.
        cluster: the workers that train together, None for this process alone.

    Yields:
        The run, or None where it was asked to stop before all workers were there.

    Raises:
        ValueError: when the run directory is not ours or all its checkpoints are damaged, or the
            workers do not come together.
        ConnectionError: when another worker is gone.
    """
    directory = Path(config.run_dir)
    writes = cluster is None or cluster.is_chief
    with run_directory(config, card) if writes else contextlib.nullcontext():
        newest = newest_whole_checkpoint(directory / CHECKPOINTS)
        if cluster is None:
            strategy = start_devices(config, devices)
            yield _make_run(strategy, config, card, newest, own_decision, writes)
            return
        print(f"worker {cluster.index} of {cluster.num_workers}: waiting for the others")
        if not meet(cluster, run_fingerprint(config, card, devices, newest), stop):
            yield None
            return
        with reports_lost_workers():
            strategy = start_devices(config, devices, multi_worker=True)
            agreement = CollectiveDecision(strategy, cluster.is_chief)
            yield _make_run(strategy, config, card, newest, agreement, writes)
            # Wait for the chief's last checkpoint; a worker that exits earlier would miss it.
            agreement.wait_for_all()


def _make_run(
    strategy: tf.distribute.Strategy,
    config: TrainingConfig,
    card: DatasetCard,
    checkpoint: str | None,
    agreed: Decision,
    writes: bool,
) -> TrainingRun:
    """Makes or restores the state on started devices, and all that trains it."""
    directory = Path(config.run_dir)
    schedule = _whole_batches(config, strategy.num_replicas_in_sync)
    with strategy.scope():
        dtype = config.dtype_policy
        state = new_state(config.network, ema_decay=config.ema_decay, dtype=dtype)
        store = CheckpointStore(directory, state, config.keep_checkpoints)
        if checkpoint:
            store.restore(checkpoint)
        elif config.init_from:
            take_weights(state, config, card)
    images_shown = int(state.images_shown.numpy())
    print(f"going on at {images_shown} images" if checkpoint else f"starting in {directory}")
    data = TrainingData(
        Path(config.data_dir), card, config.seed, config.mirror, config.network.num_keypoints
    )
    trainer = Trainer(config, schedule, data, strategy, state)
    if not writes:
        return TrainingRun(trainer, NullReporter(), NullReporter(), agreed)
    grid = SampleGrid(data, config.network)
    reporter = Reporter(directory, config.network, grid, images_shown)
    return TrainingRun(trainer, store, reporter, agreed)


def _whole_batches(config: TrainingConfig, num_replicas: int) -> Schedule:
    """The schedule with batches that split over the replicas, with a warning where it differs."""
    planned = build_schedule(config)
    schedule = split_over_replicas(planned, num_replicas, config.strict_batch)
    for old, new in zip(planned.phases, schedule.phases, strict=True):
        if old.batch_size != new.batch_size:
            logging.warning(
                "%s: a batch of %d does not split over %d replicas, rounded up to %d",
                *(old.name, old.batch_size, num_replicas, new.batch_size),
            )
        if min(new.parts(num_replicas)) < 2:
            logging.warning(
                "%s: one picture at a time, so that the minibatch statistic says nothing", new.name
            )
    return schedule
