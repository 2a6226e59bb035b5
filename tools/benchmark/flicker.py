"""Flicker of an animation against the rendered truth, and what smoothing of poses does.

    python -m tools.benchmark flicker --run_dir=runs/film

Mean absolute difference from each frame to the next, in levels of 0..255 over the whole picture,
of the network's pictures and of the renderer's in the same poses: a pose that is moved sideways
by parts of a pixel, one that is held, and a motion slowed down and at its own speed; with exact
keypoints, and with those that tremble as a detector's do. The largest step of a film shows whether
it goes in jumps. Smoothing moves keypoints off their places: the last column says by how much.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.evaluation.flicker import distance_px, flicker_of, jittered
from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.generation.pose_spec import PoseSpec, pose_spec_of_card
from psgan_tf.keypoints.smoothing import METHODS, Smoothing
from tools.benchmark.films.drawing import drawn
from tools.benchmark.films.flicker_table import Row, table
from tools.benchmark.films.rendered_truth import Take, Truth, costumes_of

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", "", "Folder of a training run, on pictures of tools.render_avatars.")
flags.DEFINE_string("avatar", "built-in", "The avatar that it was trained on.")
flags.DEFINE_string("costumes", "", "Its costumes. Default: those of the run's dataset.")
flags.DEFINE_string("motion", "built-in#dance_idol", "A motion that it was not trained on.")
flags.DEFINE_integer("characters", 4, "Seeds 0, 1, ... that are drawn.", 1)
flags.DEFINE_float("fps", 24.0, "Frames a second.", 1.0)
flags.DEFINE_integer("frames", 72, "Frames of each case, at most.", 2)
flags.DEFINE_float("pan_px", 0.1, "Pixels of the pictures that the pan goes from frame to frame.")
flags.DEFINE_float("jitter_px", 0.5, "Standard deviation of the tremble in pixels of the pictures.")
flags.DEFINE_integer("slower", 4, "By what factor the slow motion is slowed down.", 1)
flags.DEFINE_string("json", "", "Write the figures to this file as well.")

# Where in the motion the poses are that are moved sideways and held.
_MOMENTS = (0.0, 0.25, 0.5, 0.75)


class Judge:
    """Measures takes for one network.

    Args:
        sampler: the network.
        pose_spec: what its poses are measured in.
    """

    def __init__(self, sampler: Sampler, pose_spec: PoseSpec) -> None:
        self._sampler, self._pose_spec = sampler, pose_spec
        self._pixel = pose_spec.frame_px / sampler.resolution

    def rows(self, case: str, truth: Truth, takes: list[Take], jitter_px: float) -> list[Row]:
        """A line for each method of smoothing: means over the takes."""
        rendered = flicker_of(
            [truth.pictures(take, costume) for take in takes for costume in truth.costumes]
        )
        films: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
        off_px: dict[str, list[float]] = {method: [] for method in METHODS}
        for seed, take in enumerate(takes):
            found = jittered(take.keypoints, jitter_px * self._pixel, seed)
            for method in METHODS:
                smoothing = Smoothing(method)
                keypoints = smoothing.apply(
                    found, FLAGS.fps, self._pose_spec.frame_px, closed=False
                )
                for character in range(FLAGS.characters):
                    films[method].append(drawn(self._sampler, keypoints, character))
                off_px[method].append(distance_px(keypoints, take.keypoints) / self._pixel)
        return [
            Row(case, method, flicker_of(films[method]), rendered, float(np.mean(off_px[method])))
            for method in METHODS
        ]


def measure(sampler: Sampler, folder: Path) -> list[Row]:
    """All lines of the table."""
    pose_spec = pose_spec_of_card(sampler.card)
    costumes = FLAGS.costumes or costumes_of(sampler.card, FLAGS.avatar)
    whole, slow = (
        Truth(pose_spec, FLAGS.avatar, costumes, [FLAGS.motion], fps, sampler.resolution, folder)
        for fps in (FLAGS.fps, FLAGS.fps * FLAGS.slower)
    )
    name = whole.motions[0]
    tremble = f", trembling by {FLAGS.jitter_px:g} px"

    def pans(step_px: float) -> list[Take]:
        return [whole.pan(name, moment, step_px, FLAGS.frames) for moment in _MOMENTS]

    def motion(truth: Truth) -> list[Take]:
        return [truth.motion(name).part(FLAGS.frames)]

    slowed = f"the motion, {FLAGS.slower} times as slow"
    cases = [
        (f"a pose moved by {FLAGS.pan_px:g} px a frame", whole, pans(FLAGS.pan_px), 0.0),
        ("a held pose" + tremble, whole, pans(0.0), FLAGS.jitter_px),
        (slowed, slow, motion(slow), 0.0),
        (slowed + tremble, slow, motion(slow), FLAGS.jitter_px),
        ("the motion", whole, motion(whole), 0.0),
        ("the motion" + tremble, whole, motion(whole), FLAGS.jitter_px),
    ]
    judge, rows = Judge(sampler, pose_spec), []
    for case, truth, takes, jitter_px in cases:
        rows += judge.rows(case, truth, takes, jitter_px)
        print(f"{case}: done", flush=True)
    return rows


def main() -> int:
    """Measures, and prints one table."""
    if not FLAGS.run_dir:
        raise ValueError("`run_dir` must be given. Received: nothing. Set --run_dir=FOLDER.")
    sampler = Sampler(FLAGS.run_dir)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(sampler, Path(folder) / "truth")
    print(
        f"{table(rows)}\n{sampler.resolution} px, after {sampler.images_shown:,} images; "
        f"{FLAGS.characters} characters, {FLAGS.motion}, {FLAGS.fps:g} frames a second"
    )
    if FLAGS.json:
        document = {
            "resolution": sampler.resolution,
            "images_shown": sampler.images_shown,
            "rows": [row.to_json() for row in rows],
        }
        write_atomically(FLAGS.json, json_text(document))
    return 0
