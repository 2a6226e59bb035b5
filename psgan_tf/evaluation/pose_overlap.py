"""Overlap of generated silhouettes with the real ones of the same poses, split by split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.data.records import iterate_examples, parse_attributes, parse_example, shard_paths
from psgan_tf.evaluation.silhouettes import Silhouettes, compare_with_floors, silhouettes
from psgan_tf.generation.backends.checkpoint import Sampler

_BATCH = 32


def read_examples(
    directory: str, card: DatasetCard, split: str, resolution: int, count: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Up to `count` examples of a split.

    Returns:
        images [E, N, N, 3] uint8, keypoints [E, M, 3] float32, and the motion of each.
    """

    def examples() -> Iterator[bytes]:
        for path in shard_paths(directory, card, split, resolution):
            yield from iterate_examples(path)

    images, poses, motions = [], [], []
    for serialized in examples():
        if len(images) == count:
            break
        image, keypoints = parse_example(serialized, resolution, card.skeleton.num_keypoints)
        images.append(image.numpy())
        poses.append(keypoints.numpy())
        motions.append(parse_attributes(serialized)["motion"].numpy().decode("utf-8", "replace"))
    return np.stack(images), np.stack(poses), motions


def generated_silhouettes(sampler: Sampler, poses: np.ndarray, seed: int) -> Silhouettes:
    """Silhouettes of one random character for each pose: [E, N, N] bool."""
    seeds = [seed * 1_000_003 + row for row in range(len(poses))]
    parts = []
    for start in range(0, len(poses), _BATCH):
        chosen = slice(start, start + _BATCH)
        images = sampler.images(sampler.latents(seeds[chosen]), poses[chosen])
        parts.append(silhouettes(images))
    return np.concatenate(parts)


def table(results: dict[str, dict[str, float]]) -> str:
    """The overlaps as text, a line a set."""
    columns = list(next(iter(results.values())))
    lines = [f"{'':24}" + "".join(f"{name:>23}" for name in columns)]
    for name, row in results.items():
        lines.append(f"{name:24}" + "".join(f"{row[column]:23.3f}" for column in columns))
    return "\n".join(lines)


def check_schema(card: DatasetCard, run_card: DatasetCard) -> None:
    """Refuses data whose keypoints mean something else than those the run was trained with.

    Raises:
        ValueError: naming what differs.
    """
    for name in ("keypoint_frame", "skeleton"):
        ours, theirs = getattr(run_card, name), getattr(card, name)
        if ours != theirs:
            raise ValueError(
                f"`data_dir` must have the run's {name}, {getattr(ours, 'name', ours)}. "
                f"Received: {getattr(theirs, 'name', theirs)}. Convert the data to that."
            )


def evaluate_split(
    sampler: Sampler, directory: str, card: DatasetCard, split: str, max_examples: int, seed: int
) -> dict[str, dict[str, float]]:
    """The overlaps of a split, and of each motion of the test split, by name.

    Args:
        sampler: draws the characters.
        directory: of the shards.
        card: of the data.
        split: `train` or `test`.
        max_examples: pictures that are looked at.
        seed: decides which characters are drawn and how poses are shuffled.

    Returns:
        For the split, and for each of its motions, the means of `compare_with_floors`.
    """
    images, poses, motions = read_examples(directory, card, split, sampler.resolution, max_examples)
    real = silhouettes(images)
    generated = generated_silhouettes(sampler, poses, seed)
    print(f"{split}: {len(images)} pictures of {sampler.resolution} px", flush=True)
    results = {split: compare_with_floors(generated, real, poses, motions, seed)}
    for motion in sorted(set(motions) - {""}) if split == "test" else ():
        rows = np.flatnonzero(np.asarray(motions) == motion)
        if len(rows) < 2:
            continue
        results[f"test: {motion}"] = compare_with_floors(
            generated[rows], real[rows], poses[rows], [motion] * len(rows), seed
        )
    return results
