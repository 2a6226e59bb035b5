"""`make demo` from nothing: every step by its real program, only smaller."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from psgan_tf.keypoints.dataset_folder import read_folder
from run_programs import REPOSITORY
from tools.avatars.builtin.motions.motions import MOTIONS, TEST_MOTIONS

MAKES_OWN = re.compile("MAKE|MFLAGS")
RENDER = "--costumes=built-in#track-suit --size=64 --poses_per_motion=2 --workers=1"
TRAIN = (
    "--resolution=4 --fmap_base=32 --fmap_max=8 --latent_size=8 --batch_size=4 "
    "--fade_kimg=0.02 --stabilize_kimg=0.02 --tick_kimg=0.02 --sample_kimg=0.02"
)


def make_demo(folder, *arguments):
    """Calls the Makefile as a user does, in the environment that the tests run in."""
    command = [
        "make",
        "--old-file=environment",
        f"RUN={sys.executable}",
        f"DEMO_DIR={folder}",
        f"DEMO_RENDER={RENDER}",
        f"DEMO_TRAIN={TRAIN}",
        "demo",
        *arguments,
    ]
    # `make test` tells the makes below it that they are, and these then say more.
    environment = {name: value for name, value in os.environ.items() if not MAKES_OWN.match(name)}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=600
    )


def test_the_demo_draws_and_animates_a_character_and_is_not_made_twice(tmp_path):
    folder = tmp_path / "demo"
    done = make_demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, grid, animation, last = done.stdout.splitlines()
    assert grid == f"The grid is {folder}/pictures/grid.png"
    assert animation == f"The animation is {folder}/dance.webp"
    with Image.open(folder / "pictures" / "grid.png") as picture:
        # Skeletons and eight characters in six poses, beside them their names.
        assert (picture.height, picture.width > 6 * 128) == (9 * 128, True)
    with Image.open(folder / "dance.webp") as movie:
        frames = []
        for number in range(movie.n_frames):
            movie.seek(number)
            frames.append(np.asarray(movie.convert("RGB"), np.int16))
    assert len(frames) > 24
    moved = [np.abs(frame - frames[0]).max() for frame in frames[1:]]
    assert max(moved) > 50
    rows = read_folder(folder / "dataset").rows
    assert len(rows) == 2 * len(MOTIONS)
    tests = {row.attributes["motion"] for row in rows if row.attributes["split"] == "test"}
    assert tests == set(TEST_MOTIONS)
    overlap = json.loads((folder / "run" / "evaluation.json").read_text())["overlap"]
    assert set(overlap) == {"train", "test", *(f"test: {name}" for name in TEST_MOTIONS)}

    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = make_demo(folder)
    assert again.stdout.splitlines() == [grid, animation, last]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == made


@pytest.mark.parametrize("data", ["nowhere", "with space/nowhere"])
def test_a_folder_that_is_none_is_refused_before_anything_is_made(tmp_path, data):
    done = make_demo(tmp_path / "demo", f"DATA={tmp_path / data}")
    assert done.returncode != 0
    assert "`DATA` must be a folder with manifest.jsonl" in done.stderr
    assert f"Received: {tmp_path / data}." in done.stderr
    assert not (tmp_path / "demo").exists()
