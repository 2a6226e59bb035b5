"""Converts poses between files of all forms: our own, OpenPose, ControlNet's editors, COCO.

    python -m tools.convert_pose --input=pose.json --output=avatar.json --schema=avatar20
    python -m tools.convert_pose --input=FOLDER --output=dance.json --fps=24
    python -m tools.convert_pose --input=dance.json --output=FOLDER --format=openpose
    python -m tools.convert_pose --input=DATASET#walk --output=walk.json --format=controlnet

A point that is hidden or missing stays missing. docs/pose_files.md says what follows exactly from
one schema to another, what is derived and what is lost.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from absl import flags

from psgan_tf.common import command_line
from psgan_tf.keypoints.named_poses import parse_pose_size
from psgan_tf.keypoints.pose_conversion import FORMATS, read_pose_set, schema_for, write_pose_set
from psgan_tf.keypoints.schema import SKELETONS, Skeleton
from psgan_tf.keypoints.schema_conversion import conversion_table

FLAGS = flags.FLAGS

flags.DEFINE_string("input", None, "Pose file, folder of them, dataset folder or FOLDER#motion.")
flags.DEFINE_string("output", None, "FILE.json, or a folder for one file a pose.")
flags.DEFINE_enum("format", "psgan", FORMATS, "What to write.")
flags.DEFINE_string(
    "schema",
    None,
    f"Keypoints to write: {', '.join(SKELETONS)}; by default the input's, or else those of the "
    "format that keep most.",
)
flags.DEFINE_integer("person", None, "Whom to take of several, from 1; else the most complete.", 1)
flags.DEFINE_string("pose_size", "", "WxH in pixels of pictures whose files do not say it.")
flags.DEFINE_float("fps", None, "Poses a second to note in a psgan file.", 0.001, 1000.0)


def summary(source: Skeleton, target: Skeleton) -> str:
    """What became of the points, for people to read."""
    if source == target:
        return f"{target.name} as it was"
    table = conversion_table(source, target)
    counted = ", ".join(
        f"{sum(found == kind for found in table.values())} {kind}" for kind in ("exact", "derived")
    )
    missing = [name for name, kind in table.items() if kind == "missing"]
    lost = f", {len(missing)} missing ({', '.join(missing)})" if missing else ""
    return f"{target.name} from {source.name}: {counted}{lost}"


def main() -> int:
    """Reads, converts and writes."""
    for name in ("input", "output"):
        if not FLAGS[name].value:
            raise ValueError(f"`{name}` must be given. Received: nothing. Set --{name}=PATH.")
    size = parse_pose_size(FLAGS.pose_size)
    found = read_pose_set(FLAGS.input, size, FLAGS.person)
    skeleton = schema_for(FLAGS.format, found.skeleton, FLAGS.schema)
    converted = replace(found.converted(skeleton), fps=FLAGS.fps or found.fps)
    files = write_pose_set(Path(FLAGS.output), converted, FLAGS.format)
    poses, noun = len(converted.poses), "pose" if len(converted.poses) == 1 else "poses"
    print(f"{FLAGS.output}: {poses:,} {noun} in {len(files):,} {FLAGS.format} file(s);", end=" ")
    print(summary(found.skeleton, skeleton))
    return 0


if __name__ == "__main__":
    command_line.run(main, "convert_pose")
