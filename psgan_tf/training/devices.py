"""Devices of a run: which share a batch, in which precision, and their strategy."""

from __future__ import annotations

import tensorflow as tf

from psgan_tf.training.config import TrainingConfig, load_options
from psgan_tf.training.distributed.multi_worker import start_workers
from psgan_tf.training.precision import AUTO, best_precision
from psgan_tf.training.preflight import has_begun


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
