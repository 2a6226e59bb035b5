"""Checks of a run's options against its data and its directory, before anything is computed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from absl import logging

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.data.records import shard_paths
from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.checkpoints import CHECKPOINTS
from psgan_tf.training.config import TrainingConfig, load_options


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
