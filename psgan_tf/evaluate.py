"""How well poses are kept: `python -m psgan_tf.evaluate --run_dir=... --data_dir=...`.

Mean overlap (intersection over union) of generated silhouettes with the real ones of the same
pose, beside what pictures would reach that ignore the pose. PSGAN reports no such number; this
one asks for figures on white whose outline their pose decides.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags

from psgan_tf.config import load_options
from psgan_tf.dataset_card import DatasetCard
from psgan_tf.files import write_atomically
from psgan_tf.records import iterate_examples, parse_attributes, parse_example, shard_paths
from psgan_tf.sampling import Sampler
from psgan_tf.silhouettes import (
    Silhouettes,
    best_constant,
    other_of_group,
    overlap,
    shuffled,
    silhouettes,
)

FLAGS = flags.FLAGS
_BATCH = 32

flags.DEFINE_string("run_dir", "", "Folder of a training run.")
flags.DEFINE_string("data_dir", "", "Folder of its shards. Default: that of the run.")
flags.DEFINE_integer("max_examples", 2000, "Pictures of each split that are looked at.")
flags.DEFINE_integer("seed", 0, "Decides which characters are drawn and how poses are shuffled.")


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


def compare(
    generated: Silhouettes, real: Silhouettes, poses: np.ndarray, motions: list[str], seed: int
) -> dict[str, float]:
    """Mean overlaps: of each picture with the real one of its pose, and of what ignores the pose.

    Args:
        generated, real: [E, N, N] bool, row by row of the same pose.
        poses: [E, M, 3] float32.
        motions: the motion that each is a frame of.
        seed: of the shuffling.

    Returns:
        `same_pose`: generated against real. `generated_shuffled`: against the real picture of
        another row. `generated_other_frame`: against another frame of the motion. Without a
        network: `real_shuffled`, `real_other_frame`, `constant`, real pictures (or the best
        single silhouette of this very set) in place of generated ones.
    """
    rng = np.random.default_rng(seed)
    partner, frame = shuffled(len(real), rng), other_of_group(motions, poses, rng)
    has_other = frame >= 0
    constant = best_constant(real)
    pairs = {
        "same_pose": (generated, real),
        "generated_shuffled": (generated, real[partner]),
        "generated_other_frame": (generated[has_other], real[frame[has_other]]),
        "real_shuffled": (real, real[partner]),
        "real_other_frame": (real[has_other], real[frame[has_other]]),
        "constant": (np.broadcast_to(constant, real.shape), real),
    }
    return {
        name: float(overlap(a, b).mean()) if len(a) else float("nan")
        for name, (a, b) in pairs.items()
    }


def table(results: dict[str, dict[str, float]]) -> str:
    """The overlaps as text, a line a set."""
    columns = list(next(iter(results.values())))
    lines = [f"{'':24}" + "".join(f"{name:>23}" for name in columns)]
    for name, row in results.items():
        lines.append(f"{name:24}" + "".join(f"{row[column]:23.3f}" for column in columns))
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Evaluates every split, and each motion of the test split."""
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    try:
        options = load_options(FLAGS.run_dir)
        directory = FLAGS.data_dir or options.data_dir
        card = DatasetCard.load(directory)
        sampler = Sampler(FLAGS.run_dir)
        results = {}
        for split in card.splits:
            images, poses, motions = read_examples(
                directory, card, split, sampler.resolution, FLAGS.max_examples
            )
            real = silhouettes(images)
            generated = generated_silhouettes(sampler, poses, FLAGS.seed)
            results[split] = compare(generated, real, poses, motions, FLAGS.seed)
            for motion in sorted(set(motions)) if split == "test" else ():
                rows = np.flatnonzero(np.asarray(motions) == motion)
                results[f"test: {motion}"] = compare(
                    generated[rows], real[rows], poses[rows], [motion] * len(rows), FLAGS.seed
                )
            print(f"{split}: {len(images)} pictures of {sampler.resolution} px", flush=True)
        report = {"images_shown": sampler.images_shown, "overlap": results}
        path = Path(FLAGS.run_dir) / "evaluation.json"
        write_atomically(path, json.dumps(report, indent=1) + "\n")
    except ValueError as error:
        print(f"psgan_tf.evaluate: {error}", file=sys.stderr)
        return 1
    print(f"{table(results)}\nafter {sampler.images_shown} images; also in {path}")
    return 0


if __name__ == "__main__":
    app.run(main)
