"""Films of a network beside the rendered truth, and how well their silhouettes overlap.

    python -m tools.benchmark film --run_dir=runs/film --output=films

For each motion an MP4 and a GIF (truth, skeleton, generated), and a plot of the overlap frame by
frame beside what pictures that ignore the pose would reach; all figures in `overlap.json`. The
motions should be ones that the network was not trained on. The truth wears the costume that is
nearest to the character's by its colours.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import flags

from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.evaluation.silhouettes import overlaps_with_floors, silhouettes
from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.generation.pose_spec import PoseSpec, pose_spec_of_card
from psgan_tf.images.pictures import enlarged
from psgan_tf.keypoints.drawing import skeleton_picture
from psgan_tf.video.writing import write_animation
from tools.benchmark.films.drawing import drawn
from tools.benchmark.films.overlap_curves import overlap_figure, png_of
from tools.benchmark.films.rendered_truth import Take, Truth, costumes_of, nearest_film

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", "", "Folder of a training run, on pictures of tools.render_avatars.")
flags.DEFINE_string("output", "", "Folder for the films and figures.")
flags.DEFINE_string("avatar", "built-in", "The avatar that it was trained on.")
flags.DEFINE_string("costumes", "", "Its costumes. Default: those of the run's dataset.")
flags.DEFINE_list("motion", ["built-in#jump", "built-in#dance_idol"], "Motions.")
flags.DEFINE_integer("seed", 0, "The character.", 0)
flags.DEFINE_float("fps", 24.0, "Frames a second.", 1.0, 50.0)
flags.DEFINE_integer("cell_px", 256, "Size of each of the three pictures of a frame.", 64)

# The floors that a plot shows, and what it calls them.
_SHOWN = {
    "same_pose": "same pose",
    "generated_shuffled": "shuffled poses",
    "generated_other_frame": "another frame",
    "constant": "best constant",
}


def write_film(
    path: Path, real: np.ndarray, generated: np.ndarray, keypoints: np.ndarray, pose_spec: PoseSpec
) -> None:
    """Truth, skeleton and generated side by side, as .mp4 and .gif."""
    factor = max(1, FLAGS.cell_px // real.shape[1])
    skeletons = [
        skeleton_picture(pose, pose_spec.skeleton, pose_spec.frame_px, factor * real.shape[1])
        for pose in keypoints
    ]
    frames = [
        np.concatenate([enlarged(a, factor), skeleton, enlarged(b, factor)], axis=1)
        for a, skeleton, b in zip(real, skeletons, generated, strict=True)
    ]
    for ending in (".mp4", ".gif"):
        write_animation(path.with_suffix(ending), frames, FLAGS.fps)


@dataclass(frozen=True, eq=False)
class Footage:
    """What is compared.

    Attributes:
        takes: the motions.
        generated: for each [F, R, R, 3] uint8, the network's pictures.
        costume: what the truth wears.
        real: for each [F, R, R, 3] uint8, the renderer's pictures.
    """

    takes: list[Take]
    generated: list[np.ndarray]
    costume: str
    real: list[np.ndarray]

    def overlaps(self) -> list[dict[str, np.ndarray]]:
        """For each take, by name, the overlap of each frame: see `overlaps_with_floors`."""
        every = overlaps_with_floors(
            silhouettes(np.concatenate(self.generated)),
            silhouettes(np.concatenate(self.real)),
            np.concatenate([take.keypoints for take in self.takes]),
            [take.name for take in self.takes for _ in take.poses],
            FLAGS.seed,
        )
        ends = np.cumsum([len(take.poses) for take in self.takes])[:-1]
        parts = {name: np.split(values, ends) for name, values in every.items()}
        return [{name: part[i] for name, part in parts.items()} for i in range(len(self.takes))]


def shoot(sampler: Sampler, pose_spec: PoseSpec, folder: Path) -> Footage:
    """Draws and renders all motions."""
    costumes = FLAGS.costumes or costumes_of(sampler.card, FLAGS.avatar)
    size = sampler.resolution
    truth = Truth(pose_spec, FLAGS.avatar, costumes, FLAGS.motion, FLAGS.fps, size, folder)
    takes = [truth.motion(name) for name in truth.motions]
    generated = [drawn(sampler, take.keypoints, FLAGS.seed) for take in takes]
    films = {
        costume: [truth.pictures(take, costume) for take in takes] for costume in truth.costumes
    }
    whole = {costume: np.concatenate(parts) for costume, parts in films.items()}
    costume = nearest_film(np.concatenate(generated), whole)
    return Footage(takes, generated, costume, films[costume])


def summary(name: str, overlaps: dict[str, np.ndarray]) -> str:
    """A line for people."""
    means = [f"{label} {np.nanmean(overlaps[key]):.3f}" for key, label in _SHOWN.items()]
    least = float(overlaps["same_pose"].min())
    frames = len(overlaps["same_pose"])
    return f"{name}, {frames} frames: {', '.join(means)}; the least of a frame {least:.3f}"


def main() -> int:
    """Draws, compares, and says where everything is."""
    for name in ("run_dir", "output"):
        if not FLAGS[name].value:
            raise ValueError(f"`{name}` must be given. Received: nothing. Set --{name}=FOLDER.")
    sampler, output = Sampler(FLAGS.run_dir), Path(FLAGS.output)
    pose_spec = pose_spec_of_card(sampler.card)
    with tempfile.TemporaryDirectory() as folder:
        footage = shoot(sampler, pose_spec, Path(folder) / "truth")
    output.mkdir(parents=True, exist_ok=True)
    figures = {}
    shots = zip(footage.takes, footage.real, footage.generated, footage.overlaps(), strict=True)
    for take, real, generated, overlaps in shots:
        write_film(output / take.name, real, generated, take.keypoints, pose_spec)
        curves = {label: overlaps[key] for key, label in _SHOWN.items()}
        write_atomically(output / f"{take.name}.png", png_of(overlap_figure(take.name, curves)))
        figures[take.name] = {
            key: [None if np.isnan(value) else round(value, 4) for value in values.tolist()]
            for key, values in overlaps.items()
        }
        print(summary(take.name, overlaps), flush=True)
    document = {
        "resolution": sampler.resolution,
        "images_shown": sampler.images_shown,
        "seed": FLAGS.seed,
        "costume": footage.costume,
        "overlap": figures,
    }
    write_atomically(output / "overlap.json", json_text(document))
    print(
        f"the truth wears {footage.costume}; {sampler.resolution} px, after "
        f"{sampler.images_shown:,} images; in {output}"
    )
    return 0
