"""Draws the documentation's pictures of the built-in avatar anew.

python -m tools.show_builtin_avatar --output=docs
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from psgan_tf.common import command_line
from psgan_tf.common.files import write_atomically

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "Folder for the pictures.")
flags.DEFINE_string("costume", "sailor-summer", "Costume that she moves in.")


def compact_png(picture: np.ndarray) -> bytes:
    """A PNG of 256 colours, a third of the size: flat colours lose nothing that one sees.

    Args:
        picture: [H, W, 3] uint8.
    """
    image = Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main() -> int:
    """Makes the avatar's files, draws the sheets and says where they are."""
    if not FLAGS.output:
        raise ValueError("`output` must be given. Received: nothing. Set --output=FOLDER.")
    # Needs the renderer's own packages, which only some installations have.
    from tools.avatars.builtin.builtin_files import write_builtin_files
    from tools.avatars.dataset.presets import DISTINCT_COSTUMES
    from tools.avatars.dataset.showcase import Showcase

    output = Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        showcase = Showcase(write_builtin_files(folder))
        for name, draw in (
            ("costumes", showcase.costumes),
            ("motions", lambda: showcase.motions(FLAGS.costume)),
            (
                "mixed_poses",
                lambda: showcase.mixed_poses(DISTINCT_COSTUMES),
            ),
            ("close_ups", showcase.close_ups),
        ):
            write_atomically(output / f"{name}.png", compact_png(draw()))
            print(output / f"{name}.png", flush=True)
    return 0


if __name__ == "__main__":
    command_line.run(main, "show_builtin_avatar")
