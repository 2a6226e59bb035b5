"""Converts pictures with keypoints into TFRecord shards for training.

    python -m tools.make_tfrecords --input=FOLDER --output=RECORDS

FOLDER is a dataset folder (manifest.jsonl, skeleton.json), pictures with OpenPose JSON files, or
DeepFashion In-shop. The same command again goes on where a stopped one left off.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from absl import flags

from psgan_tf.common import command_line
from psgan_tf.data.conversion.inspection import check_source, summary_table, write_preview
from psgan_tf.data.conversion.preparation import ConversionSettings, refuse_faults, worker_count
from psgan_tf.data.conversion.shard_plan import (
    ConversionOptions,
    parse_resolutions,
    safe_name,
    split_examples,
)
from psgan_tf.data.conversion.sources import (
    FORMATS,
    PARTITIONS,
    ReadingOptions,
    Source,
    open_source,
)
from psgan_tf.images.pictures import SQUARE_MODES
from psgan_tf.keypoints.dataset_folder import read_card

FLAGS = flags.FLAGS

flags.DEFINE_string("input", None, "Folder of pictures.", required=True)
flags.DEFINE_string("output", None, "Folder for the shards and dataset.json.")
flags.DEFINE_enum("format", "auto", FORMATS, "What the input is; auto looks.")
flags.DEFINE_list("keypoints", [], "Folder of OpenPose files, or DeepFashion keypoint tables.")
flags.DEFINE_string("name", None, "Name of the dataset; by default the input's.")
flags.DEFINE_string("card", None, "A card.json with licence and credits, if not in the input.")
flags.DEFINE_string("resolutions", None, "As 4-256 or 4,8,16; by default up to the frame's size.")
flags.DEFINE_enum("square", "pad", SQUARE_MODES, "Pad with white, or crop to the middle.")
flags.DEFINE_integer("min_keypoints", None, "Leave out pictures with fewer (DeepFashion: 10).", 0)
flags.DEFINE_float("min_confidence", 0.0, "OpenPose points not above this are missing.", 0.0)
flags.DEFINE_enum("table_coordinates", "auto", ["auto", "256", "176"], "Of DeepFashion tables.")
flags.DEFINE_enum("partition", "eval", PARTITIONS, "DeepFashion: hold out query+gallery, or none.")
flags.DEFINE_bool("hide_occluded", False, "Points that something hides count as missing.")
flags.DEFINE_list("test_motions", [], "Motions to keep out of training, whole.")
flags.DEFINE_integer("seed", 0, "Decides the order of the examples.")
flags.DEFINE_integer("shards", 0, "Training shards a resolution; 0 chooses.", 0)
flags.DEFINE_integer("workers", None, "Processes; by default one a processor.", 1)
flags.DEFINE_bool("strict", False, "A broken picture or annotation is an error.")
flags.DEFINE_bool("overwrite", False, "Replace what the output holds from other settings.")
flags.DEFINE_bool("check", False, "Read everything, write nothing.")
flags.DEFINE_string("preview", None, "Write a contact sheet (PNG) with skeletons drawn, and stop.")


def say(line: str) -> None:
    """Prints a line at once, also into a pipe."""
    print(line, flush=True)


def read_source() -> Source:
    """The input as the flags describe it."""
    options = ReadingOptions(
        form=FLAGS.format,
        keypoints=[Path(path) for path in FLAGS.keypoints],
        square=FLAGS.square,
        min_confidence=FLAGS.min_confidence,
        table_coordinates=FLAGS.table_coordinates,
        partition=FLAGS.partition,
        hide_occluded=FLAGS.hide_occluded,
    )
    source = open_source(Path(FLAGS.input), options)
    if FLAGS.card:
        if not Path(FLAGS.card).is_file():
            raise ValueError(f"`card` must be a JSON file. Received: {FLAGS.card}, which is none.")
        source = dataclasses.replace(source, card={**source.card, **read_card(FLAGS.card)})
    return source


def conversion_options(source: Source) -> ConversionOptions:
    """How to convert it, with the input's own values where no flag was given."""
    resolutions = parse_resolutions(FLAGS.resolutions, source.frame_px)
    least = source.min_keypoints if FLAGS.min_keypoints is None else FLAGS.min_keypoints
    return ConversionOptions(
        name=safe_name(FLAGS.name or source.card.get("name") or source.name),
        preparation=ConversionSettings(source.frame_px, resolutions, FLAGS.square, least),
        seed=FLAGS.seed,
        shards=FLAGS.shards,
        test_motions=tuple(FLAGS.test_motions),
        workers=FLAGS.workers or worker_count(),
        strict=FLAGS.strict,
        overwrite=FLAGS.overwrite,
    )


def describe(source: Source, options: ConversionOptions) -> str:
    """What was found and what will be made of it."""
    preparation = options.preparation
    lines = [
        f"{options.name}: {len(source.examples):,} pictures with keypoints ({source.form}), "
        f"{source.skeleton.name} with {source.skeleton.num_keypoints} keypoints",
        f"keypoint frame {preparation.frame_px} px, resolutions "
        f"{', '.join(map(str, preparation.resolutions))}",
        *source.notes,
    ]
    if not source.card.get("licence"):
        lines.append("no licence is known; say it in card.json, or with --card")
    return "\n".join(lines)


def check(source: Source, options: ConversionOptions) -> int:
    """Reads every picture and says what conversion would keep."""
    kept, left_out = check_source(source, options, say)
    say(summary_table(kept, left_out))
    if options.strict:
        refuse_faults(left_out)
    return 0


def main() -> int:
    """Checks the flags and the input, then looks, checks or converts."""
    if not FLAGS.output and not FLAGS.check and not FLAGS.preview:
        raise ValueError("`output` must be given. Received: nothing. Set --output=FOLDER.")
    source = read_source()
    if not source.examples:
        say(summary_table({}, source.left_out))
    options = conversion_options(source)
    split_examples(source.examples, options.test_motions)  # before work: a wrong motion's name
    say(describe(source, options))
    if FLAGS.preview:
        write_preview(FLAGS.preview, source.examples, options.preparation, source.skeleton)
        say(f"wrote {FLAGS.preview}")
        if not FLAGS.check:
            return 0
    if FLAGS.check:
        return check(source, options)
    # Only now, and not in the worker processes, which import this file too.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from psgan_tf.data.conversion.convert import convert

    card = convert(source, Path(FLAGS.output), options, say)
    examples = ", ".join(f"{split.examples:,} {key}" for key, split in card.splits.items())
    say(f"{FLAGS.output} holds {card.name}: {examples}")
    return 0


if __name__ == "__main__":
    command_line.run(main, "make_tfrecords")
