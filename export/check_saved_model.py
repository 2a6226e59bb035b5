"""Would a C++ server take this SavedModel? `python -m export.check_saved_model models/avatar/1`.

Looks for what servers lack (Python calls, XLA, custom ops, missing variables), loads the model by
TensorFlow's C API in a process without TensorFlow's Python, runs every signature once with made-up
inputs, and prints a line for each. Ends with 0 when nothing is wrong.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from psgan_tf.common import command_line

FLAGS = flags.FLAGS

flags.DEFINE_integer("batch_size", 1, "Leading dimension of the made-up inputs.")
flags.DEFINE_float("timeout_secs", 600, "For loading and running all signatures.")


def check(directory: str) -> int:
    """Prints the report; 1 where something is wrong."""
    # TensorFlow only now: --help and a wrong flag answer at once.
    from export.saved_model.check.load_check import check_saved_model

    if FLAGS.batch_size < 0:
        raise ValueError(f"`batch_size` must not be negative. Received: {FLAGS.batch_size}.")
    report = check_saved_model(
        directory, batch_size=FLAGS.batch_size, timeout_secs=FLAGS.timeout_secs
    )
    print(report.table())
    if report.problems:
        raise ValueError(f"{directory}: {len(report.problems)} problems, see above")
    return 0


if __name__ == "__main__":
    command_line.run(check, "check_saved_model", ["DIR"])
