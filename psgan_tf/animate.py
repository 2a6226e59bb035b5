"""A character, a motion, a moving picture.

    python -m psgan_tf.animate --run_dir=RUN --seed=7 --motion=walk.bvh --output=walk.mp4

Draws with a training run, with an exported model (--saved_model), or through a server (--address).
docs/animation.md says what motions, characters and outputs there are. `--preview` draws the poses
alone, without a network. A folder as output takes up a job that was stopped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from psgan_tf.animate_flags import look_from_flags, options_from_flags, outputs_from_flags
from psgan_tf.common import command_line
from psgan_tf.common.processes import Interrupts
from psgan_tf.generation.animation import Painter, Scene, SkeletonPainter, animate
from psgan_tf.generation.latent_mixing import choose_cast
from psgan_tf.generation.pose_sequences import (
    PoseSequence,
    read_sequence,
    rest_skeleton_of_file,
    write_sequence,
)
from psgan_tf.generation.pose_spec import Stage, read_stage

if TYPE_CHECKING:
    from psgan_tf.generation.backends.saved_model import ModelPainter

FLAGS = flags.FLAGS


def say(line: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(line, flush=True)


def say_aside(line: str) -> None:
    """Prints a warning."""
    print(line, file=sys.stderr, flush=True)


def open_model() -> tuple[Stage, Callable[[], ModelPainter]]:
    """What the model's poses are measured in, and how to get its painter.

    Only a server has to be asked for the first; for others TensorFlow is loaded with the second.
    """
    if FLAGS.address:
        from psgan_tf.generation.backends.saved_model import RemotePainter

        remote = RemotePainter(FLAGS.address, FLAGS.model)
        return remote.stage, lambda: remote

    def painter() -> ModelPainter:
        from psgan_tf.generation.backends.saved_model import RunPainter, SavedModelPainter

        if FLAGS.run_dir:
            return RunPainter(FLAGS.run_dir)
        return SavedModelPainter(FLAGS.saved_model)

    avatar = "" if Path(FLAGS.avatar).is_file() else FLAGS.avatar
    return read_stage(FLAGS.run_dir or FLAGS.saved_model, avatar), painter


def scene_of(
    stage: Stage, sequence: PoseSequence, open_painter: Callable[[], ModelPainter]
) -> tuple[Scene, Painter]:
    """What is to be drawn, and what draws it."""
    look, frames = look_from_flags(), sequence.num_frames
    names = {"motion": Path(FLAGS.motion).name}  # pictures are passed on: no paths of a machine
    if FLAGS.preview:
        nobody = np.zeros([frames, 0], np.float32)
        return Scene(stage, sequence, nobody, look, names), SkeletonPainter(stage, stage.frame_px)
    cast = choose_cast(FLAGS.seed, FLAGS.character, FLAGS.blend, FLAGS.walk)
    painter = open_painter()
    from psgan_tf.generation.backends.saved_model import latents_of_parts

    parts = latents_of_parts(cast.parts, painter, say_aside)
    names |= {"character": cast.name, "model": painter.fingerprint}
    return Scene(stage, sequence, cast.latents(parts, frames, FLAGS.loop), look, names), painter


def main() -> int:
    """Checks the flags, draws, and says where the animation is."""
    outputs = outputs_from_flags()
    stage, open_painter = open_model()
    if Path(FLAGS.avatar).is_file():
        stage = replace(stage, rest_skeleton=rest_skeleton_of_file(FLAGS.avatar))
    stage = replace(stage, ground=FLAGS.ground or stage.ground)
    sequence = read_sequence(FLAGS.motion, stage, options_from_flags())
    if FLAGS.save_poses:
        write_sequence(FLAGS.save_poses, sequence, stage)
    if not outputs:
        return 0
    scene, painter = scene_of(stage, sequence, open_painter)
    with Interrupts() as interrupts:
        outcome = animate(scene, painter, outputs, say, interrupts.seen, FLAGS.repeat)
    say(outcome.text(sequence.num_frames))
    if outcome.frames < sequence.num_frames:
        say_aside("psgan_tf.animate: stopped. With a folder as output the same command goes on.")
        return command_line.INTERRUPTED
    return 0


if __name__ == "__main__":
    command_line.run(main, "psgan_tf.animate")
