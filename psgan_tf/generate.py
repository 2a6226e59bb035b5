"""Draws characters in poses: `python -m psgan_tf.generate --run_dir=... --seeds=0-7 --poses=...`.

A PNG for each character and pose, and a grid: poses in rows, characters in columns, first the
seeds, then the saved ones. A seed is always the same character of a network.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from psgan_tf import command_line
from psgan_tf.characters import (
    Character,
    file_name,
    parse_seeds,
    read_characters,
    save_character,
)
from psgan_tf.config import load_options
from psgan_tf.dataset_card import DatasetCard
from psgan_tf.files import write_atomically
from psgan_tf.pictures import draw_skeleton, encode_png
from psgan_tf.poses import NamedPose, parse_pose_size, poses_to_draw
from psgan_tf.sampling import Sampler, columns_of

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", "", "Folder of a training run.")
flags.DEFINE_string("seeds", "0-7", "Characters: numbers and ranges, such as 0-7,42.")
flags.DEFINE_list("characters", [], "Saved characters (.npz), drawn after the seeds.")
flags.DEFINE_string("save_character", "", "Save the one seed under this name, as NAME.npz.")
flags.DEFINE_string(
    "poses", "", "A dataset folder, an OpenPose file or a folder of them, or a pose file."
)
flags.DEFINE_string("pose_size", "", "WxH: pixels of the pictures that OpenPose files are of.")
flags.DEFINE_integer("max_poses", 6, "From many poses, this many at even distances.")
flags.DEFINE_string("output", "", "Folder of the pictures. Default: RUN_DIR/generated.")


def seeds_from_flags() -> list[int]:
    """The seeds named on the command line; none are needed beside saved characters.

    Raises:
        ValueError: when they are of another form, or one is to be saved and there are others.
    """
    without = FLAGS.characters and not FLAGS.seeds.strip()
    seeds = [] if without else parse_seeds(FLAGS.seeds)
    if FLAGS.save_character and len(seeds) != 1:
        raise ValueError(
            "`save_character` needs exactly one seed. "
            f"Received: seeds={FLAGS.seeds!r}. Name the character's seed, as --seeds=42."
        )
    return seeds


def warn_of_other_networks(characters: list[Character], sampler: Sampler) -> None:
    """Says on stderr which characters were saved from another checkpoint."""
    for path, character in zip(FLAGS.characters, characters, strict=True):
        if character.model_fingerprint != sampler.fingerprint:
            print(
                f"warning: {path} was saved from checkpoint {character.model_fingerprint}, this "
                f"one is {sampler.fingerprint}: the character may look different",
                file=sys.stderr,
            )


def draw_pose(pose: NamedPose, card: DatasetCard, sampler: Sampler) -> np.ndarray:
    """A pose's skeleton as a cell of the grid: [R, R, 3] uint8."""
    canvas = np.full([sampler.resolution, sampler.resolution, 3], 255, np.uint8)
    if not len(pose.keypoints):
        return canvas
    return draw_skeleton(canvas, pose.keypoints, card.skeleton, card.keypoint_frame)


def main() -> int:
    """Checks the flags, draws, and prints where the pictures are."""
    seeds = seeds_from_flags()
    options = load_options(FLAGS.run_dir)
    characters = read_characters(FLAGS.characters, options.network.latent_size)
    card = DatasetCard.load(FLAGS.run_dir)
    skeleton = card.skeleton if options.network.num_keypoints else None
    size = parse_pose_size(FLAGS.pose_size)
    poses = poses_to_draw(FLAGS.poses, skeleton, card.keypoint_frame, size, FLAGS.max_poses)
    output = Path(FLAGS.output or Path(FLAGS.run_dir) / "generated")
    output.mkdir(parents=True, exist_ok=True)
    sampler = Sampler(FLAGS.run_dir)
    warn_of_other_networks(characters, sampler)
    columns = columns_of(seeds, sampler.latents(seeds), characters)
    if FLAGS.save_character:
        one = Character(FLAGS.save_character, columns[0].latent, sampler.fingerprint)
        save_character(output / f"{file_name(one.name)}.npz", one)
    latents = np.stack([column.latent for column in columns])
    model = {"model": sampler.fingerprint, "images_shown": str(sampler.images_shown)}
    rows = []
    for number, pose in enumerate(poses):
        images = sampler.images_in_pose(latents, pose.keypoints)
        for column, image in zip(columns, images, strict=True):
            path = output / f"{column.file_name}_pose{number:04d}.png"
            write_atomically(path, encode_png(image, {**column.text, "pose": pose.name, **model}))
        rows.append(np.concatenate([draw_pose(pose, card, sampler), *images], axis=1))
        print(f"pose {number + 1} of {len(poses)}: {pose.name}", flush=True)
    write_atomically(output / "grid.png", encode_png(np.concatenate(rows)))
    print(f"{len(poses) * len(columns)} pictures of {sampler.resolution} px in {output}")
    print(f"grid: {output / 'grid.png'}")
    return 0


if __name__ == "__main__":
    command_line.run(main, "psgan_tf.generate")
