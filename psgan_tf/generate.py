"""Draws characters in poses: `python -m psgan_tf.generate --run_dir=... --seeds=0-7 --poses=...`.

A PNG for each seed and pose, and a grid: poses in rows, seeds in columns. A seed is always the
same character of a network.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from psgan_tf import command_line
from psgan_tf.config import load_options
from psgan_tf.dataset_card import DatasetCard
from psgan_tf.files import write_atomically
from psgan_tf.pictures import draw_skeleton, encode_png
from psgan_tf.poses import NamedPose, read_poses
from psgan_tf.sampling import Sampler, parse_seeds

FLAGS = flags.FLAGS
# Pictures of this many pixels are drawn in one call.
_BATCH_PX = 1 << 21

flags.DEFINE_string("run_dir", "", "Folder of a training run.")
flags.DEFINE_string("seeds", "0-7", "Characters: numbers and ranges, such as 0-7,42.")
flags.DEFINE_string(
    "poses", "", "A dataset folder, an OpenPose file or a folder of them, or a pose file."
)
flags.DEFINE_integer("max_poses", 6, "From many poses, this many at even distances.")
flags.DEFINE_string("output", "", "Folder of the pictures. Default: RUN_DIR/generated.")


def choose(poses: list[NamedPose], count: int) -> list[NamedPose]:
    """`count` of the poses at even distances, or all where there are fewer."""
    rows = np.linspace(0, len(poses) - 1, min(count, len(poses)))
    return [poses[round(row)] for row in rows]


def poses_from_flags(card: DatasetCard, num_keypoints: int) -> list[NamedPose]:
    """The poses named on the command line; for a network without poses one that is empty.

    Raises:
        ValueError: when poses are needed and none are named, or they cannot be read.
    """
    if num_keypoints == 0:
        return [NamedPose("none", np.zeros([0, 3], np.float32))]
    if not FLAGS.poses:
        raise ValueError(
            "`poses` must be given: this network draws a character in a pose. Received: nothing. "
            "Set --poses to a dataset folder, an OpenPose file or a pose file."
        )
    if FLAGS.max_poses < 1:
        raise ValueError(f"`max_poses` must be at least 1. Received: {FLAGS.max_poses}.")
    return choose(read_poses(FLAGS.poses, card.skeleton, card.keypoint_frame), FLAGS.max_poses)


def draw(sampler: Sampler, seeds: list[int], pose: NamedPose) -> np.ndarray:
    """All characters in one pose: [len(seeds), R, R, 3] uint8."""
    latents = sampler.latents(seeds)
    step = max(1, _BATCH_PX // sampler.resolution**2)
    parts = []
    for start in range(0, len(seeds), step):
        some = latents[start : start + step]
        parts.append(sampler.images(some, np.repeat(pose.keypoints[None], len(some), axis=0)))
    return np.concatenate(parts)


def draw_pose(pose: NamedPose, card: DatasetCard, sampler: Sampler) -> np.ndarray:
    """A pose's skeleton as a cell of the grid: [R, R, 3] uint8."""
    canvas = np.full([sampler.resolution, sampler.resolution, 3], 255, np.uint8)
    if not len(pose.keypoints):
        return canvas
    return draw_skeleton(canvas, pose.keypoints, card.skeleton, card.keypoint_frame)


def main() -> int:
    """Checks the flags, draws, and prints where the pictures are."""
    seeds = parse_seeds(FLAGS.seeds)
    options = load_options(FLAGS.run_dir)
    card = DatasetCard.load(FLAGS.run_dir)
    poses = poses_from_flags(card, options.network.num_keypoints)
    output = Path(FLAGS.output or Path(FLAGS.run_dir) / "generated")
    output.mkdir(parents=True, exist_ok=True)
    sampler = Sampler(FLAGS.run_dir)
    rows = []
    for number, pose in enumerate(poses):
        images = draw(sampler, seeds, pose)
        for seed, image in zip(seeds, images, strict=True):
            text = {
                "seed": str(seed),
                "pose": pose.name,
                "model": sampler.fingerprint,
                "images_shown": str(sampler.images_shown),
            }
            path = output / f"seed{seed:04d}_pose{number:04d}.png"
            write_atomically(path, encode_png(image, text))
        rows.append(np.concatenate([draw_pose(pose, card, sampler), *images], axis=1))
        print(f"pose {number + 1} of {len(poses)}: {pose.name}", flush=True)
    write_atomically(output / "grid.png", encode_png(np.concatenate(rows)))
    print(f"{len(poses) * len(seeds)} pictures of {sampler.resolution} px in {output}")
    print(f"grid: {output / 'grid.png'}")
    return 0


if __name__ == "__main__":
    command_line.run(main, "psgan_tf.generate")
