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

from psgan_tf.common import command_line
from psgan_tf.generation.characters import (
    DrawnCharacter,
    fingerprint_warnings,
    parse_seeds,
    read_characters,
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

flags.DEFINE_string("address", "localhost:8500", "HOST:PORT of the server's gRPC port.")
flags.DEFINE_string("model", "psgan", "Name that the model is served under.")
flags.DEFINE_integer("version", None, "Ask for this version. Default: what the server offers.", 0)
flags.DEFINE_string("label", "", "Ask for the version of this label.")
flags.DEFINE_float("timeout_secs", 60.0, "Deadline of each request.", 0.0)
flags.DEFINE_float("retry_secs", 10.0, "How long to ask a server again that is away or busy.", 0.0)
flags.DEFINE_boolean("tls", False, "Talk over TLS; implied by the flags on certificates.")
flags.DEFINE_string("root_certificates", "", "PEM file of who vouches for the server.")
flags.DEFINE_string("client_key", "", "PEM file, for servers that ask who the client is.")
flags.DEFINE_string("client_certificate", "", "PEM file that goes with --client_key.")

flags.DEFINE_string("seeds", None, "Characters: numbers and ranges, such as 0-7,42.")
flags.DEFINE_list(
    "characters",
    [],
    "Saved characters (.npz), or pictures by psgan_tf.generate, drawn after the seeds.",
)
flags.DEFINE_string(
    "poses", "", "generate: a dataset folder, an OpenPose file or a folder of them, or a pose file."
)
flags.DEFINE_integer("max_poses", 6, "generate: from many poses, this many at even distances.")
flags.DEFINE_string(
    "motion",
    "",
    "animate: a BVH, VMD, VRMA or glTF file, FOLDER#motion of a dataset, a folder of OpenPose "
    "files, or a pose file.",
)
flags.DEFINE_string("pose_size", "", "WxH: pixels of the pictures that OpenPose files are of.")
flags.DEFINE_float("fps", None, "animate: frames a second. Default: the motion's own.")
flags.DEFINE_string("output", "", "Folder of PNGs; or, to animate, a .mp4, .webm, .gif, ... file.")
flags.DEFINE_integer("batch_size", 4, "Pictures of a request.", 1)
flags.DEFINE_integer("in_flight", 4, "Requests under way at a time.", 1)

_DRAWING = {"seeds", "characters", "pose_size", "output", "batch_size", "in_flight"}
# What a command reads beside the flags that name the server.
_READ_BY = {
    "generate": _DRAWING | {"poses", "max_poses"},
    "animate": _DRAWING | {"motion", "fps"},
    "status": set(),
    "metadata": set(),
}
COMMANDS = tuple(_READ_BY)


def check_command(command: str) -> None:
    """Refuses an unknown command, and flags that only another one reads.

    Raises:
        ValueError: naming the first of them.
    """
    if command not in _READ_BY:
        raise ValueError(
            f"`COMMAND` must be one of {', '.join(COMMANDS)}. Received: {command!r}. See --help."
        )
    for name in sorted(set().union(*_READ_BY.values()) - _READ_BY[command]):
        if FLAGS[name].present:
            readers = " and ".join(other for other in COMMANDS if name in _READ_BY[other])
            raise ValueError(
                f"`{name}` is a flag of {readers}. Received: --{name} with {command}, which does "
                "not read it. Leave it out."
            )


def open_model() -> RemoteModel:
    """The served model that the flags name."""
    from psgan_tf.serving_client.client import RemoteModel
    from psgan_tf.serving_client.rpc import Tls

    paths = (FLAGS.root_certificates, FLAGS.client_key, FLAGS.client_certificate)
    pems = [Path(path).read_bytes() if path else None for path in paths]
    return RemoteModel(
        FLAGS.address,
        FLAGS.model,
        version=FLAGS.version,
        label=FLAGS.label,
        timeout_secs=FLAGS.timeout_secs,
        retry_secs=FLAGS.retry_secs,
        tls=Tls(*pems) if FLAGS.tls or any(paths) else None,
    )


def subjects_of_flags(default_seeds: str, generator: RemoteGenerator) -> list[DrawnCharacter]:
    """Who is drawn: the seeds, and the saved characters after them."""
    text = default_seeds if FLAGS.seeds is None and not FLAGS.characters else FLAGS.seeds or ""
    characters = read_characters(FLAGS.characters, generator.latent_size)
    for warning in fingerprint_warnings(characters, generator.fingerprint):
        print(warning, file=sys.stderr)
    subjects = subjects_of(parse_seeds(text) if text.strip() else [], characters)
    if not subjects:
        raise ValueError("`seeds` or `characters` must name somebody. Received: nothing.")
    return subjects


def generate(model: RemoteModel) -> int:
    """Pictures of characters in poses, with their sheets."""
    from psgan_tf.generation.backends.served import Load, find_generator
    from psgan_tf.generation.backends.served_pictures import write_pictures

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
    from psgan_tf.generation.backends.served_pictures import write_remote_animation

    if not FLAGS.motion or not FLAGS.output:
        raise ValueError("`motion` and `output` must both be given. See --help.")
    generator = find_generator(model)
    subjects = subjects_of_flags("0", generator)
    if len(subjects) != 1:
        received = f"Received: {len(subjects)}. Name one, as --seeds=42."
        raise ValueError(f"`seeds` and `characters` must name one to animate. {received}")
    if generator.pose_spec is None:
        raise ValueError(f"`model` must take poses to animate. Received: {FLAGS.model}.")
    options = SequenceOptions(fps=FLAGS.fps, pose_size=parse_pose_size(FLAGS.pose_size))
    sequence = read_sequence(FLAGS.motion, generator.pose_spec, options)
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
    check_command(command)
    commands = {"generate": generate, "animate": animate, "status": status, "metadata": metadata}
    if FLAGS.seeds:
        parse_seeds(FLAGS.seeds)  # refused before the server is asked
    with open_model() as model:
        return commands[command](model)


if __name__ == "__main__":
    command_line.run(main, "client", ("COMMAND",))
