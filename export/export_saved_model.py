"""Exports a run: `python -m export.export_saved_model --run_dir=... --export_dir=models/avatar`.

The averaged generator of a checkpoint becomes `models/avatar/<version>/`, a SavedModel that
TensorFlow Serving 2.15 loads: signatures, warm-up requests, model card and keypoint schema. It is
checked as a C++ server would load it, and appears under its number whole or not at all.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags, logging

from export.saved_model.version_folder import check_version_is_free
from psgan_tf.common import command_line
from psgan_tf.training.config import PRECISIONS, load_options

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", "", "Folder of a training run.")
flags.DEFINE_string("export_dir", "", "Folder of the model; its name is the model's in a server.")
flags.DEFINE_integer("checkpoint", None, "Images shown at the checkpoint. Default: the newest.")
flags.DEFINE_integer("version", None, "Number of the version. Default: the next free one.")
flags.DEFINE_enum(
    "precision",
    "float32",
    PRECISIONS,
    "What the model computes in; bfloat16 only where the server's processor has it.",
)
flags.DEFINE_list(
    "warmup_batch_sizes",
    ["1", "2", "4"],
    "Batches that a server tries when it loads the model; with batching its allowed_batch_sizes.",
)


def batch_sizes_from_flags() -> list[int]:
    """The batch sizes named on the command line.

    Raises:
        ValueError: when one is no number.
    """
    try:
        return [int(size) for size in FLAGS.warmup_batch_sizes]
    except ValueError:
        raise ValueError(
            "`warmup_batch_sizes` must be numbers such as 1,2,4. "
            f"Received: {','.join(FLAGS.warmup_batch_sizes)}."
        ) from None


def main() -> int:
    """Exports, and prints how each signature answered and where the version is."""
    if not FLAGS.export_dir:
        raise ValueError(
            "`export_dir` must be the folder of the model, such as models/avatar. "
            "Received: nothing."
        )
    batch_sizes = batch_sizes_from_flags()
    check_version_is_free(FLAGS.export_dir, FLAGS.version)
    load_options(FLAGS.run_dir)
    # TensorFlow only now: --help and a wrong flag answer at once.
    import tensorflow as tf

    from export.saved_model.exporting import export_run

    # A GPU may be busy with the training that this takes a checkpoint of.
    tf.config.set_visible_devices([], "GPU")
    logging.set_verbosity(logging.WARNING)
    exported = export_run(
        FLAGS.run_dir,
        FLAGS.export_dir,
        checkpoint=FLAGS.checkpoint,
        version=FLAGS.version,
        precision=FLAGS.precision,
        warmup_batch_sizes=batch_sizes,
    )
    print(exported.report.table())
    print(f"exported: {exported.directory}")
    return 0


if __name__ == "__main__":
    command_line.run(main, "export_saved_model")
