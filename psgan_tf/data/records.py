"""TFRecord shards: the one place that knows the record schema.

A dataset directory holds one set of shards per split and resolution and a card:

    godette-train-r0064.tfrecord-00000-of-00008 ...    dataset.json

Each resolution's shards hold the same examples in the same order, a PNG each, so that training
at 4 x 4 never decodes a 1024 x 1024 picture. Keypoints are stored sparse, not as pose maps:
20 rows of x, y, visible, the same at every resolution, in pixels of the card's keypoint frame.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from psgan_tf.data.dataset_card import DatasetCard, Split, is_shard_name, shard_name, shard_paths
from psgan_tf.keypoints.schema import Keypoints

__all__ = [
    "DatasetCard",
    "ShardWriter",
    "Split",
    "encode_example",
    "is_shard_name",
    "iterate_examples",
    "parse_attributes",
    "parse_example",
    "parse_examples",
    "parse_keypoints",
    "shard_name",
    "shard_paths",
]

_IMAGE = "image/png"
_KEYPOINTS = "keypoints"
_ATTRIBUTES = ("name", "costume", "motion")


# ------------------------------------------------------------------------------------------------
# Examples.


def encode_example(
    image_png: bytes, keypoints: Keypoints, name: str, costume: str = "", motion: str = ""
) -> bytes:
    """One serialized `tf.train.Example`.

    Args:
        image_png: the picture, encoded, [N, N, 3] uint8.
        keypoints: [M, 3] float32, x and y in pixels of the keypoint frame, visible 0/1.
        name: what the picture is called in its source; unique in the dataset.
        costume: its costume, or empty.
        motion: the motion that it is a frame of, or empty.
    """
    feature = {
        _IMAGE: tf.train.Feature(bytes_list=tf.train.BytesList(value=[image_png])),
        _KEYPOINTS: tf.train.Feature(
            float_list=tf.train.FloatList(value=np.float32(keypoints).ravel())
        ),
    }
    for key, text in zip(_ATTRIBUTES, (name, costume, motion), strict=True):
        # A file name that is no UTF-8 keeps its own bytes.
        value = text.encode("utf-8", "surrogateescape")
        feature[key] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return bytes(example.SerializeToString(deterministic=True))


def parse_keypoints(serialized: tf.Tensor, num_keypoints: int) -> tf.Tensor:
    """Reads an example's keypoints and leaves its picture encoded.

    Args:
        serialized: scalar string, one example.
        num_keypoints: M; with 0 whatever keypoints there are are ignored.

    Returns:
        [M, 3] float32, x and y in pixels of the keypoint frame, visible 0/1.
    """
    if num_keypoints == 0:
        return tf.zeros((0, 3), tf.float32)
    features = {_KEYPOINTS: tf.io.FixedLenFeature((num_keypoints, 3), tf.float32)}
    return tf.io.parse_single_example(serialized, features)[_KEYPOINTS]


def parse_example(
    serialized: tf.Tensor, resolution: int, num_keypoints: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads an example, eagerly or inside `tf.data`.

    Args:
        serialized: scalar string, one example.
        resolution: N, the size in pixels of this shard's pictures.
        num_keypoints: M; with 0 whatever keypoints there are are ignored.

    Returns:
        The picture, [N, N, 3] uint8, and the keypoints, [M, 3] float32, x and y in pixels of the
        keypoint frame (not of N), visible 0/1.
    """
    images, keypoints = parse_examples(tf.expand_dims(serialized, 0), resolution, num_keypoints)
    return images[0], keypoints[0]


def parse_examples(
    serialized: tf.Tensor, resolution: int, num_keypoints: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """`parse_example` of a whole batch, which takes half the time where pictures are small.

    Args:
        serialized: [B] strings, B known when it is traced.
        resolution, num_keypoints: as for `parse_example`.

    Returns:
        Pictures, [B, N, N, 3] uint8, and keypoints, [B, M, 3] float32.
    """
    features = {_IMAGE: tf.io.FixedLenFeature((), tf.string)}
    if num_keypoints:
        features[_KEYPOINTS] = tf.io.FixedLenFeature((num_keypoints, 3), tf.float32)
    parsed = tf.io.parse_example(serialized, features)
    decoded = [tf.io.decode_png(encoded, channels=3) for encoded in tf.unstack(parsed[_IMAGE])]
    size = (resolution, resolution, 3)
    images = tf.stack([tf.ensure_shape(image, size) for image in decoded])
    no_keypoints = tf.zeros((len(decoded), 0, 3), tf.float32)
    return images, parsed.get(_KEYPOINTS, no_keypoints)


def parse_attributes(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Reads an example's `name`, `costume` and `motion`: scalar strings, empty where unknown."""
    features = {key: tf.io.FixedLenFeature((), tf.string) for key in _ATTRIBUTES}
    return tf.io.parse_single_example(serialized, features)


# ------------------------------------------------------------------------------------------------
# Shards.


class ShardWriter:
    """Writes the shards of all resolutions side by side; they appear whole, when it closes.

    Args:
        paths: for each resolution, where its shard is to appear.
        scratch: directory on the same disk for the shards while they grow.
    """

    def __init__(self, paths: Mapping[int, Path], scratch: Path) -> None:
        self._paths = dict(paths)
        self._growing = {n: scratch / f"{path.name}.tmp" for n, path in paths.items()}
        self._writers = {n: tf.io.TFRecordWriter(str(p)) for n, p in self._growing.items()}

    def write(
        self,
        images_png: Mapping[int, bytes],
        keypoints: Keypoints,
        name: str,
        costume: str = "",
        motion: str = "",
    ) -> None:
        """Adds one example: a PNG for each resolution, the rest as for `encode_example`."""
        for resolution, writer in self._writers.items():
            png = images_png[resolution]
            writer.write(encode_example(png, keypoints, name, costume, motion))

    def close(self) -> dict[int, str]:
        """Puts the shards in place and returns the SHA-256 of each resolution's file."""
        checksums = {}
        for resolution, writer in self._writers.items():
            writer.close()
            with open(self._growing[resolution], "rb") as file:
                checksums[resolution] = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
        for resolution, path in self._paths.items():
            os.replace(self._growing[resolution], path)
        return checksums

    def discard(self) -> None:
        """Drops what was written since the beginning."""
        for resolution, writer in self._writers.items():
            with contextlib.suppress(tf.errors.OpError):
                writer.close()
            self._growing[resolution].unlink(missing_ok=True)


def iterate_examples(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The serialized examples of one shard, in order."""
    for serialized in tf.data.TFRecordDataset(str(path)):
        yield bytes(serialized.numpy())
