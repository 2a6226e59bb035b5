"""Small inputs for the conversion, and what came out of it."""

import sys
from pathlib import Path

import numpy as np

from psgan_tf.data.conversion.convert import convert
from psgan_tf.data.conversion.preparation import ConversionSettings
from psgan_tf.data.conversion.shard_plan import ConversionOptions, safe_name
from psgan_tf.data.conversion.sources import ReadingOptions, open_source
from psgan_tf.data.records import (
    DatasetCard,
    iterate_examples,
    parse_attributes,
    parse_example,
    shard_paths,
)
from psgan_tf.images.pictures import encode_png
from psgan_tf.keypoints.dataset_folder import ManifestRow, write_folder
from psgan_tf.keypoints.schema import Skeleton

PAIR = Skeleton("pair2", ("left_end", "right_end"), ((0, 1),), ((0, 1),))


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def options_for(source, resolutions=(4, 8), square="pad", min_keypoints=None, **changes):
    least = source.min_keypoints if min_keypoints is None else min_keypoints
    preparation = ConversionSettings(source.frame_px, resolutions, square, least)
    return ConversionOptions(safe_name(source.name), preparation, **changes)


def converted(folder, output, reading=ReadingOptions(), say=lambda line: None, **changes):  # noqa: B008
    source = open_source(Path(folder), reading)
    return convert(source, Path(output), options_for(source, **changes), say)


def read_back(output, split="train", resolution=8):
    """What the shards hold, in order: {name: (picture, keypoints, motion)}."""
    card = DatasetCard.load(output)
    examples = {}
    for path in shard_paths(output, card, split, resolution):
        for example in iterate_examples(path):
            attributes = parse_attributes(example)
            image, keypoints = parse_example(example, resolution, card.skeleton.num_keypoints)
            name = attributes["name"].numpy().decode()
            examples[name] = (image.numpy(), keypoints.numpy(), attributes["motion"].numpy())
    return examples


def all_bytes(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def pair_row(image, points=((4, 8, 1), (20.5, 30, 1)), **attributes):
    return ManifestRow(image, np.float32(points), attributes)


def noise_folder(folder, count, size=32, **card):
    """A dataset folder of `count` pictures, ten to a motion."""
    folder.mkdir(exist_ok=True)
    for i in range(count):
        (folder / f"{i:03d}.png").write_bytes(encode_png(noise(size, size, i)))
    rows = [
        pair_row(f"{i:03d}.png", ((i % size, 1, 1), (2, 3, 1)), motion=f"m{i // 10}")
        for i in range(count)
    ]
    write_folder(folder, PAIR, (size, size), rows, card)
    return folder


def program(*arguments):
    return [sys.executable, "-m", "tools.make_tfrecords", *map(str, arguments)]
