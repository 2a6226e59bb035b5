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

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from psgan_tf.common import command_line
from psgan_tf.common.processes import Interrupts
from psgan_tf.generation.animation import (
    BACKGROUNDS,
    AnimationSpec,
    FrameStyle,
    SkeletonBackend,
    animate,
)
from psgan_tf.generation.backends.protocol import GeneratorBackend, Painter
from psgan_tf.generation.latent_mixing import parse_latent_path
from psgan_tf.generation.limb_lengths import LIMBS
from psgan_tf.generation.pose_sequences import (
    PoseSequence,
    SequenceOptions,
    read_sequence,
    rest_skeleton_of_file,
    write_sequence,
)
from psgan_tf.generation.pose_spec import FRAMINGS, PoseSpec, View, parse_yaw, read_stage
from psgan_tf.generation.selection import latents_of_parts
from psgan_tf.images.matting import LEAST_WHITE
from psgan_tf.keypoints.named_poses import parse_pose_size
from psgan_tf.keypoints.smoothing import METHODS, Smoothing
from psgan_tf.motion.retarget import GROUND_RULES
from psgan_tf.video.writing import check_output

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", "", "Folder of a training run.")
flags.DEFINE_string("saved_model", "", "An exported model, drawn in this process.")
flags.DEFINE_string("address", "", "host:port of a server's gRPC interface.")
flags.DEFINE_string("model", "psgan", "Name of the model at --address.")
flags.DEFINE_string("avatar", "", "Whose limbs: one of the dataset's avatars, or a VRM file.")
flags.DEFINE_integer("seed", 0, "The character.", 0)
flags.DEFINE_string(
    "character", "", "A saved character (.npz), or a picture by psgan_tf.generate, instead."
)
flags.DEFINE_string("blend", "", "A mix instead: aoi.npz:0.7,seed42:0.3.")
flags.DEFINE_string("walk", "", "From one to the next instead: aoi.npz,seed42,seed7.")
flags.DEFINE_string("motion", "", "BVH, VMD, VRMA, FILE.glb#CLIP, OpenPose, FOLDER#MOTION, JSON.")
flags.DEFINE_list("output", [], "Files (.mp4 .webm .gif .webp .apng .json) and folders (PNGs).")
flags.DEFINE_bool("preview", False, "Draw the skeletons only.")
flags.DEFINE_string("save_poses", "", "Write the poses into this pose file as well.")
flags.DEFINE_float("fps", 24.0, "Frames a second.")
flags.DEFINE_integer("hold", 1, "Frames that each pose is held; 2 is animation on twos.", 1)
flags.DEFINE_float("from_secs", 0.0, "Where in the motion to begin.", 0.0)
flags.DEFINE_float("to_secs", None, "Where to end.", 0.0)
flags.DEFINE_string("yaw", "0", "Degrees turned to the left; 0:360 turns on the way.")
flags.DEFINE_float("pitch", 0.0, "Degrees that the camera looks down.", -80.0, 80.0)
flags.DEFINE_float("zoom", 1.0, "Factor on the size.", 0.01, 100.0)
flags.DEFINE_enum("framing", "dataset", FRAMINGS, "The dataset's camera, or one for this motion.")
flags.DEFINE_enum("ground", None, GROUND_RULES, "What stands on the ground; the dataset's rule.")
flags.DEFINE_enum("limbs", "auto", LIMBS, "Whose limbs flat poses get; auto: the model's.")
flags.DEFINE_bool("loop", False, "Make the motion lead back to its start.")
flags.DEFINE_float("loop_secs", 0.4, "How much of the end is blended into the start.", 0.0)
flags.DEFINE_float("source_fps", None, "Poses a second of flat motions that do not say theirs.")
flags.DEFINE_string("pose_size", "", "WxH: pixels of the pictures that OpenPose files are of.")
flags.DEFINE_string("motion_bones", None, "Bone map (JSON) for motions with names of their own.")
flags.DEFINE_enum("smooth", "none", METHODS, "Smoothing of trembling poses.")
flags.DEFINE_float("smooth_secs", 0.06, "Standard deviation of gaussian smoothing.", 0.0)
flags.DEFINE_float("cutoff_hz", 1.0, "one_euro: cut-off for joints at rest.", 0.001)
flags.DEFINE_float("speed_factor", 20.0, "one_euro: Hz more for a frame width a second.", 0.0)
flags.DEFINE_enum("background", "white", BACKGROUNDS, "White, or transparent by matting.")
flags.DEFINE_bool("clear_gaps", False, "Matting makes enclosed white transparent too.")
flags.DEFINE_integer("least_white", LEAST_WHITE, "What matting takes for white.", 1, 255)
flags.DEFINE_bool("side_by_side", False, "Show the skeleton beside the character.")
flags.DEFINE_integer("scale", 0, "Size of a pixel; 0 enlarges to at least 256 px.", 0, 64)
flags.DEFINE_bool("repeat", True, "GIF, WebP and APNG play for ever.")


def outputs_from_flags() -> list[Path]:
    """What to write; refuses what is missing or cannot be, before anything is read.

    Raises:
        ValueError: a flag is missing, or an output cannot be written.
    """
    outputs = [Path(text) for text in FLAGS.output]
    given = [name for name in ("run_dir", "saved_model", "address") if FLAGS[name].value]
    if len(given) != 1:
        raise ValueError(
            "`run_dir`, `saved_model` or `address` must be given, one of them. "
            f"Received: {', '.join(given) or 'none'}."
        )
    if not FLAGS.motion or not (outputs or FLAGS.save_poses):
        missing = "output" if FLAGS.motion else "motion"
        raise ValueError(f"`{missing}` must be given. Received: nothing. See --help.")
    for path in outputs:
        check_output(path, FLAGS.fps)
        if FLAGS.background == "transparent" and path.suffix.lower() == ".mp4":
            raise ValueError(
                "`output` must be of a kind that holds transparency under "
                f"--background=transparent. Received: {path}. Choose .webm, .webp or a folder."
            )
    return outputs


def options_from_flags() -> SequenceOptions:
    """How the motion becomes a sequence of poses."""
    return SequenceOptions(
        fps=FLAGS.fps,
        view=View(parse_yaw(FLAGS.yaw), FLAGS.pitch, FLAGS.zoom, FLAGS.framing),
        span_secs=(FLAGS.from_secs, FLAGS.to_secs),
        loop_secs=FLAGS.loop_secs if FLAGS.loop else None,
        source_fps=FLAGS.source_fps,
        pose_size=parse_pose_size(FLAGS.pose_size),
        limbs=FLAGS.limbs,
        motion_bones=Path(FLAGS.motion_bones) if FLAGS.motion_bones else None,
        smoothing=Smoothing(FLAGS.smooth, FLAGS.smooth_secs, FLAGS.cutoff_hz, FLAGS.speed_factor),
        hold=FLAGS.hold,
    )


def look_from_flags() -> FrameStyle:
    """What becomes of pictures before they are frames."""
    return FrameStyle(
        FLAGS.scale, FLAGS.background, FLAGS.clear_gaps, FLAGS.least_white, FLAGS.side_by_side
    )


def say(line: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(line, flush=True)


def say_aside(line: str) -> None:
    """Prints a warning."""
    print(line, file=sys.stderr, flush=True)


def open_model() -> tuple[PoseSpec, Callable[[], GeneratorBackend]]:
    """What the model's poses are measured in, and how to get its painter.

    Only a server has to be asked for the first; for others TensorFlow is loaded with the second.
    """
    if FLAGS.address:
        from psgan_tf.generation.backends.served import ServedBackend

        remote = ServedBackend(FLAGS.address, FLAGS.model)
        return remote.pose_spec, lambda: remote

    def painter() -> GeneratorBackend:
        from psgan_tf.generation.backends.checkpoint import CheckpointBackend
        from psgan_tf.generation.backends.saved_model import SavedModelBackend

        if FLAGS.run_dir:
            return CheckpointBackend(FLAGS.run_dir)
        return SavedModelBackend(FLAGS.saved_model)

    avatar = "" if Path(FLAGS.avatar).is_file() else FLAGS.avatar
    return read_stage(FLAGS.run_dir or FLAGS.saved_model, avatar), painter


def scene_of(
    pose_spec: PoseSpec, sequence: PoseSequence, open_painter: Callable[[], GeneratorBackend]
) -> tuple[AnimationSpec, Painter]:
    """What is to be drawn, and what draws it."""
    look, frames = look_from_flags(), sequence.num_frames
    names = {"motion": Path(FLAGS.motion).name}  # pictures are passed on: no paths of a machine
    if FLAGS.preview:
        nobody = np.zeros([frames, 0], np.float32)
        return AnimationSpec(pose_spec, sequence, nobody, look, names), SkeletonBackend(
            pose_spec, pose_spec.frame_px
        )
    latent_path = parse_latent_path(FLAGS.seed, FLAGS.character, FLAGS.blend, FLAGS.walk)
    painter = open_painter()
    parts = latents_of_parts(latent_path.parts, painter, say_aside)
    names |= {"character": latent_path.name, "model": painter.fingerprint}
    return AnimationSpec(
        pose_spec, sequence, latent_path.latents(parts, frames, FLAGS.loop), look, names
    ), painter


def main() -> int:
    """Checks the flags, draws, and says where the animation is."""
    outputs = outputs_from_flags()
    pose_spec, open_painter = open_model()
    if Path(FLAGS.avatar).is_file():
        pose_spec = replace(pose_spec, rest_skeleton=rest_skeleton_of_file(FLAGS.avatar))
    pose_spec = replace(pose_spec, ground=FLAGS.ground or pose_spec.ground)
    sequence = read_sequence(FLAGS.motion, pose_spec, options_from_flags())
    if FLAGS.save_poses:
        write_sequence(FLAGS.save_poses, sequence, pose_spec)
    if not outputs:
        return 0
    scene, painter = scene_of(pose_spec, sequence, open_painter)
    with Interrupts() as interrupts:
        outcome = animate(scene, painter, outputs, say, interrupts.seen, FLAGS.repeat)
    say(outcome.text(sequence.num_frames))
    if outcome.frames < sequence.num_frames:
        say_aside("psgan_tf.animate: stopped. With a folder as output the same command goes on.")
        return command_line.INTERRUPTED
    return 0


if __name__ == "__main__":
    command_line.run(main, "psgan_tf.animate")
