"""Cost of a training step: seconds per image, arithmetic, peak memory, at any phase.

    python -m tools.benchmark train --resolution=64 --batch=16 --precision=float32,bfloat16
    python -m tools.benchmark train --kernels=fast,plain --resolution=1024 --batch=2
    python -m tools.benchmark train --against=tensorflow-gan

A step is that of training, on random pictures and poses: both networks' updates and the gradient
penalty. The peer is installed into an environment of its own on the first call.
"""

from __future__ import annotations

from absl import flags

from tools.benchmark.steps import step_flags

FLAGS = flags.FLAGS

flags.DEFINE_boolean("fading", True, "A fading stage, the dearer one.")


def main() -> int:
    """Measures the stages and prints a table of each."""
    return step_flags.run("train", lambda: FLAGS.fading)
