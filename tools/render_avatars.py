"""Renders rigged avatars in costumes and motions to pictures with exact keypoints.

    python -m tools.render_avatars --avatar=girl.vrm --motion=walk.bvh --output=FOLDER
    python -m tools.render_avatars --preset=demo --output=FOLDER

FOLDER becomes what `tools.make_tfrecords` reads. The same command again goes on where a stopped
one left off. `--check=FILE` only says what an avatar, motion or costume file holds.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from psgan_tf.common import command_line
from psgan_tf.data.conversion.preparation import worker_count
from psgan_tf.motion.retarget import GROUND_RULES
from tools.avatars.builtin.builtin_files import write_builtin_files
from tools.avatars.dataset.options import (
    BACKENDS,
    BACKGROUNDS,
    FRAMINGS,
    RenderOptions,
    parse_angles,
)
from tools.avatars.dataset.presets import PRESETS, preset_values, with_builtin_files

FLAGS = flags.FLAGS

flags.DEFINE_enum("preset", None, list(PRESETS), "A dataset of the built-in avatar; see the docs.")
flags.DEFINE_multi_string("avatar", [], "GLB, glTF or VRM file, or built-in; several times.")
flags.DEFINE_multi_string(
    "motion",
    [],
    "BVH, VMD, VRMA or glTF file; all its clips, or FILE#clip,clip; or built-in, or "
    "built-in#walk,run; several times.",
)
flags.DEFINE_multi_string(
    "costumes", [], "Costume file (JSON) of each avatar, in their order; or built-in#name,name."
)
flags.DEFINE_string("output", None, "Folder for the pictures, manifest and card.")
flags.DEFINE_multi_string("check", [], "Only say what a file holds; several times.")
flags.DEFINE_string("builtin_files", None, "Only write the built-in avatar's files there.")
flags.DEFINE_string("avatar_bones", None, "Bone map (JSON) for avatars with names of their own.")
flags.DEFINE_string("motion_bones", None, "Bone map (JSON) for motions with names of their own.")
flags.DEFINE_string("name", None, "Name of the dataset; by default the output folder's.")
flags.DEFINE_integer("size", 1024, "Width and height of the pictures in pixels.")
flags.DEFINE_integer("samples", 2, "Samples along each side of a pixel.")
flags.DEFINE_enum("background", "white", BACKGROUNDS, "White, or none.")
flags.DEFINE_float("outline_scale", 1.0, "Factor for the outlines' width; 0 leaves them out.")
flags.DEFINE_enum("backend", "cpu", BACKENDS, "Draw with Numba, or with OpenGL (EGL).")
flags.DEFINE_integer("poses_per_motion", 50, "Poses taken of each motion, evenly spaced.")
flags.DEFINE_float("fps", None, "Take so many poses a second instead.")
flags.DEFINE_string(
    "yaw", "0", "Degrees that it is turned left: 0,90,180 takes all, -60:60 draws one."
)
flags.DEFINE_string("pitch", "0", "Degrees above the horizon, in the same forms.")
flags.DEFINE_integer("mixed_poses", 0, "New poses a costume, mixed from the training motions.", 0)
flags.DEFINE_enum("framing", "all", FRAMINGS, "Show all of all poses, or draw it larger.")
flags.DEFINE_float("zoom", 1.0, "Factor on the size that the framing gives.")
flags.DEFINE_enum("ground", "motion", GROUND_RULES, "What stands on the ground; see the docs.")
flags.DEFINE_list("test_motions", [], "Names of the motions to keep for testing.")
flags.DEFINE_float("test_fraction", 0.1, "Part of the motions to keep, if none is named.")
flags.DEFINE_integer("seed", 0, "Decides drawn angles and the motions to keep for testing.")
flags.DEFINE_bool("have_permission", False, "Use avatars whose terms forbid it.")
flags.DEFINE_multi_string("credit", [], "Line to add to the card's credits; several times.")
flags.DEFINE_string("licence", "", "The pictures' licence; by default the avatars'.")
flags.DEFINE_integer("workers", None, "Processes; by default one a processor.", 1)


def say(line: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(line, flush=True)


def path_or_none(text: str | None) -> Path | None:
    """A path, where one was given."""
    return Path(text) if text else None


def apply_preset() -> None:
    """Sets the flags of the preset that the user has not set."""
    if FLAGS.preset is not None:
        given = {name: bool(FLAGS[name].present) for name in FLAGS}
        for name, value in preset_values(FLAGS.preset, given).items():
            FLAGS[name].value = value


def read_options() -> RenderOptions:
    """What the flags ask for."""
    if not FLAGS.output:
        raise ValueError("`output` must be given. Received: nothing. Set --output=FOLDER.")
    output = Path(FLAGS.output)
    return RenderOptions(
        avatars=tuple(Path(path) for path in FLAGS.avatar),
        output=output,
        motions=tuple(FLAGS.motion),
        costumes=tuple(path_or_none(path) for path in FLAGS.costumes),
        avatar_bones=path_or_none(FLAGS.avatar_bones),
        motion_bones=path_or_none(FLAGS.motion_bones),
        name=FLAGS.name or output.resolve().name,
        size_px=FLAGS.size,
        samples_per_pixel=FLAGS.samples,
        background=FLAGS.background,
        outline_scale=FLAGS.outline_scale,
        backend=FLAGS.backend,
        poses_per_motion=FLAGS.poses_per_motion,
        fps=FLAGS.fps,
        yaw=parse_angles(FLAGS.yaw, "yaw", 360.0),
        pitch=parse_angles(FLAGS.pitch, "pitch", 80.0),
        mixed_poses=FLAGS.mixed_poses,
        framing=FLAGS.framing,
        zoom=FLAGS.zoom,
        ground=FLAGS.ground,
        test_motions=tuple(FLAGS.test_motions),
        test_fraction=FLAGS.test_fraction,
        seed=FLAGS.seed,
        have_permission=FLAGS.have_permission,
        credits=tuple(FLAGS.credit),
        licence=FLAGS.licence,
        workers=FLAGS.workers or worker_count(),
    )


def main() -> int:
    """Looks at files, writes the built-in ones, or renders a dataset."""
    try:
        # Needs the renderer's own packages, which only some installations have.
        from tools.avatars.dataset import inspection, rendering_job
    except ImportError as error:
        raise ValueError(str(error)) from error
    if FLAGS.check:
        for path in FLAGS.check:
            say(inspection.describe_file(path, path_or_none(FLAGS.avatar_bones)))
        return 0
    if FLAGS.builtin_files:
        write_builtin_files(FLAGS.builtin_files)
        say(f"the built-in avatar is in {FLAGS.builtin_files}")
        return 0
    apply_preset()
    options = with_builtin_files(read_options())
    count = rendering_job.render_dataset(options, say)
    say(f"{options.output} holds {count:,} pictures; convert them with tools.make_tfrecords")
    return 0


if __name__ == "__main__":
    command_line.run(main, "render_avatars")
