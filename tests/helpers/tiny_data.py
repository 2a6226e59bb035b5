"""Small datasets and runs that tests make for themselves."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from psgan_tf.data.dataset_card import DatasetCard, Split
from psgan_tf.data.input_pipeline import TrainingData
from psgan_tf.data.records import ShardWriter, shard_name
from psgan_tf.images.pictures import encode_png, pyramid
from psgan_tf.keypoints.schema import Skeleton
from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.checkpoints import new_state
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.schedule import build_schedule
from psgan_tf.training.trainer import Trainer

SKELETON = Skeleton("tail3", ("root", "left", "right"), ((1, 2),), ((0, 1), (0, 2)))


def write_dataset(directory, frame=16, examples=24, shards=3, seed=0, skeleton=SKELETON):
    """A dataset directory of coloured squares whose centre is the first keypoint."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    resolutions = tuple(2**k for k in range(2, frame.bit_length()))
    counts, checksums = [], {n: [] for n in resolutions}
    for shard in range(shards):
        names = {n: shard_name("tiny", "train", n, shard, shards) for n in resolutions}
        writer = ShardWriter({n: directory / name for n, name in names.items()}, directory)
        rows = range(shard, examples, shards)
        for row in rows:
            keypoints = np.ones([skeleton.num_keypoints, 3], np.float32)
            keypoints[:, :2] = rng.uniform(0, frame, [skeleton.num_keypoints, 2])
            image = np.full([frame, frame, 3], 255, np.uint8)
            x, y = keypoints[0, :2].astype(int)
            half = frame // 4
            image[max(0, y - half) : y + half, max(0, x - half) : x + half] = rng.integers(
                0, 200, 3
            )
            pngs = {n: encode_png(p) for n, p in pyramid(image, resolutions).items()}
            writer.write(pngs, keypoints, f"picture{row}", motion=f"motion{row % 2}")
        for n, checksum in writer.close().items():
            checksums[n].append(checksum)
        counts.append(len(rows))
    split = Split(examples, tuple(counts), {n: tuple(sums) for n, sums in checksums.items()})
    card = DatasetCard("tiny", skeleton, frame, resolutions, {"train": split})
    card.save(directory)
    return card


def tiny_config(data_dir, run_dir, **changes):
    """A run to 8 x 8 that takes seconds: three phases of 16 images, batch 4."""
    shape = {"resolution": 8, "latent_size": 8, "fmap_base": 64, "fmap_max": 8, "num_keypoints": 3}
    shape |= {name: changes.pop(name) for name in list(changes) if name in shape}
    network = NetworkConfig(keypoint_frame=16, **shape)
    options = {"fade_kimg": "0.016", "stabilize_kimg": "0.016", "batch_size": "4"}
    options |= {"tick_kimg": "0.008", "sample_kimg": "1"} | changes
    return TrainingConfig(network, str(data_dir), str(run_dir), **options)


def make_trainer(config, strategy=None, schedule=None, stddev_slices=1, dtype="float32"):
    """A trainer at its start, in this process."""
    card = DatasetCard.load(config.data_dir)
    strategy = strategy or tf.distribute.MirroredStrategy(["CPU:0"])
    tf.keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        state = new_state(
            config.network, ema_decay=config.ema_decay, dtype=dtype, stddev_slices=stddev_slices
        )
    data = TrainingData(
        Path(config.data_dir), card, config.seed, config.mirror, config.network.num_keypoints
    )
    return Trainer(config, schedule or build_schedule(config), data, strategy, state)


def train_steps(trainer, count):
    """Trains `count` batches from where the state is; returns the means of each."""
    means, batches, phase = [], None, None
    for _ in range(count):
        images_shown = int(trainer.state.images_shown.numpy())
        growth = trainer.schedule.growth_at(images_shown)
        if growth.phase != phase:
            phase = growth.phase
            dataset = trainer.data.batches(phase.resolution, phase.batch_size, images_shown)
            batches = iter(trainer.strategy.experimental_distribute_dataset(dataset))
        measures = trainer.step(growth, next(batches))
        means.append({name: float(value) for name, value in measures.items()})
    return means
