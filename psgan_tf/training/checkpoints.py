"""Everything of a run that must survive, in one `tf.train.Checkpoint`.

Weights, both optimizers with the generator's moving average, the images shown and the phase.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import logging

from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.networks import Discriminator, Generator
from psgan_tf.model.weights import dump_weights, load_weights, named_variables
from psgan_tf.training.config import load_options
from psgan_tf.training.optimizers import (
    Optimizer,
    averaged_value,
    discriminator_optimizer,
    generator_optimizer,
)

CHECKPOINTS = "checkpoints"
# What reading a damaged checkpoint raises: a flipped bit, a file cut short, a file that is gone.
_DAMAGE = (tf.errors.OpError, IndexError, ValueError, RuntimeError)


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """State of a run: all that training changes.

    Args:
        generator, discriminator: the networks, with all weights made.
        generator_optimizer, discriminator_optimizer: with all slots made.
        images_shown: int64 scalar variable.
        phase_index: int64 scalar variable, the phase of the last batch; -1 before the first.
    """

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    images_shown: tf.Variable
    phase_index: tf.Variable

    def checkpoint(self) -> tf.train.Checkpoint:
        """The object that saves and restores this state."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return tf.train.Checkpoint(**fields)

    def averaged_weights(self) -> dict[str, np.ndarray]:
        """The generator's moving average by name; these weights draw all pictures."""
        return {
            name: averaged_value(self.generator_optimizer, variable).numpy()
            for name, variable in named_variables(self.generator).items()
        }


def new_state(
    config: NetworkConfig, *, ema_decay: float, dtype: str = "float32", stddev_slices: int = 1
) -> TrainingState:
    """A state at its start; inside the strategy's scope, since slots are made here.

    Args:
        config: the networks' shape.
        ema_decay: of the generator's moving average.
        dtype: Keras policy of the networks, `float32` or `mixed_bfloat16`.
        stddev_slices: see `normalization.minibatch_stddev`.
    """
    generator = Generator(config, dtype=dtype)
    discriminator = Discriminator(config, stddev_slices=stddev_slices, dtype=dtype)
    return TrainingState(
        generator,
        discriminator,
        generator_optimizer(generator.trainable_variables, ema_decay),
        discriminator_optimizer(discriminator.trainable_variables),
        tf.Variable(0, dtype=tf.int64, trainable=False, name="images_shown"),
        tf.Variable(-1, dtype=tf.int64, trainable=False, name="phase_index"),
    )


class CheckpointStore:
    """The checkpoints of a run directory, named by images shown.

    TensorFlow writes the data under temporary names and the index last, so that a killed save
    leaves no checkpoint behind.

    Args:
        run_dir: the run's directory.
        state: what is saved and restored.
        keep: how many checkpoints stay.
    """

    def __init__(self, run_dir: Path, state: TrainingState, keep: int):
        self._state = state
        self._checkpoint = state.checkpoint()
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(run_dir / CHECKPOINTS), max_to_keep=keep, checkpoint_name="ckpt"
        )

    def save(self) -> str:
        """Writes a checkpoint and returns its path."""
        return self._manager.save(checkpoint_number=int(self._state.images_shown.numpy()))

    def restore(self, path: str) -> None:
        """Restores a checkpoint, such as `newest_whole_checkpoint` names."""
        self._checkpoint.restore(path).assert_consumed()


def _checkpoints(directory: Path) -> dict[int, str]:
    """Path prefixes of the checkpoints by images shown."""
    found = {}
    for index in directory.glob("ckpt-*.index"):
        number = re.fullmatch(r"ckpt-(\d+)", index.stem)
        if number:
            found[int(number[1])] = str(index.with_suffix(""))
    return found


def newest_whole_checkpoint(directory: Path) -> str | None:
    """Path prefix of the newest checkpoint that can be read to its end, None if there is none.

    Raises:
        ValueError: when there are checkpoints, but all of them are damaged.
    """
    found = _checkpoints(directory)
    for images, path in sorted(found.items(), reverse=True):
        error = _damage(path)
        if error is None:
            return path
        logging.warning(
            "Checkpoint at %d images is damaged and passed over for the one before: %s",
            images,
            error,
        )
    if found:
        raise ValueError(
            f"`run_dir` must hold a checkpoint that can be read. Received: {len(found)} in "
            f"{directory}, all damaged. Restore one from a backup, or start in a new run_dir."
        )
    return None


def _whole_checkpoint(directory: Path, images_shown: int) -> str:
    """Path prefix of one checkpoint.

    Raises:
        ValueError: when it is not there or damaged.
    """
    found = _checkpoints(directory)
    if images_shown not in found:
        kept = ", ".join(map(str, sorted(found))) or "none"
        raise ValueError(
            f"`checkpoint` must be the images shown at one that {directory} holds: {kept}. "
            f"Received: {images_shown}."
        )
    error = _damage(found[images_shown])
    if error is not None:
        raise ValueError(
            "`checkpoint` must be one that can be read. "
            f"Received: {images_shown}, which is damaged ({error}). Take another."
        )
    return found[images_shown]


def _damage(path: str) -> str | None:
    """Damage of a checkpoint in words, found by reading all of it; None for a whole one."""
    try:
        reader = tf.train.load_checkpoint(path)
        for key in reader.get_variable_to_shape_map():
            reader.get_tensor(key)
    except _DAMAGE as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None


@dataclasses.dataclass(frozen=True)
class RunWeights:
    """The weights of a run's newest checkpoint.

    Args:
        network: the networks' shape.
        generator, discriminator: weights by name.
        averaged_generator: the generator's moving average by name.
        images_shown: at the checkpoint.
        phase_index: phase of the last batch, -1 before the first.
        path: prefix of the checkpoint's files.
    """

    network: NetworkConfig
    generator: dict[str, np.ndarray]
    discriminator: dict[str, np.ndarray]
    averaged_generator: dict[str, np.ndarray]
    images_shown: int
    phase_index: int
    path: str

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with any weight of the averaged generator."""
        digest = hashlib.sha256()
        for name, value in sorted(self.averaged_generator.items()):
            digest.update(name.encode() + value.tobytes())
        return digest.hexdigest()[:16]

    def averaged(self, dtype: str = "float32") -> Generator:
        """A generator with the averaged weights."""
        generator = Generator(self.network, dtype=dtype)
        load_weights(generator, self.averaged_generator)
        return generator


def load_run_weights(run_dir: str | Path, checkpoint: int | None = None) -> RunWeights:
    """Reads a checkpoint of a run.

    Args:
        run_dir: the run's directory.
        checkpoint: images shown at the checkpoint; None for the newest whole one.

    Raises:
        ValueError: when `run_dir` holds no run, or no such checkpoint that can be read.
    """
    options = load_options(run_dir)
    directory = Path(run_dir) / CHECKPOINTS
    if checkpoint is None:
        path = newest_whole_checkpoint(directory)
    else:
        path = _whole_checkpoint(directory, checkpoint)
    if path is None:
        raise ValueError(
            "`run_dir` must hold a checkpoint. "
            f"Received: run_dir={str(run_dir)!r}, which has none yet. Let it train for a while."
        )
    state = new_state(options.network, ema_decay=options.ema_decay)
    state.checkpoint().restore(path).assert_consumed()
    return RunWeights(
        network=options.network,
        generator=dump_weights(state.generator),
        discriminator=dump_weights(state.discriminator),
        averaged_generator=state.averaged_weights(),
        images_shown=int(state.images_shown.numpy()),
        phase_index=int(state.phase_index.numpy()),
        path=path,
    )
