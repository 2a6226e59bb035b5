"""Small rendering jobs, and what is in their folders."""

import json
import subprocess
import sys
from pathlib import Path

from motion_files_by_hand import written
from psgan_tf.keypoints.dataset_folder import read_folder
from run_programs import REPOSITORY
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.rendering_job import render_dataset

# Standing still, then: the left arm up, the right forearm forward, a step to the left.
MOVES = [
    {},
    {"leftUpperArm": [90, 0, 0], "rightLowerArm": [0, 0, 90]},
    {"hips": [0.5, 1.0, 0.25, 0, 0, 0], "head": [0, 0, 40], "leftUpperLeg": [0, -30, 0]},
]


def rendered(files, **changes):
    """The folder that a job with these changes makes."""
    options = RenderOptions(**(files | changes))
    render_dataset(options, lambda line: None)
    return read_folder(options.output)


def contents(directory):
    """Every file of a folder by name, hidden ones left out."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(Path(directory).rglob("*"))
        if path.is_file() and not path.relative_to(directory).parts[0].startswith(".")
    }


def costumes(folder, *names):
    return written(folder, "looks.json", json.dumps({"costumes": {name: {} for name in names}}))


def command(*arguments):
    return [sys.executable, "-m", "tools.render_avatars", *map(str, arguments)]


def run(*arguments, **options):
    return subprocess.run(
        command(*arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=300, **options
    )


def assert_one_line_of_error(done, *words):
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("render_avatars: ")
    for word in words:
        assert word in done.stderr
