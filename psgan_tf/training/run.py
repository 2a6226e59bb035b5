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
from psgan_tf.data.records import shard_paths
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
from psgan_tf.training.config import NetworkConfig, TrainingConfig, load_options, to_json
from psgan_tf.training.distributed.cluster import Cluster
from psgan_tf.training.distributed.multi_worker import (
    Agreement,
    Onlooker,
    shared_facts,
    start_workers,
    survivors_say_so,
)
from psgan_tf.training.distributed.rendezvous import meet
from psgan_tf.training.optimizers import averaged_value
from psgan_tf.training.precision import AUTO, best_precision
from psgan_tf.training.reporting import Reporter, SampleGrid
from psgan_tf.training.schedule import Schedule, build_schedule, split_over_replicas
from psgan_tf.training.trainer import Decision, Trainer, own_decision

# -------------------------------------------------------------------------------------------------
# Checks


def check_data(card: DatasetCard, config: TrainingConfig) -> None:
    """Refuses data that the run would miss something of, before anything is computed.

    Raises:
        ValueError: when a resolution or a shard is missing.
    """
    missing = sorted(set(config.network.resolutions) - set(card.resolutions))
    if missing:
        raise ValueError(
            "`resolution` must be one that the data was converted to, with all below. Received: "
            f"resolution={config.network.resolution}; {config.data_dir} lacks {missing}. Lower "
            f"--resolution to {max(card.resolutions)}, or convert again with more --resolutions."
        )
    for resolution in config.network.resolutions:
        shard_paths(config.data_dir, card, "train", resolution)


def check_same_run(config: TrainingConfig, card: DatasetCard) -> None:
    """Refuses what a run that has begun cannot go on with; warns of what else has changed.

    Raises:
        ValueError: naming the flag: another architecture, or data of another schema.
    """
    if not has_begun(config.run_dir):
        return
    before = load_options(config.run_dir)
    _check_same_data(config, DatasetCard.load(config.run_dir), card)
    for field in dataclasses.fields(NetworkConfig):
        old, new = getattr(before.network, field.name), getattr(config.network, field.name)
        if old != new:
            raise ValueError(
                f"`{field.name}` must stay {old}, as the run in {config.run_dir} has it. "
                f"Received: {field.name}={new}. Use another --run_dir; --init_from carries "
                "weights over."
            )
    for field in dataclasses.fields(TrainingConfig):
        old, new = getattr(before, field.name), getattr(config, field.name)
        if old != new and field.name not in ("network", "run_dir"):
            logging.warning("--%s was %r before, now %r", field.name, old, new)


def has_begun(run_dir: str | Path) -> bool:
    """Whether a run directory holds a checkpoint, whole or not."""
    return any((Path(run_dir) / CHECKPOINTS).glob("ckpt-*.index"))


def _check_same_data(config: TrainingConfig, before: DatasetCard, now: DatasetCard) -> None:
    for name in ("keypoint_frame", "skeleton"):
        old, new = getattr(before, name), getattr(now, name)
        if config.network.num_keypoints and old != new:
            raise ValueError(
                f"`data_dir` must keep the {name} that the run in {config.run_dir} began with. "
                f"Received: {getattr(new, 'name', new)} in {config.data_dir}, before "
                f"{getattr(old, 'name', old)}. Use another --run_dir."
            )
    if before.splits != now.splits:
        logging.warning("--data_dir holds other pictures than before: their order starts anew")


def check_init_from(config: TrainingConfig) -> None:
    """Refuses an `init_from` that a new run could not take weights from.

    Raises:
        ValueError: when it holds no run, no dataset card or no checkpoint.
    """
    if not config.init_from or has_begun(config.run_dir):
        return
    load_options(config.init_from)
    DatasetCard.load(config.init_from)
    if not has_begun(config.init_from):
        raise ValueError(
            "`init_from` must be a run with a checkpoint. "
            f"Received: init_from={config.init_from!r}, which has none. Name another run."
        )


# -------------------------------------------------------------------------------------------------
# Run directory and devices


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


def replica_devices(wanted: list[str] | None) -> list[str]:
    """The devices that share a batch, without starting any: all GPUs, else the CPU.

    Args:
        wanted: such as `GPU:0`, or None for the default.

    Raises:
        ValueError: when one is wanted that is not there.
    """
    physical = tf.config.list_physical_devices()
    present = [device.name.removeprefix("/physical_device:") for device in physical]
    chosen = wanted or [name for name in present if name.startswith("GPU")] or ["CPU:0"]
    if len(set(chosen)) != len(chosen):
        raise ValueError(
            f"`devices` must name each device once. Received: {','.join(chosen)}. Drop the repeats."
        )
    missing = [name for name in chosen if name not in present]
    if missing:
        raise ValueError(
            f"`devices` must be among {', '.join(present)}. Received: {', '.join(missing)}. "
            "Correct --devices, or install the GPU's driver (see BUILD.md)."
        )
    return chosen


def settled_precision(asked: str, run_dir: str, wanted: list[str] | None) -> tuple[str, str]:
    """The precision to train in, and why; what a run began with it keeps on any machine.

    Args:
        asked: `float32`, `bfloat16`, or `auto` for what the hardware is made for.
        run_dir: the run's directory, or empty.
        wanted: see `replica_devices`.

    Raises:
        ValueError: when a device is wanted that is not there.
    """
    if asked != AUTO:
        return asked, "it was asked for"
    if run_dir and has_begun(run_dir):
        return load_options(run_dir).precision, "the run began with it"
    return best_precision(replica_devices(wanted))


def start_devices(
    config: TrainingConfig, devices: list[str], *, multi_worker: bool = False
) -> tf.distribute.Strategy:
    """Makes the strategy; from here on memory is taken and the process is seeded."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.keras.utils.set_random_seed(config.seed)
    if devices == ["CPU:0"]:
        # Resuming is bit for bit on a CPU; on GPUs this would cost much speed.
        tf.config.experimental.enable_op_determinism()
    return start_workers() if multi_worker else tf.distribute.MirroredStrategy(devices)


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


def train(
    config: TrainingConfig,
    card: DatasetCard,
    devices: list[str],
    stop: Callable[[], bool],
    cluster: Cluster | None = None,
) -> bool:
    """Trains to the end of the schedule or until `stop()`; goes on where a run stopped.

    Args:
        config: checked options.
        card: of the data.
        devices: from `replica_devices`.
        stop: asked after each batch.
        cluster: the workers that train together, None for this process alone.

    Returns:
        Whether the schedule is complete.

    Raises:
        ValueError: when the run directory is not ours or all its checkpoints are damaged, or the
            workers do not come together.
        FloatingPointError: when a loss is not finite.
        ConnectionError: when another worker is gone.
    """
    directory = Path(config.run_dir)
    writes = cluster is None or cluster.is_chief
    with run_directory(config, card) if writes else contextlib.nullcontext():
        newest = newest_whole_checkpoint(directory / CHECKPOINTS)
        if cluster is None:
            strategy = start_devices(config, devices)
            return _train_on(strategy, config, card, newest, stop, own_decision, writes)
        print(f"worker {cluster.index} of {cluster.num_workers}: waiting for the others")
        if not meet(cluster, shared_facts(config, card, devices, newest), stop):
            print("stopped before all workers were there")
            return False
        with survivors_say_so():
            strategy = start_devices(config, devices, multi_worker=True)
            agreement = Agreement(strategy, cluster.is_chief)
            complete = _train_on(strategy, config, card, newest, stop, agreement, writes)
            # The last checkpoint is the chief's to write: who leaves before knows nothing of it.
            agreement.wait_for_all()
        return complete


def _train_on(
    strategy: tf.distribute.Strategy,
    config: TrainingConfig,
    card: DatasetCard,
    checkpoint: str | None,
    stop: Callable[[], bool],
    agreed: Decision,
    writes: bool,
) -> bool:
    """Makes or restores the state on started devices, and trains it."""
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
    if writes:
        grid = SampleGrid(data, config.network)
        reporter = Reporter(directory, config.network, grid, images_shown)
        complete = trainer.run(store, reporter, stop, agreed)
    else:
        complete = trainer.run(Onlooker(), Onlooker(), stop, agreed)
    images_shown = int(state.images_shown.numpy())
    if complete:
        print(f"complete: {images_shown} images shown, samples in {directory / 'samples'}")
    else:
        print(f"stopped at {images_shown} images; run the same command again to go on", flush=True)
    return complete


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
