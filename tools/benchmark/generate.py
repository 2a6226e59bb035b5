"""Cost of drawing: seconds per picture of the generator's forward pass, at any resolution.

python -m tools.benchmark generate --resolution=64,1024 --batch=16,1 --precision=bfloat16
python -m tools.benchmark generate --kernels=fast,plain --against=tensorflow-gan
"""

from __future__ import annotations

from absl import flags

from tools.benchmark.steps import step_flags

FLAGS = flags.FLAGS

flags.DEFINE_boolean("fading", False, "Half-way through a fade, in place of fully grown.")


def main() -> int:
    """Measures the resolutions and prints a table of each."""
    return step_flags.run("generate", lambda: FLAGS.fading)
