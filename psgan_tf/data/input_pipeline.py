"""Input pipeline: batches from shards, in an order given by the seed and the images shown.

Each epoch is shuffled by (seed, epoch), epochs follow one another without a seam, and a run that
goes on skips what it has seen before anything is decoded.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from psgan_tf.data.records import (
    DatasetCard,
    parse_example,
    parse_examples,
    parse_keypoints,
    shard_paths,
)
from psgan_tf.keypoints.schema import Skeleton

# Encoded pictures held back to shuffle, fewer where they are large; shards are already shuffled
# when they are written.
SHUFFLE_PICTURES = 2048
SHUFFLE_PIXELS = 1 << 28
_MIRROR_STREAM = 7


def mirror_keypoints(keypoints: tf.Tensor, frame: int, skeleton: Skeleton) -> tf.Tensor:
    """Keypoints of the picture turned left to right; `schema.mirror_keypoints` in TensorFlow.

    Args:
        keypoints: [..., M, 3] float32, x and y in pixels of the frame, visibility 0/1.
        frame: width of the square keypoint frame in pixels.
        skeleton: whose left and right rows change places.
    """
    keypoints = tf.gather(keypoints, skeleton.mirror_permutation, axis=-2)
    x, y, visible = tf.unstack(keypoints, axis=-1)
    pixel = tf.floor(x)
    # W - x may round up to the edge of the next pixel; it has to stay below that edge.
    inside = tf.minimum(frame - x, tf.math.nextafter(frame - pixel, tf.constant(-np.inf)))
    mirrored = tf.where(x == pixel, frame - 1 - pixel, inside)
    return tf.stack([tf.where(visible > 0, mirrored, x), y, visible], axis=-1)


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """The training split of a folder of shards.

    Args:
        directory: holds `dataset.json` and the shards.
        card: its dataset card.
        seed: decides the order.
        mirror: turn each picture left to right by the toss of a coin.
        num_keypoints: M of the network; 0 leaves poses out.
        split: `train` or `test`.
    """

    directory: Path
    card: DatasetCard
    seed: int
    mirror: bool
    num_keypoints: int
    split: str = "train"

    @property
    def num_examples(self) -> int:
        """Examples in the split."""
        return self.card.splits[self.split].examples

    def batches(
        self,
        resolution: int,
        batch_size: int,
        images_shown: int,
        context: tf.distribute.InputContext | None = None,
    ) -> tf.data.Dataset:
        """Batches from the position of `images_shown` on, without end.

        Args:
            resolution: of the pictures, in pixels.
            batch_size: global batch.
            images_shown: pictures that training has seen before, at any resolution.
            context: which worker's share to give, replica by replica; None for whole batches.

        Yields:
            images [B, N, N, 3] uint8 and keypoints [B, M, 3] float32, x and y in pixels of the
            full size, visibility 0/1. With n replicas in the context, B / n of the batch.

        Raises:
            ValueError: when the shards of that resolution are missing.
        """
        paths = shard_paths(self.directory, self.card, self.split, resolution)
        first_epoch, seen = divmod(images_shown, self.num_examples)

        def epoch_from(epoch: tf.Tensor) -> tf.data.Dataset:
            # Of this function's own graph: a global seed set elsewhere must not change the order.
            tf.random.set_seed(1)
            skipped = tf.where(epoch == first_epoch, tf.constant(seen, tf.int64), 0)
            return self._epoch(paths, epoch, resolution).skip(skipped)

        # One epoch after the other, so that each is whole; far more epochs than a run can last.
        epochs = tf.data.Dataset.range(first_epoch, first_epoch + 10**9)
        records = epochs.flat_map(epoch_from).enumerate(images_shown)
        context = context or tf.distribute.InputContext()
        if context.num_input_pipelines > 1:
            share = batch_size // context.num_input_pipelines
            # Before anything is decoded: each worker's rows of each global batch are its own.
            records = records.filter(
                lambda index, record: (
                    (index - images_shown) % batch_size // share == context.input_pipeline_id
                )
            )
        rows = context.get_per_replica_batch_size(batch_size)
        # drop_remainder makes the batch a Python number in the step's trace.
        batches = records.batch(rows, drop_remainder=True).map(
            lambda indices, batch: self._examples(indices, batch, resolution),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        return batches.prefetch(tf.data.AUTOTUNE)

    def keypoint_table(self) -> np.ndarray:
        """The poses of all examples, for the generator's step: [E, M, 3] float32.

        Raises:
            ValueError: when the shards hold another number of examples than the card says.
        """
        if not self.num_keypoints:
            return np.zeros([self.num_examples, 0, 3], np.float32)
        paths = shard_paths(self.directory, self.card, self.split, min(self.card.resolutions))
        records = tf.data.TFRecordDataset(paths)
        poses = records.map(lambda record: parse_keypoints(record, self.num_keypoints))
        table = np.stack(list(poses.as_numpy_iterator()))
        if len(table) != self.num_examples:
            raise ValueError(
                f"`data_dir` must hold the {self.num_examples} examples that its dataset.json "
                f"counts. Received: {len(table)} in {self.directory}. Convert again with "
                "tools/make_tfrecords.py --overwrite."
            )
        return table

    def first_examples(self, resolution: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The first examples of the shards, the same ones at every resolution.

        Returns:
            Pairs of images [N, N, 3] uint8 and keypoints [M, 3] float32.
        """
        paths = shard_paths(self.directory, self.card, self.split, resolution)
        records = tf.data.TFRecordDataset(paths).take(count)
        examples = records.map(lambda r: parse_example(r, resolution, self.num_keypoints))
        return list(examples.as_numpy_iterator())

    def _epoch(self, paths: list[str], epoch: tf.Tensor, resolution: int) -> tf.data.Dataset:
        """The encoded examples of one epoch in the epoch's own order."""
        key = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(epoch, tf.int64)])
        order = tf.argsort(tf.random.stateless_uniform([len(paths)], key, alg="philox"))
        shards = tf.data.Dataset.from_tensor_slices(tf.gather(tf.constant(paths), order))
        records = shards.interleave(tf.data.TFRecordDataset, cycle_length=len(paths))
        shuffle_seed = tf.random.stateless_uniform(
            [], key, maxval=tf.int64.max, dtype=tf.int64, alg="philox"
        )
        buffer = min(self.num_examples, SHUFFLE_PICTURES, SHUFFLE_PIXELS // resolution**2)
        return records.shuffle(buffer, seed=shuffle_seed, reshuffle_each_iteration=False)

    def _examples(self, indices, records, resolution):
        """Decodes a batch; `indices` are its examples' places in the whole run."""
        images, keypoints = parse_examples(records, resolution, self.num_keypoints)
        if not self.mirror:
            return images, keypoints
        turned = tf.stack([self._coin(index) for index in tf.unstack(indices)])[:, None, None]
        images = tf.where(turned[..., None], images[:, :, ::-1], images)
        if self.num_keypoints:
            frame, skeleton = self.card.keypoint_frame, self.card.skeleton
            keypoints = tf.where(turned, mirror_keypoints(keypoints, frame, skeleton), keypoints)
        return images, keypoints

    def _coin(self, index: tf.Tensor) -> tf.Tensor:
        """Whether the example at a place in the run is mirrored."""
        key = tf.stack([tf.constant(8 * self.seed + _MIRROR_STREAM, tf.int64), index])
        return tf.random.stateless_uniform([], key, alg="philox") < 0.5
