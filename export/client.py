"""Asks a served generator: `python -m export.client COMMAND --address=localhost:8500 ...`.

generate: each seed and saved character in each pose as a PNG, and sheets of all.
animate: one character in a motion, as an animation or a folder of PNGs; a stopped one goes on.
status: the versions that the server knows, and their states.
metadata: the signatures that the model has, with their inputs and outputs.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it writes of wrong certificates before we do

from absl import flags

from export import client_flags
from psgan_tf.common import command_line
from psgan_tf.generation.characters import (
    Subject,
    parse_seeds,
    read_characters,
    strangers,
    subjects_of,
)
from psgan_tf.generation.pose_sequences import SequenceOptions, read_sequence
from psgan_tf.keypoints.named_poses import parse_pose_size, poses_to_draw

# What talks to the server loads TensorFlow: --help and a wrong flag answer without it.
if TYPE_CHECKING:
    from psgan_tf.generation.backends.served import RemoteGenerator
    from psgan_tf.serving_client.client import RemoteModel

FLAGS = flags.FLAGS
say = partial(print, flush=True)
flags.adopt_module_key_flags(client_flags)


def subjects_of_flags(default_seeds: str, generator: RemoteGenerator) -> list[Subject]:
    """Who is drawn: the seeds, and the saved characters after them."""
    text = default_seeds if FLAGS.seeds is None and not FLAGS.characters else FLAGS.seeds or ""
    characters = read_characters(FLAGS.characters, generator.latent_size)
    for warning in strangers(characters, generator.fingerprint):
        print(warning, file=sys.stderr)
    subjects = subjects_of(parse_seeds(text) if text.strip() else [], characters)
    if not subjects:
        raise ValueError("`seeds` or `characters` must name somebody. Received: nothing.")
    return subjects


def generate(model: RemoteModel) -> int:
    """Pictures of characters in poses, with their sheets."""
    from psgan_tf.generation.backends.served import Load, find_generator
    from psgan_tf.generation.served_pictures import write_pictures

    generator = find_generator(model)
    subjects, size = subjects_of_flags("0-7", generator), parse_pose_size(FLAGS.pose_size)
    poses = poses_to_draw(
        FLAGS.poses, generator.skeleton, generator.frame_px, size, FLAGS.max_poses
    )
    output, load = Path(FLAGS.output or "generated"), Load(FLAGS.batch_size, FLAGS.in_flight)
    sheets = write_pictures(generator, subjects, poses, output, load, say)
    print(f"{len(poses) * len(subjects)} pictures in {output}")
    print("\n".join(f"{sheet.stem}: {sheet}" for sheet in sheets))
    return 0


def animate(model: RemoteModel) -> int:
    """One character in a motion."""
    from psgan_tf.generation.backends.served import Load, find_generator
    from psgan_tf.generation.served_pictures import write_remote_animation

    if not FLAGS.motion or not FLAGS.output:
        raise ValueError("`motion` and `output` must both be given. See --help.")
    generator = find_generator(model)
    subjects = subjects_of_flags("0", generator)
    if len(subjects) != 1:
        received = f"Received: {len(subjects)}. Name one, as --seeds=42."
        raise ValueError(f"`seeds` and `characters` must name one to animate. {received}")
    if generator.stage is None:
        raise ValueError(f"`model` must take poses to animate. Received: {FLAGS.model}.")
    options = SequenceOptions(fps=FLAGS.fps, pose_size=parse_pose_size(FLAGS.pose_size))
    sequence = read_sequence(FLAGS.motion, generator.stage, options)
    load = Load(FLAGS.batch_size, FLAGS.in_flight)
    path = write_remote_animation(generator, subjects[0], sequence, Path(FLAGS.output), load, say)
    print(f"{sequence.num_frames} frames at {sequence.fps:g} a second: {path}")
    return 0


def status(model: RemoteModel) -> int:
    """Prints a line a version; fails when none of them answers."""
    versions = model.status()
    for version in versions:
        state = version.State.Name(version.state)
        print(f"version {version.version} {state} {version.status.error_message}".rstrip())
    return 0 if any(version.state == version.AVAILABLE for version in versions) else 1


def metadata(model: RemoteModel) -> int:
    """Prints the signatures."""
    from psgan_tf.serving_client.tensor_protos import signature_lines

    version, signatures = model.signatures()
    print("\n".join([f"{FLAGS.model} version {version}", *signature_lines(signatures)]))
    return 0


def main(command: str) -> int:
    """Runs a command against the server that the flags name."""
    client_flags.check_command(command)
    commands = {"generate": generate, "animate": animate, "status": status, "metadata": metadata}
    if FLAGS.seeds:
        parse_seeds(FLAGS.seeds)  # refused before the server is asked
    with client_flags.open_model() as model:
        return commands[command](model)


if __name__ == "__main__":
    command_line.run(main, "client", ("COMMAND",))
