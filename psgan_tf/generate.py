"""Draws characters in poses: `python -m psgan_tf.generate --run_dir=... --seeds=0-7 --poses=...`.

A PNG for each character and pose, and sheets of them: a grid with characters in rows and poses in
columns, or contact sheets. Whom: seeds, saved characters, a blend, a walk in steps. A seed is
always the same character of a network. The same command again goes on where it was stopped.
docs/characters.md says more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from psgan_tf.common import command_line
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.generation.characters import (
    Character,
    file_name,
    fingerprint_warnings,
    load_character,
    save_character,
)
from psgan_tf.generation.gallery import Gallery, make_gallery
from psgan_tf.generation.latent_mixing import Latents
from psgan_tf.generation.selection import SelectedCharacters, load_selection, parse_selection
from psgan_tf.images.contact_sheets import (
    SHEETS,
    Lettering,
    SheetStyle,
    default_cell_px,
    default_kind,
)
from psgan_tf.keypoints.named_poses import parse_pose_size, poses_to_draw
from psgan_tf.training.config import load_options

# TensorFlow is loaded once everything else is right.
if TYPE_CHECKING:
    from psgan_tf.generation.backends.checkpoint import Sampler

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", "", "Folder of a training run.")
flags.DEFINE_string("seeds", None, "Numbers and ranges, such as 0-7,42. Alone by default: 0-7.")
flags.DEFINE_list("characters", [], "Saved characters (.npz), or pictures by this program.")
flags.DEFINE_string("blend", "", "A mix: aoi.npz:0.7,seed42:0.3.")
flags.DEFINE_string("walk", "", "From one to the next: aoi.npz,seed42,seed7.")
flags.DEFINE_integer("steps", 3, "Steps of the walk between each two.", 0, 1000)
flags.DEFINE_list("save_character", [], "Save those drawn as NAME.npz: a name for each.")
flags.DEFINE_string(
    "poses", "", "A dataset folder, OpenPose files, a pose file, or a picture by this program."
)
flags.DEFINE_string("pose_size", "", "WxH: pixels of the pictures that OpenPose files are of.")
flags.DEFINE_integer("max_poses", 6, "From many poses, this many at even distances.")
flags.DEFINE_string("output", "", "Folder of the pictures. Default: RUN_DIR/generated.")
flags.DEFINE_bool("pictures", True, "A file for each picture as well, beside the sheets.")
flags.DEFINE_enum("sheet", None, SHEETS, "A contact sheet for one pose, a grid for several.")
flags.DEFINE_integer("cell_px", None, "Size of a picture on sheets.", 4, 4096)
flags.DEFINE_bool("skeletons", True, "Grids show the poses in a row above.")
flags.DEFINE_bool("labels", True, "Sheets say who is who.")
flags.DEFINE_string("font", "", "Font file of the labels, for names beyond ASCII.")


def sheet_style(num_poses: int, resolution: int) -> SheetStyle:
    """How the flags want sheets."""
    kind = FLAGS.sheet or default_kind(num_poses)
    cell_px = FLAGS.cell_px or default_cell_px(kind, resolution, num_poses)
    style = SheetStyle(kind, cell_px, FLAGS.skeletons, FLAGS.labels, FLAGS.font)
    style.check(num_poses)
    return style


def check_names(names: Sequence[str]) -> None:
    """Refuses names of nobody, and names of which two make the same file."""
    if not all(name.strip() for name in names):
        raise ValueError(
            "`save_character` must be names. "
            f"Received: {','.join(names)!r}, with an empty one. Drop a comma."
        )
    if len({file_name(name).casefold() for name in names}) < len(names):
        raise ValueError(
            "`save_character` must be names that make files of their own. "
            f"Received: {','.join(names)}. Change one of them."
        )


def check_count(names: Sequence[str], line_up: SelectedCharacters) -> None:
    """Refuses names for another number of characters than are drawn."""
    count = len(line_up.subjects)
    if names and len(names) != count:
        raise ValueError(
            f"`save_character` must be a name for each of those drawn, {count}. "
            f"Received: {','.join(names)}, {len(names)}. Draw those alone that you want to save."
        )


def latents_from_seeds(latent_size: int, seeds: list[int]) -> Latents:
    """The latents of seeds, [S, Z]."""
    from psgan_tf.model.latents import latents_from_seeds as of_seeds

    return of_seeds(np.array(seeds, np.int64), latent_size).numpy()


def save_characters(line_up: SelectedCharacters, sampler: Sampler, output: Path) -> None:
    """Writes the files that --save_character names."""
    if FLAGS.save_character:
        for name, latent in zip(FLAGS.save_character, line_up.latents, strict=True):
            path = output / f"{file_name(name)}.npz"
            if path.exists() and not np.array_equal(load_character(path).latent, latent):
                raise ValueError(
                    "`save_character` must not replace another character. "
                    f"Received: {name}; {path} holds another. Choose another name or --output."
                )
            save_character(path, Character(name, latent, sampler.fingerprint))
            print(f"saved: {path}", flush=True)


def main() -> int:
    """Checks the flags, draws, and prints where the pictures are."""
    wish = parse_selection(FLAGS.seeds, FLAGS.characters, FLAGS.blend, FLAGS.walk, FLAGS.steps)
    check_names(FLAGS.save_character)
    Lettering(font=FLAGS.font).load()
    network = load_options(FLAGS.run_dir).network
    card = DatasetCard.load(FLAGS.run_dir)
    skeleton, frame_px = card.skeleton if network.num_keypoints else None, card.keypoint_frame
    size = parse_pose_size(FLAGS.pose_size)
    poses = poses_to_draw(FLAGS.poses, skeleton, frame_px, size, FLAGS.max_poses)
    output = Path(FLAGS.output or Path(FLAGS.run_dir) / "generated")
    line_up = load_selection(
        wish, network.latent_size, partial(latents_from_seeds, network.latent_size)
    )
    check_count(FLAGS.save_character, line_up)
    output.mkdir(parents=True, exist_ok=True)
    from psgan_tf.generation.backends.checkpoint import Sampler

    sampler = Sampler(FLAGS.run_dir)
    for warning in fingerprint_warnings(line_up.read, sampler.fingerprint):
        print(warning, file=sys.stderr)
    style = sheet_style(len(poses), sampler.resolution)
    save_characters(line_up, sampler, output)
    origin = {"model": sampler.fingerprint, "images_shown": str(sampler.images_shown)}
    who = line_up.subjects, line_up.latents
    gallery = Gallery(*who, poses, skeleton, frame_px, origin, style, FLAGS.pictures)
    say = partial(print, flush=True)
    sheets = make_gallery(gallery, sampler.images, sampler.resolution, output, say)
    count = len(poses) * len(line_up.subjects)
    print(
        f"{count} pictures of {sampler.resolution} px {'in' if FLAGS.pictures else 'for'} {output}"
    )
    print("\n".join(f"{style.kind}: {path}" for path in sheets))
    return 0


if __name__ == "__main__":
    command_line.run(main, "psgan_tf.generate")
